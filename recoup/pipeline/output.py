"""What stands in OUT beside the exports: the ledger's tables and the quarantine as CSV; and the exporters, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.ports import Written
from recoup.schemas import RESULTS, frame_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from recoup.pipeline.plan import PlannedExport
    from recoup.ports import Export, Run
    from recoup.schemas import Table

QUARANTINE_FILE = "quarantine.csv"


def as_text(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return a typed table in the bundle's spelling: times as HH:MM, date-times with a T, booleans in lower case."""
    spelled = []
    for name in table.names:
        kind, column = frame_schema(table)[name], pl.col(name)
        if kind == pl.Int32:
            column = pl.format("{}:{}", (column // 60).cast(pl.String).str.zfill(2), (column % 60).cast(pl.String).str.zfill(2))
        elif kind == pl.Datetime:
            column = column.dt.strftime("%Y-%m-%dT%H:%M:%S")
        spelled.append(column.alias(name))
    return frame.select(spelled)


def write_tables(run: Run, out: Path) -> list[Written]:
    """Write each result and ``quarantine.csv`` below ``out``: UTF-8, ``\\n``, a header row, rows in order of their keys."""
    written = []
    for name, table in RESULTS.items():
        as_text(run.results[name], table).write_csv(out / f"{name}.csv", line_terminator="\n")
        written.append(Written(f"{name}.csv", run.results[name].height))
    write_quarantine(run.quarantine, out / QUARANTINE_FILE)
    return [*written, Written(QUARANTINE_FILE, run.quarantine.height)]


def write_quarantine(quarantine: pl.DataFrame, path: Path) -> None:
    """Write the quarantine in order of source, file and line."""
    by = ["source", "file", "line", "table", "column", "code"]
    quarantine.sort(by, nulls_last=False, maintain_order=True).write_csv(path, line_terminator="\n")


def export(run: Run, exports: Sequence[PlannedExport], out: Path, say: Callable[[str], None]) -> dict[str, Export]:
    """Run the exporters in the order of the configuration and return the outcome of each by name."""
    done = {}
    for planned in exports:
        say(f"writing {planned.exporter.name}")
        done[planned.exporter.name] = planned.exporter.write(run, planned.options, out)
    return done
