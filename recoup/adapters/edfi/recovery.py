"""Who took part in attendance recovery: by events of programs, or by sections of recovery courses; and spans of independent study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.edfi.attendance import CATEGORY, SECTIONS, STUDENT
from recoup.adapters.edfi.naming import SEVERAL
from recoup.adapters.edfi.roster import in_year, translated
from recoup.adapters.joining import column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

EVENTS, _BELONGING = "studentProgramAttendanceEvents", "studentProgramAssociations"
_NAME, _TYPE = "programReference.programName", "programReference.programTypeDescriptor"
#: Columns of the model that must be there and that the standard has no place for: empty where no extension has them.
_EMPTY = ("signIn", "signOut", "verifiedBy", "verifiedAt", "evidence")
_EMPTY_OF_SECTIONS = ("arrivalTime", "departureTime", "sectionAttendanceDuration", *_EMPTY[2:])
_OF_SECTIONS = (SECTIONS, "sections", "staffSectionAssociations")
_SECTION = ["_school", "_section"]


def prepared(frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Return all feeds, in those of programs and sections only what is attendance recovery or independent study."""
    ready = {feed: frame for feed, frame in frames.items() if feed not in _OF_SECTIONS}
    if EVENTS in frames:
        ready[EVENTS] = _events(frames, job)
    if _BELONGING in frames:
        rows = _used(frames[_BELONGING], "independent_study", _BELONGING, job)
        ready[_BELONGING] = in_year(rows, _BELONGING, ("beginDate", "endDate"), job)
    ready |= _sections(frames, job)
    held = ready[EVENTS].height if EVENTS in ready else 0
    if not held and not job.options["recovery_courses"]:
        told = "No event of an attendance recovery program (codes.program), and no recovery course: another source has them"
        job.desk.note(job.request.source, "NO_PARTICIPATION", 1, told)
    return ready


