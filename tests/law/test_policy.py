"""The knobs as data: what each reads and needs, and that a value whose input is missing is refused, never ignored."""

from __future__ import annotations

from typing import Any

import pytest

from recoup import law
from recoup.errors import RecoupError
from recoup.schemas import TABLES
from tests.plain.bundle import KNOBS

GRADES = {"A", "B", "C", "D", "U"}
OPTIONAL = [("session_staff", ""), ("staff", ""), ("dispositions", ""), ("independent_study", ""), ("applied_days", "")]
NEEDED = {
    "other_lea_days": {"block": ["applied_days", "applied_days.reporting_lea"]},
    "mixed_ratio": {"proportional": ["session_staff", "staff"]},
    "ratio_measure": {"enrolled": ["session_staff", "staff"], "average": ["session_staff", "staff"]},
    "ratio_breach": {"drop_excess": ["session_staff", "staff"], "warn": ["session_staff", "staff"]},
    "three_quarter_day": {"use_240": ["enrollments.alternate_minimum_basis"], "use_180_as_day": ["enrollments.alternate_minimum_basis"]},
    "match_order": {"manual": ["dispositions"]},
    "credit_school": {"lea_choice": ["dispositions"]},
    "long_study_bank": {"void": ["independent_study"], "keep": ["independent_study"]},
}


def place(text: str) -> tuple[str, str]:
    table, _, column = text.partition(".")
    return table, column


def test_the_knobs_are_those_of_the_contract() -> None:
    assert {name: tuple(knob.values) for name, knob in law.knobs().items()} == {**KNOBS, "periods": ()}
    assert [knob.number for knob in law.knobs().values()] == list(range(1, 22))


@pytest.mark.parametrize("name", law.knobs())
def test_a_knob_has_its_words_its_source_and_columns_of_the_model(name: str) -> None:
    knob = law.knobs()[name]
    assert knob.help.endswith((".", "?"))
    assert knob.changes.endswith(".")
    assert knob.citation
    assert knob.certainty in GRADES
    assert knob.reads
    assert all(knob.values.values())
    named = [
        *knob.reads,
        *(one for ones in knob.value_reads.values() for one in ones),
        *(one for ones in knob.needs.values() for one in ones),
    ]
    for table, column in map(place, named):
        assert not column or column in TABLES[table].names
    assert all(column for _, column in map(place, [one for one in named if one in knob.reads]))
    assert {*knob.value_reads, *knob.needs} <= set(knob.values)


def test_what_each_value_needs() -> None:
    assert {name: {value: list(all_) for value, all_ in knob.needs.items()} for name, knob in law.knobs().items() if knob.needs} == NEEDED


def test_only_what_may_be_missing_is_needed() -> None:
    for knob in law.knobs().values():
        for table, column in (place(one) for ones in knob.needs.values() for one in ones):
            if column:
                assert next(one for one in TABLES[table].columns if one.name == column).may_be_missing or not TABLES[table].required
            else:
                assert not TABLES[table].required


def test_no_default_is_ever_refused() -> None:
    everything = {(table.name, "") for table in TABLES.values()} | {
        (table.name, column) for table in TABLES.values() for column in table.names
    }
    assert law.unmet(law.policy({}), everything) == []


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NEEDED.items() for value in values])
def test_a_value_without_its_input_is_unmet_and_with_it_met(name: str, value: str) -> None:
    policy = law.policy({name: value})
    assert law.unmet(policy, frozenset()) == []
    for needed in NEEDED[name][value]:
        (one,) = law.unmet(policy, {place(needed)})
        assert (one.knob, one.value) == (name, value)
        assert needed in one.missing


def test_an_absent_table_takes_its_columns_along() -> None:
    (one,) = law.unmet(law.policy({"K7": "block"}), {("applied_days", "")})
    assert one.missing == ("applied_days", "applied_days.reporting_lea")


def test_the_refusal_names_knob_value_and_what_is_missing() -> None:
    with pytest.raises(RecoupError) as caught:
        law.refuse_unmet(law.policy({"match_order": "manual"}), {("dispositions", "")}, "recoup.toml: [policy]")
    assert (caught.value.code, int(caught.value.status)) == ("POLICY_INPUT_MISSING", 2)
    assert all(word in str(caught.value) for word in ("match_order", "manual", "dispositions", "oldest_first", "recoup.toml"))


@pytest.mark.parametrize(("wrong", "code"), [
    ({"time_units": "minutes"}, "POLICY_UNKNOWN_KNOB"),
    ({"K22": "minutes"}, "POLICY_UNKNOWN_KNOB"),
    ({"periods": "fixed"}, "POLICY_UNKNOWN_KNOB"),
    ({"time_unit": "quarter_hour"}, "POLICY_UNKNOWN_VALUE"),
    ({"K1": "minutes", "time_unit": "minutes"}, "POLICY_TWICE"),
    ({"K5": "yes"}, "POLICY_RISK"),
    ({"K5": "yes", "accept_risk": False}, "POLICY_RISK"),
    ({"accept_risk": "perhaps"}, "POLICY_UNKNOWN_VALUE"),
    ({"charter_minimum": {"4-6": 240}}, "POLICY_CHARTER_MINUTES"),
    ({"ratio_grace_minutes": "five"}, "POLICY_NOT_A_NUMBER"),
])  # fmt: skip
def test_only_the_values_of_the_contract_exist(wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(RecoupError) as caught:
        law.policy(wrong)
    assert (caught.value.code, int(caught.value.status)) == (code, 2)


def test_number_and_name_are_one_and_every_value_has_its_own_rule_version() -> None:
    rules = law.load("2025-2026")
    assert law.policy({"K1": "minutes"}) == law.policy({"time_unit": "minutes"})
    chosen = [{name: value} for name, values in KNOBS.items() for value in values[1:]]
    versions = {law.rule_version(rules, law.policy(one | {"accept_risk": True})) for one in [{}, *chosen]}
    assert len(versions) == 1 + len(chosen)


def test_an_accepted_risk_has_its_sentence_and_nothing_else_has() -> None:
    assert law.accepted_risks(law.policy({})) == []
    (told,) = law.accepted_risks(law.policy({"K5": "yes", "accept_risk": True}))
    assert "suspension" in told


SPANS = {"TK/K-3": 200, "4-6": 240, "7-8": 240, "9-12": 240}


@pytest.mark.parametrize("given", [{"charter_minimum": SPANS | {"4-6": "²"}}, {"charter_minimum": SPANS | {"4-6": 0}}, {"K13": 230}])
def test_minutes_of_a_charter_are_whole_numbers_for_every_span(given: dict[str, Any]) -> None:
    with pytest.raises(RecoupError, match="POLICY_CHARTER_MINUTES"):
        law.policy(given)


@pytest.mark.parametrize("raw", ["²", "٣", "-1", "1.5", "", True, {}])
def test_a_number_beside_the_knobs_is_a_whole_number_in_plain_digits(raw: object) -> None:
    with pytest.raises(RecoupError, match="POLICY_NOT_A_NUMBER"):
        law.policy({"ratio_grace_minutes": raw})
