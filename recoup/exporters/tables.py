"""Tables as CSV: UTF-8, ``\\n``, rows in order of their keys, empty for unknown, times ``HH:MM``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recoup.ports import QUARANTINE, Written
from recoup.schemas import RESULTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recoup.ports import Run
    from recoup.schemas import Column, Table

QUARANTINE_FILE = "quarantine.csv"
_QUARANTINE_ORDER = ("source", "file", "line", "table", "column", "code")


def _text(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    if column.type == "time":
        hours, minutes = ((part.cast(pl.String).str.zfill(2)) for part in (value // 60, value % 60))
        return pl.concat_str(hours, minutes, separator=":").alias(column.name)
    if column.type == "decimal":
        shown = value.cast(pl.String)
        return pl.when(shown.str.contains(".", literal=True)).then(shown.str.strip_chars_end("0").str.strip_chars_end(".")).otherwise(shown)
    return value


def as_text(column: Column, name: str, dates: str) -> pl.Expr:
    """Return a typed column, under ``name`` in the frame, as the text of a cell; ``dates`` is the pattern of a date."""
    if column.type == "date":
        return pl.col(name).dt.strftime(dates)
    if column.type == "date-time":
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S")
    shown = _text(replace(column, name=name)).cast(pl.String)
    return pl.when(shown != "").then(shown)


def shortened(text: pl.Expr, width: int) -> pl.Expr:
    """Return text of at most ``width`` characters: what is longer is cut, always at the same place, and ends in three dots.

    For words that are meant for people alone. The whole text stays in our own tables; a code, id or number is never shortened.
    """
    cut = pl.concat_str(text.str.slice(0, width - 3).str.strip_chars_end(), pl.lit("...")) if width > 3 else text.str.slice(0, width)
    return pl.when(text.str.len_chars() > width).then(cut).otherwise(text)


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame as it stands, empty text as an empty cell. Dates and date-times follow the canonical model."""
    empty = [name for name, kind in frame.schema.items() if kind == pl.String and (frame[name] == "").any()]
    frame.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in empty).write_csv(
        path, datetime_format="%Y-%m-%dT%H:%M:%S", date_format="%Y-%m-%d"
    )


def write_table(frame: pl.DataFrame, table: Table, path: Path, left_out: Sequence[str] = ()) -> int:
    """Write a typed table with the model's columns, ``left_out`` apart, in order of its key, and return its number of rows."""
    columns = [column for column in table.columns if column.name not in left_out]
    ordered = frame.sort([name for name in table.key if name not in left_out] or table.names, maintain_order=True)
    write_csv(ordered.select(_text(column) for column in columns), path)
    return frame.height


def write_tables(run: Run, out: Path) -> list[Written]:
    """Write the ledger's results and the quarantine, which every run leaves in OUT, and return the files in order of name."""
    written = [Written(f"{name}.csv", write_table(run.results[name], table, out / f"{name}.csv")) for name, table in RESULTS.items()]
    written.append(Written(QUARANTINE_FILE, write_quarantine(run.quarantine, out / QUARANTINE_FILE)))
    return sorted(written, key=lambda item: item.name)


def write_quarantine(quarantine: pl.DataFrame, path: Path) -> int:
    """Write the quarantine in order of source, file and line, and return its number of lines."""
    write_csv(quarantine.select(QUARANTINE).sort(_QUARANTINE_ORDER, maintain_order=True), path)
    return quarantine.height
