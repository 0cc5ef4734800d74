"""What a mutant is tried on: worked examples, edges, districts of the knobs, and random districts, many of them merged into one run.

A run of the ledger costs much the same for one small district as for twenty, so districts that are read by the same policy become one:
each keeps its own students, schools, sessions and people, told apart by a number in their ids.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from recoup import law
from tests.ledger.test_closed import close_and_change
from tests.ledger.test_knobs import READINGS
from tests.ledger.test_knobs import policy as policy_of
from tests.ledger.test_worked_examples import DECIDED, EDGES
from tests.plain.case import bundle
from tests.plain.districts import random_district, random_policy, unseen
from tests.plain.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tests.plain.bundle import Row, Tables

#: How many random districts there are, how many of them run alone, with their own as-of, attested checks and missing tables, and how many
#: of those once more after a period was closed; then districts that lack what a required check reads, and rest on somebody's word.
DISTRICTS, ALONE, CLOSED, ON_A_WORD = 200, 24, 6, 16
POLICIES = 16
IDS = ("session_id", "staff_id", "verified_by", "disposition_id", "program_name", "local_student_id")


@dataclass(frozen=True)
class Trial:
    """A district and how it is read."""

    tables: Tables
    policy: dict[str, Any]
    as_of: date | None = None
    attest: tuple[str, ...] = ()
    reported: tuple[Row, ...] = ()


def renamed(tables: Tables, number: int) -> Tables:
    """Return a district whose ids hold its number, in the same order as before."""

    def school(code: str) -> str:
        return f"6{number:03}00{code[-1]}"

    def cell(row: dict[str, str], column: str, value: str) -> str:
        if not value:
            return value
        if column == "ssid":
            return f"9{number:03}{value[-6:]}"
        if column == "school_code" or (column == "value" and row["decision"] == "assign_school"):
            return school(value)
        return f"{number:03}-{value}" if column in IDS else value

    return {name: [{column: cell(row, column, value) for column, value in row.items()} for row in rows] for name, rows in tables.items()}


def merged(districts: list[Tables]) -> Tables:
    """Return several districts as one; a table that one of them lacks is empty for it."""
    whole: Tables = defaultdict(list)
    for number, tables in enumerate(districts):
        for name, rows in renamed(tables, number).items():
            whole[name] += rows
    columns = {name: dict.fromkeys((column for row in rows for column in row), "") for name, rows in whole.items()}
    return {name: [columns[name] | row for row in rows] for name, rows in whole.items()}


def trials() -> Iterator[Trial]:
    """Yield every trial, the ones that kill most first."""
    policies: list[dict[str, Any]] = [{}, {}, *(random_policy(Random(10_000 + number)) for number in range(POLICIES - 2))]
    groups = [[random_district(Random(seed)).tables for seed in range(ALONE + turn, DISTRICTS, POLICIES)] for turn in range(POLICIES)]
    together = [Trial(merged(group), policy) for group, policy in zip(groups, policies, strict=True)]
    yield from together[:4]
    edges: Any = [reading.values[0] for reading in EDGES]
    sharp = [(case.get("as_of"), case["expect"].get("policy", {}), bundle(case)) for case in edges]
    for as_of, policy in {(when, repr(how)): (when, how) for when, how, _ in sharp}.values():
        yield Trial(merged([tables for when, how, tables in sharp if (when, how) == (as_of, policy)]), policy, as_of)
    defaults = law.policy({})
    cases: dict[str, tuple[dict[str, Any], list[Tables]]] = {}
    for values in [*(reading.values for reading in DECIDED), *(reading.values for reading in READINGS)]:
        told: Any = values
        case, policy = (told[1], policy_of(*told)) if isinstance(told[0], str) else (told[0], told[1].get("policy", {}))
        changed = {name: value for name, value in policy.items() if value != defaults.get(name)}
        cases.setdefault(repr(sorted(changed.items())), (changed, []))[1].append(bundle(case))
    yield from (Trial(merged(districts), policy) for policy, districts in cases.values())
    yield from together[4:]
    for seed in range(ALONE):
        drawn = random_district(Random(seed))
        policy = policies[seed % POLICIES]
        yield Trial(drawn.tables, policy, drawn.as_of, drawn.attest)
    for seed in range(ON_A_WORD):
        rng = Random(20_000 + seed)
        drawn = unseen(random_district(rng), rng)
        yield Trial(drawn.tables, {}, drawn.as_of, drawn.attest)
    for seed in range(CLOSED):
        drawn, changed, policy = close_and_change(seed)
        first = read(drawn.tables, policy=policy, as_of=drawn.as_of, attest=drawn.attest)["credits"]
        reported = tuple(row for row in first if row["earned_on"] and row["credited_on"])
        yield Trial(changed, policy, drawn.as_of, drawn.attest, reported)