def of_students(frames: dict[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Leave out spans of study that were never closed, of students who are not here any more."""
    if _BELONGING in frames:
        here = frames["students"].select(pl.col("studentUniqueId").alias(STUDENT))
        kept = frames[_BELONGING].join(here, on=STUDENT, how="semi", maintain_order="left")
        left = frames[_BELONGING].height - kept.height
        job.desk.note(job.request.source, "LEFT_OTHER_YEAR", left, f"{_BELONGING}: {left} rows of students who are not here this year")
        frames[_BELONGING] = kept
    return frames


def _used(rows: pl.DataFrame, wanted: str, feed: str, job: Job) -> pl.DataFrame:
    """Keep rows whose program is used as ``wanted``, by its name or else its type."""
    rows = rows.with_columns(column(rows, _TYPE))
    use = pl.coalesce(translated(job, "program", pl.col(_NAME)), translated(job, "program", pl.col(_TYPE)))
    kept = rows.filter((use == wanted).fill_null(value=False))
    left = rows.height - kept.height
    job.desk.note(job.request.source, "LEFT_OTHER_PROGRAMS", left, f"{feed}: {left} rows of other programs (codes.program)")
    return kept


def _took_part(rows: pl.DataFrame, feed: str, table: str, job: Job) -> pl.DataFrame:
    """Leave out who was not there; a category that nobody has explained is refused."""
    took = translated(job, "program_attendance", pl.col(CATEGORY))
    rows = rows.with_columns(took.alias("_took"))
    hint = 'program_attendance."<code>" = "true", for example'
    job.desk.refuse(rows.filter(pl.col("_took").is_null()), "CODE_UNMAPPED", table, f"{feed}.{CATEGORY}", CATEGORY, hint)
    left = rows.filter(pl.col("_took") == "false").height
    job.desk.note(job.request.source, "LEFT_NOT_THERE", left, f"{feed}: {left} rows of students who were absent from the program")
    return rows.filter(pl.col("_took") == "true")


def _events(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    rows = in_year(frames[EVENTS], EVENTS, ("eventDate", "eventDate"), job)
    rows = _took_part(_used(rows, "recovery", EVENTS, job), EVENTS, "participation", job)
    owner = "programReference.educationOrganizationId"
    rows = rows.with_columns(
        pl.coalesce(column(rows, owner), "educationOrganizationReference.educationOrganizationId").alias("_owner"),
        *(column(rows, name) for name in (*_EMPTY, "programAttendanceDuration")),
    )
    number = pl.lit(None, pl.String)
    if "programs" in frames:
        programs = frames["programs"]
        numbered = programs.select(
            pl.col("educationOrganizationReference.educationOrganizationId").alias("_owner"),
            pl.col("programName").alias(_NAME),
            column(programs, "programTypeDescriptor").alias(_TYPE),
            column(programs, "programId").alias("_number"),
        ).unique(["_owner", _NAME, _TYPE], keep="last")
        rows = rows.join(numbered, on=["_owner", _NAME, _TYPE], how="left", maintain_order="left", nulls_equal=True)
        number = pl.col("_number")
    place = pl.col("educationOrganizationReference.educationOrganizationId")
    session = pl.concat_str(place, pl.coalesce(number, pl.col(_NAME)), "eventDate", separator="-")
    return rows.with_columns(session.alias("_session"))


def _sections(frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Return the feeds of sections: those of recovery courses, on each date for which their attendance was taken."""
    if not job.options["recovery_courses"] or "sections" not in frames or SECTIONS not in frames:
        return {}
    school, course = "courseOfferingReference.schoolId", "courseOfferingReference.localCourseCode"
    wanted = column(frames["sections"], course).is_in(job.listed("recovery_courses"))
    sections = frames["sections"].filter(wanted.fill_null(value=False))
    sections = sections.with_columns(pl.col(school).alias("_school"), pl.col("sectionIdentifier").alias("_section"))
    marks = in_year(frames[SECTIONS], SECTIONS, ("eventDate", "eventDate"), job)
    place = {"_school": "sectionReference.schoolId", "_section": "sectionReference.sectionIdentifier"}
    marks = marks.with_columns(pl.col(theirs).alias(ours) for ours, theirs in place.items())
    marks = marks.join(sections.select(_SECTION).unique(), on=_SECTION, how="semi", maintain_order="left")
    session = pl.concat_str("_school", "_section", "_date", separator="-").alias("_session")
    marks = marks.with_columns(pl.col("eventDate").alias("_date")).with_columns(session)
    dates = marks.select(*_SECTION, "_date").unique(maintain_order=True)
    met = _hours(sections, frames).join(dates, on=_SECTION, how="inner", maintain_order="left").with_columns(session)
    name = pl.coalesce(column(met, "sectionName"), column(met, course)).alias("sectionName")
    present = _took_part(marks, SECTIONS, "participation", job)
    ready = {
        SECTIONS: present.with_columns(column(present, name) for name in _EMPTY_OF_SECTIONS),
        "sections": met.with_columns(name, pl.lit("0").alias("_break")),
    }
    if "staffSectionAssociations" in frames:
        posts = frames["staffSectionAssociations"].with_columns(pl.col(theirs).alias(ours) for ours, theirs in place.items())
        held = posts.join(dates, on=_SECTION, how="inner", maintain_order="left")
        first, last, day = column(held, "beginDate"), column(held, "endDate"), pl.col("_date")
        within = (first.is_null() | (first <= day)) & (last.is_null() | (last >= day))
        ready["staffSectionAssociations"] = held.filter(within).with_columns(session)
    return ready


def _hours(sections: pl.DataFrame, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Add start and end: from the first of a section's class periods to the last."""
    if "classPeriods" not in frames:
        return sections.with_columns(pl.lit(None, pl.String).alias("_start"), pl.lit(None, pl.String).alias("_end"))
    periods, key = frames["classPeriods"], "classPeriodName"
    times = periods.select(
        pl.col("schoolReference.schoolId").alias("_school"),
        key,
        column(periods, "startTime").str.split(SEVERAL).list.min().str.slice(0, 5).alias("_start"),
        column(periods, "endTime").str.split(SEVERAL).list.max().str.slice(0, 5).alias("_end"),
    )
    each = sections.select(*_SECTION, column(sections, f"classPeriodReference.{key}").str.split(SEVERAL).alias(key)).explode(key)
    spans = each.join(times, on=["_school", key], how="inner").group_by(_SECTION).agg(pl.col("_start").min(), pl.col("_end").max())
    return sections.join(spans, on=_SECTION, how="left", maintain_order="left")
