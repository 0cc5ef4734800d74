"""Chronic absenteeism by student, school and grade, out of the counts that STAS reports (attendance-recovery-rules.md 13).

An absence that was recovered stays an absence in the standard rate. The alternate rate takes recovered days off; CDE has named it
and not published its formula, so it is called assumed wherever it stands, and K20 ``off`` leaves it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import calpads_stas, days, published
from recoup.exporters.findings import Findings
from recoup.exporters.published import ALL, percent
from recoup.exporters.standing import follows
from recoup.exporters.tables import write_csv
from recoup.ports import Export, Written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.ports import Option, Run

STUDENTS, RATES = "absenteeism_students.csv", "absenteeism.csv"
#: What stands in ``grade`` where a row is about more than one and not about all.
DASHBOARD = "KN-08"
_WHERE = ("lea", "school_code")


def chronic(run: Run, absent: pl.Expr, expected: pl.Expr) -> pl.Expr:
    """Say whether a student is chronically absent: a comparison of whole numbers, for exactly 10 % counts and 9.999 % does not."""
    limit: int = law.load(run.year.name).value("chronic_percent")
    return absent * 100 >= expected * limit


def students(run: Run, counts: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return a row for each LEA and student (no ``school_code``) and for each school of the student.

    Columns: lea, school_code, ssid, local_student_id, grade (of the last enrollment there), days_expected (13.15), days_absent
    (13.17 + 13.19 + 13.20 + 13.21), days_recovered, counted (more than 30 expected days), absence_rate, chronic, and
    assumed_alternate_rate, assumed_alternate_chronic (null under K20 ``off``). Exempt students and schools that keep hours have none.
    ``counts``: the rows of STAS, where they are at hand.
    """
    year = law.load(run.year.name)
    counted = (calpads_stas.rows(run) if counts is None else counts).filter("public", ~pl.col("exempt"), ~pl.col("hourly"))
    by_school = counted.select(
        *_WHERE,
        "ssid",
        pl.col("expected").alias("days_expected"),
        pl.sum_horizontal(year.value("absence_kinds")).alias("days_absent"),
        pl.col("credits").alias("days_recovered"),
    )
    measures = pl.col("days_expected", "days_absent", "days_recovered")
    of_lea = by_school.group_by("lea", "ssid").agg(measures.sum()).with_columns(pl.lit(None, pl.String).alias("school_code"))
    expected, absent = pl.col("days_expected"), pl.col("days_absent")
    left = (absent - pl.col("days_recovered")).clip(lower_bound=0)
    assumed = ~follows(run, "alternate_chronic", "off")
    return (
        pl.concat([of_lea.select(by_school.columns), by_school])
        .join(_grades(run), on=["ssid", *_WHERE], how="left", nulls_equal=True)
        .join(run.tables["students"].select("ssid", "local_student_id"), on="ssid", how="left")
        .with_columns(
            (expected > year.value("chronic_more_than")).alias("counted"),
            percent(absent, expected).alias("absence_rate"),
            chronic(run, absent, expected).alias("chronic"),
            pl.when(assumed).then(percent(left, expected)).alias("assumed_alternate_rate"),
            pl.when(assumed).then(chronic(run, left, expected)).alias("assumed_alternate_chronic"),
        )
        # A student who is not counted is neither chronically absent nor not.
        .with_columns(pl.when("counted").then(name).alias(name) for name in ("chronic", "assumed_alternate_chronic"))
        .select(
            *(*_WHERE, "ssid", "local_student_id", "grade", "days_expected", "days_absent", "days_recovered", "counted"),
            *("absence_rate", "chronic", "assumed_alternate_rate", "assumed_alternate_chronic"),
        )
        .sort("lea", "ssid", "school_code", nulls_last=False)
    )


def _grades(run: Run) -> pl.DataFrame:
    """Return the grade of each student's last enrollment that STAS counts: at each school, and in each LEA (no ``school_code``)."""
    statuses = law.load(run.year.name).value("absence_statuses")
    enrolled = (
        days.enrollments(run)
        .filter(pl.col("enrollment_status").is_in(statuses), pl.col("entry_date") <= run.as_of)
        .join(days.reporting_leas(run), on="school_code")
        .sort("entry_date", "school_code")
    )
    of_school = enrolled.group_by("ssid", *_WHERE).agg(pl.col("grade").last())
    of_lea = enrolled.group_by("ssid", "lea").agg(pl.col("grade").last())
    return pl.concat([of_school, of_lea.with_columns(pl.lit(None, pl.String).alias("school_code")).select(of_school.columns)])


