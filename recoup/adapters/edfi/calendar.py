"""Calendars to school days: events to instruction, several calendars of a school to tracks, bell schedules to hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.edfi.naming import SEVERAL
from recoup.adapters.edfi.roster import in_year, translated
from recoup.adapters.joining import column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_SCHOOL, _CODE = "calendarReference.schoolId", "calendarReference.calendarCode"
_DAY = ("_school", "_day")


def prepared(frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Return the days of every calendar that is read, with their hours, and the enrollments with their track."""
    days = in_year(frames["calendarDates"], "calendarDates", ("date", "date"), job).with_columns(column(frames["calendarDates"], _CODE))
    days = _kept(days, frames, job)
    # A calendar for some grades is no track: its rows say for which grades.
    codes = days.filter(pl.col("_grades").is_null()).group_by(_SCHOOL).agg(pl.col(_CODE).n_unique().alias("_calendars"))
    several = codes.filter(pl.col("_calendars") > 1)[_SCHOOL].implode()
    track = pl.when(pl.col(_SCHOOL).is_in(several) & pl.col("_grades").is_null()).then(pl.col(_CODE))
    days = _instruction(days, job).with_columns(track.alias("_track"))
    enrolled = frames["studentSchoolAssociations"]
    of_school = pl.col("schoolReference.schoolId").is_in(several)
    ready = {
        "calendarDates": _with_hours(days, frames, job),
        "studentSchoolAssociations": enrolled.with_columns(pl.when(of_school).then(column(enrolled, _CODE)).alias("_track")),
    }
    if "sessions" in frames:
        ready["sessions"] = in_year(frames["sessions"], "sessions", ("beginDate", "endDate"), job)
    return ready


def _grades(job: Job, codes: pl.Expr) -> pl.Expr:
    """Grade descriptors as canonical grades with a semicolon between; null for none."""
    each = codes.str.split(SEVERAL).list.eval(
        pl.coalesce(pl.element().replace_strict(job.codes["grade"], default=None, return_dtype=pl.String), pl.element())
    )
    return each.list.join(";")


def _kept(days: pl.DataFrame, frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Leave out the days of calendars that are not the school's, and add the grades that a calendar is for."""
    if "calendars" not in frames:
        return days.with_columns(pl.lit(None, pl.String).alias("_grades"))
    calendars = frames["calendars"]
    kind = translated(job, "calendar_type", column(calendars, "calendarTypeDescriptor"))
    listed = calendars.select(
        pl.col("schoolReference.schoolId").alias(_SCHOOL),
        pl.col("calendarCode").alias(_CODE),
        (kind == "false").fill_null(value=False).alias("_away"),
        _grades(job, column(calendars, "gradeLevelDescriptor")).alias("_grades"),
    ).unique([_SCHOOL, _CODE], keep="last")
    joined = days.join(listed, on=[_SCHOOL, _CODE], how="left", maintain_order="left")
    away = pl.col("_away").fill_null(value=False)
    left = joined.filter(away).height
    told = f"calendarDates: {left} days of calendars that are not the school's (codes.calendar_type)"
    job.desk.note(job.request.source, "LEFT_OTHER_CALENDARS", left, told)
    return joined.filter(~away).drop("_away")


def _instruction(days: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Of the events of a day, take one that means instruction, else one that nobody has explained, else the first."""
    event = column(days, "calendarEventDescriptor").str.split(SEVERAL)
    each = days.select(pl.int_range(pl.len()).alias("_row"), event.alias("_instruction")).explode("_instruction")
    means = translated(job, "calendar_event", pl.col("_instruction"))
    rank = pl.when(means == "true").then(0).when(means.is_null()).then(1).otherwise(2)
    first = each.with_columns(rank.alias("_rank")).sort("_row", "_rank", maintain_order=True).unique("_row", keep="first")
    return days.with_columns(first.sort("_row")["_instruction"])


def _with_hours(days: pl.DataFrame, frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Add start and end of the school day: a row for all, and one for the grades of every schedule that is for some."""
    taught = translated(job, "calendar_event", pl.col("_instruction")) == "true"
    days = days.with_columns(pl.lit(None, pl.String).alias("_start"), pl.lit(None, pl.String).alias("_end"))
    if "bellSchedules" not in frames:
        told = "No bell schedules: the hours of the school day are unknown"
        job.desk.note(job.request.source, "HOURS_UNKNOWN", days.height, told, "warn")
        return days
    bells = _bells(frames["bellSchedules"], job)
    days = days.with_columns(pl.col(_SCHOOL).alias("_school"), pl.col("date").alias("_day"), taught.fill_null(value=False).alias("_taught"))
    rest = days.drop("_start", "_end")
    dated = bells.filter(pl.col("_day").is_not_null())
    rule = bells.filter(pl.col("_day").is_null()).drop("_day")
    own = rest.join(dated, on=list(_DAY), how="inner", maintain_order="left")
    usual = rest.join(rule, on="_school", how="inner", maintain_order="left")
    # A schedule with dates counts on them, for the grades that it is for; one without is the rule of the other days.
    usual = usual.join(dated, on=[*_DAY, "_for"], how="anti", maintain_order="left", nulls_equal=True)
    hours = pl.concat([own, usual], how="diagonal").filter(pl.col("_taught"))
    for_all = hours.filter(pl.col("_for").is_null()).unique([*_DAY, _CODE], keep="first", maintain_order=True)
    whole = rest.join(
        for_all.select(*_DAY, _CODE, "_start", "_end"), on=[*_DAY, _CODE], how="left", maintain_order="left", nulls_equal=True
    )
    some = hours.filter(pl.col("_for").is_not_null()).with_columns(pl.col("_for").alias("_grades"))
    return pl.concat([whole, some.select(whole.columns)])


def _bells(schedules: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return one row a schedule and date: ``_school``, ``_day``, ``_for`` (grades), ``_start``, ``_end``; none for those without hours."""
    return (
        schedules.select(
            pl.col("schoolReference.schoolId").alias("_school"),
            column(schedules, "date").str.split(SEVERAL).alias("_day"),
            _grades(job, column(schedules, "gradeLevelDescriptor")).alias("_for"),
            column(schedules, "startTime").alias("_start"),
            column(schedules, "endTime").alias("_end"),
        )
        .explode("_day")
        .drop_nulls(["_start", "_end"])
    )
