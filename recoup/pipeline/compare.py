"""``recoup compare``: what another reading of the rules would change, on the last good run; the workspace is read only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recoup import law
from recoup.errors import RecoupError
from recoup.pipeline import again
from recoup.reports import compare as reports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import polars as pl

    from recoup.ports import Attestation, Run

WHERE = "--policy"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two readings of the same data: the results of the run, those of the other reading, and what is told of the difference."""

    run: Run
    then: Mapping[str, pl.DataFrame]
    told: dict[str, Any]

    def rows(self) -> pl.DataFrame:
        """Return every changed day and student; it holds values of children's records."""
        return reports.rows(self.run, self.then)


def parse(given: Sequence[str]) -> dict[str, str]:
    """Return settings by name from ``NAME=VALUE`` texts. ``COMPARE_FORM`` and ``POLICY_TWICE`` (status 2)."""
    chosen: dict[str, str] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not (key and sign and value):
            raise RecoupError("COMPARE_FORM", WHERE)
        name = law.setting_name(key)
        if name in chosen:
            raise RecoupError("POLICY_TWICE", WHERE, name=name)
        chosen[name] = value
    return chosen


def other_policies(run: Run, chosen: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the policy of every LEA with some settings replaced.

    Raises ``RecoupError`` (status 2) for an unknown name or value, and for one whose input no source gave. A risk need not be accepted
    for a comparison: nothing is exported by it.
    """
    found = {}
    for code, policy in run.policies.items():
        whole = {**policy, **chosen}
        whole.pop("accept_risk", None)
        if whole["recover_suspension"] == "yes":
            whole["accept_risk"] = "true"
        found[code] = law.policy(whole, WHERE)
        law.refuse_unmet(found[code], run.absent, WHERE)
    return found


def reading(run: Run, chosen: Mapping[str, str], *, without_attestations: bool = False) -> Comparison:
    """Compare a run with another policy, or with one where nobody answers for a check that was not made.

    Raises ``COMPARE_SAME`` (status 2) where that is the reading of the run itself, ``RUN_OTHER_RULES`` where the run was computed by
    other rules than this version of the program has, and as ``other_policies``.
    """
    again.same_rules(run)
    policies = other_policies(run, chosen)
    attest: Sequence[Attestation] = () if without_attestations else run.attest
    settings = differing(run.policies, policies)
    if not settings and len(attest) == len(run.attest):
        raise RecoupError("COMPARE_SAME")
    then = again.results(run, policies, attest)
    other = {"attestations": False, "says": "nobody answers for a check that the data cannot show"} if without_attestations else {}
    return Comparison(run, then, reports.summarize(run, then, settings, other))


def against(run: Run, other: Run) -> Comparison:
    """Compare two saved runs as they are: their data may differ as well as their rules."""
    told = {"run_id": other.run_id, "says": f"run {other.run_id} as of {other.as_of}, rules {other.rule_version}"}
    settings = differing(run.policies, other.policies)
    return Comparison(run, other.results, reports.summarize(run, other.results, settings, told))


def each(run: Run, say: Callable[[str], None], knobs: Iterable[law.Knob] | None = None) -> dict[str, Any]:
    """Return what every other value of every knob (or of some) would change by itself, and which could not be computed, and why."""
    again.same_rules(run)
    readings, skipped = [], []
    for knob in law.knobs().values() if knobs is None else knobs:
        current = {policy.get(knob.name, knob.default) for policy in run.policies.values()}
        head = {"k": knob.number, "name": knob.name, "citation": knob.citation, "certainty": knob.certainty}
        if knob.name == "charter_minimum":
            why = "it takes the minutes of every grade span; give them with --policy"
            skipped.append({**head, "value": "minutes by grade span", "why": why})
        for value, means in knob.values.items():
            if current == {value}:
                continue
            say(f"computing {knob.name} = {value}")
            try:
                days = reading(run, {knob.name: value}).told
            except RecoupError as fault:
                skipped.append({**head, "value": value, "why": fault.what})
                continue
            readings.append({**head, "value": value, "means": means, **_effect(days)})
    if run.attest:
        say("computing without attestations")
        days = reading(run, {}, without_attestations=True).told
        head = {"k": None, "name": "attestations", "citation": "design: ledger.md 1", "certainty": "D"}
        readings.append({**head, "value": "none", "means": "nobody answers for a check", **_effect(days)})
    return {**reports.head(run), "readings": readings, "skipped": skipped}


def _effect(told: Mapping[str, Any]) -> dict[str, int]:
    days = told["days"]
    moved = days["other_absence"] + days["other_school"] + days["other_date"]
    return {"falls": days["falls"], "added": days["added"], "moved": moved, "students": told["students"]["days_change"]}


def differing(now: Mapping[str, Mapping[str, str]], then: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the settings that differ between the policies of the same LEAs, with their rule and the LEAs (none named: all of them)."""
    rules = {name: (knob.number, knob.citation, knob.certainty) for name, knob in law.knobs().items()}
    settings = {name: (None, fact.citation, fact.certainty) for name, fact in law.settings().items()}
    both = sorted(now.keys() & then.keys())
    found = []
    for name, (number, citation, certainty) in {**rules, **settings}.items():
        pairs: dict[tuple[str | None, str | None], list[str]] = {}
        for lea in both:
            pairs.setdefault((now[lea].get(name), then[lea].get(name)), []).append(lea)
        for (before, after), leas in pairs.items():
            if before == after:
                continue
            values = law.knobs()[name].values if name in law.knobs() else {}
            means = {"means_now": values.get(before or "", ""), "means_then": values.get(after or "", "")}
            told = {"k": number, "name": name, "now": before, "then": after, **means, "leas": leas if leas != both else []}
            found.append({**told, "citation": citation, "certainty": certainty})
    return found
