"""Attendance and its codes: one kind of absence a student and day, whatever number of modes PowerSchool keeps for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column, known
from recoup.adapters.mapping import keyed, refuse_unmapped
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_PRESENT = "present"
#: YearID counts from the school year 1990-1991.
_YEAR_ZERO = 1990
_DAY = ("StudentID", "SchoolID", "Att_Date")
_MORE = '; or for all codes of its category: category."<Code_Category>"'


def tables(frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Make ``codes`` and ``attendance``."""
    codes = with_kinds(frames, job)
    return {"codes": _crosswalk(frames, codes, job), "attendance": _attendance(frames, codes, job)}


def year_id(job: Job) -> str:
    """Return what PowerSchool calls the school year."""
    return str(job.request.year.first.year - _YEAR_ZERO)


def with_kinds(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Return the codes with ``kind``: by the district's mapping, else present by status or a blank code, else by category."""
    codes = frames["Attendance_Code"]
    mapped = keyed(job.codes["absence"], pl.col("SchoolID"), pl.col("Att_Code"))
    here = (pl.col("Presence_Status_CD").str.to_lowercase() == _PRESENT) | pl.col("Att_Code").is_null() | (pl.col("Att_Code") == "Null")
    category = column(codes, "Code_Category").replace_strict(job.codes["category"], default=None, return_dtype=pl.String)
    return codes.with_columns(
        pl.when(mapped.is_not_null())
        .then(mapped)
        .when(here.fill_null(value=False))
        .then(pl.lit(_PRESENT))
        .otherwise(category)
        .alias("kind"),
        (pl.col("attendanceRecoveryCode") == "true").fill_null(value=False).alias("_recovery"),
        (column(codes, "expandedLearningProgramCode") == "true").fill_null(value=False).alias("_expanded"),
    )


def _crosswalk(frames: Mapping[str, pl.DataFrame], codes: pl.DataFrame, job: Job) -> pl.DataFrame:
    schools = frames["Schools"].select("School_Number", pl.col("Alternate_School_Number").alias("school_code")).unique("School_Number")
    ours = codes.filter((pl.col("YearID") == year_id(job)) & pl.col("Att_Code").is_not_null())
    return ours.join(schools, left_on="SchoolID", right_on="School_Number", how="inner", maintain_order="left").select(
        "school_code",
        pl.lit(job.request.year.name).alias("school_year"),
        pl.col("Att_Code").alias("code"),
        pl.when(pl.col("kind") != _PRESENT).then("kind").alias("kind"),
        pl.lit("true").alias("full_day"),
        keyed(job.codes["not_recoverable"], pl.col("SchoolID"), pl.col("Att_Code")).alias("not_recoverable"),
        column(ours, "Description").alias("description"),
        *LINEAGE,
    )


def _attendance(frames: Mapping[str, pl.DataFrame], codes: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Absences by day: the rows of the district's mode are whole days, absent marks of other modes on other days are parts of a day."""
    rows = _coded(frames, codes, job)
    absent = rows.filter((pl.col("kind") != _PRESENT) & ~pl.col("_recovery") & ~pl.col("_expanded"))
    daily = pl.col("Att_Mode_Code") == job.options["day_mode"]
    whole = absent.filter(daily).with_columns(pl.lit("true").alias("full_day"))
    others = absent.filter(~daily).unique(_DAY, keep="first", maintain_order=True)
    part = others.join(whole.select(_DAY).unique(), on=list(_DAY), how="anti", maintain_order="left")
    told = f"Attendance: {others.height - part.height} days stand in several modes; {job.options['day_mode']} counts"
    job.desk.note(job.request.source, "SEVERAL_MODES", others.height - part.height, told)
    told = f"Attendance: {part.height} days have absent marks and no row in {job.options['day_mode']}; they count as parts of a day"
    job.desk.note(job.request.source, "PERIODS_ONLY", part.height, told)
    both = pl.concat([whole, part.with_columns(pl.lit("false").alias("full_day"))])
    both = with_student_and_school(frames, both, "attendance", job)
    return both.select(
        "ssid",
        "school_code",
        pl.col("Att_Date").alias("date"),
        "kind",
        "full_day",
        pl.col("Att_Code").alias("source_code"),
        keyed(job.codes["made_up"], pl.col("SchoolID"), pl.col("Att_Code")).alias("made_up_by"),
        keyed(job.codes["not_recoverable"], pl.col("SchoolID"), pl.col("Att_Code")).alias("not_recoverable"),
        *LINEAGE,
    )


def _coded(frames: Mapping[str, pl.DataFrame], codes: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Add the code of each row by its id, which is of one school and year only; refuse rows whose code has no meaning."""
    rows = frames["Attendance"]
    told = codes.select("ID", "Att_Code", "kind", "_recovery", "_expanded").rename({"ID": "_code"}).unique("_code")
    blank = rows.filter(pl.col("Attendance_CodeID").is_null()).height
    job.desk.note(job.request.source, "LEFT_NO_ABSENCE", blank, f"Attendance: {blank} rows left out: they have no code")
    rows = rows.filter(pl.col("Attendance_CodeID").is_not_null())
    refusal = ("CODE_UNMAPPED", "attendance", "Attendance.Attendance_CodeID")
    rows = known(job.desk, rows, told, ["Attendance_CodeID"], ["_code"], refusal)
    lost = pl.col("kind").is_null() & ~pl.col("_recovery") & ~pl.col("_expanded")
    refuse_unmapped(job, rows.filter(lost), "absence", "SchoolID", ("attendance", "Attendance_Code.Att_Code", "Att_Code"), _MORE)
    rows = rows.filter(~lost)
    expanded = rows.filter("_expanded").height
    reason = "expanded learning and not attendance recovery"
    job.desk.note(job.request.source, "LEFT_OTHER_PROGRAM", expanded, f"Attendance: {expanded} rows left out: {reason}")
    return rows


def with_student_and_school(frames: Mapping[str, pl.DataFrame], rows: pl.DataFrame, table: str, job: Job) -> pl.DataFrame:
    """Add ``ssid`` by Students.ID and ``school_code`` by the school number; rows of unknown ones are refused."""
    students = frames["Students"].select("ID", pl.col("State_StudentNumber").alias("ssid")).unique()
    students = students.filter(pl.len().over("ID") == 1)
    schools = frames["Schools"].select("School_Number", pl.col("Alternate_School_Number").alias("school_code")).unique("School_Number")
    rows = known(job.desk, rows, students, ["StudentID"], ["ID"], ("STUDENT_UNKNOWN", table, "Attendance.StudentID"))
    return known(job.desk, rows, schools, ["SchoolID"], ["School_Number"], ("SCHOOL_UNKNOWN", table, "Attendance.SchoolID"))


def recovery_rows(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Return attendance with a code that is kept for attendance recovery, with ``ssid`` and ``school_code``."""
    codes = with_kinds(frames, job).filter("_recovery").select(pl.col("ID").alias("_code")).unique()
    rows = frames["Attendance"].join(codes, left_on="Attendance_CodeID", right_on="_code", how="semi")
    return with_student_and_school(frames, rows, "participation", job)
