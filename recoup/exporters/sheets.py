"""Typed tables on the sheets of a workbook: real dates, whole numbers, ids as text, frozen headers, filters, formulas with their values.

Sheets are written once, from the top, with constant memory. Text is always written as text, so none becomes a formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import xlsxwriter

from recoup.errors import RecoupError
from recoup.exporters import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    import polars as pl
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

#: Rows of a table on one sheet; a longer one is split. Excel itself ends at 1,048,576.
MOST_ROWS = 1_000_000
OK, DIFFERENT = "OK", "DIFFERENT"

_FORMATS = {
    "text": {"num_format": "@"},
    "int": {"num_format": "0"},
    "ratio": {"num_format": "0.0"},
    "ada": {"num_format": "0.00"},
    "date": {"num_format": "yyyy-mm-dd"},
    "datetime": {"num_format": "yyyy-mm-dd hh:mm"},
    "time": {"num_format": "hh:mm"},
    "bool": {},
    "wrapped": {"text_wrap": True, "valign": "top"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: the frame's column, its heading, its kind (a key of the formats), its width in characters.

    ``formula`` makes it live: ``{name}`` stands for the cell of another column in the same row; the frame's column is the cached value.
    """

    name: str
    title: str
    kind: str = "text"
    width: int = 12
    formula: str = ""


