"""Runs the rule catalogue over every table: text in, typed out, each refused row with all that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from recoup.checks import plugins
from recoup.checks.directory import against_state
from recoup.checks.keys import repeated
from recoup.checks.lines import file_name, joined, lines
from recoup.checks.merged import follow_merged
from recoup.checks.precedence import Precedence, compose
from recoup.checks.references import Parents, broken, orphan_lines
from recoup.errors import RecoupError, nearest
from recoup.plugins import installed as installed_plugins
from recoup.ports import LINEAGE, Finding
from recoup.schemas import RULES, TABLES, Table, frame_schema
from recoup.schemas.rules import RowRule, derive_minutes, row_rules, typed
from recoup.schemas.validation import validate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from importlib.metadata import EntryPoint

    from recoup.ports import Lea, SchoolYear

_WHERE = "check"


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks made of the readings.

    ``tables``: every canonical table, typed, all columns in the model's order plus LINEAGE. ``absent``: ``(table, "")`` for a
    table that no source gave, ``(table, column)`` for a column that none had. ``quarantine``: QUARANTINE rows, those of the
    adapters among them. ``findings``: what is no single row's fault.
    """

    tables: Mapping[str, pl.DataFrame]
    absent: frozenset[tuple[str, str]]
    quarantine: pl.DataFrame
    findings: Sequence[Finding]


@dataclass(slots=True)
class _Work:
    year: SchoolYear
    lea: Lea
    names: Mapping[str, str]
    order: Mapping[str, int]
    append: Collection[str]
    stated: Precedence
    parents: Parents = field(default_factory=Parents)
    parts: list[pl.DataFrame] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def find(self, name: str, rows: int, **words: object) -> None:
        rule = RULES[name]
        self.findings.append(Finding(_WHERE, rule.id, rule.severity, rows, rule.message.format(rows=rows, year=self.year.name, **words)))


def check(
    tables: Mapping[str, pl.LazyFrame],
    refused: pl.DataFrame,
    year: SchoolYear,
    lea: Lea,
    *,
    names: Mapping[str, str],
    order: Mapping[str, int] | None = None,
    append: Collection[str] = (),
    stated: Precedence | None = None,
    installed: Mapping[str, EntryPoint] | None = None,
) -> Checked:
    """Check canonical tables as adapters read them (text columns plus LINEAGE) and return them typed.

    ``refused``: quarantine rows that the adapters made already. ``names``: SHA-256 to the file's name. ``order``: SHA-256 to
    the file's place in time, later files higher; without it, names decide. ``append``: the SHA-256 of files whose feed is read
    in mode ``append``. ``stated``: which source counts where several have a row, default none does. ``installed``: checks of other
    packages, default those of the entry points ``recoup.checks``.

    Raises ``PRECEDENCE_UNLISTED`` (status 2), ``CHECK_TABLE_MISSING``, ``CHECK_TABLE_EMPTY``, ``CHECK_COLUMN_MISSING`` (status 4),
    ``CHECK_PLUGIN_FAILED`` and ``CHECK_PLUGIN_SHAPE`` (status 2), ``CHECK_DISAGREES`` (status 1).
    """
    by_name = {sha: place for place, sha in enumerate(sorted(names, key=lambda sha: (names[sha], sha)))}
    work = _Work(year, lea, names, by_name if order is None else order, append, stated or Precedence())
    tables, moved, twice = follow_merged(tables)
    for code, number in (("SSID_MERGED", moved), ("SSID_MERGED_TWICE", twice)):
        if number:
            work.find(code, number)
    checked: dict[str, pl.DataFrame] = {}
    absent: set[tuple[str, str]] = set()
    # The model's order has every parent before its children; a test holds it to that.
    for table in TABLES.values():
        frame = _text(tables.get(table.name), table, absent, work)
        composed = compose(frame, table, work.stated, names, work.order, append)
        work.parts += composed.lines
        work.findings += composed.findings
        checked[table.name] = _one(composed.frame, table, work)
    checked["participation"] = derive_minutes(checked["participation"], checked["sessions"])

    struck = plugins.run(installed_plugins(plugins.GROUP) if installed is None else installed, checked, year, names)
    work.findings += struck.findings
    if not struck.lines.is_empty():
        work.parts.append(struck.lines)
        _strike(checked, struck.rows, work)
    work.parts += against_state(checked, names)
    proven = {name: validate(TABLES[name], frame, year, lea) for name, frame in checked.items()}
    return Checked(proven, frozenset(absent), joined([refused, *work.parts], TABLES), tuple(work.findings))


