"""The vendor's figures beside the ledger: agreement, and each cause by a student whose vendor did exactly that."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recoup import law
from recoup.exporters import crosscheck, crosscheck_causes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.ports import Export, Run

    More = Callable[..., Run]

MARIA, LEE = "9000000001", "9000000009"


@pytest.fixture
def bare(cedar: Run) -> Run:
    """Cedar without the vendor's totals."""
    return replace(cedar, tables={**cedar.tables, "reported_totals": cedar.tables["reported_totals"].clear()})


def ledger(run: Run, ssid: str, **figures: int) -> Run:
    """Let the ledger say something else of one student."""
    mine = pl.col("ssid") == ssid
    changed = run.results["ledger"].with_columns(
        pl.when(mine).then(pl.lit(value, pl.Int64)).otherwise(name).alias(name) for name, value in figures.items()
    )
    return replace(run, results={**run.results, "ledger": changed})


def said(more: More, run: Run, **figures: Any) -> Run:
    """Let a vendor say figures of Maria (grade 5, minimum schoolday 240), as of the run's date unless it says otherwise."""
    row: dict[str, Any] = {"ssid": MARIA, "school_code": "6102222", "as_of": run.as_of, "source": "tracker", **figures}
    return more(run, "reported_totals", row)


def causes(run: Run, figure: str) -> tuple[str, str | None]:
    row = crosscheck.compare(run).row(by_predicate=pl.col("figure") == figure, named=True)
    return row["result"], row["causes"]


#: Maria's ledger, a change a case, what the vendor says, and what is told of it.
CASES: list[tuple[str, dict[str, int], dict[str, Any], str, str, str | None]] = [
    ("the same minutes", {}, {"minutes_earned": 480}, "minutes_earned", "agree", None),
    (
        "parts of hours counted: 60 + 60 where she stayed 85 + 95",
        {"minutes_raw": 180, "minutes_not_counted": 60, "minutes_counted": 120},
        {"minutes_earned": 180},
        "minutes_earned",
        "vendor_higher",
        "whole_hours",
    ),
    (
        "a virtual hour counted",
        {"minutes_raw": 540, "minutes_held": 60},
        {"minutes_earned": 540},
        "minutes_earned",
        "vendor_higher",
        "held_time",
    ),
    (
        "two programs at one hour counted twice",
        {"minutes_raw": 540, "minutes_cut": 60},
        {"minutes_earned": 540},
        "minutes_earned",
        "vendor_higher",
        "overlap_counted",
    ),
    ("minutes above a day left out", {"minutes_forfeited": 40}, {"minutes_earned": 440}, "minutes_earned", "vendor_lower", "one_day_only"),
    ("hours for minutes", {}, {"minutes_earned": 8}, "minutes_earned", "vendor_lower", "in_hours"),
    (
        "totals of the end of August",
        {},
        {"minutes_earned": 240, "as_of": date(2025, 8, 31)},
        "minutes_earned",
        "vendor_lower",
        "older_date",
    ),
    ("a figure that nothing gives", {}, {"minutes_earned": 777}, "minutes_earned", "vendor_higher", "unexplained"),
    ("a day of 180 minutes in grade 5", {"minutes_counted": 720}, {"days_earned": Decimal(4)}, "days_earned", "vendor_higher", "day_180"),
    (
        "the same, by the vendor's own minutes",
        {},
        {"minutes_earned": 540, "days_earned": Decimal(3)},
        "days_earned",
        "vendor_higher",
        "day_180",
    ),
    (
        "more minutes, and so more days",
        {},
        {"minutes_earned": 720, "days_earned": Decimal(3)},
        "days_earned",
        "vendor_higher",
        "follows_minutes",
    ),
    (
        "two days on one Saturday",
        {"minutes_counted": 480, "minutes_forfeited": 240, "days_earned": 1},
        {"days_earned": Decimal(2)},
        "days_earned",
        "vendor_higher",
        "day_above_one",
    ),
    ("parts of a day", {}, {"days_earned": Decimal("2.5")}, "days_earned", "vendor_higher", "part_days"),
    (
        "twelve days of twelve absences",
        {"days_earned": 12, "eligible_absences": 12, "days_credited": 10},
        {"days_earned": Decimal(12), "days_applied": Decimal(12)},
        "days_applied",
        "vendor_higher",
        "cap_not_applied",
    ),
    (
        "five days of three absences",
        {"days_earned": 5, "eligible_absences": 3, "days_credited": 3},
        {"days_earned": Decimal(5), "days_applied": Decimal(5)},
        "days_applied",
        "vendor_higher",
        "absences_not_applied",
    ),
    (
        "one day more earned, and so one more applied",
        {},
        {"days_earned": Decimal(3), "days_applied": Decimal(3)},
        "days_applied",
        "vendor_higher",
        "follows_earned",
    ),
    ("nothing applied yet", {}, {"days_applied": Decimal(0)}, "days_applied", "vendor_lower", "not_applied_yet"),
    (
        "two days on one Saturday, of the same minutes",
        {"minutes_counted": 480, "minutes_forfeited": 240, "days_earned": 1},
        {"minutes_earned": 480, "days_earned": Decimal(2)},
        "days_earned",
        "vendor_higher",
        "day_above_one",
    ),
    (
        "ten days of the same eleven, two of the ten being another LEA's",
        {"days_earned": 11, "eligible_absences": 11, "days_credited": 8, "cap_left": 0},
        {"days_earned": Decimal(11), "days_applied": Decimal(10)},
        "days_applied",
        "vendor_higher",
        "cap_not_applied",
    ),
    (
        "the ten of each of two LEAs",
        {"days_earned": 17, "eligible_absences": 17, "days_credited": 16, "cap_left": 0},
        {"days_earned": Decimal(17), "days_applied": Decimal(15)},
        "days_applied",
        "vendor_lower",
        "unexplained",
    ),
]


