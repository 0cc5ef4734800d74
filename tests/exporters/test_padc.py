"""P-1, P-2 and Annual: which days count in them, what they are divided by, and what is said where a figure is not available."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from recoup.exporters import ada, padc, periods
from recoup.testing import load_run
from tests.plain.bundle import grade_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import Export, Run

    More = Callable[..., Run]
    Write = Callable[..., Export]

ROOT = Path(__file__).parents[2]
PERIODS = ROOT / "fixtures" / "exporters" / "periods"
W34 = yaml.safe_load((ROOT / "tests" / "cases" / "W34.yaml").read_text(encoding="utf-8"))["padc"]
SPANS = {"TK/K-3": "02", "4-6": "05", "7-8": "07", "9-12": "10"}


@pytest.fixture
def bare() -> Run:
    """Return the district of the fixture without credits, periods and apportionment."""
    run = load_run(PERIODS)
    run.results["credits"] = run.results["credits"].clear()  # type: ignore[index]
    for name in ("periods", "apportionment", "enrollments"):
        run.tables[name] = run.tables[name].clear()  # type: ignore[index]
    return run


def credit(ssid: int, day: date, school: str = "6101001", grade: str = "02", on: date | None = None) -> dict[str, Any]:
    """Return a credit for an absence, credited on the same day or another."""
    return {
        "ssid": f"90000{ssid:05}",
        "absence_date": day,
        "absence_school_code": school,
        "earned_on": on or day,
        "credited_on": on or day,
        "origin": "computed",
        "minutes_used": 230,
        "grade": grade,
        "grade_span": grade_span(grade),
    }


def period(name: str = "P1", last: date = date(2025, 12, 19), **more: Any) -> dict[str, Any]:
    """Return a period for all schools and tracks."""
    return {"period": name, "first_date": date(2025, 7, 1), "last_date": last, "days_taught": 84} | more


def lines(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the report."""
    with (folder / padc.FILE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def codes(export: Export) -> list[str]:
    return [finding.code for finding in export.findings]


def test_w34(bare: Run, more: More, export: Write, tmp_path: Path) -> None:
    days = [date(2025, 9, 1) + timedelta(number) for number in range(7)]
    run = more(bare, "credits", *(credit(student, day) for student in (1, 2, 3) for day in days))
    run = more(run, "periods", period(days_taught=W34["days_taught"]))
    told = {"school_code": "6101001", "period": "P1", "grade_span": "TK/K-3", "days_of_attendance": Decimal(W34["regular_days"])}
    export(more(run, "apportionment", told), "padc")
    (row,) = lines(tmp_path)
    expected = {name: str(value) for name, value in W34.items() if name != "days_taught"} | {"divisor": str(W34["days_taught"])}
    assert {name: row[name] for name in expected} == expected


def test_a_period_holds_its_last_day_and_not_the_next(bare: Run, more: More) -> None:
    run = more(bare, "credits", credit(1, date(2025, 9, 1), on=date(2025, 12, 19)), credit(2, date(2025, 9, 1), on=date(2025, 12, 20)))
    run = more(run, "periods", period(), period("ANNUAL", date(2026, 6, 30), days_taught=180))
    assert periods.counted(run).select("ssid", "period").rows() == [
        ("9000000001", "P1"), ("9000000001", "ANNUAL"), ("9000000002", "ANNUAL"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "divisor", "expected"),
    [
        ("P1", None, "70"),
        ("P2", None, "135"),
        ("ANNUAL", None, "180"),
        ("P1", "cds_70_135_180", "70"),
        ("P2", "sped_175", "175"),
        ("P1", "days_taught", "84"),
    ],
)
def test_divisors_of_a_community_day_school(
    bare: Run, more: More, export: Write, tmp_path: Path, name: str, divisor: str | None, expected: str
) -> None:
    run = more(bare, "credits", credit(1, date(2025, 9, 1), "6101003", "09"))
    said = codes(export(more(run, "periods", period(name, date(2026, 6, 30), divisor=divisor)), "padc"))
    assert [row["divisor"] for row in lines(tmp_path)] == [expected]
    assert ("CDS_DIVISOR" in said) == (divisor in ("sped_175", "days_taught"))


def test_without_apportionment_section_a_is_not_available(bare: Run, more: More, export: Write, tmp_path: Path) -> None:
    run = more(more(bare, "credits", credit(1, date(2025, 9, 1))), "periods", period())
    assert "SECTION_A_MISSING" in codes(export(run, "padc"))
    (row,) = lines(tmp_path)
    assert (row["regular_days"], row["section_a_ada"], row["b8_ada"]) == ("", "not available", "0.01")


def test_without_periods_nothing_is_guessed_and_the_month_still_tells(bare: Run, more: More, export: Write, tmp_path: Path) -> None:
    assert codes(export(more(bare, "credits", credit(1, date(2025, 9, 1))), "padc")) == ["PERIODS_MISSING"]
    assert lines(tmp_path) == []
    assert (tmp_path / padc.MONTHS_FILE).read_text(encoding="utf-8").splitlines()[1] == "1964733,6101001,2025-09,1,0,0,0,0,1"


def test_days_without_a_divisor_have_no_ada(bare: Run, more: More, export: Write, tmp_path: Path) -> None:
    run = more(more(bare, "credits", credit(1, date(2025, 9, 1))), "periods", period(days_taught=None))
    run = more(run, "enrollments", {"ssid": "9000000001", "school_code": "6101001", "entry_date": date(2025, 8, 18), "grade": "02",
                                    "enrollment_status": "10"})  # fmt: skip
    assert "DAYS_TAUGHT_MISSING" in codes(export(run, "padc"))
    assert [(row["ar_days"], row["b8_ada"]) for row in lines(tmp_path)] == [("1", "not available")]


def test_what_a_person_must_know_is_said(bare: Run, more: More, export: Write) -> None:
    run = more(bare, "credits", credit(1, date(2025, 9, 1)), credit(2, date(2026, 1, 12), "6101002", "07"))
    run = more(run, "periods", period(school_code="6101001", first_date=date(2025, 8, 18)))
    run = more(run, "periods", period("ANNUAL", date(2026, 6, 30), school_code="6101001"))
    said = {finding.code: finding.message for finding in export(run, "padc").findings}
    assert "6101002" in said["SCHOOL_WITHOUT_PERIOD"]
    assert "6101001" in said["NOT_CUMULATIVE"]
    assert "ANNUAL ends on 2026-06-30" in said["PRELIMINARY"]
    assert "OUTSIDE_PERIODS" in said


@pytest.mark.parametrize(
    ("value", "printed"),
    [(Fraction(1, 200), "0.01"), (Fraction(1, 201), "0.00"), (Fraction(8337, 84), "99.25"), (Fraction(1, 3) + Fraction(1, 6), "0.50"),
     (Fraction(3, 200), "0.02"), (Fraction(0), "0.00")],
)  # fmt: skip
def test_ada_is_rounded_half_up(value: Fraction, printed: str) -> None:
    assert str(ada.rounded(value, 2)) == printed


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    given_=st.lists(
        st.tuples(st.sampled_from(sorted(SPANS)), st.sampled_from(["6101001", "6101002", "6101003"]), st.integers(0, 360)), max_size=25
    ),
    regular=st.dictionaries(
        st.tuples(st.sampled_from(["6101001", "6101002", "6101003"]), st.sampled_from(sorted(SPANS))), st.integers(0, 9999)
    ),
    taught=st.integers(1, 100),
)
def test_b8_is_part_of_section_a_and_every_credit_is_in_one_line(
    given_: list[tuple[str, str, int]], regular: dict[tuple[str, str], int], taught: int
) -> None:
    run = load_run(PERIODS)
    first = date(2025, 7, 1)
    credits_ = [credit(number, first + timedelta(day), school, SPANS[span]) for number, (span, school, day) in enumerate(given_)]
    tables: dict[str, list[dict[str, Any]]] = {
        "periods": [period(days_taught=taught), period("ANNUAL", date(2026, 6, 30), days_taught=2 * taught)],
        "apportionment": [
            {"school_code": school, "period": name, "grade_span": span, "days_of_attendance": Decimal(days)}
            for (school, span), days in regular.items()
            for name in ("P1", "ANNUAL")
        ],
    }
    run.results["credits"] = pl.DataFrame(credits_, schema=run.results["credits"].schema)  # type: ignore[index]
    for name, rows in tables.items():
        run.tables[name] = pl.DataFrame(rows, schema=run.tables[name].schema)  # type: ignore[index]
    found = ada.figures(run)
    for one in found:
        assert one.b8 is not None
        assert one.section_a is None or one.b8 <= one.section_a
    assert sum(one.recovered for one in found if one.period == "ANNUAL") == len(given_)
    assert sum(one.recovered for one in found if one.period == "P1") == sum(row["credited_on"] <= date(2025, 12, 19) for row in credits_)
    months = padc.by_month(run)
    assert months["ar_days"].sum() == len(given_)
    by_span = [name for name in months.columns if name.startswith("ar_days_")]
    assert months.select(pl.sum_horizontal(by_span)).sum().item() == len(given_)
