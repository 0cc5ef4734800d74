"""read → check: the archived files of every source become checked tables, and the gates that may close on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from recoup.checks import Precedence, check
from recoup.errors import RecoupError
from recoup.pipeline.matching import matched
from recoup.ports import Finding, Input
from recoup.schemas import TABLES, frame_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recoup.checks import Checked
    from recoup.config import Limits
    from recoup.pipeline.plan import Plan, PlannedSource
    from recoup.ports import FileCount, Reading
    from recoup.store import Selection, Workspace

#: Of several rows dated after as-of, which column says so.
_DATED = {"attendance": "date", "calendar": "date", "sessions": "date"}


@dataclass(frozen=True, slots=True)
class Desk:
    """The checked tables of all sources, with the raw files they came from and what was left out."""

    checked: Checked
    inputs: tuple[Input, ...]
    findings: tuple[Finding, ...]

    @property
    def rows_read(self) -> int:
        """Return the records of all files."""
        return sum(item.rows_read for item in self.inputs)

    @property
    def rows_refused(self) -> int:
        """Return the records that stand refused in quarantine, each once."""
        return sum(item.rows_refused for item in self.inputs)


def read_and_check(workspace: Workspace, plan: Plan) -> Desk:
    """Read the archived files that count now and check them.

    Raises ``RecoupError``: status 4 for a missing, unreadable or wrongly empty required table, 2 for a wrong
    mapping or option, 1 for a damaged archive.
    """
    readings: list[Reading] = []
    findings: list[Finding] = []
    names: dict[str, str] = {}
    append: set[str] = set()
    order: dict[str, int] = {}
    for planned in plan.sources:
        selection = workspace.archive.select(planned.source.name, planned.file_feeds, plan.law.year)
        pages = workspace.rounds.files(planned.source.name, plan.law.year) if planned.http else []
        if not (pages if planned.http else selection.files):
            raise RecoupError("ARCHIVE_EMPTY", f"source '{planned.source.name}'", location=planned.source.location)
        modes = {feed.name: feed.mode for feed in planned.feeds}
        for file in (*pages, *selection.files):
            names[file.sha256] = file.name
            order[file.sha256] = len(order)
            if modes[file.feed] == "append":
                append.add(file.sha256)
        findings += _passed_over(selection, planned)
        reading = planned.adapter.read([*pages, *selection.files], planned.request)
        for count in reading.files:
            # The members of a zip are files of their own, that the archive does not know.
            names.setdefault(count.file.sha256, count.file.name)
            order.setdefault(count.file.sha256, len(order))
        taken, told = _taken(reading, planned)
        readings.append(taken)
        findings += told
    tables = _together(readings)
    found, said, given = matched(workspace, tables, names)
    unknown = [] if found.refused is None else [found.refused]
    refused = pl.concat([*(reading.refused for reading in readings), *unknown], how="vertical_relaxed")
    stated = Precedence(plan.config.precedence, plan.config.fill)
    made = check(found.tables, refused, plan.law.year, plan.config.lea, names=names, order=order, append=append, stated=stated)
    checked = _with_periods(made, plan)
    findings += [*(finding for reading in readings for finding in reading.left_out), *said]
    findings += [*checked.findings, *_after(checked.tables, plan)]
    counts = [count for reading in readings for count in reading.files]
    return Desk(checked, (*_inputs(counts, checked.quarantine), *given), tuple(findings))


def _passed_over(selection: Selection, planned: PlannedSource) -> Iterator[Finding]:
    """Tell which archived files of a source are not read, and why."""
    for file in selection.other_years:
        yield Finding("read", "other_year", "info", 0, f"{file.name}: the date in its name is outside the school year, so it is not read.")
    for file in selection.unmatched:
        message = f"{file.name}: no feed of source '{planned.source.name}' asks for it any more, so it is not read."
        yield Finding("read", "unmatched", "warn", 0, message)


def _taken(reading: Reading, planned: PlannedSource) -> tuple[Reading, list[Finding]]:
    """Return of a reading the tables that its source is asked for, and what that leaves out; refused rows of another table go with it."""
    wanted = planned.source.tables
    if not wanted:
        return reading, []
    name, told = planned.source.name, []
    for table, lazy in reading.tables.items():
        if table not in wanted and (rows := lazy.select(pl.len()).collect().item()):
            told.append(Finding("read", "TABLE_LEFT_OUT", "info", rows, f"{rows:,} rows of {table} are not taken from source '{name}'."))
    gone = reading.refused.filter(~pl.col("table").is_in(list(wanted)))
    for table, rows in gone.group_by("table").len().sort("table").iter_rows():
        told.append(Finding("read", "TABLE_LEFT_OUT", "info", rows, f"{rows:,} refused rows of {table} of source '{name}' go with them."))
    lacking = [table for table in wanted if table not in reading.tables]
    told += [Finding("read", "TABLE_NOT_GIVEN", "warn", 0, f"Source '{name}' is asked for {table} and gives none.") for table in lacking]
    tables = {table: lazy for table, lazy in reading.tables.items() if table in wanted}
    return replace(reading, tables=tables, refused=reading.refused.filter(pl.col("table").is_in(list(wanted)))), told


def _together(readings: Sequence[Reading]) -> dict[str, pl.LazyFrame]:
    """Return each table of all sources in one; a column that one of them lacks is empty in its rows."""
    parts: dict[str, list[pl.LazyFrame]] = {}
    for reading in readings:
        for name, frame in reading.tables.items():
            parts.setdefault(name, []).append(frame)
    return {name: frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed") for name, frames in parts.items()}


def _with_periods(checked: Checked, plan: Plan) -> Checked:
    """Fill the table ``periods`` from ``[periods]`` where no source has it: they hold for every school and track."""
    if ("periods", "") not in checked.absent or not plan.config.periods:
        return checked
    rows = [
        {
            "period": period.name,
            "first_date": period.starts or plan.law.year.first,
            "last_date": period.ends,
            "days_taught": period.days_taught,
            "divisor": period.divisor,
            "_source": "configuration",
            "_file": plan.config_hash,
            "_line": period.line,
        }
        for period in plan.config.periods
    ]
    frame = pl.DataFrame(rows, schema=frame_schema(TABLES["periods"]))
    return replace(checked, tables={**checked.tables, "periods": frame}, absent=checked.absent - {("periods", "")})


def _inputs(counts: Sequence[FileCount], quarantine: pl.DataFrame) -> list[Input]:
    """Return the raw files with their rows read, kept and refused; a refused row counts once, however many checks it failed."""
    errors = quarantine.filter(pl.col("severity") == "error").unique(["source", "file", "line"])
    refused = {(source, name): rows for source, name, rows in errors.group_by("source", "file").len().iter_rows()}
    inputs = []
    for count in counts:
        file = count.file
        lost = min(refused.get((file.source, file.name), 0), count.rows_read)
        inputs.append(Input(file.source, file.feed, file.name, file.size, file.sha256, count.rows_read, count.rows_read - lost, lost))
    return sorted(inputs, key=lambda item: (item.source, item.feed, item.name, item.sha256))


def _after(tables: Mapping[str, pl.DataFrame], plan: Plan) -> list[Finding]:
    """List, by table, the rows that lie after as-of: they are kept and count for nothing."""
    found = []
    for name, column in _DATED.items():
        rows = tables[name].filter(pl.col(column) > plan.as_of).height
        if rows:
            found.append(
                Finding("check", "after_as_of", "info", rows, f"Rows of {name} that lie after {plan.as_of} count for nothing yet.")
            )
    return found


def close_gates(desk: Desk, limits: Limits, before: Mapping[str, int]) -> None:
    """Stop the run (``RecoupError``, status 4) when too many rows were refused, or a table lost too many since the last good run.

    ``before``: rows of each table of the last good run; empty when there was none.
    """
    limit = limits.quarantine
    if limit.passed(desk.rows_refused, desk.rows_read):
        share = f"{desk.rows_refused / desk.rows_read:.1%}"
        told = {
            "refused": desk.rows_refused,
            "read": desk.rows_read,
            "share": share,
            "limit_share": f"{limit.share:.1%}",
            "limit_rows": limit.rows,
            "rule": desk.checked.quarantine.filter(pl.col("severity") == "error")["code"].mode().sort().item(0),
        }
        raise RecoupError("GATE_QUARANTINE", "[limits]", **told)
    limit = limits.shrink
    for name, rows in before.items():
        now = desk.checked.tables[name].height if name in desk.checked.tables else 0
        if limit.passed(rows - now, rows):
            raise RecoupError(
                "GATE_SHRINK", "[limits]", table=name, now=now, before=rows, limit_share=f"{limit.share:.1%}", limit_rows=limit.rows
            )
