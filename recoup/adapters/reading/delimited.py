"""Delimited text. A clean file is parsed by Polars; any doubt sends it through the careful reader, which loses no line.

Both give the same for a clean file; a test holds them to it on random ones.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.reading.records import LINE, Records, Trouble, frame_of, tidy, unique_headers
from recoup.adapters.reading.text import UNREADABLE
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A quoted field that runs over more lines than this is taken for a quote that nobody closed.
_LONGEST_FIELD = 200


def read_delimited(data: bytes, delimiter: str, name: str, notes: tuple[tuple[str, int], ...] = ()) -> Records:
    """Read UTF-8 text with a header row. Raises ``READ_FILE_EMPTY`` when there is no header."""
    data = data.rstrip(b"\r\n\x1a")
    return _fast(data, delimiter, notes) or _careful(data, delimiter, name, notes)


def _fast(data: bytes, delimiter: str, notes: tuple[tuple[str, int], ...]) -> Records | None:
    """Read a clean file, or return None: every line one record of as many fields as the header, quotes only around whole fields."""
    if b"\0" in data or UNREADABLE.encode() in data:
        return None
    end = data.find(b"\n")
    head = (data if end < 0 else data[:end]).decode("utf-8").removesuffix("\r")
    if head.count('"') % 2 or "\r" in head or not head.strip():
        return None
    headers, changed = unique_headers(next(csv.reader([head], delimiter=delimiter)))
    mark = re.escape(delimiter)
    field = rf'(?:[^"{mark}\r]*|"(?:[^"\r]|"")*")'
    whole = rf"^{field}(?:{mark}{field}){{{len(headers) - 1}}}\r?$"
    lines = pl.read_lines(data)["line"]
    if not lines.str.contains(whole).all() or (len(headers) == 1 and (lines.str.strip_chars() == "").any()):
        return None
    if len(lines) == 1:
        frame = frame_of(headers, [], [])
    else:
        frame = pl.read_csv(data, separator=delimiter, has_header=False, skip_lines=1, new_columns=list(headers), infer_schema=False)
        frame = tidy(frame.with_columns(pl.int_range(2, len(lines) + 1, dtype=pl.Int64).alias(LINE)))
    return Records(headers, frame, (), (*notes, *_renamed(changed)))


def _careful(data: bytes, delimiter: str, name: str, notes: tuple[tuple[str, int], ...]) -> Records:
    """Read any file, record by record: what is not a whole record of the right width goes to ``troubles`` with its line."""
    text = data.decode("utf-8", "replace")
    # newline="" keeps the line ends as they are and splits on LF, CR LF and CR alone, as the csv module wants it.
    lines = list(io.StringIO(text, newline=""))
    spoilt = [mark for mark in ("\0", UNREADABLE) if mark in text]
    headers: tuple[str, ...] = ()
    changed = 0
    rows: list[list[str]] = []
    begins: list[int] = []
    troubles: list[Trouble] = []
    for at, span, cells in _split(lines, delimiter):
        line = at + 1
        if cells is not None and not "".join(cells).strip():
            continue
        if not headers:
            if cells is None or "\0" in lines[at]:
                raise RecoupError("READ_HEADER_BROKEN", name, line=line)
            headers, changed = unique_headers(cells)
        elif cells is None:
            troubles.append(Trouble.of(line, "ROW_QUOTE", lines[at]))
        elif any(mark in cell for mark in spoilt for cell in cells):
            troubles.append(Trouble.of(line, "ROW_UNREADABLE", lines[at]))
        elif len(cells) != len(headers):
            over = f", over the lines {line} to {at + span}" if span > 1 else ""
            detail = f"{len(cells)} fields where the header has {len(headers)}{over}"
            troubles.append(Trouble.of(line, "ROW_RAGGED", lines[at], detail))
        else:
            rows.append(cells)
            begins.append(line)
    if not headers:
        raise RecoupError("READ_FILE_EMPTY", name)
    return Records(headers, frame_of(headers, rows, begins), troubles, (*notes, *_renamed(changed)))


def _split(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, int, list[str] | None]]:
    """Yield the index of a record's first line, how many lines it takes and its cells; None for one whose quotes never match.

    After such a record reading goes on with the very next line, so that a stray quote costs one row and not the rest of the file.
    """
    at = 0
    while at < len(lines):
        start = at
        reader = csv.reader((lines[index] for index in range(start, len(lines))), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                end = start + reader.line_num
                if end - at > _LONGEST_FIELD:
                    break
                yield at, end - at, cells
                at = end
        except csv.Error:
            pass
        if at < len(lines):
            yield at, 1, None
            at += 1


def _renamed(changed: int) -> tuple[tuple[str, int], ...]:
    return (("HEADER_REPEATED", changed),) if changed else ()
