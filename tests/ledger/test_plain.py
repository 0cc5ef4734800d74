"""The engine against the plain reading, on random districts; and what makes that comparison worth something."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import polars as pl
import pytest

from recoup.law import hold_rules
from tests.ledger.engine import checked, run_engine
from tests.plain.compare import differences
from tests.plain.districts import Drawn, random_district, random_policy, unseen
from tests.plain.reading import read


def compare(drawn: Drawn, policy: dict[str, Any]) -> str:
    """Return where the two differ on one district."""
    plain = read(drawn.tables, policy=policy, as_of=drawn.as_of, attest=drawn.attest)
    return differences(plain, run_engine(drawn.tables, policy=policy, as_of=drawn.as_of, attest=drawn.attest))


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 300))])
def test_engine_and_plain_reading_agree(seed: int) -> None:
    assert compare(random_district(Random(seed)), {}) == ""


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 150))])
def test_engine_and_plain_reading_agree_on_other_policies(seed: int) -> None:
    rng = Random(10_000 + seed)
    drawn, policy = random_district(rng), random_policy(rng)
    if "dispositions" not in drawn.tables:  # what people decide cannot be asked for where nobody decided
        policy |= {"match_order": "oldest_first", "credit_school": "school_of_absence"}
    assert compare(drawn, policy) == ""


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 100))])
def test_engine_and_plain_reading_agree_on_what_rests_on_a_word(seed: int) -> None:
    rng = Random(20_000 + seed)
    assert compare(unseen(random_district(rng), rng), {}) == ""


@pytest.mark.slow
def test_random_districts_meet_every_mechanism_and_hold_no_refused_row() -> None:
    met: Counter[str] = Counter()
    for seed in range(200):
        drawn = random_district(Random(seed))
        result = read(drawn.tables, as_of=drawn.as_of, attest=drawn.attest)
        met.update({row["code"] for row in result["holds"]} | {row["severity"] for row in result["holds"]})
        met.update(column for column in result["ledger"][0] if any(row[column] for row in result["ledger"]))
        met["ten days"] += any(row["days_credited"] == 10 for row in result["ledger"])
        met["applied"] += any(row["origin"] == "applied" and row["minutes_used"] for row in result["credits"])
        if seed < 50:
            assert checked(drawn.tables).quarantine.filter(pl.col("severity") == "error").is_empty()
    assert {code: met[code] for code in hold_rules() if met[code] < 3} == {}
    assert [name for name in ("released", "attested", "not_checked", "cut", "ten days", "applied", "days_attested") if met[name] < 3] == []


def test_a_difference_is_shown_by_its_first_rows_only() -> None:
    drawn = random_district(Random(3))
    one = read(drawn.tables)
    other = read(drawn.tables)
    assert differences(one, other) == ""
    for row in other["ledger"]:
        row["minutes_banked"] += 60
    said = differences(one, other, names=("left", "right"), shown=2).splitlines()
    assert said[0] == f"ledger: {len(one['ledger'])} rows in left, {len(one['ledger'])} in right"
    assert [line.split(":")[0] for line in said[1:]] == ["  only left"] * 3 + ["  only right"] * 3
