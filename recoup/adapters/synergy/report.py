"""A report in Synergy's XML: labels first, then one element a row, whose cells are named by column and not by what people call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.adapters.reading import Records, normal
from recoup.adapters.reading.records import frame_of, unique_headers
from recoup.adapters.reading.xml import cells, local, read_children
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_LABELS, _ROOT, _ROW = "REV_LABEL_GROUP", "REV_DATA_ROOT", "ROW"
#: Of the report and no row.
_NO_ROWS = frozenset({"REV_TIME", "REV_DATE"})


def is_report(text: bytes) -> bool:
    """Tell whether text (UTF-8) is a report in Synergy's XML."""
    return b"<REV_REPORT" in text[:2048].upper()


def read_report(text: bytes, name: str, expected: Collection[str]) -> Records:
    """Read a report (UTF-8) into text records, by label, or by column where only that is among the ``expected`` headers.

    Cells of elements called ``ROW`` have a prefix before their column. Raises ``READ_XML``, ``READ_XML_UNSAFE``, ``READ_XML_LARGE``
    and, without labels and rows, ``READ_XML_HEADERS`` (4).
    """
    labels: dict[str, str] = {}
    repeated, prefixed = 0, False
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    for line, element in read_children(text, name, depth=2):
        tag, parent = local(element.tag).upper(), element.getparent()
        if tag == _LABELS:
            columns = [(local(child.tag).upper(), {key.upper(): value for key, value in cells(child).items()}) for child in element]
            shown, repeated = unique_headers(said.get("LABEL", column) for column, said in columns)
            labels = _named(columns, shown, expected)
        elif parent is not None and local(parent.tag).upper() == _ROOT and tag not in _NO_ROWS:
            prefixed |= tag == _ROW
            rows.append(dict(_row(tag, {key.upper(): value for key, value in cells(element).items()}, labels, expected)))
            lines.append(line)
    if not labels and not rows:
        raise RecoupError("READ_XML_HEADERS", name)
    if prefixed:
        labels, repeated = {}, 0
    headers = tuple(dict.fromkeys([*labels.values(), *(header for row in rows for header in row)]))
    frame = frame_of(headers, [[row.get(header, "") for header in headers] for row in rows], lines)
    return Records(headers, frame, (), (("HEADER_REPEATED", repeated),) if repeated else ())


def _named(columns: list[tuple[str, dict[str, str]]], shown: Collection[str], expected: Collection[str]) -> dict[str, str]:
    """Return by column the header that stands for it: its label, or the column where only that is known, or its label is taken."""
    named = {}
    for (column, said), label in zip(columns, shown, strict=True):
        plain = said.get("LABEL", "").strip()
        own = normal(label) not in expected and normal(column) in expected
        named[column] = column if own or label != plain else label
    return named


def _row(tag: str, found: dict[str, str], labels: dict[str, str], expected: Collection[str]) -> Iterator[tuple[str, str]]:
    for column, value in found.items():
        if tag != _ROW:
            yield labels.get(column, column), value
        else:
            bare = column.partition("_")[2] or column
            yield column if normal(column) in expected and normal(bare) not in expected else bare, value
