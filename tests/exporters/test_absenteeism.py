"""Chronic absenteeism: the playbook's thousand students, the rules sheet's examples, and the limits at which a rate turns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.exporters import absenteeism, published
from recoup.ports import Lea, LeaRules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from recoup.ports import Export, Run

SCHOOL, FIRST = "6102222", date(2025, 7, 1)


def only(frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` in the shape of ``frame``: what they leave out is empty."""
    return pl.concat([frame.clear(), rows.cast({name: frame.schema[name] for name in rows.columns})], how="diagonal")


def district(cedar: Run, expected: int, pupils: Sequence[tuple[int, int]], kind: str = "excused", grade: str = "05") -> Run:
    """Return a school of ``expected`` days with one student for each (absences, recovered days)."""
    dates = [FIRST + timedelta(days=n) for n in range(expected)]
    ssids = [str(9000100000 + n) for n in range(len(pupils))]
    tables, results = dict(cedar.tables), dict(cedar.results)
    calendar = pl.DataFrame({"date": dates}).with_columns(school_code=pl.lit(SCHOOL), is_instructional=True)
    tables["calendar"] = only(tables["calendar"], calendar)
    tables["schools"] = tables["schools"].filter(pl.col("school_code") == SCHOOL)
    people = pl.DataFrame({"ssid": ssids})
    tables["students"] = only(tables["students"], people)
    enrolled = people.with_columns(
        school_code=pl.lit(SCHOOL), entry_date=FIRST, grade=pl.lit(grade), enrollment_status=pl.lit("10"), absence_exempt=False
    )
    tables["enrollments"] = only(tables["enrollments"], enrolled)
    away = [(ssid, dates[day]) for ssid, (absences, _) in zip(ssids, pupils, strict=True) for day in range(absences)]
    absent = pl.DataFrame(away, {"ssid": pl.String, "date": pl.Date}, orient="row")
    absent = absent.with_columns(school_code=pl.lit(SCHOOL), kind=pl.lit(kind), full_day=True)
    tables["attendance"] = only(tables["attendance"], absent)
    won = [(ssid, dates[day]) for ssid, (_, days) in zip(ssids, pupils, strict=True) for day in range(days)]
    credited = pl.DataFrame(won, {"ssid": pl.String, "absence_date": pl.Date}, orient="row")
    results["credits"] = only(results["credits"], credited.with_columns(absence_school_code=pl.lit(SCHOOL)))
    tables["participation"] = tables["participation"].clear()
    return replace(cedar, tables=tables, results=results, as_of=date(2026, 6, 30))


def one(cedar: Run, absences: int, recovered: int, expected: int = 180, **told: str) -> dict[str, Any]:
    """Return the row of the only student."""
    return absenteeism.students(district(cedar, expected, [(absences, recovered)], **told)).row(0, named=True)


def test_the_playbooks_thousand_students(cedar: Run) -> None:
    """400 attend 95 % of 100 days, 200 93 %, 200 89 %, 200 88 %: 92 % attendance, and 40 % chronically absent all the same."""
    run = district(cedar, 100, [(5, 0)] * 400 + [(7, 0)] * 200 + [(11, 0)] * 200 + [(12, 0)] * 200)
    school = absenteeism.rates(run, absenteeism.students(run)).row(
        by_predicate=pl.col("school_code").eq(SCHOOL) & (pl.col("grade") == "all"), named=True
    )
    assert school["students_counted"] == 1000
    assert school["students_chronic"] == 400
    assert (school["attendance_rate"], school["chronic_rate"]) == (Decimal("92.00"), Decimal("40.00"))


@pytest.mark.parametrize(
    ("absences", "recovered", "rate", "chronic", "alternate", "alternate_chronic"),
    [
        (20, 10, "11.11", True, "5.56", False),
        (18, 1, "10.00", True, "9.44", False),
        (17, 0, "9.44", False, "9.44", False),
        (40, 10, "22.22", True, "16.67", True),
    ],
)
def test_examples_of_the_rules_sheet(
    cedar: Run, absences: int, recovered: int, rate: str, chronic: bool, alternate: str, alternate_chronic: bool
) -> None:
    row = one(cedar, absences, recovered)
    assert (row["absence_rate"], row["chronic"]) == (Decimal(rate), chronic)
    assert (row["assumed_alternate_rate"], row["assumed_alternate_chronic"]) == (Decimal(alternate), alternate_chronic)


