"""Several LEAs in one workspace: each by its own policy, and nothing of one in the figures of another."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from recoup import law
from recoup.ledger import compute, compute_all, owners, several
from tests.ledger.engine import LEA, YEAR, checked
from tests.plain.attended import attended
from tests.plain.bank import bank
from tests.plain.districts import NEIGHBOR, random_district, random_policy
from tests.plain.reading import district_of

if TYPE_CHECKING:
    from recoup.checks import Checked
    from tests.plain.bundle import Row

LAW = law.load(YEAR.name)


def codes_of(made: Checked) -> list[str]:
    return sorted({LEA.code, *owners(made.tables["schools"], LEA.code)["lea"]})


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 120))])
def test_the_parts_of_all_leas_are_the_whole(seed: int) -> None:
    rng = Random(20_000 + seed)
    drawn, chosen = random_district(rng), random_policy(rng)
    made = checked(drawn.tables)
    policy = law.policy(chosen)
    whole = compute(made.tables, made.absent, LAW, policy, drawn.as_of, LEA)
    parts = [compute(made.tables, made.absent, LAW, policy, drawn.as_of, LEA, leas=[code]) for code in codes_of(made)]
    together = several.together(parts)
    assert [name for name in whole if not whole[name].equals(together[name])] == []


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 60))])
def test_each_lea_counts_time_by_its_own_policy(seed: int) -> None:
    rng = Random(30_000 + seed)
    drawn = random_district(rng)
    made = checked(drawn.tables)
    chosen = {LEA.code: random_policy(rng), NEIGHBOR: random_policy(rng)}
    for policy in chosen.values():
        policy |= {"match_order": "oldest_first", "credit_school": "school_of_absence"}
    results = compute_all(made.tables, made.absent, LAW, {code: law.policy(one) for code, one in chosen.items()}, drawn.as_of, LEA)
    expected: dict[tuple[str, str], tuple[int, int]] = {}
    earned = 0
    for code in codes_of(made):
        district = district_of(drawn.tables, policy=chosen.get(code, chosen[LEA.code]), as_of=drawn.as_of)
        rows = attended(district)
        earned += sum(len(own["days"]) for (_, unit), own in bank(district, rows).items() if unit == code)
        mine = [row for row in rows if (lea_of(district, row) or district.unit(row["session"]["school_code"])) == code]
        expected |= {(row["ssid"], row["session_id"]): (row["minutes_counted"], sum(row["cuts"].values())) for row in mine}
    entries = results["time_entries"].select("ssid", "session_id", "minutes_counted", "minutes_cut").rows()
    assert {(ssid, session): (counted, cut) for ssid, session, counted, cut in entries} == expected
    assert results["ledger"]["days_earned"].sum() == earned


def lea_of(district: Any, row: Row) -> str | None:
    """Return the LEA in which a row's time is counted, or None for a student without an enrollment in force."""
    return district.unit(row["enrollment"]["school_code"]) if row["enrollment"] else None


def test_a_school_reports_to_its_district_and_an_independent_charter_to_itself() -> None:
    schools = pl.DataFrame(
        {
            "school_code": ["6000001", "6000002", "0190001", "6000003"],
            "county_district_code": ["1964733", "1964733", "1964733", "1964741"],
            "independently_reporting_charter": [False, None, True, None],
        }
    )
    assert owners(schools, LEA.code).rows() == [
        ("6000001", "1964733", 0),
        ("6000002", "1964733", 0),
        ("0190001", "0190001", 1),
        ("6000003", "1964741", 2),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_whose_configuration_it_is_changes_no_figure(seed: int) -> None:
    drawn = random_district(Random(40_000 + seed))
    made = checked(drawn.tables)
    policy = law.policy({})
    one, other = (compute(made.tables, made.absent, LAW, policy, drawn.as_of, lea) for lea in (LEA, replace(LEA, code="1964999")))
    assert [name for name in one if not one[name].equals(other[name])] == []
