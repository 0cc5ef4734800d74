"""The ledger of every LEA of a workspace, and what it says of itself: whose rules, what was not checked, what rests on a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law, ledger
from recoup.exporters.findings import spans
from recoup.ledger.time import REQUIRED
from recoup.ports import Finding, Lea, LeaRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from recoup.pipeline.plan import Plan
    from recoup.ports import Attestation

#: The sums of the ledger that an attestation may move.
SUMS = ("minutes_held", "minutes_counted", "days_earned", "days_credited", "days_waiting")


def leas_of(plan: Plan, schools: pl.DataFrame, absent: frozenset[tuple[str, str]]) -> tuple[LeaRules, ...]:
    """Return every LEA of the data with its policy, the configured one first, the others by code.

    Raises ``POLICY_INPUT_MISSING`` (2) for a reading of one of them that no source gives the input of.
    """
    config = plan.config
    owners = ledger.owners(schools, config.lea.code)
    charters = dict(schools.filter(pl.col("independently_reporting_charter")).select("school_code", "school_name").iter_rows())
    names = charters | {entry.lea.code: entry.lea.name for entry in config.leas}
    found = []
    for code in [config.lea.code, *sorted(set(owners["lea"]) - {config.lea.code})]:
        policy = plan.policies.get(code, plan.policy)
        where = f"[[leas]] {code}" if code in plan.policies and code != config.lea.code else "[policy]"
        law.refuse_unmet(policy, absent, f"{config.path}: {where}")
        lea = config.lea if code == config.lea.code else Lea(code, names.get(code) or code)
        mine = owners.filter(pl.col("lea") == code)["school_code"].sort()
        found.append(LeaRules(lea, policy, law.rule_version(plan.law, policy), tuple(mine)))
    return tuple(found)


def count(
    plan: Plan,
    tables: Mapping[str, pl.DataFrame],
    absent: frozenset[tuple[str, str]],
    as_of: date,
    attest: Sequence[Attestation],
    reported: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Compute the ledger, each LEA by its own policy; ``reported``: the pairs of closed periods."""
    return ledger.compute_all(tables, absent, plan.law, plan.policies, as_of, plan.config.lea, attest, plan.engine, reported)


def without_attestations(
    plan: Plan,
    tables: Mapping[str, pl.DataFrame],
    absent: frozenset[tuple[str, str]],
    results: Mapping[str, pl.DataFrame],
    reported: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame] | None:
    """Return the results as they would stand if the attested checks held the time; None where nothing rests on a word."""
    if results["holds"].filter(pl.col("severity") == "attested").is_empty():
        return None
    return count(plan, tables, absent, plan.as_of, (), reported)


def sums(figures: pl.DataFrame) -> dict[str, int]:
    """Return the sums of the ledger over all students."""
    return {name: int(figures[name].sum()) for name in SUMS}


def told(
    plan: Plan, leas: Sequence[LeaRules], schools: pl.DataFrame, results: Mapping[str, pl.DataFrame], fallen: Mapping[str, int]
) -> list[Finding]:
    """Return what a person must know of the figures: risks accepted, uncertain rules, LEAs not named, checks not made, days on a word.

    ``fallen``: the sums of ``without_attestations``.
    """
    risks: dict[str, list[str]] = {}
    for one in leas:
        for risk in law.accepted_risks(one.policy):
            risks.setdefault(risk, []).append(one.lea.name)
    found = [
        Finding("", "RISK_ACCEPTED", "warn", 0, risk if len(names) == len(leas) else f"{', '.join(names)}: {risk}")
        for risk, names in risks.items()
    ]
    found += _uncertain(plan, schools)
    seen = {one.lea.code for one in leas}
    found += [
        Finding("", "LEA_UNNAMED", "warn", 0, f"Schools report to {one.lea.code}, which [[leas]] does not name; it has the common policy.")
        for one in leas[1:]
        if one.lea.name == one.lea.code
    ]
    found += [
        Finding("", "LEA_WITHOUT_SCHOOLS", "warn", 0, f"No school of the data reports to {entry.lea.name} ({entry.lea.code}).")
        for entry in plan.config.leas
        if entry.lea.code not in seen
    ]
    if fallen:
        now = sums(results["ledger"])
        resting = int(results["ledger"]["days_attested"].sum())
        days = f"{resting} of {now['days_credited']} credited days rest on an attestation"
        found.append(Finding("", "ATTESTED", "warn", resting, f"{days}; {fallen['days_credited']} would stand without any."))
    return found + _unmade(results["holds"], plan.config.attest)


def _uncertain(plan: Plan, schools: pl.DataFrame) -> list[Finding]:
    """Return which of the rules in force are graded C, D or U: those of the year, the policy's, and the minutes of the schools' types."""
    rules, found = plan.law, []
    if rules.certainty in law.DOUBTFUL:
        told = f"The rules of {rules.year.name} are graded {rules.certainty}: {rules.citation}."
        found.append(Finding("", "RULES_UNCONFIRMED", "warn", 0, told))
    knobs = [knob.number for knob in law.knobs().values() if knob.values and knob.certainty in law.DOUBTFUL]
    types = {name for name, fact in rules.type_minutes.items() if fact.certainty in law.DOUBTFUL}
    here = sorted(types & set(schools["school_type"]))
    minutes = f" The minutes of a day at a school of type {', '.join(here)} are graded so too." if here else ""
    told = f"The figures rest on choices graded C, D or U (K{spans(knobs)}): no settled law.{minutes}"
    more = "recoup compare --each shows what every other reading would give."
    return [*found, Finding("", "CERTAINTY", "info", len(knobs) + len(here), f"{told} {more}")]


def _unmade(lines: pl.DataFrame, attest: Sequence[Attestation]) -> list[Finding]:
    """Return one finding for each check that was not made, or that somebody answers for, with the lines that say so."""
    named = {REQUIRED[one.check]: one.by for one in attest}
    unmade = lines.filter(pl.col("severity").is_in(["not_checked", "attested"]))
    counted = unmade.group_by("code", "severity").len().sort("code", "severity")
    found = []
    for code, severity, rows in counted.iter_rows():
        if severity == "attested":
            found.append(Finding("", "ATTESTED", "warn", rows, f"{code} is not checked; the time counts on the word of {named[code]}."))
        else:
            effect = "the time is held" if code in REQUIRED.values() else "nothing is held for it"
            found.append(Finding("", "NOT_CHECKED", "warn", rows, f"{code} is not checked, and {effect}."))
    return found
