"""Which kind of file it is: a workbook, XML, or text with one of five delimiters, told by the headers that are expected."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from recoup.adapters.reading.delimited import read_delimited
from recoup.adapters.reading.records import Records, normal
from recoup.adapters.reading.text import to_utf8
from recoup.adapters.reading.workbook import read_workbook

if TYPE_CHECKING:
    from collections.abc import Collection

#: In order of preference where the headers do not decide.
_DELIMITERS = (",", "\t", "|", "^", ";")

#: How the bytes of a workbook begin: zip (xlsx, ods) and the compound file of xls.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def read_records(data: bytes, name: str, expected: Collection[str]) -> Records:
    """Read a file's bytes into text records.

    ``name`` is only for messages; what the file is, is told by its bytes. ``expected`` holds the headers that the feed may
    have, as ``normal`` writes them. Raises ``RecoupError`` (status 4) when it holds no header or cannot be read at all.
    """
    if data.startswith(_WORKBOOKS):
        return read_workbook(data, name, expected)
    text, foreign = to_utf8(data, name)
    if text.lstrip()[:1] == b"<":
        from recoup.adapters.reading.xml import read_xml

        return read_xml(text, name, expected)
    return read_delimited(text, _delimiter(text, expected), name, (("ENCODING_1252", foreign),) if foreign else ())


def _delimiter(text: bytes, expected: Collection[str]) -> str:
    """The delimiter that shows most of the expected headers in the first filled line; of equals, the one that gives most fields."""
    head = next((line for line in text[:65536].decode("utf-8", "replace").splitlines() if line.strip()), "")
    known = set(expected)

    def found(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([head], delimiter=delimiter), [])
        return len({normal(cell) for cell in cells} & known), len(cells)

    return max(_DELIMITERS, key=found)
