"""The invariants of every run (canonical model, Results of the ledger), on random districts, for each implementation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.engine import IMPLEMENTATIONS, Implementation
from tests.plain.bundle import Row, Tables
from tests.plain.case import bundle
from tests.plain.compare import differences, text
from tests.plain.districts import random_district

SEEDS = st.integers(min_value=1_000, max_value=10**9)
Results = dict[str, list[Row]]
Property = Callable[..., None]


def on_random(**drawn: st.SearchStrategy[Any]) -> Callable[[Property], Property]:
    """Hold a property of each implementation on a few random districts, and on many among the slow tests."""

    def hold(holds: Property) -> Property:
        @pytest.mark.parametrize("run", IMPLEMENTATIONS)
        @pytest.mark.parametrize("examples", [4, pytest.param(40, marks=pytest.mark.slow)])
        def test(run: Implementation, examples: int) -> None:
            @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
            @given(**drawn)
            def for_each(**values: Any) -> None:
                holds(run, **values)

            for_each()

        return test

    return hold


def total(rows: list[Row], column: str) -> int:
    return sum(row[column] for row in rows)


@on_random(seed=SEEDS)
def test_the_books_balance(run: Implementation, seed: int) -> None:
    drawn = random_district(Random(seed))
    charters = {row["school_code"] for row in drawn.tables["schools"] if row["independently_reporting_charter"] == "true"}
    leas = {row["school_code"]: row["county_district_code"] for row in drawn.tables["schools"] if row["school_code"] not in charters}
    result = run(drawn.tables, as_of=drawn.as_of, attest=drawn.attest)
    beyond = Counter(row["ssid"] for row in result["holds"] if row["code"] == "applied_over_cap")
    ineligible = Counter(row["ssid"] for row in result["holds"] if row["code"] == "applied_ineligible")
    assert [row["ssid"] for row in result["ledger"]] == sorted(row["ssid"] for row in drawn.tables["students"])
    for row in result["ledger"]:
        mine = {
            name: [one for one in result[name] if one["ssid"] == row["ssid"]] for name in ("time_entries", "credits", "credit_sessions")
        }
        credited = Counter(leas.get(one["absence_school_code"]) for one in mine["credits"] if one["absence_school_code"] not in charters)
        assert all(days <= 10 + beyond[row["ssid"]] for days in credited.values())
        assert row["days_credited"] == len(mine["credits"]) <= row["eligible_absences"] + ineligible[row["ssid"]]
        assert row["days_earned"] <= len({one["date"] for one in mine["time_entries"]}) * (1 + len(charters))
        assert row["minutes_raw"] == row["minutes_held"] + row["minutes_cut"] + row["minutes_not_counted"] + row["minutes_counted"]
        assert row["minutes_counted"] == row["minutes_used"] + row["minutes_banked"] + row["minutes_forfeited"]
        assert all(value >= 0 for column, value in row.items() if column != "ssid")
        # Two LEAs may each credit an absence of one date.
        for on in {one["absence_date"] for one in mine["credits"]}:
            credits_ = [one for one in mine["credits"] if one["absence_date"] == on]
            paid = [part for part in mine["credit_sessions"] if part["absence_date"] == on]
            assert total(paid, "minutes_used") == total(credits_, "minutes_used")
            named = [session for one in credits_ for session in text(one["session_ids"]).split(";") if session]
            assert sorted(part["session_id"] for part in paid) == sorted(named)
        for entry in mine["time_entries"]:
            given_ = [part for part in mine["credit_sessions"] if part["session_id"] == entry["session_id"]]
            assert total(given_, "minutes_used") <= entry["minutes_counted"] - entry["minutes_forfeited"]


@on_random(seed=SEEDS)
def test_the_order_of_input_rows_changes_nothing(run: Implementation, seed: int) -> None:
    drawn = random_district(Random(seed))
    rng = Random(seed)
    mixed = {name: rng.sample(rows, len(rows)) for name, rows in drawn.tables.items()}
    one, other = (run(tables, as_of=drawn.as_of, attest=drawn.attest) for tables in (drawn.tables, mixed))
    assert differences(one, other, left_out={"message", "citation", "certainty", "_line"}) == ""


@on_random(seed=SEEDS)
def test_our_own_credits_read_back_as_applied_days_change_only_the_origin(run: Implementation, seed: int) -> None:
    drawn = random_district(Random(seed))
    if any(row["independently_reporting_charter"] == "true" for row in drawn.tables["schools"]):
        return  # whose day it is, is then told by reporting_lea, which credits do not carry
    applied = drawn.tables.get("applied_days", [])
    others = [row for row in applied if row.get("reporting_lea") not in (None, "", "1964733")]
    # A row that names our LEA takes of the ten of its neighbors, one that names none does not; credits name none.
    unnamed = [row if row in others else row | {"reporting_lea": ""} for row in applied]
    first = run(drawn.tables | ({"applied_days": unnamed} if applied else {}), as_of=drawn.as_of, attest=drawn.attest)
    own = [
        {"ssid": row["ssid"], "absence_date": text(row["absence_date"]), "school_code": row["absence_school_code"],
         "recovered_on": text(row["earned_on"]), "source": "recoup", "paid_elsewhere": text(row["paid_elsewhere"]), "reporting_lea": ""}
        for row in first["credits"]
    ]  # fmt: skip
    keys = [(row["ssid"], row["absence_date"]) for row in own + others]
    if len(keys) > len(set(keys)):
        return  # two LEAs credit one date, which applied_days can tell of one alone
    tables: Tables = drawn.tables | {"applied_days": own + others}
    if not own + others:
        return
    again = run(tables, as_of=drawn.as_of, attest=drawn.attest)
    without_holds = ({**result, "holds": []} for result in (first, again))
    one, other = without_holds
    assert differences(one, other, left_out={"origin", "days_applied", "rule_version"}) == ""
    assert total(again["ledger"], "days_applied") == total(again["ledger"], "days_credited")


@on_random(
    minutes=st.lists(st.sampled_from([30, 60, 90, 120, 200, 240, 300, 480]), max_size=12),
    grade=st.sampled_from(["KN", "02", "07"]),
    absences=st.integers(0, 14),
    more=st.integers(1, 480),
    place=st.integers(-12, 12),
    policy=st.sampled_from([{}, {"time_unit": "minutes"}, {"excess_same_date": "carry"}, {"full_day_record": "date"}]),
)
def test_one_session_more_never_lowers_the_credit(
    run: Implementation, minutes: list[int], grade: str, absences: int, more: int, place: int, policy: dict[str, Any]
) -> None:
    saturdays = [date(2025, 10, 4) + timedelta(7 * week) for week in range(len(minutes))]
    sessions = [{"date": on, "minutes": length} for on, length in zip(saturdays, minutes, strict=True)]
    case = {"grade": grade, "sessions": sessions, "absences": {"times": absences, "from": date(2025, 9, 8)}}
    extra = {"date": date(2025, 12, 28) + timedelta(7 * place), "minutes": more}
    before, after = (run(bundle(one), policy=policy)["ledger"][0] for one in (case, case | {"sessions": [*sessions, extra]}))
    assert after["days_credited"] >= before["days_credited"]
    assert after["minutes_counted"] >= before["minutes_counted"]
