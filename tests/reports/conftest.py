"""Runs of random districts, computed and not stored."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from recoup import law
from recoup.ledger import compute
from recoup.ports import Attestation, Input, Run
from tests.ledger.engine import LEA, YEAR, checked
from tests.plain.districts import Drawn, random_district, random_policy

if TYPE_CHECKING:
    from collections.abc import Callable


def draw(seed: int, *, other: bool = False) -> tuple[Drawn, dict[str, Any]]:
    """Return a random district and a policy, the default one unless ``other``."""
    rng = Random(seed)
    drawn = random_district(rng)
    policy = random_policy(rng) if other else {}
    if "dispositions" not in drawn.tables:  # what people decide cannot be asked for where nobody decided
        policy |= {"match_order": "oldest_first", "credit_school": "school_of_absence"}
    return drawn, policy


def run_of(drawn: Drawn, policy: dict[str, Any]) -> Run:
    """Return the run of a district."""
    made, rules, whole = checked(drawn.tables), law.load(YEAR.name), law.policy(policy)
    attest = [Attestation(check, "Director of Attendance", date(2026, 1, 6), "binder 3") for check in drawn.attest]
    results = compute(made.tables, made.absent, rules, whole, drawn.as_of, LEA, attest)
    inputs = [Input("district", name, f"{name}.csv", 0, name, 0, 0, 0) for name in made.tables]
    version = law.rule_version(rules, whole)
    return Run(YEAR, LEA, drawn.as_of, "R1", version, whole, attest, made.tables, made.absent, results, made.quarantine, inputs)


@pytest.fixture(scope="session")
def run() -> Callable[..., Run]:
    """Return the run of the random district of a seed; each is computed once."""
    known: dict[tuple[int, bool], Run] = {}

    def of(seed: int, *, other: bool = False) -> Run:
        if (seed, other) not in known:
            known[seed, other] = run_of(*draw(seed, other=other))
        return known[seed, other]

    return of
