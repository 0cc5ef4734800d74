"""The two knobs that change no figure of the ledger: what each does to the figures that are made of it (K20, K21).

The other nineteen stand in ``tests/cases/knobs``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from recoup import law
from recoup.exporters import absenteeism, periods

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import Run

    More = Callable[..., Run]

#: Under each value of K20: the rate of a student of Cedar who missed 3 of 19 days and recovered 2 of them.
ALTERNATE = {"absences_minus_ar": Decimal("5.26"), "off": None}
#: K21 has no values, only dates of the LEA's own: the end of P-1 and the days taught up to it, the AR days in it, each over its divisor.
P1 = [(date(2025, 10, 31), 60, [60]), (date(2025, 12, 19), 84, [84, 84]), (date(2025, 12, 19), 100, [100, 100])]


def test_each_value_of_k20_has_its_figure() -> None:
    knob = law.knobs()["alternate_chronic"]
    assert (knob.number, list(knob.values)) == (20, list(ALTERNATE))
    assert {"attendance.kind", "calendar.is_instructional", "enrollments.enrollment_status"} == set(knob.reads)


@pytest.mark.parametrize("value", ALTERNATE)
def test_k20_changes_the_assumed_alternate_rate_and_no_other(cedar: Run, value: str) -> None:
    run = replace(cedar, policy=law.policy({"K20": value}))
    row = absenteeism.students(run).row(by_predicate=(pl.col("ssid") == "9000000003") & pl.col("school_code").is_null(), named=True)
    assert (row["days_expected"], row["days_absent"], row["days_recovered"], row["absence_rate"]) == (19, 3, 2, Decimal("15.79"))
    assert row["assumed_alternate_rate"] == ALTERNATE[value]


@pytest.mark.parametrize(("last", "taught", "divisors"), P1)
def test_k21_takes_the_days_and_the_divisor_of_the_leas_own_dates(
    cedar: Run, more: More, last: date, taught: int, divisors: list[int]
) -> None:
    assert law.knobs()["periods"].number == 21
    assert not law.knobs()["periods"].values
    run = replace(cedar, tables={**cedar.tables, "periods": cedar.tables["periods"].clear()})
    run = replace(run, results={**run.results, "credits": run.results["credits"].clear()})
    for on in (date(2025, 10, 4), date(2025, 11, 8)):
        told: dict[str, Any] = {"ssid": "9000000001", "absence_date": on, "absence_school_code": "6102222", "credited_on": on}
        run = more(run, "credits", told | {"earned_on": on, "origin": "computed", "grade": "05", "grade_span": "4-6"})
    row = {"period": "P1", "first_date": date(2025, 7, 1), "last_date": last, "days_taught": taught}
    assert periods.counted(more(run, "periods", row))["divisor"].to_list() == divisors
