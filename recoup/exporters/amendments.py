"""``amendments.csv``: every difference between what a closed period reported and what the data gives now, with its reason (ledger.md 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.exporters import periods
from recoup.exporters.tables import write_csv
from recoup.ports import Finding, Written

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.ports import Closing, Run

NAME = "amendments"
FILE = "amendments.csv"
KEY = ("ssid", "absence_date", "lea")
#: What of a reported credit must stay as it was, and the reason that is told when it does not.
COMPARED = {
    "earned_on": "",
    "absence_school_code": "school_changed",
    "grade_span": "grade_span_changed",
    "ada_line": "ada_line_changed",
    "minutes_used": "minutes_changed",
}
COLUMNS = {
    "period": pl.String,
    "generation": pl.Int64,
    "ssid": pl.String,
    "absence_date": pl.Date,
    "absence_school_code": pl.String,
    "grade_span": pl.String,
    "what": pl.String,
    "reason": pl.String,
    "earned_on": pl.Date,
    "reported_school_code": pl.String,
    "reported_grade_span": pl.String,
    "reported_earned_on": pl.Date,
    "reported_run_id": pl.String,
}
_MARKS = ("kind", "full_day", "made_up_by", "not_recoverable")
_ABSENCE = ("ssid", "school_code", "date")
_ROW = ("ssid", "session_id")


def comparable(run: Run) -> list[Closing]:
    """Return the closings that a run can be held against: its as-of date has reached their period's end."""
    return [closing for closing in run.closed if closing.ends <= run.as_of]


def amendments(run: Run) -> pl.DataFrame:
    """Return one row for each credit of a closed period that was added, removed or changed since, in order of closing and student.

    ``what``: ``added``, ``removed``, ``changed``. ``reason``: see ``docs/periods.md``; the first that holds. The columns are COLUMNS;
    what was reported stands in ``reported_…``, what stands now beside it.
    """
    now = periods.counted(run)
    tables = [_of(closing, now.filter(pl.col("period") == closing.period), run) for closing in comparable(run)]
    return pl.concat(tables) if tables else pl.DataFrame(schema=COLUMNS)


def _of(closing: Closing, now: pl.DataFrame, run: Run) -> pl.DataFrame:
    then, whole = closing.credits, [*KEY, *COMPARED]
    both = now.select(*whole, "session_ids", here=pl.lit(value=True)).join(
        then.select(*whole, "session_ids", "rule_version", there=pl.lit(value=True)), on=KEY, how="full", coalesce=True, suffix="_then"
    )
    unlike = {name: pl.col(name).ne_missing(pl.col(f"{name}_then")) for name in COMPARED}
    what = (
        pl.when(pl.col("there").is_null())
        .then(pl.lit("added"))
        .when(pl.col("here").is_null())
        .then(pl.lit("removed"))
        .when(pl.any_horizontal(unlike.values()))
        .then(pl.lit("changed"))
    )
    found = both.with_columns(what.alias("what")).filter(pl.col("what").is_not_null())
    found = _with_reasons(found, closing, run)
    told = pl.when((pl.col("what") != "changed") | unlike["earned_on"]).then("reason")
    reason = pl.coalesce(told, *(pl.when(unlike[name]).then(pl.lit(reason)) for name, reason in COMPARED.items() if reason))
    return found.select(
        pl.lit(closing.period).alias("period"),
        pl.lit(closing.generation, pl.Int64).alias("generation"),
        "ssid",
        "absence_date",
        pl.coalesce("absence_school_code", "absence_school_code_then"),
        pl.coalesce("grade_span", "grade_span_then"),
        "what",
        reason.alias("reason"),
        "earned_on",
        pl.col("absence_school_code_then").alias("reported_school_code"),
        pl.col("grade_span_then").alias("reported_grade_span"),
        pl.col("earned_on_then").alias("reported_earned_on"),
        pl.lit(closing.run_id).alias("reported_run_id"),
    ).sort("ssid", "absence_date", "absence_school_code")