@pytest.mark.parametrize(("what", "ours", "theirs", "figure", "result", "told"), CASES, ids=[case[0] for case in CASES])
def test_each_cause_by_its_student(
    bare: Run, more: More, what: str, ours: dict[str, int], theirs: dict[str, Any], figure: str, result: str, told: str | None
) -> None:
    assert causes(said(more, ledger(bare, MARIA, **ours), **theirs), figure) == (result, told)


@pytest.mark.parametrize(
    ("absence", "told"),
    [
        ({"kind": "suspension_out"}, "suspension_counted"),
        ({"kind": "excused", "not_recoverable": "immunization"}, "made_up_counted"),
        ({"kind": "unexcused", "made_up_by": "saturday_school"}, "made_up_counted"),
        ({"kind": "independent_study_non_ada"}, "study_counted"),
    ],
    ids=str,
)
def test_absences_that_the_ledger_does_not_take(bare: Run, more: More, absence: dict[str, str], told: str) -> None:
    run = ledger(bare, MARIA, days_earned=5, days_credited=3)
    away = {"ssid": MARIA, "school_code": "6102222", "date": date(2025, 9, 2), "full_day": True, "source_code": "S", **absence}
    run = said(more, more(run, "attendance", away), days_earned=Decimal(5), days_applied=Decimal(4))
    assert causes(run, "days_applied") == ("vendor_higher", told)


@pytest.mark.parametrize(
    ("code", "absence", "told"),
    [
        ("applied_without_time", {}, "time_missing"),
        ("applied_over_cap", {}, "cap_not_applied"),
        ("applied_ineligible", {"kind": "suspension_out"}, "suspension_counted"),
        ("applied_ineligible", {"kind": "excused"}, "not_recoverable"),
        ("applied_ineligible", None, "no_absence"),
    ],
    ids=str,
)
def test_a_day_that_the_sis_applied_and_something_speaks_against(
    bare: Run, more: More, code: str, absence: dict[str, str] | None, told: str
) -> None:
    day = date(2025, 9, 2)
    run = more(bare, "applied_days", {"ssid": LEE, "absence_date": day, "school_code": "6102223", "source": "SIS"})
    run = more(run, "holds", {"scope": "applied_day", "ssid": LEE, "date": day, "code": code, "severity": "warn"})
    if absence is not None:
        row = {"ssid": LEE, "school_code": "6102223", "date": day, "full_day": True, "kind": "excused", **absence}
        run = more(run, "attendance", row)
    assert causes(run, "applied_days") == ("vendor_higher", told)


@pytest.mark.parametrize(("code", "told"), [("applied_ineligible", "not_recoverable"), ("applied_without_time", "time_missing")])
def test_the_vendors_total_holds_a_day_that_something_speaks_against(bare: Run, more: More, code: str, told: str) -> None:
    """Her days earned agree, so the day too many follows from none of them."""
    run = ledger(bare, MARIA, days_credited=3, days_applied=1, days_earned=3, eligible_absences=3, cap_left=7)
    run = more(run, "holds", {"scope": "applied_day", "ssid": MARIA, "date": date(2025, 9, 2), "code": code, "severity": "warn"})
    run = said(more, run, days_earned=Decimal(3), days_applied=Decimal(3))
    assert causes(run, "days_earned") == ("agree", None)
    assert causes(run, "days_applied") == ("vendor_higher", told)


