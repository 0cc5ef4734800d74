"""The worked examples W01 to W43 of the rules, each by its number; the cases stand in ``tests/cases``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.engine import run_both
from tests.plain.case import SSID, Case, bundle, cases
from tests.plain.reading import district_of, results, stas

CASES = cases(Path(__file__).parents[1] / "cases")
LEDGER = {
    "credited": "days_credited",
    "banked": "minutes_banked",
    "forfeited": "minutes_forfeited",
    "earned": "days_earned",
    "waiting": "days_waiting",
    "applied": "days_applied",
    "eligible": "eligible_absences",
    "absences_left": "absences_left",
    "cap_left": "cap_left",
}
#: "Where one result is given, both agree" (rules sheet 18): such an example is read under K1 ``minutes`` too, but for those that are
#: about the rounding to whole hours itself.
HOURS_ONLY = {"W12", "W39"}


def in_minutes(name: str, case: Case) -> list[dict[str, Any]]:
    """Return the reading of an example under K1 ``minutes`` where the sheet gives one result for both."""
    readings = case.get("expect", [])
    if name[:3] in HOURS_ONLY or any("time_unit" in one.get("policy", {}) for one in readings):
        return []
    return [one | {"policy": one.get("policy", {}) | {"time_unit": "minutes"}} for one in readings]


DECIDED = [
    pytest.param(case, reading, id=f"{name}-{'-'.join(map(str, reading.get('policy', {}).values())) or 'default'}", marks=marks)
    for name, case in CASES
    for readings, marks in ((case.get("expect", []), []), (in_minutes(name, case), [pytest.mark.slow]))
    for reading in readings
]


#: The last date, minute or day on each side of a rule; the mutants of ``tests/mutation`` asked for them.
EDGES = [pytest.param(case, id=case["title"]) for _, case in cases(Path(__file__).parents[1] / "cases" / "edges", "*.yaml")]


def test_every_worked_example_is_here_and_says_where_it_is_held() -> None:
    assert {name[:3] for name, _ in CASES} == {f"W{number:02}" for number in range(1, 44)}
    assert {name for name, case in CASES if "expect" not in case and "held_by" in case} == {"W16", "W17", "W34"}


@pytest.mark.parametrize(("case", "reading"), DECIDED)
def test_worked_example(case: Case, reading: dict[str, Any]) -> None:
    check(case, reading)


@pytest.mark.parametrize("case", EDGES)
def test_edge_of_a_rule(case: Case) -> None:
    check(case, case["expect"])


def check(case: Case, reading: dict[str, Any]) -> None:
    """Compare the figures that a reading names with what the engine gives, and all else with the plain reading."""
    policy = reading.get("policy", {})
    result = run_both(bundle(case), policy=policy, as_of=case.get("as_of"))
    ledger = next(row for row in result["ledger"] if row["ssid"] == SSID)
    entries = [row for row in result["time_entries"] if row["ssid"] == SSID]
    expected = {name: value for name, value in reading.items() if name not in ("policy", "stas")}
    got = {
        **{name: ledger[column] for name, column in LEDGER.items()},
        "counted": [row["minutes_counted"] for row in entries],
        "held": sorted({code for row in entries if row["outcome"] == "held" for code in row["codes"].split(";")}),
        "cut": sorted({code for row in entries if row["outcome"] == "cut" for code in row["codes"].split(";")}),
        "by_school": by_school(case, result["credits"]),
        "earned_on": [row["earned_on"] for row in result["credits"] if row["ssid"] == SSID],
        "grades": [row["grade"] for row in result["credits"] if row["ssid"] == SSID],
    }
    assert {name: got[name] for name in expected} == expected


def by_school(case: Case, credits_: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many days were credited at each school, by the case's own name for it."""
    names = {row["school_code"]: row["school_name"] for row in bundle(case)["schools"]}
    return dict(Counter(names[row["absence_school_code"]] for row in credits_ if row["ssid"] == SSID))


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, case in CASES if any("stas" in one for one in case.get("expect", []))])
def test_counts_of_the_state_file(name: str, case: Case) -> None:
    district = district_of(bundle(case))
    assert [row | reading["stas"] for reading in case["expect"] for row in stas(district, results(district))] == stas(
        district, results(district)
    )
