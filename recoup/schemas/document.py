"""``docs/checks.md`` and ``docs/canonical-model.md``, written from the one definition: ``python -m recoup.schemas.document docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from recoup.schemas import RESULTS, RULES, TABLES, Rule, Table

_CHECKS = """# The checks

Every table passes these rules before it is used. A rule keeps its id; its words may improve. `quarantine.csv` has one line for each
row and failed rule, with the file, the line, the value and how to mend it.

- **error**: the row is refused, and the rows below it too (a student's enrollments, a session's participation) under `PARENT_REFUSED`.
- **warn** and **info**: the row is kept.

Rules of level *table* that only count rows stand among the findings of the manifest. Nothing is repaired silently, and an empty
cell is *unknown*: a fault only where the column must be filled.

A check of your own is a function `(tables, year)` under the entry-point group `recoup.checks`. It is given the checked tables (Polars
frames, with `_source`, `_file`, `_line`) and the school year, and gives back a list of `recoup.ports.Finding`, or a frame with the columns
of `quarantine.csv` whose `file` is the row's `_file` and whose severity is one of the three above. If it stops, the run stops: a check
that did not run is not a check that passed. [The canonical model](canonical-model.md) has the columns that the rules speak of.
"""

_MODEL = """# The canonical model

Every adapter ends in these tables and every exporter starts from them. On disk the model is a **bundle**: a folder, or a zip, of
UTF-8 CSV files with a header row, `<table>.csv` each; the `bundle` adapter reads it, the `bundle` exporter writes it with a
Frictionless `datapackage.json`. It is the neutral form that migration teams and auditors exchange, so its columns are a published
contract: columns may be added at the end; none is renamed or dropped without a new version of the bundle.

- **Types**: `text` keeps leading zeros; `date` is `YYYY-MM-DD`; `time` is `HH:MM`, 24 hours; `date-time` is `YYYY-MM-DDTHH:MM[:SS]`
  without an offset; `bool` is `true` or `false`. Dates and times are local (America/Los_Angeles), minutes are whole numbers.
- **An empty cell is unknown**, never a guess. Key columns are **bold**; a column marked ° may be missing from a file; one marked \\*
  must be filled in every row.
- **What is absent is not checked, and never passed.** A missing table or column is said once; what it would have shown stands in
  `holds.csv` as `not_checked`.
- **Attendance holds exceptions.** A school day on which a student is enrolled and has no row is a day attended. A date without a
  `calendar` row is no school day. A day whose row is in quarantine is unknown: the state's file is withheld until it is mended.
- **The most specific calendar row wins**: one that names more of track and grade, of two the one for the track, then the one with
  fewer grades.
- **Lineage**: inside a run every row also carries `_source` (the source's name), `_file` (the SHA-256 of the raw file) and `_line`
  (the physical line where the record begins; in a workbook the row of the sheet).

`recoup schema table:NAME` prints a table's Table Schema. [The checks](checks.md) lists the rules that the rows are held against.

## What is decided where the model leaves a choice

- A time is minutes after midnight inside a run, so that every engine reads it alike; it is `HH:MM` in every file.
- In `applied_days`, a row with `reporting_lea` is a day of that LEA; without one it is of the LEA of its school. The day takes its
  date: an absence of that date at another school is not recovered too.
- `school_code`, `start_time` and `end_time` of `time_entries` are the session's; `grade` and `minimum_schoolday` are of the
  enrollment in force on its date.
- An absent `cancelled`, `not_recoverable` or `absence_exempt` column means that nothing was cancelled or excepted, and is listed as
  not checked.
- `credential_expires` empty: the credential does not expire. `other_students_present` empty: nobody else was there.
- An alternate minimum needs a known basis; without one it is ignored and listed. An alternate minimum of 0 is none.
- An enrollment that ended as a no-show (exit reason `N470`) is as if it were not there.
"""


def _columns(rule: Rule) -> str:
    if rule.table == "*":
        return "wherever it applies"
    return f"`{rule.table}`" + (f", `{rule.column}`" if rule.column not in {"", "*"} else "")


def checks_page() -> str:
    """Return the page on the rules: each with its level, severity, source, message and mend."""
    parts = [_CHECKS]
    for rule in RULES.values():
        facts = [rule.severity, f"level {rule.level}", _columns(rule)]
        facts += [f"limit {rule.threshold}"] if rule.threshold else []
        facts += [rule.citation] if rule.citation else []
        parts.append(f"## {rule.id}\n\n*{'; '.join(facts)}*\n\n{rule.message}\n\n**Mend:** {rule.mend}\n")
    return "\n".join(parts)


def model_page() -> str:
    """Return the page on the tables: what each holds, and the type, key and meaning of every column."""
    required = [table for table in TABLES.values() if table.required]
    optional = [table for table in TABLES.values() if not table.required]
    parts = [_MODEL]
    for title, tables in (("Required tables", required), ("Optional tables", optional), ("Results of the ledger", RESULTS.values())):
        parts += [f"## {title}\n", *(_table(table) for table in tables)]
    return "\n".join(parts)


def _table(table: Table) -> str:
    empty = "" if table.may_be_empty else " It may not be empty."
    rows = [f"### {table.name}\n", f"{table.description}.{empty}\n", "| column | type | holds |", "|---|---|---|"]
    for column in table.columns:
        name = f"**{column.name}**" if column.key else column.name.replace("_", "\\_", 1) if column.name.startswith("_") else column.name
        kind = f"{column.type}({column.max_length})" if column.max_length else column.type
        values = f"; one of {', '.join(f'`{value}`' for value in column.values)}" if column.values else ""
        marks = ("°" if column.may_be_missing else "") + ("" if column.nullable else "\\*")
        rows.append(f"| {name}{marks} | {kind} | {column.description}{values} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    for name, text in (("checks.md", checks_page()), ("canonical-model.md", model_page())):
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8", newline="\n")