@pytest.mark.parametrize(("expected", "counted", "chronic"), [(30, False, None), (31, True, True)])
def test_thirty_expected_days_are_not_enough(cedar: Run, expected: int, counted: bool, chronic: bool | None) -> None:
    row = one(cedar, 5, 0, expected)
    assert (row["counted"], row["chronic"]) == (counted, chronic)


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        ("excused", 20),
        ("unexcused", 20),
        ("suspension_out", 20),
        ("independent_study_non_ada", 20),
        ("suspension_in", 0),
        ("independent_study_ada", 0),
    ],
)
def test_which_days_are_absences_and_that_all_are_expected(cedar: Run, kind: str, absent: int) -> None:
    row = one(cedar, 20, 0, kind=kind)
    assert (row["days_expected"], row["days_absent"]) == (180, absent)


@pytest.mark.parametrize(("grade", "on_the_dashboard"), [("TK", False), ("KN", True), ("08", True), ("09", False)])
def test_the_dashboard_counts_kindergarten_to_grade_8(cedar: Run, grade: str, on_the_dashboard: bool) -> None:
    run = district(cedar, 100, [(20, 0)], grade=grade)
    groups = absenteeism.rates(run, absenteeism.students(run))["grade"].unique().to_list()
    assert sorted(groups) == sorted(["all", grade, *(["KN-08"] if on_the_dashboard else [])])


def test_k20_off_computes_no_alternate_rate(cedar: Run, export: Callable[..., Export], tmp_path: Path) -> None:
    run = replace(district(cedar, 180, [(20, 10)]), policy={"alternate_chronic": "off"})
    assert "ALTERNATE_ASSUMED" not in {finding.code for finding in export(run, "absenteeism").findings}
    for name in ("absenteeism.csv", "absenteeism_students.csv"):
        written = pl.read_csv(tmp_path / name, infer_schema=False)
        alternate = written.select(pl.col("^assumed_.*$"))
        assert alternate.width == 2
        assert alternate.null_count().row(0) == (written.height, written.height)


def test_each_lea_has_its_own_k20(cedar: Run) -> None:
    """The charter leaves the alternate rate out; the district does not."""
    charter = LeaRules(Lea("6102230", "River Charter"), {"alternate_chronic": "off"}, cedar.rule_version)
    rates = absenteeism.students(replace(cedar, leas=[charter])).group_by("lea").agg(pl.col("assumed_alternate_rate").count() > 0)
    assert dict(rates.iter_rows()) == {"1964733": True, "6102230": False}


def test_a_student_of_two_schools_counts_at_each_and_once_in_the_lea(cedar: Run) -> None:
    mine = absenteeism.students(cedar).filter(pl.col("ssid") == "9000000003")
    assert mine.select("school_code", "days_expected", "days_absent").rows() == [(None, 19, 3), ("6102222", 10, 2), ("6102223", 9, 1)]


def test_who_is_left_out_is_said(cedar: Run, export: Callable[..., Export]) -> None:
    said = {finding.code: finding.rows for finding in export(cedar, "absenteeism").findings}
    assert said == {"ALTERNATE_ASSUMED": 0, "FEW_DAYS": 5, "EXEMPT": 1, "HOURLY": 1}


def test_school_days_on_a_weekend_are_said(cedar: Run, export: Callable[..., Export]) -> None:
    """180 days in a row from Tuesday, July 1, to Saturday, December 27: 26 Saturdays and 25 Sundays."""
    said = {finding.code: finding.rows for finding in export(district(cedar, 180, [(5, 0)]), "absenteeism").findings}
    assert said["WEEKEND_DAYS"] == 51


def test_refused_rows_make_the_rates_uncertain(cedar: Run, export: Callable[..., Export]) -> None:
    refused = cedar.quarantine.head(1).with_columns(table=pl.lit("attendance"), code=pl.lit("DATE_INVALID"))
    assert "UNKNOWN_DAYS" in {finding.code for finding in export(replace(cedar, quarantine=refused), "absenteeism").findings}


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_percentage_is_the_exact_fraction_rounded_half_up(part: int, whole: int) -> None:
    shown = pl.select(published.percent(pl.lit(part, pl.Int64), pl.lit(whole, pl.Int64)).alias("rate"))["rate"].item()
    exact = Fraction(part * 100, whole)
    assert Fraction(shown) - exact <= Fraction(1, 200)
    assert exact - Fraction(shown) < Fraction(1, 200)


