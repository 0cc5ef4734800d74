"""Closed periods: what was reported keeps its partner while both sides stand, and everything else is matched as before (ledger.md 6)."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.ledger.engine import IMPLEMENTATIONS, Implementation, run_engine
from tests.plain.case import SSID, bundle
from tests.plain.compare import differences
from tests.plain.districts import Drawn, random_district, random_policy
from tests.plain.reading import read

if TYPE_CHECKING:
    from tests.plain.bundle import Row, Tables

#: Three absences of September, and two Saturdays of four hours that meet the first two of them.
CASE: dict[str, Any] = {
    "grade": "05",
    "absences": {"dates": [date(2025, 9, 8), date(2025, 9, 9), date(2025, 9, 10)]},
    "sessions": [{"date": date(2025, 10, 4), "minutes": 240}, {"date": date(2025, 10, 11), "minutes": 240}],
}
EARLIER = {"date": date(2025, 9, 27), "minutes": 240}


def pairs(rows: list[Row]) -> list[tuple[str, str]]:
    """Return the partners of a student as ``(absence, earned day)``, month and day."""
    return [(f"{row['absence_date']:%m-%d}", f"{row['earned_on']:%m-%d}") for row in rows if row["ssid"] == SSID]


@pytest.mark.parametrize("run", IMPLEMENTATIONS)
def test_a_session_entered_late_does_not_turn_the_reported_pairs_round(run: Implementation) -> None:
    reported = run(bundle(CASE))["credits"]
    assert pairs(reported) == [("09-08", "10-04"), ("09-09", "10-11")]
    late = bundle(CASE | {"sessions": [EARLIER, *CASE["sessions"]]})
    assert pairs(run(late)["credits"]) == [("09-08", "09-27"), ("09-09", "10-04"), ("09-10", "10-11")]
    assert pairs(run(late, reported=reported)["credits"]) == [("09-08", "10-04"), ("09-09", "10-11"), ("09-10", "09-27")]


@pytest.mark.parametrize("run", IMPLEMENTATIONS)
def test_a_pair_whose_session_is_gone_falls_and_frees_its_absence(run: Implementation) -> None:
    reported = run(bundle(CASE))["credits"]
    moved = bundle(CASE | {"sessions": [CASE["sessions"][1], {"date": date(2025, 10, 18), "minutes": 240}]})
    assert pairs(run(moved, reported=reported)["credits"]) == [("09-08", "10-18"), ("09-09", "10-11")]


@pytest.mark.parametrize("run", IMPLEMENTATIONS)
def test_a_pair_whose_absence_is_gone_falls_and_frees_its_day(run: Implementation) -> None:
    reported = run(bundle(CASE))["credits"]
    corrected = bundle(CASE | {"absences": {"dates": [date(2025, 9, 9), date(2025, 9, 10)]}})
    assert pairs(run(corrected, reported=reported)["credits"]) == [("09-09", "10-11"), ("09-10", "10-04")]


@pytest.mark.parametrize("run", IMPLEMENTATIONS)
def test_an_applied_day_takes_its_own_before_a_reported_pair(run: Implementation) -> None:
    reported = run(bundle(CASE))["credits"]
    applied = bundle(CASE | {"applied": [{"absence": date(2025, 9, 10), "recovered": date(2025, 10, 4)}]})
    assert pairs(run(applied, reported=reported)["credits"]) == [("09-09", "10-11"), ("09-10", "10-04")]


@pytest.mark.parametrize("run", IMPLEMENTATIONS)
def test_reported_pairs_never_pass_the_ten(run: Implementation) -> None:
    full = CASE | {"absences": {"times": 14, "from": date(2025, 9, 8)}, "sessions": {"times": 12, "minutes": 240}}
    reported = run(bundle(full))["credits"]
    assert len(reported) == 10
    more = bundle(full | {"applied": [{"absence": date(2025, 9, 24), "recovered": date(2025, 12, 13)}]})
    credited = run(more, reported=reported)["credits"]
    assert len(credited) == 10
    assert pairs(credited)[:9] == pairs(reported)[:9]


def close_and_change(seed: int) -> tuple[Drawn, Tables, dict[str, Any]]:
    """Return a district, the same after people went on working in it, and a policy."""
    rng = Random(seed)
    drawn = random_district(rng)
    policy = random_policy(rng) if seed % 2 else {}
    if "dispositions" not in drawn.tables:
        policy |= {"match_order": "oldest_first", "credit_school": "school_of_absence"}
    tables: Tables = {name: list(rows) for name, rows in drawn.tables.items()}
    for name, share in (("participation", 0.1), ("attendance", 0.15), ("applied_days", 0.3), ("independent_study", 0.3)):
        if name in tables:
            tables[name] = [row for row in tables[name] if rng.random() > share] or tables[name][:1]
    return drawn, tables, policy


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 150))])
def test_engine_and_plain_reading_agree_after_a_closing(seed: int) -> None:
    drawn, changed, policy = close_and_change(30_000 + seed)
    # Closed with rows that later went, or opened later with rows that came: both happen.
    before, after = (drawn.tables, changed) if seed % 4 < 2 else (changed, drawn.tables)
    first = read(before, policy=policy, as_of=drawn.as_of, attest=drawn.attest)["credits"]
    reported = [row for row in first if row["earned_on"] and row["credited_on"] and row["credited_on"] <= date(2026, 2, 28)]
    told: dict[str, Any] = {"policy": policy, "as_of": drawn.as_of, "attest": drawn.attest, "reported": reported}
    assert differences(read(after, **told), run_engine(after, **told)) == ""


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 60))])
def test_a_closing_alone_changes_nothing(seed: int) -> None:
    drawn = random_district(Random(40_000 + seed))
    first = run_engine(drawn.tables, as_of=drawn.as_of, attest=drawn.attest)
    reported = [row for row in first["credits"] if row["earned_on"] and row["credited_on"] <= date(2026, 1, 31)]
    again = run_engine(drawn.tables, as_of=drawn.as_of, attest=drawn.attest, reported=reported)
    assert differences(first, again) == ""
