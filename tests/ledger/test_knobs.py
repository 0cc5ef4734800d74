"""Each knob on a district where each of its values changes a figure; the cases stand in ``tests/cases/knobs``.

A case has ``figures``: by ``table.column``, what it is under each value of the knob. A figure of ``ledger`` is the sum over the
students; one of another table is the list of its cells, of the rows that ``only`` names. ``given``: the minutes of K13.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from recoup import law
from tests.ledger.engine import run_both
from tests.plain.case import Case, bundle, cases

CASES = cases(Path(__file__).parents[1] / "cases" / "knobs", "K*.yaml")
KNOBS = {f"K{knob.number:02}": knob for knob in law.knobs().values()}
#: The knobs that no figure of the ledger hangs on, but those of its exports: tests/exporters/test_knobs.py.
OTHERS = {"K20", "K21"}
READINGS = [
    pytest.param(name, case, value, id=f"{name}-{KNOBS[name[:3]].name}-{value}")
    for name, case in CASES
    for value in next(iter(case["figures"].values()))
]


def figure(case: Case, result: dict[str, list[dict[str, Any]]], named: str) -> Any:
    table, _, column = named.partition(".")
    if table == "ledger":
        return sum(row[column] for row in result[table])
    return [row[column] for row in result[table] if all(row[key] == value for key, value in case.get("only", {}).items())]


def policy(name: str, case: Case, value: str) -> dict[str, Any]:
    chosen = case["given"] if value == "given" else value
    return {KNOBS[name[:3]].name: chosen} | ({"accept_risk": True} if name[:3] == "K05" and value == "yes" else {})


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case", "value"), READINGS)
def test_value_of_a_knob_gives_its_figures(name: str, case: Case, value: str) -> None:
    result = run_both(bundle(case), policy=policy(name, case, value))
    assert {named: figure(case, result, named) for named in case["figures"]} == {
        named: values[value] for named, values in case["figures"].items()
    }


def test_every_value_of_every_knob_changes_a_figure_against_the_default() -> None:
    changed: dict[str, set[str]] = defaultdict(set)
    for name, case in CASES:
        default = KNOBS[name[:3]].default
        for values in case["figures"].values():
            changed[name[:3]] |= {value for value, figure_ in values.items() if figure_ != values[default]}
    wanted = {name: set(list(knob.values)[1:]) for name, knob in KNOBS.items() if name not in OTHERS} | {"K13": {"given"}}
    assert changed == wanted