def test_held_time_is_counted_by_the_increment_of_its_date(bare: Run, more: More, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = law.load(bare.year.name)
    half_hours = {date(2025, 7, 1): 60, date(2025, 9, 1): 30, date(2026, 1, 1): 60}
    fact = replace(rules.facts["increment_minutes"], values=tuple(half_hours.items()))
    monkeypatch.setattr(law, "load", lambda _: replace(rules, facts={**rules.facts, fact.name: fact}))
    row = {"ssid": MARIA, "session_id": "S9", "date": date(2025, 10, 4), "minutes_raw": 100, "outcome": "held", "minimum_schoolday": 240}
    run = ledger(more(bare, "time_entries", row), MARIA, minutes_raw=580, minutes_held=100)
    assert causes(said(more, run, minutes_earned=480 + 90), "minutes_earned") == ("vendor_higher", "held_time")


def test_the_newest_totals_count_and_those_after_as_of_do_not(bare: Run, more: More, export: Callable[..., Export]) -> None:
    run = said(more, bare, minutes_earned=1, as_of=date(2025, 8, 1))
    run = said(more, run, minutes_earned=480)
    run = said(more, run, minutes_earned=999, as_of=date(2025, 12, 1))
    assert crosscheck.compare(run)["vendor"].to_list() == [480]
    assert {finding.code for finding in export(run, "crosscheck").findings} >= {"AGREE", "NEWER", "NOT_REPORTED"}


def test_a_figure_that_the_vendor_does_not_give_is_not_compared(bare: Run, more: More) -> None:
    assert crosscheck.compare(said(more, bare, days_earned=Decimal(2)))["figure"].to_list() == ["days_earned"]


def test_days_applied_for_another_lea_are_not_ours_to_check(bare: Run, more: More) -> None:
    row = {"ssid": LEE, "absence_date": date(2025, 9, 2), "school_code": "6102223", "source": "SIS", "reporting_lea": "1900000"}
    assert crosscheck.compare(more(bare, "applied_days", row)).is_empty()


def test_an_absent_table_is_said_once_and_passes_nothing(bare: Run, export: Callable[..., Export], tmp_path: Path) -> None:
    run = replace(bare, absent=bare.absent | {("reported_totals", ""), ("applied_days", "")})
    assert [finding.code for finding in export(run, "crosscheck").findings] == ["NO_TOTALS", "NO_APPLIED"]
    assert (tmp_path / "crosscheck.csv").read_text(encoding="utf-8").count("\n") == 1


def test_the_workbook_has_the_same_rows(cedar: Run, export: Callable[..., Export], tmp_path: Path) -> None:
    export(cedar, "audit_workbook")
    sheet = openpyxl.load_workbook(tmp_path / "audit_workbook.xlsx")["Cross-check"]
    assert sheet.max_row == crosscheck.compare(cedar).height + 1


def test_findings_name_no_student(cedar: Run, export: Callable[..., Export]) -> None:
    assert "90000000" not in str(export(cedar, "crosscheck").findings)


def test_every_cause_has_its_words_and_every_word_a_cause() -> None:
    v, own = pl.col("vendor"), pl.col("ledger")
    tested = {name for figure in ("minutes_earned", "days_earned", "days_applied") for name in crosscheck_causes.when(figure, v, own)}
    assert tested | {"no_absence", "not_recoverable", "time_missing"} == set(crosscheck_causes.catalogue())
    assert all(all(cause.values()) for cause in crosscheck_causes.catalogue().values())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.integers(0, 3000), earned=st.integers(0, 14), applied=st.integers(0, 14))
def test_agreement_is_equality_and_every_difference_says_something(bare: Run, more: More, minutes: int, earned: int, applied: int) -> None:
    run = said(more, bare, minutes_earned=minutes, days_earned=Decimal(earned), days_applied=Decimal(applied))
    ours = {"minutes_earned": 480, "days_earned": 2, "days_applied": 2}
    theirs = {"minutes_earned": minutes, "days_earned": earned, "days_applied": applied}
    for row in crosscheck.compare(run).iter_rows(named=True):
        assert row["difference"] == theirs[row["figure"]] - ours[row["figure"]]
        assert (row["result"] == "agree") == (row["difference"] == 0) == (row["causes"] is None)
        assert (row["causes"] == "unexplained") == (row["explanation"] == "")
