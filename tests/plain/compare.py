"""Two sets of ledger results, told apart in a few lines a person can read."""

from __future__ import annotations

from collections import Counter
from datetime import date, time
from typing import Any

from tests.plain.reading import COLUMNS, key

Results = dict[str, list[dict[str, Any]]]

#: What only people read, or what names the build and not the result.
LEFT_OUT = {"message", "citation", "certainty", "rule_version"}


def text(value: Any) -> str:
    """Return a value as it stands in a result file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


def plain_rows(results: Results, table: str, left_out: set[str]) -> list[tuple[str, ...]]:
    """Return a table's rows as text, sorted, without the columns left out."""
    columns = [column for column in COLUMNS[table] if column not in left_out]
    return sorted(tuple(text(row[column]) for column in columns) for row in results[table])


def differences(
    one: Results, other: Results, *, names: tuple[str, str] = ("plain", "engine"), left_out: set[str] = LEFT_OUT, shown: int = 5
) -> str:
    """Return the first rows of every table that stand in only one of two results, or an empty text when they are equal.

    Compared are all columns of all tables but ``left_out``, each table as a multiset of rows.
    """
    lines = []
    for table, all_columns in COLUMNS.items():
        columns = [column for column in all_columns if column not in left_out]
        lines += [
            f"{table}: not in order of its keys in {name}"
            for name, results in zip(names, (one, other), strict=True)
            if results[table] != sorted(results[table], key=lambda row: key(table, row))
        ]
        rows = [plain_rows(results, table, left_out) for results in (one, other)]
        if rows[0] == rows[1]:
            continue
        lines.append(f"{table}: {len(rows[0])} rows in {names[0]}, {len(rows[1])} in {names[1]}")
        for name, mine, theirs in ((names[0], rows[0], rows[1]), (names[1], rows[1], rows[0])):
            only = list((Counter(mine) - Counter(theirs)).elements())
            for row in only[:shown]:
                said = " ".join(
                    f"{column}={value}" for column, value in zip(columns, row, strict=True) if value and not column.startswith("_")
                )
                lines.append(f"  only {name}: {said}")
            if len(only) > shown:
                lines.append(f"  only {name}: … and {len(only) - shown} more")
    return "\n".join(lines)
