"""A comparison of readings for the terminal: counts only, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from recoup.reports.compare import CHANGES
from recoup.reports.words import count, listed, rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 100


def as_text(told: Mapping[str, Any]) -> str:
    """Lay the comparison of two readings out for a person."""
    days, students = told["days"], told["students"]
    lines = [_head(told), ""]
    for one in told["settings"]:
        whose = f" for LEA {listed(one['leas'])}" if one["leas"] else ""
        lines += _wrap(f"{_knob(one)} = {one['now']}{whose}{_means(one['means_now'])}", "now     ")
        lines += _wrap(f"{_knob(one)} = {one['then']}{whose}{_means(one['means_then'])} {rule(one)}", "other   ")
    lines += _wrap(told["other"]["says"], "other   ") if told["other"] else []
    lines += ["", f"Days      {days['now']:,} credited now, {days['then']:,} under the other reading"]
    lines += [f"{days[name]:>14,}  {says}" for name, says in CHANGES.items() if days[name]]
    changed = f"{students['days_change']:,} have other days and {students['figures_change']:,} other figures"
    lines.append(f"Students  {students['all']:,}, of whom {changed}")
    at_risk = f"{count(days['falls'], 'day')} credited now would fall, and {count(days['added'], 'day')} would be added."
    lines += ["", *_wrap(f"If an auditor read the rules the other way, {at_risk}", "")]
    if told["reasons"]:
        rows = [(row["means"], row["students"], row["falls"], row["added"]) for row in told["reasons"]]
        lines += ["", *_table(("By reason (a student may have several)", "students", "days -", "days +"), rows)]
    if told["schools"]:
        cells = [
            (
                f"{row['school_code']} {row['school_name'] or ''}",
                row["grade_span"] or "?",
                *(row[name] for name in ("now", "then", "falls", "added")),
            )
            for row in told["schools"]
        ]
        lines += ["", *_table(("By school of the absence", "grades", "now", "other", "days -", "days +"), cells)]
    return "\n".join([*lines, *_caveats(told)])


def each_as_text(told: Mapping[str, Any]) -> str:
    """Lay out what each other value of each policy setting would change."""
    rows = [
        (_knob(row), row["value"], row["certainty"], row["falls"], row["added"], row["moved"], row["students"]) for row in told["readings"]
    ]
    head = ("Setting", "other value", "grade", "days -", "days +", "moved", "students")
    lines = [_head(told), "", *_table(head, rows)]
    for one in told["skipped"]:
        lines += _wrap(f"{_knob(one)} = {one['value']}: {one['why']}", "skipped  ")
    moved = _wrap("moved: days credited to another absence, school or date. A grade of C, D or U is no settled law.", "")
    return "\n".join([*lines, "", *moved, *_caveats(told)])


def _caveats(told: Mapping[str, Any]) -> list[str]:
    lines = [line for caveat in told["caveats"] for line in _wrap(caveat, "  ")]
    return ["", "The run's figures rest on this:", *lines] if lines else []


def _head(told: Mapping[str, Any]) -> str:
    lea = told["lea"]
    return f"{lea['name']} ({lea['code']}), {told['school_year']} as of {told['as_of']}\nrun {told['run_id']}, rules {told['rule_version']}"


def _knob(one: Mapping[str, Any]) -> str:
    return f"K{one['k']} {one['name']}" if one["k"] else str(one["name"])


def _means(says: str) -> str:
    return f": {says}" if says else ""


def _wrap(text: str, label: str) -> list[str]:
    return textwrap.wrap(text.rstrip(), WIDTH, initial_indent=label, subsequent_indent=" " * len(label), break_on_hyphens=False)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lay rows out in columns; numbers stand to the right, and a first column that is too long is cut with an ellipsis."""
    texts = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in [head, *rows]]
    numeric = [all(isinstance(row[place], int) for row in rows) for place in range(len(head))]
    widths = [max(len(row[place]) for row in texts) for place in range(len(head))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * len(widths))
    lines = []
    for row in texts:
        row[0] = row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 1] + "…"
        cells = (cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(row, widths, numeric, strict=True))
        lines.append("  " + "  ".join(cells).rstrip())
    return lines