def _text(lazy: pl.LazyFrame | None, table: Table, absent: set[tuple[str, str]], work: _Work) -> pl.DataFrame:
    """Collect a table with all its columns as text; what is missing is noted in ``absent``, or closes the road."""
    if lazy is None:
        if table.required:
            raise RecoupError("CHECK_TABLE_MISSING", where=f"{table.name}.csv", table=table.name)
        absent.add((table.name, ""))
        return pl.DataFrame(
            schema=dict.fromkeys(table.names, pl.String) | dict(zip(LINEAGE, (pl.String, pl.String, pl.Int64), strict=True))
        )
    headers = lazy.collect_schema().names()
    extra = [name for name in headers if name not in table.names and name not in LINEAGE]
    missing = [name for name in table.names if name not in headers]
    for name in missing:
        if name in table.required_columns:
            files = lazy.select(file_name("_file", work.names).unique().sort()).collect().to_series()
            raise RecoupError(
                "CHECK_COLUMN_MISSING",
                where=", ".join(files) or f"{table.name}.csv",
                table=table.name,
                column=name,
                nearest=nearest(name, extra),
                headers=", ".join(name for name in headers if name not in LINEAGE),
            )
        absent.add((table.name, name))
    if extra:
        work.find("EXTRA_COLUMNS", len(extra), table=table.name, columns=", ".join(extra))
    columns = [pl.lit(None, pl.String).alias(name) if name in missing else pl.col(name).cast(pl.String) for name in table.names]
    frame = lazy.select(*columns, *LINEAGE).collect()
    if frame.is_empty() and not table.may_be_empty:
        raise RecoupError("CHECK_TABLE_EMPTY", where=f"{table.name}.csv", table=table.name)
    return frame


def _one(frame: pl.DataFrame, table: Table, work: _Work) -> pl.DataFrame:
    """Check one table whose parents are done: note its lines and refusals, and return the rows kept, typed."""
    rows = frame.with_row_index("_row")
    if frame.is_empty():
        empty = pl.DataFrame(schema=frame_schema(table))
        work.parents.add(table, empty, rows)
        return empty
    rules = row_rules(table, work.year, work.lea, text=True)
    flags = [rule.bad.alias(f"?{place}") for place, rule in enumerate(rules)]
    done = rows.lazy().select(*typed(table), *flags).collect()
    failed = [done[f"?{place}"] for place in range(len(rules))]

    twins = repeated(rows, table, work.order, work.append)
    current = ~rows["_row"].is_in(twins.filter(pl.col("code") == "REPLACED")["_row"].implode())
    bad = rows["_row"].is_in(twins["_row"].implode())
    for rule, flag in zip(rules, failed, strict=True):
        bad |= _report(rows, flag & current, table, rule, work)
    for column in table.columns:
        if not column.references:
            continue
        # A cell that is malformed itself is told once: whether its parent exists cannot be known.
        sound = current.clone()
        for rule, flag in zip(rules, failed, strict=True):
            if rule.column == column.name and rule.rule.severity == "error":
                sound &= ~flag
        orphans = broken(rows, table, column, work.parents, work.lea) & sound
        if orphans.any():
            work.parts += orphan_lines(rows.filter(orphans), table, column, work.parents, work.names)
            bad |= orphans
    for name in twins["code"].unique(maintain_order=True):
        found = rows.join(twins.filter(pl.col("code") == name), on="_row")
        words = {"column": ", ".join(table.key), "table": table.name, "other": "{other}"}
        message, mend = (text.format(**words) for text in (RULES[name].message, RULES[name].mend))
        work.parts.append(lines(found, table.name, list(table.key), RULES[name], (message, mend), work.names))

    kept = done.filter(~bad).select(list(frame_schema(table)))
    if kept.is_empty():
        work.find("TABLE_ALL_REFUSED", frame.height, table=table.name)
    # A parent that was only repeated, or replaced by a good row, is there; what is kept goes before what was refused.
    work.parents.add(table, kept, rows.filter(bad & current))
    return kept


def _report(rows: pl.DataFrame, flag: pl.Series, table: Table, rule: RowRule, work: _Work) -> pl.Series:
    """Note the rows that fail a rule, and return the mask of those that are refused for it."""
    if not flag.any():
        return flag
    found = rows.filter(flag)
    if rule.rule.level == "table":
        work.find(rule.rule.id, found.height, lea=work.lea.code)
    else:
        work.parts.append(lines(found, table.name, [rule.column], rule.rule, (rule.message, rule.mend), work.names))
    return flag if rule.rule.severity == "error" else flag & False


def _strike(checked: dict[str, pl.DataFrame], struck: Mapping[str, pl.DataFrame], work: _Work) -> None:
    """Take out the rows that an installed check refuses, and the rows below them."""
    for table in TABLES.values():
        frame = checked[table.name]
        place = ["_file", "_line"]
        gone = pl.repeat(value=False, n=frame.height, eager=True)
        if table.name in struck:
            marked = struck[table.name].select(place).unique().with_columns(_struck=True)
            gone = frame.select(place).join(marked, on=place, how="left", maintain_order="left")["_struck"].fill_null(value=False)
        for column in table.columns:
            if column.references:
                orphans = broken(frame, table, column, work.parents, work.lea) & ~gone
                if orphans.any():
                    work.parts += orphan_lines(frame.filter(orphans), table, column, work.parents, work.names)
                    gone |= orphans
        checked[table.name] = frame.filter(~gone)
        work.parents.add(table, checked[table.name], frame.filter(gone))
