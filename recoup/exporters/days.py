"""School days and enrollments as the receivers' files need them: which day is taught to whom, and which school holds a student."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from recoup.ports import Run

#: What decides whether a day is taught to a student: the calendar may have a row for a track, for grades, or for both.
GROUP = ("school_code", "track", "grade")
_KINDS = ("suspension_out", "suspension_in", "excused", "unexcused", "independent_study_non_ada", "independent_study_ada")
#: Of several enrollments on a date the one of the earliest status here is in force (ledger.md section 4).
STATUS_ORDER = {"30": 0, "10": 1, "20": 2, "50": 3}
_DAY = pl.duration(days=1)


def reporting_leas(run: Run) -> pl.DataFrame:
    """Return every school with the LEA that reports for it: ``school_code``, ``school_type``, ``hourly``, ``lea``.

    An independently reporting charter is an LEA of its own, under its school code; any other school is its county-district code's.
    """
    charter = pl.col("independently_reporting_charter").fill_null(value=False)
    return run.tables["schools"].select(
        "school_code",
        "school_type",
        pl.col("hourly_attendance").fill_null(value=False).alias("hourly"),
        pl.when(charter).then("school_code").otherwise("county_district_code").alias("lea"),
    )


def enrollments(run: Run) -> pl.DataFrame:
    """Return the enrollments that count for anything: no-shows left out, an empty track as empty text."""
    no_shows = law.load(run.year.name).value("no_show_exits")
    return (
        run.tables["enrollments"]
        .filter(~pl.col("exit_reason").is_in(no_shows).fill_null(value=False))
        .with_columns(pl.col("track").fill_null(""))
    )


def taught_days(calendar: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the instructional days of each group (school_code, track, grade), in order of group and ``date``.

    Of several calendar rows for a date the most specific one that fits wins: track and grades, then track, then grades, then neither;
    of two with grades the one with fewer, then the earlier in text, as in the ledger.
    """
    rows = calendar.select(
        "school_code",
        "date",
        "is_instructional",
        pl.col("track").fill_null("").alias("row_track"),
        pl.col("grades").fill_null("").alias("row_grades"),
    )
    track, grades = pl.col("row_track"), pl.col("row_grades")
    named = grades.str.split(";").list.contains(pl.col("grade"))
    return (
        groups.select(GROUP)
        .unique()
        .join(rows, on="school_code")
        .filter((track == "") | (track == pl.col("track")), (grades == "") | named)
        .with_columns(((track != "").cast(pl.Int8) * 2 + (grades != "").cast(pl.Int8)).alias("specificity"))
        .sort(*GROUP, "date", -pl.col("specificity"), grades.str.count_matches(";"), "row_grades")
        .unique([*GROUP, "date"], keep="first", maintain_order=True)
        .filter("is_instructional")
        .select(*GROUP, "date")
    )


def pieces(spans: pl.DataFrame) -> pl.DataFrame:
    """Cut spans (``lea``, ``ssid``, school, ``status``, ``begin``..``end``) where any of the student's spans begins or ends.

    Returns for each student and school its stretches ``begin``..``end``, each day in one stretch only; a stretch that a short-term span
    at another school covers is taken from the primary one (ledger.md section 8), whichever LEA has the other school.
    """
    ends = spans.select("ssid", (pl.col("end") + _DAY).alias("at"))
    cuts = pl.concat([spans.select("ssid", pl.col("begin").alias("at")), ends]).unique().sort("ssid", "at")
    stretches = cuts.with_columns((pl.col("at").shift(-1).over("ssid") - _DAY).alias("until")).drop_nulls("until")
    short = pl.col("status") == "30"
    return (
        spans.join(stretches, on="ssid")
        .filter(pl.col("at") >= pl.col("begin"), pl.col("until") <= pl.col("end"))
        .filter(short.any().over("ssid", "school_code", "at") | ~short.any().over("ssid", "at"))
        .sort("ssid", "school_code", "at", short, "begin", descending=[False, False, False, True, True])
        .unique(["ssid", "school_code", "at"], keep="first", maintain_order=True)
        .with_columns(begin="at", end="until")
        .select("lea", "ssid", *GROUP, "begin", "end")
    )


