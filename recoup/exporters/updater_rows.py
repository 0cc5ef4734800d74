"""The records and services that the Program Updater is to hold, out of the ledger's results (interface.md, exporter table).

A *record* is a student's time in the program, as the SIS gave it, else derived. A *service* hangs on a record: ``Earned`` is the time
that was counted, in whole hours, ``Used`` the days that were credited at one school. Each is the total of the year to date.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recoup.exporters import days

if TYPE_CHECKING:
    from recoup.ports import Run

_RECORD = ("ssid", "start_date", "end_date", "comment", "owner_district", "derived", "_file", "_line")


def districts(run: Run) -> pl.DataFrame:
    """Return every school with the district whose SIS it is in: ``school_code``, ``district``."""
    return run.tables["schools"].select("school_code", district="county_district_code")


def of_district(run: Run, code: str) -> Run:
    """Return the part of a run that one district's SIS is to hold: its enrollments, credits at its schools, and the time of dates on
    which it has the student. The run itself where there is no other district."""
    placed = districts(run)
    own = placed.filter(pl.col("district") == code).select("school_code")
    if own.height == placed.height:
        return run
    tables, results = dict(run.tables), dict(run.results)
    time = results["time_entries"]
    dates = days.school_in_force(time.select("ssid", "date").unique(), days.enrollments(run)).join(own, on="school_code", how="semi")
    results["time_entries"] = time.join(dates, on=["ssid", "date"], how="semi", maintain_order="left")
    results["credits"] = results["credits"].filter(pl.col("absence_school_code").is_in(own["school_code"].implode()))
    for name in ("enrollments", "program_services"):
        rows = tables[name]
        tables[name] = rows.filter(pl.col("school_code").is_null() | pl.col("school_code").is_in(own["school_code"].implode()))
    elsewhere = run.tables["enrollments"].join(tables["enrollments"], on="ssid", how="anti")
    tables["program_records"] = tables["program_records"].join(elsewhere, on="ssid", how="anti", maintain_order="left")
    known = pl.concat([frame.select("ssid") for frame in (tables["enrollments"], tables["program_records"], results["credits"], dates)])
    # Local numbers are one district's own: another district's student may have the same.
    tables["students"] = tables["students"].join(known, on="ssid", how="semi", maintain_order="left")
    return replace(run, tables=tables, results=results)


def _counted(run: Run) -> pl.DataFrame:
    return run.results["time_entries"].filter(pl.col("minutes_counted") > 0)


def given_records(run: Run) -> pl.DataFrame:
    """Return the records that the SIS gave and that touch the school year, with their lineage and ``derived`` = false."""
    ends = pl.col("end_date").fill_null(run.year.last)
    return (
        run.tables["program_records"]
        .filter(pl.col("start_date") <= run.year.last, ends >= run.year.first)
        .with_columns(pl.lit(value=False).alias("derived"))
        .select(_RECORD)
    )


def derived_records(run: Run, given: pl.DataFrame) -> pl.DataFrame:
    """Return one record for each student with counted time, or a day paid elsewhere, and none in ``given``.

    From the first counted participation to the later of the last one and the last ``credited_on``, widened to the next enrollment's
    first day where it meets none. Days that were paid elsewhere have no counted time here: they span their own dates.
    """
    counted = _counted(run)
    time = counted.group_by("ssid").agg(
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
        pl.col("program_name").drop_nulls().unique().sort().str.join("; ").alias("comment"),
    )
    elsewhere = pl.col("paid_elsewhere").fill_null(value=False)
    paid = (
        run.results["credits"]
        .group_by("ssid")
        .agg(
            pl.col("credited_on").max().alias("credited"),
            pl.col("earned_on").filter(elsewhere).min().alias("paid_first"),
            pl.max_horizontal("earned_on", "credited_on").filter(elsewhere).max().alias("paid_last"),
        )
    )
    places = run.tables["students"].select("ssid", "_file", "_line")
    wanted = (
        time.join(paid, on="ssid", how="full", coalesce=True)
        .join(given.select("ssid"), on="ssid", how="anti")
        .with_columns(
            pl.col("first").fill_null(pl.col("paid_first")).alias("start_date"),
            pl.when(pl.col("last").is_not_null()).then(pl.max_horizontal("last", "credited")).otherwise("paid_last").alias("end_date"),
        )
        .drop_nulls("start_date")
    )
    spans = days.enrollments(run).select("ssid", "entry_date", "exit_date")
    near = (
        wanted.select("ssid", "start_date", "end_date")
        .join(spans, on="ssid")
        .group_by("ssid")
        .agg(
            meets("start_date", "end_date").any().alias("met"),
            pl.col("entry_date").filter(pl.col("entry_date") > pl.col("end_date")).min().alias("next"),
        )
    )
    widened = pl.when(~pl.col("met")).then(pl.coalesce("next", "end_date")).otherwise("end_date")
    return (
        wanted.join(near, on="ssid", how="left")
        .join(places, on="ssid", how="left")
        .with_columns(widened.alias("end_date"), pl.lit(None, pl.String).alias("owner_district"), pl.lit(value=True).alias("derived"))
        .select(_RECORD)
    )


def meets(start: str, end: str) -> pl.Expr:
    """Say whether the span ``start``..``end`` (empty = open) shares a day with the enrollment beside it, both inclusive."""
    begins_in_time = pl.col(end).is_null() | (pl.col("entry_date") <= pl.col(end))
    return begins_in_time & (pl.col("exit_date").is_null() | (pl.col("exit_date") >= pl.col(start)))


def _on_record(rows: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Give each row (``ssid``, ``date``) the one record it belongs to: that of its date, else the last one begun, else the first.

    So a student's minutes and days are spread over the records and none is told twice. Without a record its dates are empty.
    """
    start, end, day = pl.col("start_date"), pl.col("end_date"), pl.col("date")
    rank = pl.when(start > day).then(2).when(end < day).then(1).otherwise(0)
    near = pl.when(rank == 2).then(start.cast(pl.Int32)).otherwise(-start.cast(pl.Int32))
    return (
        rows.with_row_index("_row")
        .join(records.select("ssid", "start_date", "end_date"), on="ssid", how="left")
        .sort("_row", rank, near)
        .unique("_row", keep="first", maintain_order=True)
        .drop("_row")
    )


