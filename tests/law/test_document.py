"""``docs/rules.md`` is written from the data, and what it says was verified was."""

from __future__ import annotations

from pathlib import Path

import pytest

from recoup import law
from recoup.law.document import modelled, rules_page

ROOT = Path(__file__).parents[2]
CASES = {path.stem for path in (ROOT / "tests" / "cases").rglob("*.yaml")}


def test_the_page_of_the_rules_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules_page(), "run: python -m recoup.law.document > docs/rules.md"


def test_the_page_names_every_rule_choice_and_code() -> None:
    page = rules_page()
    rules = law.load("2026-2027")
    names = [*rules.facts, *rules.type_minutes, *rules.table_minutes, *rules.bases, *law.knobs(), *law.hold_rules()]
    assert [name for name in names if f"`{name}`" not in page] == []
    assert [value for knob in law.knobs().values() for value in knob.values if f"`{value}`" not in page] == []


@pytest.mark.parametrize("row", modelled(), ids=lambda row: row["rule"][:60])
def test_what_is_modelled_was_verified_by_what_exists(row: dict[str, str]) -> None:
    assert row["modelled"] in {"yes", "partly", "no"}
    assert row["how"], "how it is modelled, or why it is not"
    named = [name.strip() for name in row["verified"].split(";") if name.strip()]
    assert bool(named) == (row["modelled"] != "no")
    assert [name for name in named if name not in CASES and not (ROOT / name).is_file()] == []


def test_every_worked_example_and_every_knob_verifies_a_rule() -> None:
    named = {name.strip() for row in modelled() for name in row["verified"].split(";")}
    assert {case for case in CASES if case[0] in "WK"} - named == set()