def tally(run: Run, spans: pl.DataFrame) -> pl.DataFrame:
    """Count the days of STAS for each reporting LEA, school and student of ``spans``.

    Returns ``lea``, ``school_code``, ``ssid``, ``expected`` (13.15), the kinds of 13.17 to 13.22 by name, and ``immunization`` (the
    excused and unexcused days that cannot be recovered for want of an immunization). Kinds count whole days only, made up or not.
    """
    keys = ["lea", "school_code", "ssid"]
    parts = pieces(spans)
    days = taught_days(run.tables["calendar"], parts)
    running = days.with_columns(pl.int_range(1, pl.len() + 1).over(GROUP).alias("nth")).sort("date")

    def taught_until(day: str, shift: int) -> pl.Expr:
        # A backward as-of join gives the number of days taught up to and with a date.
        at = parts.select(*GROUP, (pl.col(day) + pl.duration(days=shift)).alias("date")).with_row_index().sort("date")
        found = at.join_asof(running, on="date", by=list(GROUP), check_sortedness=False).sort("index")
        return pl.lit(found["nth"].fill_null(0))

    expected = parts.select(*keys, (taught_until("end", 0) - taught_until("begin", -1)).alias("expected"))
    kind = pl.col("kind")
    absent = (
        run.tables["attendance"]
        .filter(pl.col("full_day"), pl.col("date") <= run.as_of)
        .select("ssid", "school_code", "date", "kind", "not_recoverable")
        .join(parts, on=["ssid", "school_code"])
        .filter(pl.col("date").is_between("begin", "end"))
        .join(days, on=[*GROUP, "date"], how="semi")
        .group_by(keys)
        .agg(
            *((kind == name).sum().cast(pl.Int64).alias(name) for name in _KINDS),
            (kind.is_in(["excused", "unexcused"]) & (pl.col("not_recoverable") == "immunization"))
            .fill_null(value=False)
            .sum()
            .cast(pl.Int64)
            .alias("immunization"),
        )
    )
    return (
        spans.select(keys)
        .unique()
        .join(expected.group_by(keys).agg(pl.col("expected").sum()), on=keys, how="left")
        .join(absent, on=keys, how="left")
        .with_columns(pl.col("expected", "immunization", *_KINDS).fill_null(0).cast(pl.Int64))
    )


def dated(run: Run, name: str) -> pl.Expr:
    """Return a number of law as it is on each row's ``date``, which may change within the year."""
    fact, first = law.load(run.year.name).facts[name], run.year.first
    number = pl.lit(fact.on(first))
    for since, value in fact.values:
        if since > first:
            number = pl.when(pl.col("date") >= since).then(pl.lit(value)).otherwise(number)
    return number


def spans_until(rows: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Clip enrollments to ``first``..``last`` as ``begin``..``end``; those outside fall away."""
    return rows.with_columns(
        pl.max_horizontal("entry_date", pl.lit(first)).alias("begin"),
        pl.min_horizontal("exit_date", pl.lit(last)).alias("end"),
    ).filter(pl.col("begin") <= pl.col("end"))


def school_in_force(who: pl.DataFrame, rows: pl.DataFrame, also: Sequence[str] = ()) -> pl.DataFrame:
    """Add to ``who`` (``ssid``, ``date`` and others) the ``school_code`` of the enrollment in force (ledger.md section 4), and ``also``.

    Of the enrollments that hold the date: status 30 before 10, 20, 50, then the later entry, then the lower code; else the next one;
    else the last one. A student without any is left out.
    """
    entry, left, day = pl.col("entry_date"), pl.col("exit_date"), pl.col("date")
    rank = pl.when(entry > day).then(1).when(left < day).then(2).otherwise(0)
    status = pl.col("enrollment_status").replace_strict(STATUS_ORDER, default=9, return_dtype=pl.Int64)
    starts, ends = entry.cast(pl.Int32).cast(pl.Int64), left.cast(pl.Int32).cast(pl.Int64)
    first = pl.when(rank == 0).then(status).when(rank == 1).then(starts).otherwise(-ends)
    second = pl.when(rank == 0).then(-starts).when(rank == 1).then(status).otherwise(0)
    columns = who.columns
    needed = dict.fromkeys(["ssid", "school_code", "entry_date", "exit_date", "enrollment_status", *also])
    return (
        who.with_row_index("_who")
        .join(rows.select(*needed), on="ssid")
        .sort("_who", rank, first, second, "school_code")
        .unique("_who", keep="first", maintain_order=True)
        .select(*columns, "school_code", *also)
    )
