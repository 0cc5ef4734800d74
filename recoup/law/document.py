"""Writes ``docs/rules.md`` from the law's data: ``python -m recoup.law.document > docs/rules.md``."""

from __future__ import annotations

import csv
import re
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

from recoup import law

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from recoup.law import Fact

_HEAD = """\
# The rules

What the ledger computes with: each value of law with its dates and source, each choice that the law leaves open, and what each hold
rests on. This page is written from the data in `recoup/law` (`python -m recoup.law.document`); the program reads the same data.

How sure a rule is:

| grade | meaning |
|---|---|
| A | stated by statute, CDE, CALPADS or another public agency |
| B | official, known through a page that quotes or summarizes it |
| C | the practice of a vendor or practitioner |
| D | derived here from several sources |
| U | unconfirmed: a default that the district should know of |

**A change of law is a dated value**: a line in `recoup/law/params`, its citation, a new revision in `years.yaml`, and cases in
`tests/cases`. A minimum schoolday, a ratio and an increment hold from their date on, within a year too. A limit of the whole year
(the cap, the days of independent study) is the one in force on June 30. A value `none` ends a rule. A school year that is not listed
is refused.
"""

_KNOBS = """\
## The choices (knobs)

Set in `[policy]` by name or number; what is left out has its default. A value whose input is missing is refused (status 2): it *needs* a
table or column that no source gives. The first value is the default, which is never refused.
"""

_MODELLED = """\
## What is modelled, and how it was verified

W01 to W43 are the worked examples and K01 to K19 the districts on which each knob changes a figure; both stand in `tests/cases` and run
through two implementations, the engine and a plain reading of the contract that was written apart from it. The two are also held
against each other on random districts under random policies (`tests/ledger/test_plain.py`).
"""


def rules_page() -> str:
    """Return the text of ``docs/rules.md``."""
    return "\n".join([_HEAD, *_years(), *_facts(), *_minutes(), *_knobs(), *_holds(), *_modelled()])


def modelled() -> list[dict[str, str]]:
    """Return the rules of the sources: topic, rule, modelled (``yes``, ``partly``, ``no``), how, and the tests that verify it."""
    return _rows("modelled")


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((files("recoup.law") / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    titles = list(head)
    yield f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}"
    for row in rows:
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"
    yield ""


def _dated(fact: Fact) -> str:
    return "; ".join(f"from {since}: {law.shown(value) or 'none'}" for since, value in fact.values)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _years() -> Iterator[str]:
    yield "## School years\n"
    years = [law.load(name) for name in law.school_years()]
    rows = ((y.year.name, f"{y.year.first} to {y.year.last}", y.revision, y.citation, y.certainty) for y in years)
    yield from _table(("year", "dates", "revision of the data", "source", "grade"), rows)


def _facts() -> Iterator[str]:
    rules = law.load(law.school_years()[0])
    yield "## Values of law\n\nThose marked * are settings that a district may change in `[policy]`.\n"
    rows = (
        (_named(name), fact.help, _dated(fact), fact.unit, fact.citation, fact.certainty, ", ".join(re.findall(r"K\d+", fact.help)))
        for name, fact in rules.facts.items()
    )
    yield from _table(("name", "rule", "value", "unit", "source", "grade", "knob"), rows)


def _named(fact: str) -> str:
    return f"`{fact}`" + ("\\*" if fact in law.settings() else "")


def _minutes() -> Iterator[str]:
    rules = law.load(law.school_years()[0])
    yield "## The minimum schoolday\n\nThe minutes that make one day. A school type comes before the grade.\n"
    groups: dict[tuple[str, str, str], list[str]] = {}
    for grade, fact in rules.grade_minutes.items():
        groups.setdefault((_dated(fact), fact.citation, fact.certainty), []).append(grade)
    rows = [(f"grades {', '.join(grades)}", *told, "") for told, grades in groups.items()]
    rows += [(f"`{kind}`", _dated(fact), fact.citation, fact.certainty, "") for kind, fact in rules.type_minutes.items()]
    rows += [
        (f"`{kind}`", _dated(fact), fact.citation, fact.certainty, "K18 `special_minutes = table`")
        for kind, fact in rules.table_minutes.items()
    ]
    charter = law.knobs()["charter_minimum"]
    rows += [(_code(rules.charter_types), "the grade's", charter.citation, charter.certainty, f"K{charter.number} `{charter.name}`")]
    yield from _table(("who", "minutes", "source", "grade", "knob"), rows)
    yield "An enrollment's alternate minimum replaces a longer one where it has one of these bases:\n"
    yield from _table(("basis", "source", "grade"), ((f"`{name}`", fact.citation, fact.certainty) for name, fact in rules.bases.items()))


def _knobs() -> Iterator[str]:
    yield _KNOBS
    knobs = law.knobs().values()
    rows = ((f"K{k.number}", f"`{k.name}`", f"`{k.default}`" if k.values else "", k.changes, k.citation, k.certainty) for k in knobs)
    yield from _table(("K", "name", "default", "what it changes", "source", "grade"), rows)
    for knob in knobs:
        yield f"### K{knob.number} {knob.name}\n\n{knob.help} Reads {_code(knob.reads)}.\n"
        if knob.values:
            cells = (
                (f"`{value}`", does, _code(knob.value_reads.get(value, ())), _code(knob.needs.get(value, ())))
                for value, does in knob.values.items()
            )
            yield from _table(("value", "what it does", "reads besides", "needs"), cells)


def _holds() -> Iterator[str]:
    yield "## What each line of `holds` rests on\n"
    rules = law.hold_rules().values()
    rows = ((f"`{rule.code}`", rule.severity, rule.message, rule.citation, rule.certainty, rule.release) for rule in rules)
    yield from _table(("code", "severity", "meaning", "source", "grade", "what would release it"), rows)
    yield "A check whose table or column no source gives is *not checked*:\n"
    silenced: dict[str, list[str]] = {}
    for row in _rows("inputs"):
        silenced.setdefault(f"{row['table']}.{row['column']}".rstrip("."), []).append(row["code"])
    yield from _table(("missing", "not checked"), ((f"`{place}`", _code(codes)) for place, codes in silenced.items()))


def _modelled() -> Iterator[str]:
    yield _MODELLED
    rows = ((row["topic"], row["rule"], row["modelled"], row["how"], row["verified"].replace("_", "\\_")) for row in modelled())
    yield from _table(("topic", "rule", "modelled", "how", "verified by"), rows)


if __name__ == "__main__":
    sys.stdout.write(rules_page())
