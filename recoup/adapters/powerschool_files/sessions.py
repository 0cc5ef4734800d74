"""Recovery sections, the dates they meet, who came and who taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column, known
from recoup.adapters.powerschool_files.attendance import recovery_rows
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_MEETING = {
    "Start_Time": "start_time", "End_Time": "end_time", "Break_Minutes": "break_minutes", "Cancelled": "cancelled",
    "Other_Students": "other_students_present", "Verified_By": "verified_by", "Verified_At": "verified_at",
}  # fmt: skip


def tables(frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Make ``sessions``, ``participation`` and, where the district exports it, ``session_staff``."""
    sections = _sections(frames)
    meetings = _meetings(frames, sections, job)
    made = {"sessions": _sessions(frames, meetings, job), "participation": _participation(frames, sections, job)}
    if "SectionTeacher" in frames:
        made["session_staff"] = _staff(frames, sections, meetings, job)
    return made


def _sections(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The sections that are kept for attendance recovery, and whether: ``_recovery``."""
    courses = frames["Courses"].select("Course_Number", pl.col("Course_Name").alias("program_name")).unique("Course_Number")
    sections = frames["Sections"].with_columns((pl.col("AttendanceRecovery") == "true").fill_null(value=False).alias("_recovery"))
    named = sections.join(courses, on="Course_Number", how="left", maintain_order="left")
    keys = (pl.col("ID").alias("_section"), pl.col("SchoolID").alias("_school"))
    return named.select(*keys, "Section_Number", "program_name", column(named, "Room").alias("room"), "_recovery")


def _of_recovery(frame: pl.DataFrame, sections: pl.DataFrame, table: str, feed: str, job: Job) -> pl.DataFrame:
    """Add the section by SectionID, and leave out those of other courses, counted."""
    found = known(job.desk, frame, sections, ["SectionID"], ["_section"], ("SESSION_UNKNOWN", table, f"{feed}.SectionID"))
    other = found.filter(~pl.col("_recovery")).height
    reason = "sections that are not kept for attendance recovery"
    job.desk.note(job.request.source, "LEFT_OTHER_PROGRAM", other, f"{feed}: {other} rows left out: {reason}")
    return found.filter("_recovery").drop("_recovery")


def _session_id(day: str) -> pl.Expr:
    """School, section number and date: a section meets on many dates, a session on one."""
    return pl.concat_str("_school", "Section_Number", day, separator="-").alias("session_id")


def _meetings(frames: Mapping[str, pl.DataFrame], sections: pl.DataFrame, job: Job) -> pl.DataFrame:
    return _of_recovery(frames["AR_Meetings"], sections, "sessions", "AR_Meetings", job)


def _sessions(frames: Mapping[str, pl.DataFrame], meetings: pl.DataFrame, job: Job) -> pl.DataFrame:
    schools = frames["Schools"].select("School_Number", pl.col("Alternate_School_Number").alias("school_code")).unique("School_Number")
    meetings = meetings.join(schools, left_on="_school", right_on="School_Number", how="left", maintain_order="left")
    given = column(meetings, "Delivery")
    delivery = given.replace_strict(job.codes["delivery"], default=None, return_dtype=pl.String)
    meetings = meetings.with_columns(delivery.alias("delivery"))
    if "Delivery" in meetings.columns:
        strange = meetings.filter(pl.col("delivery").is_null() & given.is_not_null())
        hint = 'delivery."<code>" = "in_person", for example'
        job.desk.refuse(strange, "CODE_UNMAPPED_WARN", "sessions", "AR_Meetings.Delivery", "Delivery", hint)
    told = [pl.col(theirs).alias(ours) for theirs, ours in _MEETING.items() if theirs in meetings.columns]
    return meetings.select(
        _session_id("Meeting_Date"),
        "program_name",
        "school_code",
        pl.col("Meeting_Date").alias("date"),
        *told,
        "room",
        "delivery",
        *LINEAGE,
    )


def _participation(frames: Mapping[str, pl.DataFrame], sections: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Attendance with a recovery code, led to its section by the class enrollment; a dropped class has a negative section id."""
    rows = recovery_rows(frames, job)
    classes = frames["CC"].select(pl.col("ID").alias("_class"), pl.col("SectionID").str.strip_prefix("-")).unique("_class")
    rows = known(job.desk, rows, classes, ["CCID"], ["_class"], ("SESSION_UNKNOWN", "participation", "Attendance.CCID"))
    rows = _of_recovery(rows, sections, "participation", "CC", job)
    if "Attendance_Time" in frames:
        times = frames["Attendance_Time"].drop(LINEAGE).unique("AttendanceID", keep="last", maintain_order=True)
        rows = rows.join(times, left_on="ID", right_on="AttendanceID", how="left", maintain_order="left")
    names = {
        "Time_In": "sign_in",
        "Time_Out": "sign_out",
        "Verified_By": "verified_by",
        "Verified_At": "verified_at",
        "Evidence": "evidence_ref",
    }
    told = [column(rows, theirs).alias(ours) for theirs, ours in names.items()]
    return rows.select(_session_id("Att_Date"), "ssid", pl.col("Total_Minutes").alias("minutes"), *told, *LINEAGE)


def _staff(frames: Mapping[str, pl.DataFrame], sections: pl.DataFrame, meetings: pl.DataFrame, job: Job) -> pl.DataFrame:
    """One row a meeting and teacher, between the dates that SectionTeacher gives."""
    posts = _of_recovery(frames["SectionTeacher"], sections, "session_staff", "SectionTeacher", job)
    staff = pl.DataFrame(schema={"_teacher": pl.String, "staff_id": pl.String})
    if "Teachers" in frames:
        staff = frames["Teachers"].select(pl.col("ID").alias("_teacher"), pl.col("TeacherNumber").alias("staff_id")).unique("_teacher")
    posts = known(job.desk, posts, staff, ["TeacherID"], ["_teacher"], ("STAFF_UNKNOWN", "session_staff", "SectionTeacher.TeacherID"))
    posts = posts.with_columns(pl.col("RoleID").replace_strict(job.codes["role"], default=None, return_dtype=pl.String).alias("role"))
    hint = 'role."<code>" = "teacher" or "aide"'
    job.desk.refuse(posts.filter(pl.col("role").is_null()), "CODE_UNMAPPED", "session_staff", "SectionTeacher.RoleID", "RoleID", hint)
    posts = posts.filter(pl.col("role").is_not_null()).select(
        "SectionID", "staff_id", "role", *(column(posts, name) for name in ("Start_Date", "End_Date")),
        column(posts, "Start_Time").alias("start_time"), column(posts, "End_Time").alias("end_time"), *LINEAGE,
    )  # fmt: skip
    within = (pl.col("Start_Date").is_null() | (pl.col("Start_Date") <= pl.col("Meeting_Date"))) & (
        pl.col("End_Date").is_null() | (pl.col("End_Date") >= pl.col("Meeting_Date"))
    )
    dates = meetings.select("SectionID", "_school", "Section_Number", "Meeting_Date")
    held = posts.join(dates, on="SectionID", how="inner", maintain_order="left").filter(within)
    return held.select(_session_id("Meeting_Date"), "staff_id", "role", "start_time", "end_time", *LINEAGE)
