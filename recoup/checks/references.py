"""References between tables: a row whose parent never was, or was refused, cannot be used (canonical model, Quarantine)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from recoup.checks.lines import OTHER, lines
from recoup.schemas import RULES, Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.ports import Lea


@dataclass(slots=True)
class Parents:
    """The keys of the tables that others refer to: those kept, and those refused with the place of their row."""

    kept: dict[str, pl.Series] = field(default_factory=dict)
    refused: dict[str, pl.DataFrame] = field(default_factory=dict)

    def add(self, table: Table, kept: pl.DataFrame, refused: pl.DataFrame) -> None:
        """Note the rows of ``table``, if it has a key of one column; a refusal that was noted before stays."""
        if len(table.key) != 1:
            return
        key = table.key[0]
        name = f"{table.name}.{key}"
        self.kept[name] = kept[key].unique().drop_nulls()
        fresh = refused.select(_key=key, _other_file="_file", _other_line="_line").drop_nulls("_key").sort(OTHER)
        known = [self.refused[name], fresh] if name in self.refused else [fresh]
        self.refused[name] = pl.concat(known).unique("_key", keep="first", maintain_order=True)


def _applies(table: str, column: str, lea: Lea) -> pl.Expr:
    if (table, column) == ("applied_days", "school_code"):
        # A day that another LEA reported was made up at a school that is not ours to know.
        return pl.col("reporting_lea").fill_null(lea.code) == lea.code
    return pl.lit(value=True)


def broken(frame: pl.DataFrame, table: Table, column: Column, parents: Parents, lea: Lea) -> pl.Series:
    """Return a mask: true where ``column`` names a parent that was not kept. Empty cells name none."""
    known = parents.kept[column.references]
    cell = pl.col(column.name)
    return frame.select(
        (cell.is_not_null() & ~cell.is_in(known.implode()) & _applies(table.name, column.name, lea)).fill_null(value=False)
    ).to_series()


def orphan_lines(rows: pl.DataFrame, table: Table, column: Column, parents: Parents, names: Mapping[str, str]) -> list[pl.DataFrame]:
    """Return the lines of rows that :func:`broken` found: ``PARENT_REFUSED`` with the parent's place, or ``REF_MISSING``."""
    parent = column.references.partition(".")[0]
    found = rows.join(parents.refused[column.references], left_on=column.name, right_on="_key", how="left", maintain_order="left")
    was_refused = pl.col(OTHER[0]).is_not_null()
    parts = []
    for name, part in (("PARENT_REFUSED", found.filter(was_refused)), ("REF_MISSING", found.filter(~was_refused).drop(*OTHER))):
        rule = RULES[name]
        words = {"column": column.name, "parent": parent, "other": "{other}"}
        parts.append(lines(part, table.name, [column.name], rule, (rule.message.format(**words), rule.mend.format(**words)), names))
    return parts