def rates(run: Run, people: pl.DataFrame) -> pl.DataFrame:
    """Return the rates of each LEA (no ``school_code``) and school: for all grades, for the Dashboard's, and for each.

    ``people`` is what ``students`` returns. Columns: lea, school_code, school_name, grade, students, students_counted,
    students_chronic, chronic_rate, assumed_alternate_chronic, assumed_alternate_rate, days_expected, days_absent, days_recovered,
    attendance_rate (percent of the expected days of all ``students`` on which they were not absent).
    """
    year = law.load(run.year.name)
    order = [ALL, DASHBOARD, *year.grade_minutes]
    of_dashboard = people.filter(pl.col("grade").is_in(year.value("dashboard_grades")))
    groups = [people.with_columns(pl.lit(ALL).alias("grade")), of_dashboard.with_columns(pl.lit(DASHBOARD).alias("grade")), people]
    assumed = pl.col("assumed_alternate_chronic")
    named = run.tables["schools"].select("school_code", "school_name")
    return (
        pl.concat(groups)
        .group_by(*_WHERE, "grade")
        .agg(
            pl.len().cast(pl.Int64).alias("students"),
            pl.col("counted").sum().cast(pl.Int64).alias("students_counted"),
            pl.col("chronic").sum().cast(pl.Int64).alias("students_chronic"),
            pl.when(assumed.count() > 0).then(assumed.sum()).cast(pl.Int64).alias("assumed_alternate_chronic"),
            pl.col("days_expected", "days_absent", "days_recovered").sum(),
        )
        .join(named, on="school_code", how="left")
        .with_columns(
            percent(pl.col("students_chronic"), pl.col("students_counted")).alias("chronic_rate"),
            percent(assumed, pl.col("students_counted")).alias("assumed_alternate_rate"),
            percent(pl.col("days_expected") - pl.col("days_absent"), pl.col("days_expected")).alias("attendance_rate"),
        )
        .select(
            *(*_WHERE, "school_name", "grade", "students", "students_counted", "students_chronic", "chronic_rate"),
            *("assumed_alternate_chronic", "assumed_alternate_rate", "days_expected", "days_absent", "days_recovered", "attendance_rate"),
        )
        .sort(*_WHERE, pl.col("grade").cast(pl.Enum(order)), nulls_last=False)
    )


class Absenteeism:
    """Writes ``absenteeism.csv`` (by LEA, school and grade), ``absenteeism_students.csv``, and what the state published beside them."""

    name = "absenteeism"
    summary = "Chronic absenteeism: standard rate, and the assumed alternate rate, by student, school and grade"
    options: tuple[Option, ...] = ()

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:  # noqa: ARG002 - the port; there are none
        """Write the files and say whom the rates leave out."""
        found, year = Findings(self.name, run), law.load(run.year.name)
        counts = calpads_stas.rows(run)
        people = students(run, counts)
        table = rates(run, people)
        write_csv(people, out / STUDENTS)
        write_csv(table, out / RATES)
        whole = table.filter(pl.col("school_code").is_null(), pl.col("grade") == ALL, pl.col("students_counted") > 0)
        for row in whole.iter_rows(named=True):
            found.add("CHRONIC", row["students_chronic"], lea=row["lea"], of=row["students_counted"], rate=row["chronic_rate"])
        if people["assumed_alternate_rate"].count():
            found.add("ALTERNATE_ASSUMED")
        places = run.tables["students"].select("ssid", "_file", "_line")
        found.add(
            "FEW_DAYS",
            people.filter(pl.col("school_code").is_null(), ~pl.col("counted")),
            more_than=year.value("chronic_more_than"),
        )
        on_weekends = pl.col("date").dt.weekday().is_in(year.value("weekend"))
        found.add("WEEKEND_DAYS", run.tables["calendar"].filter("is_instructional", on_weekends))
        left_out = counts.filter("public").join(places, on="ssid", how="left")
        found.add("EXEMPT", left_out.filter("exempt"))
        found.add("HOURLY", left_out.filter("hourly", ~pl.col("exempt")))
        found.add("UNKNOWN_DAYS", calpads_stas.unknown_days(run))
        beside = published.write(run, people, out, found)
        return Export([Written(RATES, table.height), Written(STUDENTS, people.height), *beside], found.found)


EXPORTER = Absenteeism()
