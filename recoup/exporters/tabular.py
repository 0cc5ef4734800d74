"""Any table or result, any columns, any delimiter: for receivers that say only what they want to see, such as Panorama."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from recoup.errors import RecoupError, nearest
from recoup.exporters.findings import Findings
from recoup.exporters.tables import as_text, shortened
from recoup.ports import LINEAGE, Export, Option, Written
from recoup.schemas import RESULTS, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.ports import Run
    from recoup.schemas import Column, Table

#: Tables whose columns can stand beside those of another, and the column that leads to their one row.
_BESIDE = {"students": "ssid", "schools": "school_code"}
_DELIMITERS = {"comma": ",", "tab": "\t", "pipe": "|", "semicolon": ";", "caret": "^"}
_ENDS = {"lf": "\n", "crlf": "\r\n"}
_DATES = {"iso": "%Y-%m-%d", "us": "%m/%d/%Y", "compact": "%Y%m%d"}
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}\Z")
#: ``column[50]``: the most characters that the receiver has room for.
_WIDTH = re.compile(r"(.+?)\[([1-9]\d{0,3})\]\Z")
#: A cell that begins so is a formula to a spreadsheet.
_FORMULA = r"^[=+\-@\t\r]"

OPTIONS: tuple[Option, ...] = (
    Option(
        "files",
        "table",
        {},
        'The files to write: files."ar.csv" = { table = "ledger", columns = ["students.local_student_id = Student ID", "days_credited"] }',
        required=True,
    ),
    Option("delimiter", "text", "comma", "What parts the cells of a row", choices=tuple(_DELIMITERS)),
    Option("line_ends", "text", "lf", "How a row ends", choices=tuple(_ENDS)),
    Option("header", "bool", default=True, help="Whether the first row names the columns"),
    Option("dates", "text", "iso", "How dates are written", choices=tuple(_DATES)),
    Option("encoding", "text", "utf-8", "How letters are written; one that has no place in it stops the export", choices=_ENCODINGS),
    Option("for_people", "bool", default=False, help="Put an apostrophe before what a spreadsheet takes for a formula; not for machines"),
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A column to write: where it comes from, its header, and the most characters it may have (0: any)."""

    table: str
    column: str
    header: str
    width: int = 0


class Tabular:
    """Writes the files that the option ``files`` describes, rows in order of the table's key."""

    name = "tabular"
    summary = "Any table or result as a delimited file: the columns, names and order that a receiver asks for"
    options = OPTIONS

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:
        """Write every file.

        Raises ``RecoupError``: 2 for an unknown table, column or name, 4 for a letter that the encoding lacks and for a value that is too
        wide and no words.
        """
        files, found = options["files"], Findings(self.name, run)
        assert isinstance(files, dict)
        written = [self._file(run, str(name), told, options, out, found) for name, told in sorted(files.items())]
        return Export(written, found.found)

    def _file(self, run: Run, name: str, told: object, options: Mapping[str, object], out: Path, found: Findings) -> Written:
        where = f"[[exports]] tabular: {name}"
        if not _NAME.match(name) or (out / name).exists():
            raise RecoupError("TABULAR_NAME", where)
        if not isinstance(told, dict) or not isinstance(told.get("table"), str) or set(told) - {"table", "columns"}:
            raise RecoupError("TABULAR_FILE", where)
        table = _table(told["table"], where)
        given = told.get("columns", [name for name in table.names if name not in LINEAGE])
        cells = [_cell(str(text), table, where) for text in given] if isinstance(given, list) else []
        if not cells or len({cell.header for cell in cells}) < len(cells):
            raise RecoupError("EXPORT_COLUMN_TWICE", where)
        frame = _fitted(_frame(run, table, cells, _DATES[str(options["dates"])]), cells, name, where, found)
        if options["for_people"]:
            frame = frame.with_columns(_harmless(name) for name in frame.columns)
        text = frame.write_csv(
            separator=_DELIMITERS[str(options["delimiter"])],
            line_terminator=_ENDS[str(options["line_ends"])],
            include_header=bool(options["header"]),
        )
        try:
            (out / name).write_bytes(text.encode(str(options["encoding"])))
        except UnicodeEncodeError as fault:
            line = text.count("\n", 0, fault.start) + 1
            raise RecoupError("TABULAR_LETTER", where, line=line, encoding=options["encoding"]) from None
        return Written(name, frame.height)


