"""Infinite Campus's extracts to canonical tables: what ``columns.csv`` cannot say by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.base import FileAdapter
from recoup.adapters.infinite_campus_files.attendance import absences, excuses
from recoup.adapters.joining import column
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_MINUTES = 60


class InfiniteCampusFiles(FileAdapter):
    """The adapter for ad hoc and Data Extract output."""

    def prepared(self, frames: Mapping[str, pl.DataFrame], job: Job) -> Mapping[str, pl.DataFrame]:
        """Lead every feed to its school, turn periods into days, and work out the columns that Campus does not have."""
        ready = dict(frames)
        ready["school"] = ready["school"].with_columns(pl.coalesce(column(ready["school"], "localNumber"), "schoolID").alias("localNumber"))
        names = {"number": "_schoolNumber", "localNumber": "_localNumber"}
        schools = ready["school"].select("schoolID", *(pl.col(theirs).alias(ours) for theirs, ours in names.items())).unique("schoolID")
        for feed in ("calendar", "section"):
            ready[feed] = ready[feed].join(schools, on="schoolID", how="left", maintain_order="left")
        calendars = ready["calendar"].select("calendarID", "schoolID").unique("calendarID")
        ready["attendanceExcuse"] = excuses(
            ready["attendanceExcuse"].join(calendars, on="calendarID", how="left", maintain_order="left"), job
        )
        ready["attendanceDetail"] = absences(ready, calendars, job)
        if "alternateMinimum" in ready["enrollment"].columns:
            given = pl.col("alternateMinimum").is_not_null()
            ready["enrollment"] = ready["enrollment"].with_columns(pl.when(given).then(pl.lit("iep_46307")).alias("_basis"))
        if "sectionStaff" in ready:
            ready["sectionStaff"] = _on_dates(ready["sectionStaff"], ready["sectionMeeting"])
        if "attendanceRecoveryService" in ready:
            ready["attendanceRecoveryService"] = _marked(ready, job)
        if "sectionHours" in ready:
            ready["sectionHours"] = _totals(ready["sectionHours"], ready["section"], job)
        return ready


def _totals(hours: pl.DataFrame, sections: pl.DataFrame, job: Job) -> pl.DataFrame:
    """One row a student and school with the hours of all sections there in ``_minutes``; empty where one of them cannot be read."""
    places = sections.select("sectionID", pl.col("schoolID").alias("_school")).unique("sectionID")
    joined = hours.join(places, on="sectionID", how="left", maintain_order="left")
    alike = ("personID", pl.coalesce("_school", "sectionID"))
    minutes = pl.col("attendanceRecoveryHoursEarned").cast(pl.Float64, strict=False) * _MINUTES
    whole = pl.when(minutes.is_not_null().all().over(alike)).then(minutes.sum().over(alike)).round().cast(pl.Int64)
    each = joined.with_columns(whole.cast(pl.String).alias("_minutes"), pl.len().over(alike).alias("_sections"))
    several = each.filter(pl.col("_sections") > 1).height
    told = f"sectionHours: {several} rows are of students with several sections at a school; their hours are one total"
    job.desk.note(job.request.source, "SECTIONS_SUMMED", several, told)
    return each.unique(alike, keep="first", maintain_order=True)


def _marked(ready: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Mark the services of students whose hours Campus works out by itself every morning: what a file brings is overwritten then."""
    services = ready["attendanceRecoveryService"]
    route = job.options["automatic_hours"]
    if route == "section_hours" and "sectionHours" in ready:
        people = ready["student"].select("personID", "stateID").unique("personID")
        hours = ready["sectionHours"].filter(pl.col("attendanceRecoveryHoursEarned").is_not_null()).select("personID")
        automatic = hours.join(people, on="personID", how="inner")["stateID"].unique()
        marked = pl.col("stateID").is_in(automatic.implode())
    else:
        marked = pl.lit(route == "all")
    return services.with_columns(pl.when(marked).then(pl.lit("true")).otherwise(pl.lit("false")).alias("_auto"))


def _on_dates(staff: pl.DataFrame, meetings: pl.DataFrame) -> pl.DataFrame:
    """One row a person and date on which the section meets, between the dates that the section's staff history gives."""
    first, last, day = column(staff, "startDate"), column(staff, "endDate"), pl.col("_date")
    posts = staff.with_columns(first.alias("_first"), last.alias("_last"))
    dates = meetings.select("sectionID", pl.col("date").alias("_date")).unique(maintain_order=True)
    within = (pl.col("_first").is_null() | (pl.col("_first") <= day)) & (pl.col("_last").is_null() | (pl.col("_last") >= day))
    held = posts.join(dates, on="sectionID", how="inner", maintain_order="left").filter(within)
    return held.select(*(name for name in staff.columns if name not in LINEAGE), "_date", *LINEAGE)


ADAPTER = InfiniteCampusFiles.from_folder("infinite_campus_files", "recoup.adapters.infinite_campus_files")
