"""Attendance events to absences: present ones left out, categories or reasons as codes, parts of a day beside the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.edfi.roster import in_year, translated
from recoup.adapters.joining import column
from recoup.adapters.mapping import keyed
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

DAYS, SECTIONS = "studentSchoolAttendanceEvents", "studentSectionAttendanceEvents"
STUDENT, SCHOOL = "studentReference.studentUniqueId", "schoolReference.schoolId"
CATEGORY, REASON = "attendanceEventCategoryDescriptor", "attendanceEventReason"
_DAY = [STUDENT, SCHOOL, "eventDate"]
_PRESENT = "present"


def prepared(frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Return the events of days, with ``_code`` and ``_full``; days that only sections tell are among them."""
    events = _absent(frames[DAYS], DAYS, job)
    given = column(events, "eventDuration").cast(pl.Float64, strict=False)
    listed = keyed(job.codes["whole_day"], pl.col(SCHOOL), pl.col("_code"))
    full = pl.when(given.is_not_null()).then((given >= 1).cast(pl.String)).otherwise(pl.coalesce(listed, pl.lit("true")))
    events = events.with_columns(full.alias("_full"))
    if job.options["day_periods"] and SECTIONS in frames:
        days = _by_sections(frames[SECTIONS], job).join(events, on=_DAY, how="anti")
        events = pl.concat([events, days], how="diagonal")
    # A morning and an afternoon beside the whole day say nothing more.
    part = (pl.col("_full") == "false") & (pl.col("_full") == "true").any().over(_DAY)
    left = events.filter(part).height
    job.desk.note(job.request.source, "LEFT_PART_OF_DAY", left, f"{DAYS}: {left} parts of days whose whole is told too")
    return {DAYS: events.filter(~part)}


def codes_of(made: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Make the table ``codes`` of what the absences hold; the interface has no table of codes by school."""
    rows = made["attendance"]
    code = rows.drop_nulls("source_code").unique(["school_code", "source_code"], keep="first", maintain_order=True)
    return {
        "codes": code.select(
            "school_code",
            pl.lit(job.request.year.name).alias("school_year"),
            pl.col("source_code").alias("code"),
            "kind",
            "full_day",
            "not_recoverable",
            pl.lit(None, pl.String).alias("description"),
            *LINEAGE,
        )
    }


def _absent(events: pl.DataFrame, feed: str, job: Job) -> pl.DataFrame:
    """Add ``_code`` to the events of the year; leave out those whose category means presence, unless a reason says otherwise."""
    events = in_year(events, feed, ("eventDate", "eventDate"), job)
    category, reason = pl.col(CATEGORY), column(events, REASON)
    by_reason = job.options["absence_code"] == "reason"
    events = events.with_columns((pl.coalesce(reason, category) if by_reason else category).alias("_code"))
    school = SCHOOL if feed == DAYS else "sectionReference.schoolId"
    means = keyed(job.codes["absence"], pl.col(school), pl.col("_code"))
    # A category that means presence says so for a reason that nobody has explained, and no other category does.
    by_category = means.is_null() & (translated(job, "absence", category) == _PRESENT)
    present = ((means == _PRESENT) | by_category).fill_null(value=False)
    left = events.filter(present).height
    job.desk.note(job.request.source, "LEFT_BY_CODE", left, f"{feed}: {left} rows left out: present")
    return events.filter(~present)


def _by_sections(marks: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return one event a student, school and day on which sections were missed: the code of most, whole from ``day_periods`` on."""
    # Attendance recovery is no part of the school day.
    recovery = column(marks, "sectionReference.localCourseCode").is_in(job.listed("recovery_courses")).fill_null(value=False)
    missed = _absent(marks.filter(~recovery), SECTIONS, job).rename({"sectionReference.schoolId": SCHOOL})
    counted = missed.with_columns(
        pl.col("sectionReference.sectionIdentifier").n_unique().over(_DAY).alias("_sections"), pl.len().over(*_DAY, "_code").alias("_same")
    )
    days = counted.sort("_same", descending=True, maintain_order=True).unique(_DAY, keep="first", maintain_order=True)
    whole = (pl.col("_sections") >= job.options["day_periods"]).cast(pl.String)
    return days.select(*_DAY, "_code", whole.alias("_full"), *LINEAGE)