def _harmless(name: str) -> pl.Expr:
    risky = pl.col(name).str.contains(_FORMULA)
    return pl.when(risky).then(pl.concat_str(pl.lit("'"), pl.col(name))).otherwise(pl.col(name)).alias(name)


def _table(name: str, where: str) -> Table:
    known = {**TABLES, **RESULTS}
    if name not in known:
        raise RecoupError("TABULAR_TABLE", where, name=name, known=", ".join(known), nearest=nearest(name, known))
    return known[name]


def _cell(text: str, table: Table, where: str) -> _Cell:
    """Read ``column``, ``column = Header``, ``students.column = Header`` or ``column[50] = Header``."""
    place, _, header = (part.strip() for part in text.partition("="))
    wide = _WIDTH.match(place)
    place, width = (wide[1], int(wide[2])) if wide else (place, 0)
    beside, dot, column = place.rpartition(".")
    other = _table(beside, where) if dot else table
    allowed = not dot or (beside in _BESIDE and _BESIDE[beside] in table.names)
    if not allowed or column not in other.names:
        known = [*table.names, *(f"{name}.{one}" for name, key in _BESIDE.items() if key in table.names for one in TABLES[name].names)]
        raise RecoupError("EXPORT_COLUMN_UNKNOWN", where, name=place, known=", ".join(known), nearest=nearest(place, known))
    return _Cell(other.name, column, header or column, width)


def _frame(run: Run, table: Table, cells: list[_Cell], dates: str) -> pl.DataFrame:
    frame = (run.tables if table.name in TABLES else run.results)[table.name]
    frame = frame.sort([name for name in table.key or table.names if name in frame.columns], maintain_order=True)
    for beside, key in _BESIDE.items():
        wanted = [cell.column for cell in cells if cell.table == beside and beside != table.name]
        if wanted:
            others = run.tables[beside].unique(key, keep="first", maintain_order=True)
            named = others.select(pl.col(key).alias("_key"), *(pl.col(name).alias(f"{beside}.{name}") for name in dict.fromkeys(wanted)))
            frame = frame.join(named, left_on=key, right_on="_key", how="left", maintain_order="left")
    told = []
    for cell in cells:
        model = table if cell.table == table.name else TABLES[cell.table]
        source = cell.column if cell.table == table.name else f"{cell.table}.{cell.column}"
        told.append(as_text(model.column(cell.column), source, dates).alias(cell.header))
    return frame.select(told)


def _fitted(frame: pl.DataFrame, cells: list[_Cell], name: str, where: str, found: Findings) -> pl.DataFrame:
    """Shorten words to the width that their column has, and say so; stop at a value that would be another one if it were shorter."""
    for cell in (cell for cell in cells if cell.width):
        long = (frame[cell.header].cast(pl.String).str.len_chars() > cell.width).fill_null(value=False)
        if not long.any():
            continue
        if not _is_words({**TABLES, **RESULTS}[cell.table].column(cell.column)):
            raise RecoupError("TABULAR_WIDE", where, row=int(long.arg_true()[0]) + 1, column=cell.header, width=cell.width)
        found.add("SHORTENED", int(long.sum()), column=cell.header, file=name, width=cell.width)
        frame = frame.with_columns(shortened(pl.col(cell.header), cell.width).alias(cell.header))
    return frame


def _is_words(column: Column) -> bool:
    """Tell whether a column holds words for people: text that is no code (``source_code``, ``codes``), no id and no key."""
    coded = column.codes or column.pattern or column.identifier or column.key or column.name.endswith(("code", "codes"))
    return column.type == "text" and not coded


EXPORTER = Tabular()
