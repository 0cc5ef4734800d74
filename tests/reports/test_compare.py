"""Two readings side by side, held against the plain reading of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from recoup import law
from recoup.errors import RecoupError
from recoup.pipeline import again
from recoup.pipeline.compare import each, other_policies, parse, reading
from recoup.ports import Lea, LeaRules
from recoup.reports.compare import CHANGES, changed_days, reasons
from recoup.reports.compare_text import as_text
from tests.plain.bundle import KNOBS
from tests.plain.reading import read
from tests.reports.conftest import draw, run_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import Run

DRAWS = [2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100, 160))]


def other_values(seed: int) -> dict[str, str]:
    """Return a few settings of a seed away from their defaults, none of which asks for people's decisions."""
    rng = Random(seed)
    asking = ("match_order", "credit_school", "other_lea_days")
    names = rng.sample([name for name, values in KNOBS.items() if len(values) > 1 and name not in asking], 3)
    return {name: str(rng.choice(KNOBS[name][1:])) for name in names}


@pytest.mark.parametrize("seed", DRAWS)
def test_days_of_every_student_are_those_of_the_plain_readings(run: Callable[..., Run], seed: int) -> None:
    chosen = other_values(seed)
    try:
        found = reading(run(seed), chosen)
    except RecoupError as fault:
        assert fault.code == "POLICY_INPUT_MISSING"
        return
    drawn, _ = draw(seed)
    now, then = (
        Counter(row["ssid"] for row in read(drawn.tables, policy=policy, as_of=drawn.as_of, attest=drawn.attest)["credits"])
        for policy in ({}, {**chosen, "accept_risk": True})
    )
    rows, told = found.rows(), found.told
    changes = Counter(rows["change"])
    assert (told["days"]["now"], told["days"]["then"]) == (now.total(), then.total())
    assert {name: told["days"][name] for name in CHANGES} == {name: changes[name] for name in CHANGES}
    by_student = {name: Counter(rows.filter(pl.col("change") == name)["ssid"]) for name in ("falls", "added")}
    for ssid in {*now, *then}:
        assert by_student["falls"][ssid] == max(0, now[ssid] - then[ssid])
        assert by_student["added"][ssid] == max(0, then[ssid] - now[ssid])
    assert all(rows["reasons"])
    assert set(rows.filter(pl.col("change").is_in(list(CHANGES)))["ssid"]) <= set(rows["ssid"])
    by_school = sum(row["then"] - row["now"] for row in told["schools"])
    assert by_school == then.total() - now.total()
    for name in ("falls", "added"):
        assert all(row[name] <= told["days"][name] for row in told["reasons"])
        assert sum(row[name] for row in told["reasons"]) >= told["days"][name]
    text = as_text(told)
    assert not any(ssid in text for ssid in now | then)
    assert max(map(len, text.splitlines())) <= 100


def test_a_lifted_hold_is_the_reason(run: Callable[..., Run]) -> None:
    found = reading(run(5, other=True), {"ratio_breach": "hold_session"})
    assert {row["reason"] for row in found.told["reasons"]} & {"held:ratio", "released:ratio"}


def test_without_attestations_the_time_falls() -> None:
    # Without session_staff the time counts only where all three checks of a teacher are attested.
    checks = {"qualifying_teacher", "ratio", "verification"}
    seed = next(seed for seed in range(200) if checks <= {*draw(seed)[0].attest} and "session_staff" not in draw(seed)[0].tables)
    found = reading(run_of(*draw(seed)), {}, without_attestations=True)
    assert found.told["other"]["attestations"] is False
    assert found.told["days"]["added"] == 0
    assert found.told["students"]["figures_change"] > 0
    assert {row["reason"] for row in found.told["reasons"]} >= {"held:ratio"}
    assert found.run.results["ledger"]["minutes_counted"].sum() > found.then["ledger"]["minutes_counted"].sum()


def test_each_tells_every_value_of_every_setting_or_why_not(run: Callable[..., Run]) -> None:
    one = run(2)
    few = {name: knob for name, knob in law.knobs().items() if name in ("time_unit", "credit_school", "charter_minimum", "day_remainder")}
    told = each(one, lambda _: None, few.values())
    shown = [(row["name"], row["value"]) for row in (*told["readings"], *told["skipped"]) if row["name"] in few]
    wanted = [(name, value) for name, knob in few.items() for value in knob.values if value != one.policy[name]]
    assert set(wanted) <= set(shown)
    for row in told["readings"]:
        if row["name"] in few:
            alone = reading(one, {row["name"]: row["value"]}).told
            assert (row["falls"], row["added"], row["students"]) == (
                alone["days"]["falls"],
                alone["days"]["added"],
                alone["students"]["days_change"],
            )


def test_a_setting_of_every_lea_is_replaced(run: Callable[..., Run]) -> None:
    one = run(2)
    other = LeaRules(Lea("1964999", "Other"), law.policy({"time_unit": "minutes", "breaks": "as_recorded"}), "")
    found = other_policies(replace(one, leas=[LeaRules(one.lea, one.policy, one.rule_version), other]), {"day_remainder": "drop"})
    assert {code: (policy["day_remainder"], policy["breaks"]) for code, policy in found.items()} == {
        one.lea.code: ("drop", one.policy["breaks"]),
        "1964999": ("drop", "as_recorded"),
    }


@pytest.mark.parametrize(("before", "after", "told"), [(8, 10, ["cap"]), (16, 14, [])], ids=["days of another LEA", "two LEAs"])
def test_the_room_differs_only_below_the_ten(run: Callable[..., Run], before: int, after: int, told: list[str]) -> None:
    one = run(2)

    def credited(days: int) -> dict[str, pl.DataFrame]:
        figures = one.results["ledger"].head(1).with_columns(days_credited=pl.lit(days, pl.Int64), cap_left=pl.lit(0, pl.Int64))
        return {**one.results, "ledger": figures}

    now, then = credited(before), credited(after)
    assert reasons(one, now, then, changed_days(now, then))["reason"].to_list() == told


@pytest.mark.parametrize(("outcome", "told"), [("held", []), ("counted", ["released:not_verified", "released:ratio"])])
def test_a_row_that_stays_held_under_another_code_changes_nothing(run: Callable[..., Run], outcome: str, told: list[str]) -> None:
    one = run(2)

    def row(outcome: str, codes: str | None) -> dict[str, pl.DataFrame]:
        entry = one.results["time_entries"].head(1).with_columns(outcome=pl.lit(outcome), codes=pl.lit(codes, pl.String))
        return {**one.results, "time_entries": entry}

    now, then = row("held", "not_verified;ratio"), row(outcome, "not_verified" if outcome == "held" else None)
    assert reasons(one, now, then, changed_days(now, then))["reason"].to_list() == told


def test_settings_are_parsed_by_name_or_number() -> None:
    given: dict[str, Any] = parse(["K1=minutes", "charter_minimum=TK/K-3=200;4-6=220;7-8=250;9-12=300"])
    assert given == {"time_unit": "minutes", "charter_minimum": "TK/K-3=200;4-6=220;7-8=250;9-12=300"}


def test_a_comparison_starts_from_the_rules_in_force(run: Callable[..., Run]) -> None:
    with pytest.raises(RecoupError, match="RUN_OTHER_RULES"):
        reading(replace(run(2), rule_version="2025-26.0+00000000"), {"time_unit": "minutes"})
    assert again.reported(run(2)) is None
