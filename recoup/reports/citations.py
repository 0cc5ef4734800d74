"""The rule behind a step of a story: citation, grade of certainty, and what a figure rests on that is less than certain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recoup import law as rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from recoup.law import Law


@dataclass(slots=True)
class Citations:
    """Every rule that a story cites; remembers those that are doubtful, with the figures that rest on them."""

    law: Law
    policy: Mapping[str, str]
    doubtful: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def cite(self, figure: str, citation: str, certainty: str) -> dict[str, str]:
        """Return citation and certainty for a step, and remember that ``figure`` (if any) rests on it."""
        if figure and certainty in rules.DOUBTFUL:
            self.doubtful.setdefault((certainty, citation), set()).add(figure)
        return {"citation": citation, "certainty": certainty}

    def knob(self, figure: str, name: str) -> dict[str, str]:
        """Return the same for a policy setting; the citation names it."""
        knob = rules.knobs()[name]
        return self.cite(figure, f"{knob.citation}; policy K{knob.number} {name} = {self.policy[name]}", knob.certainty)

    def chosen(self, name: str) -> str:
        """Return what the value in force of a knob means."""
        value = self.policy[name]
        return rules.knobs()[name].values.get(value, value)

    def table(self) -> list[dict[str, Any]]:
        """Return the doubtful rules in order of grade, each with what its grade means and the figures that rest on it."""
        return [
            {"certainty": certainty, "means": rules.GRADES[certainty], "citation": citation, "figures": sorted(figures)}
            for (certainty, citation), figures in sorted(self.doubtful.items())
        ]


def settings(policies: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the settings of some LEAs that are not the default ones, each with its rule, and with the LEA where theirs differ."""
    found = []
    for knob in (knob for knob in rules.knobs().values() if knob.values):
        chosen: dict[str | None, str] = {lea: policy.get(knob.name, knob.default) for lea, policy in policies.items()}
        same = set(chosen.values())
        for lea, value in ({None: same.pop()} if len(same) == 1 else chosen).items():
            if value != knob.default:
                told = {"k": knob.number, "name": knob.name, "value": value, "lea": lea, "means": knob.values.get(value, value)}
                found.append({**told, "citation": knob.citation, "certainty": knob.certainty})
    return found


def minimum_schoolday(
    citations: Citations, enrollment: Mapping[str, Any], school_type: str, day: date
) -> tuple[int | None, str, dict[str, str]]:
    """Return what makes a day under an enrollment on ``day`` (ledger.md 4): minutes, the reason, and the rule.

    ``enrollment``: a row of the table. The minutes are null before the first rule.
    """
    law, policy, figure = citations.law, citations.policy, "minutes of a day"
    grade, basis = enrollment["grade"], enrollment["alternate_minimum_basis"]
    special = {**law.type_minutes, **(law.table_minutes if policy["special_minutes"] == "table" else {})}
    spans = dict(part.split("=") for part in policy["charter_minimum"].split(";")) if "=" in policy["charter_minimum"] else {}
    charter, by_grade = school_type in law.charter_types, law.grade_minutes[grade]
    own = special[school_type].on(day) if school_type in special else None
    base: int | None = own or by_grade.on(day)
    if base is None:
        return None, "", {"citation": "", "certainty": ""}
    if charter and spans:
        span = law.grade_spans[grade]
        base, because, rule = int(spans[span]), f"charter, grade span {span}", citations.knob(figure, "charter_minimum")
    elif own:
        fact, because = special[school_type], f"school type {school_type}"
        rule = citations.cite(figure, fact.citation, fact.certainty)
    else:
        because, rule = f"grade {grade}", citations.cite(figure, by_grade.citation, by_grade.certainty)
        if charter:
            because, rule = f"{because}, in a charter school", citations.knob(figure, "charter_minimum")
    if basis == "sec_46146":
        part = "three_quarter_part" if policy["three_quarter_day"] == "use_180_as_day" else "three_quarter_full"
        if base > law.value(part):
            return law.value(part), "three-quarter day, basis sec_46146", citations.knob(figure, "three_quarter_day")
        return base, because, rule
    alternate = enrollment["alternate_minimum_minutes"]
    if basis in law.bases and alternate and 0 < alternate < base:
        fact = law.bases[basis]
        return alternate, f"alternate minimum, basis {basis}, below {base}", citations.cite(figure, fact.citation, fact.certainty)
    return base, because, rule
