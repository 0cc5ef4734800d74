"""The shape in which every kind of file is handed on: text columns, the line of each record, and what could not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The column that carries the physical line (or sheet row) where a record begins.
LINE = "_line"

#: A refused row shows at most so much of itself in the quarantine.
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Trouble:
    """A record that could not be read: its first line, why (a row of ``refusals.csv``), what it says, and more words."""

    line: int
    code: str
    value: str
    detail: str = ""

    @classmethod
    def of(cls, line: int, code: str, text: str, detail: str = "") -> Trouble:
        """Make one, its value cut to what fits a quarantine line."""
        return cls(line, code, text.rstrip("\r\n")[:_SHOWN], detail)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one file.

    ``headers`` as found, a repeated one suffixed by its position. ``frame``: one String column a header (surrounding
    blanks taken off, empty = null) and ``_line`` Int64. ``troubles``: what is not in the frame. ``notes``: things to know
    of the file as (code, rows). ``workbook``: its dates may be spreadsheet serial numbers.
    """

    headers: tuple[str, ...]
    frame: pl.DataFrame
    troubles: Sequence[Trouble]
    notes: tuple[tuple[str, int], ...] = ()
    workbook: bool = False

    @property
    def rows_read(self) -> int:
        """How many records the file held, those that could not be read included, blank lines and the header apart."""
        return self.frame.height + len(self.troubles)


def normal(header: str) -> str:
    """Return the form in which headers are compared: lower case, no blanks, no quotes.

    >>> normal(' "Student ID" ')
    'studentid'
    """
    return re.sub(r"[\s\"']", "", header).casefold()


def unique_headers(cells: Iterable[str]) -> tuple[tuple[str, ...], int]:
    """Return headers that differ, and how many had to be changed: a repeated or empty one gets its position.

    >>> unique_headers(["A", "B", "A", ""])
    (('A', 'B', 'A_3', '_4'), 2)
    """
    found: list[str] = []
    seen: set[str] = {LINE}
    changed = 0
    for position, cell in enumerate(cells, start=1):
        header = cell.strip()
        while not header or normal(header) in seen:
            header = f"{header}_{position}"
            changed += 1
        seen.add(normal(header))
        found.append(header)
    return tuple(found), changed


def frame_of(headers: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]) -> pl.DataFrame:
    """Build the text frame from rows that all have as many cells as there are headers."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in headers)
    series = [pl.Series(header, cells, dtype=pl.String) for header, cells in zip(headers, columns, strict=True)]
    return tidy(pl.DataFrame([*series, pl.Series(LINE, lines, dtype=pl.Int64)]))


def tidy(frame: pl.DataFrame) -> pl.DataFrame:
    """Take surrounding blanks off every text and make empty ones null; a row of nothing but empty cells is a blank line and goes.

    Padding of fixed-width database fields is no value.
    """
    text = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(text).with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep())
    filled = frame.select(pl.any_horizontal(pl.col(pl.String).is_not_null())).to_series()
    return frame if filled.all() else frame.filter(filled)
