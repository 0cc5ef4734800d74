"""The law as data: dated values with citation and grade of certainty, the knobs, and what each hold rests on.

Nothing here computes. ``ledger`` asks for a value by name and date and carries its citation into the
explanation; a change of statute is a new dated value in ``params/`` and new cases, no code.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from recoup.errors import RecoupError, nearest
from recoup.ports import SchoolYear

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: The parameter files that hold facts by name.
PARTS = ("time", "caps", "supervision", "eligibility", "periods", "absenteeism", "systems")

#: What each grade of certainty means.
GRADES = {
    "A": "stated by statute or a public agency",
    "B": "official content, by way of a page that summarises it",
    "C": "a vendor's or practitioner's practice",
    "D": "derived here by combining sources",
    "U": "unconfirmed: a setting with a default",
}

#: The grades that a person is warned of wherever a figure rests on them.
DOUBTFUL = ("C", "D", "U")


def shown(value: object) -> str:
    """Return a value of law as a person reads it: a list with commas, nothing for a rule that has ended."""
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Fact:
    """A dated value of law: ``values`` maps the first date it holds to the value, oldest first; ``None`` ends it."""

    name: str
    values: tuple[tuple[date, Any], ...]
    citation: str
    certainty: str
    help: str = ""
    unit: str = ""

    def on(self, day: date) -> Any:
        """Return the value in force on ``day``, or ``None`` before the first and after an ended one."""
        held = [value for since, value in self.values if since <= day]
        return held[-1] if held else None


@dataclass(frozen=True, slots=True)
class Knob:
    """A policy choice (``ledger.md`` section 9): its values with what each does, the first being the default.

    ``changes``: what a person sees change. ``reads``: the columns it is worked out from, ``table.column``, and by value those that
    only this value reads. ``needs``: by value, the tables and columns without which it would change nothing (``unmet``).
    """

    number: int
    name: str
    values: Mapping[str, str]
    citation: str
    certainty: str
    help: str
    changes: str = ""
    reads: tuple[str, ...] = ()
    value_reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def default(self) -> str:
        """Return the first value, or an empty text for a knob without values (K21)."""
        return next(iter(self.values), "")


@dataclass(frozen=True, slots=True)
class Unmet:
    """A value of a knob whose input is missing: the tables or ``table.column`` that no source gave."""

    knob: str
    value: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldRule:
    """What a code in ``holds`` means: its usual severity, the law it rests on, how sure that is, the sentence, and what releases it."""

    code: str
    severity: str
    citation: str
    certainty: str
    message: str
    release: str = ""


@dataclass(frozen=True, slots=True)
class Law:
    """The rules of one school year."""

    year: SchoolYear
    revision: int
    citation: str
    certainty: str
    facts: Mapping[str, Fact]
    type_minutes: Mapping[str, Fact]
    table_minutes: Mapping[str, Fact]
    grade_minutes: Mapping[str, Fact]
    bases: Mapping[str, Fact]
    charter_types: tuple[str, ...]
    grade_spans: Mapping[str, str]

    def value(self, name: str, day: date | None = None) -> Any:
        """Return the value of a fact on ``day`` (default: the last day of the school year)."""
        return self.facts[name].on(day or self.year.last)


@cache
def _load(name: str) -> Any:
    import yaml

    # The C parser where the platform's package has it: the same result in a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((files("recoup.law") / "params" / f"{name}.yaml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506


def _fact(name: str, entry: Mapping[str, Any]) -> Fact:
    values = tuple(sorted(entry.get("values", {}).items()))
    return Fact(name, values, entry["citation"], entry["certainty"], entry.get("help", ""), entry.get("unit", ""))


@cache
def school_years() -> tuple[str, ...]:
    """Return the names of the school years whose rules are known, oldest first."""
    return tuple(sorted(_load("years")))


def school_year(name: str) -> SchoolYear:
    """Return the fiscal year of a school year named ``CCYY-CCYY``.

    Raises ``RecoupError`` (status 2) for a year without rules: nothing is computed by guess.
    """
    if name not in school_years():
        raise RecoupError("LAW_YEAR_UNKNOWN", "school_year", name=name, known=", ".join(school_years()))
    first = int(name[:4])
    return SchoolYear(name, date(first, 7, 1), date(first + 1, 6, 30))


@cache
def load(name: str) -> Law:
    """Return the law of the school year ``name``. Raises ``RecoupError`` (status 2) for a year without rules."""
    year = school_year(name)
    head = _load("years")[name]
    facts = {key: _fact(key, entry) for part in PARTS for key, entry in _load(part).items()}
    day = _load("minimum_schoolday")
    return Law(
        year=year,
        revision=head["revision"],
        citation=head["citation"],
        certainty=head["certainty"],
        facts=facts,
        type_minutes={key: _fact(key, entry) for key, entry in day["school_types"].items()},
        table_minutes={key: _fact(key, entry) for key, entry in day["special_types"].items()},
        grade_minutes={key: _fact(key, entry) for key, entry in day["grades"].items()},
        bases={key: _fact(key, entry) for key, entry in day["bases"].items()},
        charter_types=tuple(day["charter_types"]),
        grade_spans=day["grade_spans"],
    )


@cache
def knobs() -> dict[str, Knob]:
    """Return every knob by its name, in the order of its number."""
    return {entry["name"]: _knob(entry) for entry in _load("knobs")}


def _knob(entry: Mapping[str, Any]) -> Knob:
    values = entry["values"]

    def of_value(key: str) -> dict[str, tuple[str, ...]]:
        return {value: tuple(told[key]) for value, told in values.items() if key in told}

    return Knob(
        number=entry["k"],
        name=entry["name"],
        values={value: told["help"] for value, told in values.items()},
        citation=entry["citation"],
        certainty=entry["certainty"],
        help=entry["help"],
        changes=entry["changes"],
        reads=tuple(entry["reads"]),
        value_reads=of_value("reads"),
        needs=of_value("needs"),
    )


@cache
def settings() -> dict[str, Fact]:
    """Return the numbers that an LEA may set beside the knobs (``[policy]``), each with its default as a fact."""
    return {name: _fact(name, entry) for part in PARTS for name, entry in _load(part).items() if entry.get("setting")}


@cache
def hold_rules() -> dict[str, HoldRule]:
    """Return what each code of the ``holds`` table means, by code."""
    lines = (files("recoup.law") / "holds.csv").read_text(encoding="utf-8").splitlines()
    return {row["code"]: HoldRule(**row) for row in csv.DictReader(lines)}


@cache
def absence_rules() -> dict[str, HoldRule]:
    """Return why an absence cannot be recovered, by code: citation, certainty, the sentence, and what would change it."""
    lines = (files("recoup.law") / "absences.csv").read_text(encoding="utf-8").splitlines()
    return {row["code"]: HoldRule(severity="", **row) for row in csv.DictReader(lines)}


def setting_name(key: str) -> str:
    """Return the name of a knob that is given by name or number (``time_unit``, ``K1``); any other text as it is."""
    return next((knob.name for knob in knobs().values() if f"k{knob.number}" == key.lower()), key)


def policy(chosen: Mapping[str, object], where: str = "[policy]") -> dict[str, str]:
    """Return the whole policy, defaults filled in: every knob by name, the settings, and ``accept_risk`` where it is given.

    ``chosen`` names knobs by name or number (``time_unit``, ``K1``); K13 also takes a table of minutes by grade span. Raises
    ``RecoupError`` (status 2) for an unknown name or value, for a knob named twice, and for ``recover_suspension = "yes"``
    without ``accept_risk = true`` (``ledger.md`` section 9).
    """
    table = knobs()
    known = [name for name, knob in table.items() if knob.values] + list(settings()) + ["accept_risk"]
    given: dict[str, str] = {}
    for key, raw in chosen.items():
        name = setting_name(key)
        if name not in known:
            raise RecoupError("POLICY_UNKNOWN_KNOB", where, name=key, nearest=nearest(key, known))
        if name in given:
            raise RecoupError("POLICY_TWICE", where, name=name)
        given[name] = _value(name, raw, where)
    whole = {name: given.get(name, knob.default) for name, knob in table.items() if knob.values}
    whole |= {name: given.get(name, str(fact.values[-1][1])) for name, fact in settings().items()}
    if whole["recover_suspension"] == "yes":
        if given.get("accept_risk") != "true":
            raise RecoupError("POLICY_RISK", where)
        whole["accept_risk"] = "true"
    return whole


def unmet(chosen: Mapping[str, str], absent: Collection[tuple[str, str]]) -> list[Unmet]:
    """Return the values of a whole policy that would change nothing, because no source gave what they need (``ledger.md`` 9).

    ``absent``: ``(table, "")`` for a table and ``(table, column)`` for a column that no source had. A default needs nothing.
    """
    found = []
    for name, knob in knobs().items():
        value = chosen.get(name, knob.default)
        places = [(place, *place.partition(".")[::2]) for place in knob.needs.get(value, ())]
        missing = tuple(place for place, table, column in places if (table, column) in absent or (column and (table, "") in absent))
        if missing:
            found.append(Unmet(name, value, missing))
    return found


def refuse_unmet(chosen: Mapping[str, str], absent: Collection[tuple[str, str]], where: str = "[policy]") -> None:
    """Raise ``RecoupError`` (status 2) for the first value of a policy whose input is missing: it is refused, never ignored."""
    for one in unmet(chosen, absent):
        missing, default = ", ".join(one.missing), knobs()[one.knob].default
        raise RecoupError("POLICY_INPUT_MISSING", where, name=one.knob, value=one.value, missing=missing, default=default)


def accepted_risks(chosen: Mapping[str, str]) -> list[str]:
    """Return the sentences that every output must carry because the LEA answers for a reading against the stricter one (K5)."""
    told = "Out-of-school suspensions are recovered, which CDE's list of topics names as not eligible; the LEA has accepted the risk (K5)."
    return [told] if chosen.get("recover_suspension") == "yes" else []


def _value(name: str, raw: object, where: str) -> str:
    """Return a policy value as text, or refuse it."""
    if name in settings():
        if isinstance(raw, bool) or not _is_number(raw):
            raise RecoupError("POLICY_NOT_A_NUMBER", where, name=name)
        return str(raw)
    if name == "accept_risk":
        return _one_of(("true", "false"), name, str(raw).lower(), where)
    knob = knobs()[name]
    if name == "charter_minimum" and raw != knob.default:
        return _charter_minutes(raw, where)
    return _one_of(knob.values, name, {True: "yes", False: "no"}[raw] if isinstance(raw, bool) else str(raw), where)


def _one_of(known: Collection[str], name: str, value: str, where: str) -> str:
    """Return a value that is one of the known ones, or refuse it."""
    if value not in known:
        raise RecoupError("POLICY_UNKNOWN_VALUE", where, name=name, value=value, known=", ".join(known), nearest=nearest(value, known))
    return value


def _is_number(raw: object) -> bool:
    """Tell whether this is a whole number in plain digits; a superscript is a digit too, and no number."""
    return str(raw).isascii() and str(raw).isdigit()


def _charter_minutes(raw: object, where: str) -> str:
    """Return K13's minutes by grade span as ``span=minutes;…`` in order of the spans; every span must have its minutes."""
    spans = sorted(set(_load("minimum_schoolday")["grade_spans"].values()))
    pairs = dict(part.partition("=")[::2] for part in raw.split(";")) if isinstance(raw, str) else raw
    whole = isinstance(pairs, dict) and sorted(pairs) == spans and all(_is_number(n) and int(n) for n in pairs.values())
    if not isinstance(pairs, dict) or not whole:
        raise RecoupError("POLICY_CHARTER_MINUTES", where, spans=", ".join(spans))
    return ";".join(f"{span}={int(pairs[span])}" for span in spans)


def rule_version(law: Law, chosen: Mapping[str, str]) -> str:
    """Return the name of the rules in force: year, revision of the law data, and a hash of all knobs (``ledger.md`` 9)."""
    lines = "\n".join(f"{name}={value}" for name, value in sorted(chosen.items()) if name in knobs())
    short = f"{law.year.name[:4]}-{law.year.name[7:]}"
    return f"{short}.{law.revision}+{hashlib.sha256(lines.encode()).hexdigest()[:8]}"
