"""``docs/checks.md``, written from the rule catalogue: ``python -m recoup.schemas.document docs/checks.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from recoup.schemas import RULES, TABLES, Rule

_HEAD = """# The checks

Every table passes these rules before it is used. A rule keeps its id; its words may improve. `quarantine.csv` has one line for each
row and failed rule, with the file, the line, the value and how to mend it.

- **error**: the row is refused, and the rows below it too (a student's enrollments, a session's participation) under `PARENT_REFUSED`.
- **warn** and **info**: the row is kept.

Rules of level *table* that only count rows stand among the findings of the manifest. Nothing is repaired silently, and an empty
cell is *unknown*: a fault only where the column must be filled.

A check of your own is a function `(tables, year)` under the entry-point group `recoup.checks`. It is given the checked tables (Polars
frames, with `_source`, `_file`, `_line`) and the school year, and gives back a list of `recoup.ports.Finding`, or a frame with the columns
of `quarantine.csv` whose `file` is the row's `_file` and whose severity is one of the three above. If it stops, the run stops: a check
that did not run is not a check that passed.
"""


def _columns(rule: Rule) -> str:
    if rule.table == "*":
        return "wherever it applies"
    return f"`{rule.table}`" + (f", `{rule.column}`" if rule.column not in {"", "*"} else "")


def checks_page() -> str:
    """Return the page: every rule with its level, severity, source, message and mend, and what the files' columns must hold."""
    parts = [_HEAD]
    for rule in RULES.values():
        facts = [rule.severity, f"level {rule.level}", _columns(rule)]
        facts += [f"limit {rule.threshold}"] if rule.threshold else []
        facts += [rule.citation] if rule.citation else []
        parts.append(f"## {rule.id}\n\n*{'; '.join(facts)}*\n\n{rule.message}\n\n**Mend:** {rule.mend}\n")
    parts.append(
        "# The columns\n\nA column marked ° may be missing from a file; one marked * must be filled in every row. Key columns are bold.\n"
    )
    for table in TABLES.values():
        rows = [f"## {table.name}\n\n{table.description}.\n", "| column | type | holds |", "|---|---|---|"]
        for column in table.columns:
            name = f"**{column.name}**" if column.key else column.name
            kind = f"{column.type}({column.max_length})" if column.max_length else column.type
            values = f"; one of {', '.join(f'`{value}`' for value in column.values)}" if column.values else ""
            marks = ("°" if column.may_be_missing else "") + ("" if column.nullable else "\\*")
            rows.append(f"| {name}{marks} | {kind} | {column.description}{values} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(checks_page(), encoding="utf-8", newline="\n")
