"""Rules as dated data: every value has its source, a year without rules is refused, and a change of law is a dated value and no code."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from recoup import law
from recoup.errors import RecoupError
from recoup.ledger import compute
from tests.ledger.engine import LEA, YEAR, checked
from tests.plain.case import SSID, bundle, cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plain.bundle import Tables

PARAMS = files("recoup.law") / "params"
CASES = cases(Path(__file__).parents[1] / "cases")
GRADES = {"A", "B", "C", "D", "U"}
JANUARY = date(2026, 1, 1)


def read(name: str) -> Any:
    return yaml.safe_load((PARAMS / f"{name}.yaml").read_text(encoding="utf-8"))


def ledger_of(tables: Tables, rules: law.Law, policy: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the student's row of the ledger under these rules."""
    made = checked(tables, rules.year)
    table = compute(made.tables, made.absent, rules, law.policy(policy or {}), rules.year.last, LEA)["ledger"]
    return next(row for row in table.to_dicts() if row["ssid"] == SSID)


@pytest.fixture
def amended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., law.Law]:
    """Change the values of one rule in a copy of the parameter files, and load the law of 2025-26 from there."""
    law.load(YEAR.name)  # kept as it stands, before anything else is read in its place
    for path in PARAMS.iterdir():
        if path.name.endswith(".yaml"):
            (tmp_path / path.name).write_bytes(path.read_bytes())

    def change(name: str, keys: list[str], values: dict[date, Any], year: str = YEAR.name) -> law.Law:
        path = tmp_path / f"{name}.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        rule = document
        for key in keys:
            rule = rule[key]
        rule["values"] |= values
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        monkeypatch.setattr(law, "_load", lambda part: yaml.safe_load((tmp_path / f"{part}.yaml").read_text(encoding="utf-8")))
        return law.load.__wrapped__(year)

    return change


# --- sources


