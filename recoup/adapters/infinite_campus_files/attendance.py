"""Attendance by period to absences by day: which code says why, and Campus's own count says whether it was the whole day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.adapters.mapping import keyed, refuse_unmapped
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_PRESENT = "present"
_DAY = ("personID", "calendarID", "date")


def excuses(codes: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Add ``_kind`` to the codes: by the district's mapping, else by state code, else present by status, else by excuse; null unmapped."""
    mapped = keyed(job.codes["absence"], pl.col("schoolID"), pl.col("code"))
    state = column(codes, "stateCode").replace_strict(job.codes["state_code"], default=None, return_dtype=pl.String)
    absent = pl.col("status").is_in(job.listed("absent_status"))
    excuse = column(codes, "excuse").replace_strict(job.codes["excuse"], default=None, return_dtype=pl.String)
    kind = pl.coalesce(mapped, state, pl.when(~absent).then(pl.lit(_PRESENT)), excuse)
    return codes.with_columns(
        kind.alias("_means"),
        pl.when(kind != _PRESENT).then(kind).alias("_kind"),
        pl.lit(job.request.year.name).alias("_year"),
        pl.lit("true").alias("_fullDay"),
    )


def absences(frames: Mapping[str, pl.DataFrame], calendars: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return one row a student and day with ``_kind`` and ``_fullDay``; codes without a meaning are refused, present ones left out.

    Raises ``CAMPUS_DAYS_UNKNOWN`` (2) when nothing says what a whole day is.
    """
    marks = frames["attendanceDetail"].join(calendars, on="calendarID", how="left", maintain_order="left")
    codes = (
        frames["attendanceExcuse"].select("calendarID", "code", "_means").unique(["calendarID", "code"], keep="first", maintain_order=True)
    )
    marks = marks.join(codes, on=["calendarID", "code"], how="left", maintain_order="left")
    own = keyed(job.codes["absence"], pl.col("schoolID"), pl.col("code"))
    state = column(marks, "stateCode").replace_strict(job.codes["state_code"], default=None, return_dtype=pl.String)
    marks = marks.with_columns(pl.coalesce(own, state, "_means").alias("_kind"))
    absent = pl.col("status").is_in(job.listed("absent_status")).fill_null(value=False)
    _left(job, "LEFT_NO_ABSENCE", marks.filter(~absent), "attendanceDetail", "late, early release or present")
    marks = marks.filter(absent)
    lost = pl.col("_kind").is_null()
    refuse_unmapped(job, marks.filter(lost), "absence", "schoolID", ("attendance", "attendanceDetail.code", "code"))
    marks = marks.filter(~lost)
    _left(job, "LEFT_BY_CODE", marks.filter(pl.col("_kind") == _PRESENT), "attendanceDetail", "their code means no absence")
    marks = marks.filter(pl.col("_kind") != _PRESENT)
    return _whole_or_part(marks, frames, job)


def _whole_or_part(marks: pl.DataFrame, frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Keep one mark a student and day, the first of the code that stands in most periods, and say whether the day is whole."""
    counted = marks.with_columns(pl.len().over(*_DAY).alias("_periods"), pl.len().over(*_DAY, "code").alias("_same"))
    days = counted.sort("_same", descending=True, maintain_order=True).unique(_DAY, keep="first", maintain_order=True).sort("_line")
    mixed = counted.filter(pl.col("_same") < pl.col("_periods")).unique(_DAY).height
    told = f"attendanceDetail: {mixed} days have several codes of absence; the one in most periods counts"
    job.desk.note(job.request.source, "CODES_MIXED", mixed, told, "warn")
    if "attendanceDay" in frames:
        counts = frames["attendanceDay"].unique(_DAY, keep="last", maintain_order=True)
        whole = (pl.col("absentDay").cast(pl.Float64, strict=False) >= 1).fill_null(value=False)
        days = days.join(counts.select(*_DAY, whole.alias("_whole")), on=list(_DAY), how="left", maintain_order="left")
        full = pl.col("_whole").fill_null(value=False)
    elif job.options["day_periods"]:
        full = pl.col("_periods") >= job.options["day_periods"]
    else:
        raise RecoupError("CAMPUS_DAYS_UNKNOWN", job.request.source)
    return days.with_columns(pl.when(full).then(pl.lit("true")).otherwise(pl.lit("false")).alias("_fullDay"))


def _left(job: Job, code: str, rows: pl.DataFrame, feed: str, reason: str) -> None:
    job.desk.note(job.request.source, code, rows.height, f"{feed}: {rows.height} rows left out: {reason}")