def published_rows(more: Callable[..., Run], run: Run, *rows: tuple[str, str | None, str, str, int | None, int | None, str | None]) -> Run:
    """Add published rates: year, school, charters, grades, counted, chronic, rate."""
    names = ("school_year", "school_code", "charters", "grades", "students_counted", "students_chronic")
    told: list[dict[str, object]] = [
        {**dict(zip(names, row[:6], strict=True)), "county_district_code": "1964733", "chronic_rate": Decimal(row[6]) if row[6] else None}
        for row in rows
    ]
    return more(run, "published_absenteeism", *told)


def test_our_rates_stand_beside_those_published_last_year(
    cedar: Run, more: Callable[..., Run], export: Callable[..., Export], tmp_path: Path
) -> None:
    """Of a district the row without charters counts; a later year waits; a suppressed rate gives no difference."""
    run = published_rows(
        more,
        district(cedar, 100, [(20, 0), (5, 0)] * 20, grade="05"),
        ("2024-2025", None, "all", "all", 5000, 500, "10.0"),
        ("2024-2025", None, "no", "all", 4000, 640, "16.0"),
        ("2024-2025", SCHOOL, "all", "04-06", 100, 20, "20.0"),
        ("2024-2025", SCHOOL, "no", "04-06", 100, 20, "20.0"),
        ("2024-2025", SCHOOL, "all", "07-08", 100, 20, "20.0"),
        ("2024-2025", SCHOOL, "all", "TK-08", None, None, None),
        ("2023-2024", SCHOOL, "all", "04-06", 90, 45, "50.0"),
        ("2026-2027", SCHOOL, "all", "04-06", 90, 45, "50.0"),
    )
    said = {finding.code: finding.rows for finding in export(run, "absenteeism").findings}
    written = pl.read_csv(tmp_path / "absenteeism_published.csv", infer_schema=False)
    shown = written.select("school_code", "grades", "chronic_rate", "published_year", "published", "published_rate", "difference").rows()
    assert shown == [
        (None, "04-06", "50.00", "2024-2025", "no", None, None),
        (None, "TK-08", "50.00", "2024-2025", "no", None, None),
        (None, "all", "50.00", "2024-2025", "yes", "16.00", "34.00"),
        (SCHOOL, "04-06", "50.00", "2024-2025", "yes", "20.00", "30.00"),
        (SCHOOL, "TK-08", "50.00", "2024-2025", "suppressed", None, None),
        (SCHOOL, "all", "50.00", "2024-2025", "no", None, None),
    ]
    assert {code: rows for code, rows in said.items() if code.startswith("PUBLISHED")} == {
        "PUBLISHED": 2,
        "PUBLISHED_SUPPRESSED": 1,
        "PUBLISHED_NONE": 3,
    }


def test_an_older_file_is_named_and_a_later_one_alone_waits(
    cedar: Run, more: Callable[..., Run], export: Callable[..., Export], tmp_path: Path
) -> None:
    run = district(cedar, 100, [(20, 0)])
    old = export(published_rows(more, run, ("2022-2023", None, "no", "all", 4000, 640, "16.0")), "absenteeism")
    assert "PUBLISHED_YEAR" in {finding.code for finding in old.findings}
    (tmp_path / "later").mkdir()
    later = export(published_rows(more, run, ("2026-2027", None, "no", "all", 4000, 640, "16.0")), "absenteeism", tmp_path / "later")
    assert "PUBLISHED_LATER" in {finding.code for finding in later.findings}
    assert [file.name for file in later.files] == ["absenteeism.csv", "absenteeism_students.csv"]


def test_a_charter_that_reports_itself_stands_beside_its_own_school(cedar: Run, more: Callable[..., Run]) -> None:
    run = published_rows(
        more, cedar, ("2024-2025", None, "no", "all", 4000, 640, "16.0"), ("2024-2025", "6102230", "all", "all", 200, 20, "10.0")
    )
    rows = published.beside(run, absenteeism.students(run)).select("lea", "school_code", "published").rows()
    assert ("6102230", "6102230", "yes") in rows
    assert ("6102230", None) not in {(lea, school) for lea, school, _ in rows}