def rules_with_values(document: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return every entry of a parameter file that states something: each has a citation, values, or both."""
    if not isinstance(document, dict):
        return []
    if {"values", "citation", "certainty", "revision"} & document.keys():
        return [(path, document)]
    return [found for key, inner in document.items() for found in rules_with_values(inner, f"{path}.{key}")]


RULES = [
    pytest.param(rule, id=f"{name}{path}")
    for name in ("years", "minimum_schoolday", *law.PARTS)
    for path, rule in rules_with_values(read(name))
]


@pytest.mark.parametrize("rule", RULES)
def test_every_value_of_law_has_citation_certainty_and_dates(rule: dict[str, Any]) -> None:
    assert str(rule["citation"]).strip()
    assert rule["certainty"] in GRADES
    assert all(type(since) is date for since in rule.get("values", {}))


@pytest.mark.parametrize("name", ["years", "minimum_schoolday", "knobs", *law.PARTS])
def test_no_citation_is_cut_at_what_yaml_takes_for_a_comment(name: str) -> None:
    lines = (PARAMS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if " #" in line and '"' not in line and not line.lstrip().startswith("#")] == []


def test_every_part_of_the_law_is_read() -> None:
    assert {path.name.removesuffix(".yaml") for path in PARAMS.iterdir()} == {*law.PARTS, "years", "minimum_schoolday", "knobs"}
    assert len(RULES) > 40


@pytest.mark.parametrize("name", ["holds.csv", "absences.csv"])
def test_every_hold_code_says_what_it_rests_on(name: str) -> None:
    lines = (files("recoup.law") / name).read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(lines):
        assert row["citation"].strip(), row["code"]
        assert row["certainty"] in GRADES, row["code"]
        assert row["message"].endswith("."), row["code"]
        assert row["certainty"] == "D" or not row["citation"].startswith(("design", "derived")), row["code"]


def test_rules_hold_for_every_day_of_every_known_year() -> None:
    assert law.school_years() == ("2025-2026", "2026-2027")
    for name in law.school_years():
        rules = law.load(name)
        for day in (rules.year.first, rules.year.first + timedelta(183), rules.year.last):
            assert all(fact.on(day) is not None for fact in (*rules.facts.values(), *rules.grade_minutes.values()))
            assert [rules.grade_minutes[grade].on(day) for grade in ("TK", "KN", "01", "03", "04", "08", "09", "12")] == [
                180, 180, 230, 230, 240, 240, 240, 240,
            ]  # fmt: skip


@pytest.mark.parametrize("name", ["2024-2025", "2027-2028", "2025", "", "2025-26"])
def test_a_year_without_rules_is_refused(name: str) -> None:
    with pytest.raises(RecoupError) as caught:
        law.load(name)
    assert (caught.value.code, int(caught.value.status)) == ("LAW_YEAR_UNKNOWN", 2)
    assert "2026-2027" in str(caught.value)


# --- the next year


def next_year(tables: Tables) -> Tables:
    """Move every date 52 weeks on, so that weekdays stay."""

    def moved(text: str) -> str:
        return re.sub(r"\d{4}-\d\d-\d\d", lambda found: str(date.fromisoformat(found[0]) + timedelta(364)), text)

    return {name: [{key: moved(value) for key, value in row.items()} for row in rows] for name, rows in tables.items()}


@pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name, case in CASES if "expect" in case and name in ("W02", "W05", "W14", "W26")]
)
def test_worked_examples_hold_in_2026_27(name: str, case: dict[str, Any]) -> None:
    ledger = ledger_of(next_year(bundle(case)), law.load("2026-2027"))
    assert ledger["days_credited"] == case["expect"][0]["credited"]


# --- a change of law in mid-year


def test_a_minimum_schoolday_that_changes_in_january(amended: Callable[..., law.Law]) -> None:
    rules = amended("minimum_schoolday", ["grades", "05"], {JANUARY: 300})
    case = {
        "grade": "05",
        "sessions": [{"date": date(2025, 12, 20), "minutes": 240}, {"date": date(2026, 1, 10), "minutes": 240},
                     {"date": date(2026, 1, 17), "minutes": 300}],
        "absences": {"times": 5},
    }  # fmt: skip
    now, then = ledger_of(bundle(case), law.load(YEAR.name)), ledger_of(bundle(case), rules)
    assert (now["days_earned"], now["minutes_banked"], now["minutes_forfeited"]) == (3, 0, 60)
    # 240 in December are a day; of January's 240 and 300, one day of 300, and 240 wait.
    assert (then["days_earned"], then["minutes_banked"], then["minutes_forfeited"]) == (2, 240, 0)


def test_a_bank_that_is_carried_over_the_change(amended: Callable[..., law.Law]) -> None:
    rules = amended("minimum_schoolday", ["grades", "05"], {JANUARY: 180})
    case = {"grade": "05", "sessions": [{"date": date(2025, 12, 20), "minutes": 120}, {"date": date(2026, 1, 10), "minutes": 60}],
            "absences": {"times": 1}}  # fmt: skip
    assert ledger_of(bundle(case), law.load(YEAR.name))["days_credited"] == 0
    assert ledger_of(bundle(case), rules)["days_credited"] == 1


def test_a_school_type_that_gets_its_own_minutes_in_january(amended: Callable[..., law.Law]) -> None:
    rules = amended("minimum_schoolday", ["school_types", "continuation"], {JANUARY: None})
    case = {"grade": "11", "school": "continuation", "sessions": [{"date": date(2025, 12, 20), "minutes": 180},
            {"date": date(2026, 1, 10), "minutes": 180}], "absences": {"times": 5}}  # fmt: skip
    assert ledger_of(bundle(case), law.load(YEAR.name))["days_earned"] == 2
    assert ledger_of(bundle(case), rules)["days_earned"] == 1


def test_an_increment_that_changes_in_january(amended: Callable[..., law.Law]) -> None:
    rules = amended("time", ["increment_minutes"], {JANUARY: 30})
    dates = [date(2025, 12, 20), JANUARY, date(2026, 1, 10)]
    case = {"grade": "05", "sessions": [{"date": day, "minutes": 90, "start": "15:30"} for day in dates]}
    assert ledger_of(bundle(case), law.load(YEAR.name))["minutes_counted"] == 3 * 60
    assert ledger_of(bundle(case), rules)["minutes_counted"] == 60 + 90 + 90


@pytest.mark.parametrize("measure", ["peak_present", "average"])
def test_a_ratio_that_changes_in_january(amended: Callable[..., law.Law], measure: str) -> None:
    rules = amended("supervision", ["ratio_other"], {JANUARY: 25})
    room = {"04": 20}
    case = {"grade": "04", "sessions": [{"date": date(2025, 12, 20), "minutes": 240, "with": room},
            {"date": date(2026, 1, 10), "minutes": 240, "with": room}], "absences": {"times": 5}}  # fmt: skip
    policy = {"ratio_measure": measure}
    assert ledger_of(bundle(case), law.load(YEAR.name), policy)["days_earned"] == 0
    assert ledger_of(bundle(case), rules, policy)["days_earned"] == 1


def test_a_cap_is_the_one_that_stands_at_the_end_of_the_year(amended: Callable[..., law.Law]) -> None:
    case = {"grade": "05", "sessions": {"times": 15, "minutes": 240}, "absences": {"times": 20}}
    assert ledger_of(bundle(case), law.load(YEAR.name))["days_credited"] == 10
    assert ledger_of(bundle(case), amended("caps", ["annual_cap"], {JANUARY: 12}))["days_credited"] == 12
    assert ledger_of(bundle(case), amended("caps", ["annual_cap"], {JANUARY: 12, date(2026, 7, 1): 15}))["days_credited"] == 12


def test_an_ended_rule_is_none(amended: Callable[..., law.Law]) -> None:
    rules = amended("caps", ["weekly_hours"], {date(2026, 7, 1): None}, "2026-2027")
    assert rules.value("weekly_hours") is None
    assert law.load(YEAR.name).value("weekly_hours") == 15