def _with_reasons(found: pl.DataFrame, closing: Closing, run: Run) -> pl.DataFrame:
    """Add ``reason``: why a pair came, went, or met another day, as the rows of attendance and participation then and now tell it.

    For a pair that came its own sessions and absence are looked at; for one that went, or met another day, the reported ones.
    """
    came = pl.col("what") == "added"
    found = found.with_row_index("n").with_columns(
        school_code=pl.when(came).then("absence_school_code").otherwise("absence_school_code_then"),
        sessions=pl.when(came).then("session_ids").otherwise("session_ids_then"),
    )
    marks = [pl.struct(_MARKS).alias("marks")]
    before = closing.absences.select(*_ABSENCE, *marks)
    after = run.tables["attendance"].select(*_ABSENCE, *marks)
    absence = (
        _absences(found, pl.concat([before, after]))
        .join(before, on=_ABSENCE, how="left")
        .join(after, on=_ABSENCE, how="left", suffix="_now")
        .select(
            "n",
            was=pl.col("marks").is_not_null(),
            stands=pl.col("marks_now").is_not_null(),
            marked=pl.col("marks").ne_missing(pl.col("marks_now")),
        )
    )
    time = closing.time.join(
        run.results["time_entries"].select(*_ROW, "minutes_counted", "outcome"), on=_ROW, how="full", coalesce=True, suffix="_now"
    )
    counted, counted_now = pl.col("minutes_counted").fill_null(0), pl.col("minutes_counted_now").fill_null(0)
    time = time.select(
        *_ROW,
        new=pl.col("outcome").is_null(),
        gone=pl.col("outcome_now").is_null(),
        held=(pl.col("outcome_now") == "held") & (pl.col("outcome") != "held"),
        released=(pl.col("outcome") == "held") & (pl.col("outcome_now") != "held"),
        other=counted != counted_now,
    )
    signs = [pl.col(name).any().fill_null(value=False) for name in ("new", "gone", "held", "released", "other")]
    paid = found.select("n", "ssid", session_id=pl.col("sessions").str.split(";")).explode("session_id")
    paid = paid.join(time, on=_ROW).group_by("n").agg(signs)
    touched = time.filter(pl.any_horizontal("new", "gone", "held", "released", "other")).select("ssid", touched=pl.lit(value=True)).unique()
    elsewhere = run.results["credits"].select("ssid", "absence_date", later=pl.lit(value=True)).unique()
    reported_days = closing.credits.select("ssid", earned_on="earned_on", reported_day=pl.lit(value=True)).unique()
    found = (
        found.join(absence, on="n", how="left")
        .join(paid, on="n", how="left")
        .join(touched, on="ssid", how="left")
        .join(elsewhere, on=["ssid", "absence_date"], how="left")
        .join(reported_days, on=["ssid", "earned_on"], how="left")
    )
    rules = pl.lit(run.rule_version != closing.rule_version)
    came, went = pl.col("what") == "added", pl.col("what") != "added"
    reasons = {
        "new_absence": came & ~pl.col("was") & pl.col("stands"),
        "absence_gone": went & pl.col("was") & ~pl.col("stands"),
        "absence_changed": pl.col("was") & pl.col("stands") & pl.col("marked"),
        "new_time": came & pl.col("new"),
        "time_gone": went & pl.col("gone"),
        "session_held": went & pl.col("held"),
        "session_released": came & pl.col("released"),
        "rules_changed": rules,
        "time_changed": pl.col("other"),
        "rematched": came & pl.col("reported_day"),
        "later_period": (pl.col("what") == "removed") & pl.col("later"),
        "time_of_student_changed": pl.col("touched"),
    }
    first = pl.coalesce(*(pl.when(holds.fill_null(value=False)).then(pl.lit(name)) for name, holds in reasons.items()))
    return found.with_columns(first.fill_null("student_changed").alias("reason"))


def _absences(found: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return n, ssid, school_code, date of the absence of each pair: where it counts, or, once the LEA has assigned it, where it was."""
    wanted = found.select("n", "ssid", "school_code", date="absence_date")
    there = wanted.join(rows.select(_ABSENCE), on=["ssid", "date"], how="left", suffix="_there")
    there = there.sort("n", pl.col("school_code_there") != pl.col("school_code"), "school_code_there")
    there = there.unique("n", keep="first", maintain_order=True)
    return there.select("n", "ssid", pl.coalesce("school_code_there", "school_code").alias("school_code"), "date")


def write(run: Run, out: Path) -> tuple[list[Written], list[Finding]]:
    """Write ``amendments.csv`` where a period is closed, and return it with what a person should know; nothing where none is."""
    if not run.closed:
        return [], []
    table = amendments(run)
    write_csv(table, out / FILE)
    said = []
    for closing in run.closed:
        if closing.ends > run.as_of:
            said.append(Finding(NAME, "NOT_COMPARED", "info", 0, _not_compared(closing, run)))
            continue
        mine = table.filter(pl.col("period") == closing.period)
        if mine.height:
            reasons = mine.group_by("reason").len().sort("len", "reason", descending=[True, False])
            listed = ", ".join(f"{reason} {count}" for reason, count in reasons.iter_rows())
            said.append(Finding(NAME, "AMENDED", "warn", mine.height, _amended(closing, listed)))
    return [Written(FILE, table.height)], said


def _not_compared(closing: Closing, run: Run) -> str:
    return f"{closing.period} is closed and ends on {closing.ends}; this run counts up to {run.as_of} only and was not held against it."


def _amended(closing: Closing, reasons: str) -> str:
    return (
        f"{closing.period}, closed on {closing.closed_at:%Y-%m-%d} by {closing.closed_by}, would now be reported otherwise ({reasons}): "
        f'see {FILE}. Amend the report, then: recoup close {closing.period} --again --reason "…".'
    )