def columns(layout: str, sheet: str) -> list[Column]:
    """Return the columns of a sheet, in order, from ``layouts/<layout>.csv``."""
    rows = (row for row in facts.rows(f"layouts/{layout}.csv") if row["sheet"] == sheet)
    return [Column(row["name"], row["title"], row["kind"], int(row["width"]), row["formula"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Range:
    """Where the rows of a table stand: the sheet, and the first and last row as a person counts them."""

    sheet: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A table as it stands in the workbook, on one sheet or several."""

    columns: tuple[Column, ...]
    ranges: tuple[Range, ...]

    def _over(self, write: Callable[[Range], str]) -> str:
        return "+".join(write(where) for where in self.ranges if where.last >= where.first) or "0"

    def cells(self, name: str, where: Range) -> str:
        """Return the reference of one column on one sheet."""
        letter = letters([column.name for column in self.columns].index(name))
        return f"'{where.sheet}'!${letter}${where.first}:${letter}${where.last}"

    def total(self, *names: str) -> str:
        """Return the formula that adds up the columns."""
        return "+".join(self._over(lambda where, name=name: f"SUM({self.cells(name, where)})") for name in names)  # type: ignore[misc]

    def count(self, name: str, *criteria: tuple[str, str]) -> str:
        """Return the formula that counts the rows; with ``criteria``, (column, what it must equal as a formula), those that meet them."""
        if not criteria:
            return self._over(lambda where: f"ROWS({self.cells(name, where)})")
        return self._over(lambda where: f"COUNTIFS({','.join(f'{self.cells(column, where)},{value}' for column, value in criteria)})")

    def matching(self, *criteria: tuple[str, str], filled: str = "") -> str:
        """Return the formula that counts the rows whose columns equal the criteria, text as text; ``filled``: a column that is not empty.

        COUNTIFS would read a grade span such as 4-6 as a date.
        """

        def count(where: Range) -> str:
            parts = [f"({self.cells(column, where)}={value})" for column, value in criteria]
            parts += [f'({self.cells(filled, where)}<>"")'] if filled else []
            return f"SUMPRODUCT({'*'.join([*parts, '1'])})"

        return self._over(count)

    def total_where(self, name: str, column: str, value: str) -> str:
        """Return the formula that adds up one column over the rows whose ``column`` equals ``value``, a formula."""
        return self._over(lambda where: f"SUMIFS({self.cells(name, where)},{self.cells(column, where)},{value})")


def letters(index: int) -> str:
    """Return the letters of a column, counted from 0."""
    return (letters(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def split(name: str, frame: pl.DataFrame, by: str, most: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the sheets of a table: one, or when it has more than ``most`` rows one for each value of ``by`` (without ``by``: each part)."""
    if frame.height <= most:
        yield name, frame
        return
    groups = frame.partition_by(by, maintain_order=True) if by else [frame]
    for group in groups:
        label = f"{name} {group[by][0]}" if by else name
        for number, start in enumerate(range(0, group.height, most), start=1):
            yield label if group.height <= most else f"{label} ({number})", group.slice(start, most)


class Book:
    """A workbook being written. The same content gives the same bytes."""

    def __init__(self, path: Path, title: str, created: datetime, *, large: bool) -> None:
        # Temporary files lie beside the workbook: they hold children's records too.
        self._temporary = TemporaryDirectory(dir=path.parent, ignore_cleanup_errors=True)
        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": self._temporary.name})
        self._book.set_properties({"title": title, "created": created, "author": "Recoup"})
        if large:
            self._book.use_zip64()
        self._formats: dict[str, Format] = {name: self._book.add_format(settings) for name, settings in _FORMATS.items()}
        self._head = self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#E7EEF5"})
        self._good = self._book.add_format({"font_color": "#1E6B34", "bg_color": "#DDF2E1"})
        self._bad = self._book.add_format({"font_color": "#9C0006", "bg_color": "#FFC7CE", "bold": True})
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        # A workbook that was not finished goes with its temporary files.
        self._book.close()
        self._temporary.cleanup()
        if kind is not None:
            self._path.unlink(missing_ok=True)

    def _writer(self, sheet: Worksheet, column: Column) -> Callable[[int, int, Any], int]:
        style = self._formats[column.kind]
        if column.kind in ("date", "datetime"):
            return lambda row, at, value: sheet.write_datetime(row, at, value, style)
        if column.kind == "time":
            return lambda row, at, value: sheet.write_number(row, at, value / 1440, style)
        if column.kind == "bool":
            return lambda row, at, value: sheet.write_boolean(row, at, value, style)
        if column.kind in ("int", "ratio", "ada"):
            return lambda row, at, value: sheet.write_number(row, at, value, style)
        return lambda row, at, value: sheet.write_string(row, at, value, style)

    def place(self, name: str, frame: pl.DataFrame, columns: Sequence[Column], by: str = "", most: int = MOST_ROWS) -> Placed:
        """Write a table, split where it is too long, and return where it stands.

        Raises ``RecoupError`` (4) for a text longer than a cell may hold; nothing is cut.
        """
        ranges = tuple(self._sheet(label, part, columns) for label, part in split(name, frame, by, most))
        return Placed(tuple(columns), ranges)

    def _sheet(self, label: str, frame: pl.DataFrame, columns: Sequence[Column]) -> Range:
        sheet = self._book.add_worksheet(label)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width)
        sheet.freeze_panes(1, 0)
        last = max(frame.height, 1)
        sheet.autofilter(0, 0, last, len(columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:{letters(len(columns) - 1)}{last + 1}"})
        for at, column in enumerate(columns):
            if column.formula:
                self._colour(sheet, 1, at, last)
            sheet.write_string(0, at, column.title, self._head)
        places = {column.name: letters(at) for at, column in enumerate(columns)}
        writers = [None if column.formula else self._writer(sheet, column) for column in columns]
        plain = frame.select(column.name for column in columns)
        for row, values in enumerate(plain.iter_rows(), start=1):
            for at, (value, write) in enumerate(zip(values, writers, strict=True)):
                if write is None:
                    cells = {name: f"{letter}{row + 1}" for name, letter in places.items()}
                    style = self._formats[columns[at].kind]
                    sheet.write_formula(row, at, "=" + columns[at].formula.format(**cells), style, "" if value is None else value)
                elif value is not None and write(row, at, value):
                    raise RecoupError("WORKBOOK_TEXT_TOO_LONG", self._path.name, sheet=label, row=row + 1, column=columns[at].title)
        return Range(label, 2, frame.height + 1)

    def _colour(self, sheet: Worksheet, first: int, column: int, last: int) -> None:
        for word, style in ((OK, self._good), (DIFFERENT, self._bad)):
            told = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": style}
            sheet.conditional_format(first, column, last, column, told)

    def reserve(self, name: str) -> Worksheet:
        """Give a sheet its place among the others; it is written later."""
        return self._book.add_worksheet(name)

    def ties(self, sheet: Worksheet, rows: Sequence[Tie]) -> None:
        """Write the tie-outs: what is compared, both sides as live formulas, and whether they agree; the first row sums it up."""
        for at, width in enumerate((60, 18, 18, 14)):
            sheet.set_column(at, at, width)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows) + 1, 3)
        self._colour(sheet, 1, 3, len(rows) + 1)
        for at, title in enumerate(("What must agree", "One side", "Other side", "Result")):
            sheet.write_string(0, at, title, self._head)
        number, text = self._formats["int"], self._formats["wrapped"]
        every = OK if all(row.agrees for row in rows) else DIFFERENT
        sheet.write_string(1, 0, "All of the rows below", text)
        sheet.write_formula(1, 3, f'=IF(COUNTIF(D3:D{len(rows) + 2},"{OK}")={len(rows)},"{OK}","{DIFFERENT}")', text, every)
        for at, row in enumerate(rows, start=2):
            sheet.write_string(at, 0, row.what, text)
            sheet.write_formula(at, 1, f"={row.left}", number, row.left_value)
            sheet.write_formula(at, 2, f"={row.right}", number, row.right_value)
            result = OK if row.agrees else DIFFERENT
            sheet.write_formula(at, 3, f'=IF(B{at + 1}=C{at + 1},"{OK}","{DIFFERENT}")', text, result)


@dataclass(frozen=True, slots=True)
class Tie:
    """Two figures that must agree, each as a formula and as the value worked out apart from it."""

    what: str
    left: str
    left_value: int
    right: str
    right_value: int

    @property
    def agrees(self) -> bool:
        """Say whether the two are equal."""
        return self.left_value == self.right_value
