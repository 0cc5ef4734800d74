"""The audit workbook: the tabs of attendance-recovery-rules.md 16.4, with live formulas that tie every total to the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import TYPE_CHECKING

import polars as pl

from recoup.exporters import audit_ada, audit_tables, crosscheck
from recoup.exporters.findings import Findings
from recoup.exporters.sheets import MOST_ROWS, Book, Placed, Tie
from recoup.ports import Export, Option, Written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.ports import Run

FILE = "audit_workbook.xlsx"
#: Above this many rows of participation the file may pass the size that a plain zip holds.
_LARGE = 500_000


def _sum(frame: pl.DataFrame, *names: str) -> int:
    return int(sum(frame[name].sum() for name in names))


class AuditWorkbook:
    """Writes ``audit_workbook.xlsx``. The run's id and times stay out, so the same run gives the same bytes."""

    name = "audit_workbook"
    summary = "Workbook for the auditor: policy, sessions with ratio test, teachers, ledger, matches, tie-outs, exceptions, sources, rules"
    options: tuple[Option, ...] = (
        Option("rows_per_sheet", "int", MOST_ROWS, "Rows of a table on one sheet; a longer one is split by school."),
    )

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:
        """Write the workbook. Raises ``RecoupError`` (4) for a text longer than a cell may hold."""
        most = options.get("rows_per_sheet", MOST_ROWS)
        limit = min(most, MOST_ROWS) if isinstance(most, int) and most > 0 else MOST_ROWS
        created = datetime.combine(run.as_of, time.min)
        large = run.results["time_entries"].height > _LARGE
        with Book(out / FILE, f"Attendance recovery {run.year.name}, {run.lea.name}", created, large=large) as book:
            rows, ties = _fill(book, run, limit)
        found = Findings(self.name, run)
        for tie in ties:
            if not tie.agrees:
                found.add("DIFFERENT", check=tie.what)
        return Export([Written(FILE, rows)], found.found)


def _fill(book: Book, run: Run, most: int) -> tuple[int, list[Tie]]:
    """Write every sheet and return the number of table rows and the tie-outs."""
    frames: dict[str, pl.DataFrame] = {}
    placed: dict[str, Placed] = {}

    def place(name: str, frame: pl.DataFrame, by: str = "", **live: str) -> None:
        shown = [replace(column, formula=live.get(column.name, column.formula)) for column in audit_tables.columns(name)]
        frames[name], placed[name] = frame, book.place(name, frame, shown, by, most)

    place("Facts and policy", audit_tables.facts(run))
    summary = book.reserve("Tie-outs")
    place("Pupil ledger", audit_tables.pupils(run))
    place("Matches", audit_tables.matches(run), "absence_school_code")
    place("Match sessions", audit_tables.payments(run))
    place("Sessions", audit_tables.sessions(run), "school_code")
    place("Roster", audit_tables.roster(run), "school_code")
    place("Teachers", audit_tables.teachers(run))
    place("STAS", audit_tables.stas(run), "school_code")
    place(audit_ada.SHEET, audit_ada.table(run), days=audit_ada.live(placed["Matches"]))
    place("Cross-check", crosscheck.compare(run))
    place("Exceptions", audit_tables.exceptions(run))
    place("Refused rows", audit_tables.refused(run))
    place("Change log", audit_tables.changes(run))
    place("Sources", audit_tables.sources(run))
    place("Rules", audit_tables.rules(run))
    ties = _ties(frames, placed)
    book.ties(summary, ties)
    return sum(frame.height for frame in frames.values()), ties


def _ties(frames: Mapping[str, pl.DataFrame], placed: Mapping[str, Placed]) -> list[Tie]:
    """Return what must agree: each side as a formula over the sheets and as a figure from the frames."""
    ledger, matches, payments = frames["Pupil ledger"], frames["Matches"], frames["Match sessions"]
    sessions, roster, stas, spans = frames["Sessions"], frames["Roster"], frames["STAS"], frames[audit_ada.SHEET]
    book = placed["Pupil ledger"]
    days = placed["Matches"].count("ssid")

    ties = [
        Tie("Days credited: ledger = matches", book.total("days_credited"), _sum(ledger, "days_credited"), days, matches.height),
        Tie(
            "Days applied before: ledger = matches",
            book.total("days_applied"),
            _sum(ledger, "days_applied"),
            placed["Matches"].count("ssid", ("origin", '"applied"')),
            matches.filter(pl.col("origin") == "applied").height,
        ),
        Tie(
            "Days credited: STAS 13.24, all schools = matches",
            placed["STAS"].total("recovery_days"),
            _sum(stas, "recovery_days"),
            days,
            matches.height,
        ),
        Tie(
            "Days credited by grade span = matches",
            placed[audit_ada.SHEET].total_where("days", "period", f'"{audit_ada.YEAR}"'),
            _sum(spans.filter(pl.col("period") == audit_ada.YEAR), "days"),
            days,
            matches.height,
        ),
        Tie(
            "Minutes of credited days: matches = match sessions",
            placed["Matches"].total("minutes_used"),
            _sum(matches, "minutes_used"),
            placed["Match sessions"].total("minutes_used"),
            _sum(payments, "minutes_used"),
        ),
        *(
            Tie(
                f"{what}: ledger = roster",
                book.total(name),
                _sum(ledger, name),
                placed["Roster"].total(name),
                _sum(roster, name),
            )
            for what, name in (
                ("Minutes recorded", "minutes_raw"),
                ("Minutes cut", "minutes_cut"),
                ("Minutes counted", "minutes_counted"),
                ("Minutes above one day a date", "minutes_forfeited"),
            )
        ),
        Tie(
            "Minutes counted: sessions = roster",
            placed["Sessions"].total("minutes_counted"),
            _sum(sessions, "minutes_counted"),
            placed["Roster"].total("minutes_counted"),
            _sum(roster, "minutes_counted"),
        ),
    ]
    for school in sorted({*stas["school_code"], *matches["absence_school_code"].drop_nulls()}):
        here = f'"{school}"'
        ties.append(
            Tie(
                f"School {school}: STAS 13.24 = matches",
                placed["STAS"].total_where("recovery_days", "school_code", here),
                _sum(stas.filter(pl.col("school_code") == school), "recovery_days"),
                placed["Matches"].count("ssid", ("absence_school_code", here)),
                matches.filter(pl.col("absence_school_code") == school).height,
            )
        )
    return ties


EXPORTER = AuditWorkbook()
