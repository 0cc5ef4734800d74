"""Who can still recover: each student's way to the next day, what stands in it, and what the workbook shows of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest

from recoup.exporters import opportunities
from recoup.exporters.standing import standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.ports import Export, Run

    More = Callable[..., Run]

#: Maria, grade 5 at Cedar Elementary: two sessions of 240 minutes, two days credited, one absence left.
MARIA = "9000000001"
#: Ana, grade 3: 230 minutes make her day.
ANA = "9000000003"
#: Li, grade 10: one virtual session of 120 minutes, held.
LI = "9000000005"


def ledger(run: Run, ssid: str, **figures: int) -> Run:
    """Let the ledger say something else of one student."""
    mine = pl.col("ssid") == ssid
    changed = run.results["ledger"].with_columns(
        pl.when(mine).then(pl.lit(value, pl.Int64)).otherwise(name).alias(name) for name, value in figures.items()
    )
    return replace(run, results={**run.results, "ledger": changed})


def one(run: Run, ssid: str) -> dict[str, Any]:
    return opportunities.students(run).row(by_predicate=pl.col("ssid") == ssid, named=True)


def test_a_student_with_an_absence_and_cap_left(cedar: Run) -> None:
    row = one(cedar, MARIA)
    assert (row["absences_left"], row["cap_left"], row["can_recover"]) == (1, 8, 1)
    assert (row["minutes_banked"], row["minutes_to_next_day"], row["notes"]) == (0, 240, "")


def test_minutes_in_the_bank_are_on_the_way_to_the_next_day(cedar: Run) -> None:
    row = one(ledger(cedar, ANA, absences_left=1, eligible_absences=3, minutes_counted=520, minutes_banked=60), ANA)
    assert (row["minimum_schoolday"], row["minutes_to_next_day"]) == (230, 170)


@pytest.mark.parametrize(
    ("figures", "can_recover", "wasted", "notes"),
    [
        ({"cap_left": 2, "absences_left": 5}, 2, 0, "near_cap"),
        ({"cap_left": 3, "absences_left": 5}, 3, 0, ""),
        ({"cap_left": 0, "absences_left": 5, "days_waiting": 3}, 0, 3, "cap_reached"),
        ({"cap_left": 4, "absences_left": 0, "days_waiting": 3}, 0, 0, "waiting_for_absence"),
        ({"minutes_raw": 0}, 1, 0, "no_time_yet"),
    ],
    ids=str,
)
def test_cap_absences_and_waiting(cedar: Run, figures: dict[str, int], can_recover: int, wasted: int, notes: str) -> None:
    row = one(ledger(cedar, MARIA, **figures), MARIA)
    assert (row["can_recover"], row["days_wasted_at_cap"], row["notes"]) == (can_recover, wasted, notes)


def test_who_has_left_can_recover_no_more(cedar: Run) -> None:
    gone = pl.when(pl.col("ssid") == MARIA).then(pl.lit(date(2025, 9, 10))).otherwise("exit_date").alias("exit_date")
    run = replace(cedar, tables={**cedar.tables, "enrollments": cedar.tables["enrollments"].with_columns(gone)})
    row = one(run, MARIA)
    assert (row["can_recover"], row["notes"]) == (0, "left")


def test_what_is_held_of_who_has_left_can_still_be_released(cedar: Run) -> None:
    """Li left in September; the hours before are still held, and an absence is still open."""
    gone = pl.when(pl.col("ssid") == LI).then(pl.lit(date(2025, 9, 10))).otherwise("exit_date").alias("exit_date")
    run = replace(cedar, tables={**cedar.tables, "enrollments": cedar.tables["enrollments"].with_columns(gone)})
    row = one(ledger(run, LI, minutes_counted=120, minutes_banked=120), LI)
    assert (row["can_recover"], row["days_if_released"], row["notes"]) == (0, 1, "left; time_held")


@pytest.mark.parametrize("banked", [0, 240])
def test_the_sums_of_two_leas_promise_nothing(cedar: Run, more: More, banked: int) -> None:
    """120 minutes in each bank are no day, and absences of the one are not recovered in the other."""
    code = (
        pl.when(pl.col("school_code") == "6102223").then(pl.lit("1964999")).otherwise("county_district_code").alias("county_district_code")
    )
    run = replace(cedar, tables={**cedar.tables, "schools": cedar.tables["schools"].with_columns(code)})
    moved = {"ssid": MARIA, "school_code": "6102223", "entry_date": date(2025, 7, 1), "exit_date": date(2025, 8, 1), "grade": "05",
             "enrollment_status": "10", "instruction_mode": "classroom"}  # fmt: skip
    figures = {"minutes_banked": banked, "cap_left": 0, "days_credited": 12, "days_waiting": 1, "absences_left": 2}
    row = one(ledger(more(run, "enrollments", moved), MARIA, **figures), MARIA)
    assert (row["can_recover"], row["minutes_to_next_day"], row["days_wasted_at_cap"], row["notes"]) == (None, None, None, "two_leas")
    assert (row["absences_left"], row["cap_left"], row["minutes_banked"]) == (2, 0, banked)


@pytest.mark.parametrize(("banked", "days"), [(0, 0), (119, 0), (120, 1)])
def test_what_a_release_would_give_at_most(cedar: Run, banked: int, days: int) -> None:
    """120 minutes are held; with 120 more in the bank they would complete a day."""
    row = one(ledger(cedar, LI, minutes_counted=banked, minutes_banked=banked), LI)
    assert (row["minutes_releasable"], row["held_codes"], row["days_if_released"]) == (120, "not_in_person: 120", days)
    assert row["notes"] == "time_held"


def test_a_row_held_twice_is_freed_by_neither_code_alone(cedar: Run) -> None:
    twice = cedar.results["time_entries"].with_columns(codes=pl.col("codes").str.replace("not_in_person", "not_in_person;not_verified"))
    run = ledger(replace(cedar, results={**cedar.results, "time_entries": twice}), LI, minutes_counted=120, minutes_banked=120)
    held = opportunities.held_back(run)
    assert held.select("code", "minutes", "minutes_alone", "days_if_released").rows() == [
        ("not_in_person", 120, 0, 0),
        ("not_verified", 120, 0, 0),
    ]


def test_time_after_as_of_is_not_held_back_but_yet_to_come(cedar: Run) -> None:
    later = cedar.results["time_entries"].with_columns(codes=pl.col("codes").str.replace("not_in_person", "after_as_of"))
    assert opportunities.held_back(replace(cedar, results={**cedar.results, "time_entries": later})).is_empty()


@pytest.mark.parametrize(
    ("policy", "school", "grade", "alternate", "basis", "minutes"),
    [
        ({}, "elementary", "KN", None, None, 180),
        ({}, "elementary", "02", None, None, 230),
        ({}, "high", "11", None, None, 240),
        ({}, "community_day", "11", None, None, 360),
        ({}, "high", "11", 150, "iep_46307", 150),
        ({}, "high", "11", 300, "iep_46307", 240),
        ({}, "high", "11", 150, None, 240),
        ({}, "high", "11", 150, "sec_46146", 240),
        ({"three_quarter_day": "use_180_as_day"}, "high", "11", None, "sec_46146", 180),
        ({}, "early_college", "11", None, None, 240),
        ({"special_minutes": "table"}, "early_college", "11", None, None, 180),
        ({"charter_minimum": "4-6=200;7-8=200;9-12=210;TK/K-3=170"}, "charter_classroom", "11", None, None, 210),
        ({"charter_minimum": "4-6=200;7-8=200;9-12=210;TK/K-3=170"}, "high", "11", None, None, 240),
    ],
)
def test_minutes_of_a_day(
    cedar: Run, policy: dict[str, str], school: str, grade: str, alternate: int | None, basis: str | None, minutes: int
) -> None:
    schools = cedar.tables["schools"].with_columns(school_type=pl.lit(school))
    enrolled = cedar.tables["enrollments"].with_columns(
        grade=pl.lit(grade),
        alternate_minimum_minutes=pl.lit(alternate, pl.Int64),
        alternate_minimum_basis=pl.lit(basis, pl.String),
    )
    run = replace(cedar, policy=policy, tables={**cedar.tables, "schools": schools, "enrollments": enrolled})
    assert standing(run)["minimum_schoolday"].unique().to_list() == [minutes]


def test_a_school_adds_up_its_grades(cedar: Run) -> None:
    table = opportunities.by_school(cedar, opportunities.students(cedar))
    sums = ("students", "with_absences_left", "absences_left", "can_recover", "days_waiting", "minutes_releasable", "days_if_released")
    whole = table.filter(pl.col("grade") == "all").select("school_code", *sums)
    parts = table.filter(pl.col("grade") != "all").group_by("school_code").agg(pl.col(sums).sum()).sort("school_code")
    assert whole.rows() == parts.rows()


def test_the_workbook_has_types_filters_and_the_rows_of_the_file(cedar: Run, export: Callable[..., Export], tmp_path: Path) -> None:
    export(cedar, "opportunities")
    book = openpyxl.load_workbook(tmp_path / "opportunities.xlsx")
    assert book.sheetnames == ["By school and grade", "Students", "Held back"]
    assert all(sheet.auto_filter.ref and sheet.freeze_panes == "A2" for sheet in book)
    first, absences = book["Students"]["A2"], book["Students"]["K2"]
    assert (first.value, first.data_type, absences.value, absences.data_type) == (MARIA, "s", 1, "n")
    assert pl.read_csv(tmp_path / "opportunities.csv").height == book["Students"].max_row - 1


def test_the_cap_is_warned_of_before_it_is_reached(cedar: Run, export: Callable[..., Export]) -> None:
    near = ledger(cedar, MARIA, cap_left=3, absences_left=5)
    assert "NEAR_CAP" not in {finding.code for finding in export(near, "opportunities").findings}
    said = {finding.code: finding.message for finding in export(near, "opportunities", near_cap=3).findings}
    assert "3 days or fewer" in said["NEAR_CAP"]
    assert MARIA not in str(said)


def test_days_wasted_at_the_cap_are_said(cedar: Run, export: Callable[..., Export]) -> None:
    run = ledger(cedar, MARIA, cap_left=0, absences_left=5, days_waiting=3)
    said = {finding.code: (finding.rows, finding.message) for finding in export(run, "opportunities").findings}
    assert said["WASTED_AT_CAP"][0] == 1
    assert "3 in all" in said["WASTED_AT_CAP"][1]