def services(run: Run, records: pl.DataFrame) -> pl.DataFrame:
    """Return the services of all ``records``, in order of student, record, type and school.

    Columns: ``ssid``, ``start_date`` and ``end_date`` of the record, ``type`` (``Earned``/``Used``), ``school_code``, ``hours``, ``days``
    (one of them null), ``last`` (date of the last counted session, Earned rows only), and the student's lineage.
    """
    record = ["ssid", "start_date", "end_date"]
    counted = _on_record(_counted(run).select("ssid", "date", "minutes_counted"), records)
    credited = _on_record(
        run.results["credits"].select("ssid", "absence_date", "absence_school_code", pl.col("credited_on").alias("date")), records
    )
    earned = counted.group_by(record).agg((pl.col("minutes_counted").sum() // 60).alias("hours"), pl.col("date").max())
    first = credited.sort("absence_date").group_by(record).agg(pl.col("absence_school_code").first())
    held = days.school_in_force(earned.select("ssid", "date", "start_date"), days.enrollments(run)).drop("date")
    columns = (*record, "type", "school_code", "hours", "days", "last")
    earned_rows = (
        earned.join(first, on=record, how="left", nulls_equal=True)
        .join(held, on=["ssid", "start_date"], how="left", nulls_equal=True)
        .select(
            *record,
            pl.lit("Earned").alias("type"),
            pl.coalesce("absence_school_code", "school_code").alias("school_code"),
            pl.col("hours").cast(pl.Int64),
            pl.lit(None, pl.Int64).alias("days"),
            pl.col("date").alias("last"),
        )
    )
    used_rows = (
        credited.group_by(*record, pl.col("absence_school_code").alias("school_code"))
        .agg(pl.len().cast(pl.Int64).alias("days"))
        .with_columns(pl.lit("Used").alias("type"), pl.lit(None, pl.Int64).alias("hours"), pl.lit(None, pl.Date).alias("last"))
    )
    places = run.tables["students"].select("ssid", "_file", "_line")
    both = pl.concat([earned_rows, used_rows.select(columns)])
    return both.join(places, on="ssid", how="left").sort("ssid", "start_date", "type", "school_code")
