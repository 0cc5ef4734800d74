"""Rows that several sources have: the one of the source that is named first counts, and the others are listed (docs/composing.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from recoup.checks.lines import OTHER, OTHER_SOURCE, lines
from recoup.errors import RecoupError
from recoup.ports import Finding
from recoup.schemas import RULES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from recoup.schemas import Table

_WHERE = "check"


@dataclass(frozen=True, slots=True)
class Precedence:
    """By table the sources in order, the one that counts first, and the columns of which an empty cell is filled from the next one."""

    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fill: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Composed:
    """A table without the rows that gave way: what became of those, and how many they were."""

    frame: pl.DataFrame
    lines: Sequence[pl.DataFrame] = ()
    findings: Sequence[Finding] = ()


def compose(
    frame: pl.DataFrame, table: Table, stated: Precedence, names: Mapping[str, str], order: Mapping[str, int], append: Collection[str]
) -> Composed:
    """Leave of rows with an equal key those of the source that comes first; without a stated precedence, all of them.

    ``frame``: text columns and lineage. ``names``, ``order``, ``append``: as for ``check``. A row whose key is not whole is left to the
    rules, and so is every key that one source repeats. Raises ``PRECEDENCE_UNLISTED`` (2) for a source that the list does not have.
    """
    ranked = stated.sources.get(table.name)
    if not ranked or frame.is_empty():
        return Composed(frame)
    told = _held_against(frame, table, ranked)
    key = list(table.key)
    present = pl.all_horizontal(pl.col(column.name).is_not_null() for column in table.columns if column.key and not column.nullable)
    rank = pl.col("_source").replace_strict({name: place for place, name in enumerate(ranked)}, return_dtype=pl.Int32)
    rows = frame.with_columns(_rank=rank).with_columns(_best=pl.when(present).then(pl.col("_rank").min().over(key)).otherwise("_rank"))
    given_way = pl.col("_rank") > pl.col("_best")
    losing = rows.filter(given_way)
    if losing.is_empty():
        return Composed(frame, (), told)
    kept = rows.filter(~given_way)
    for column in stated.fill.get(table.name, ()):
        kept, found = _filled(kept, losing, key, column, table, order, append)
        told += found
    differ = _differences(rows, kept, losing, table)
    parts = list(_lines(differ, table, names))
    told += _counted(differ, kept, table, ranked)
    return Composed(kept.select(frame.columns), parts, told)


def _held_against(frame: pl.DataFrame, table: Table, ranked: Sequence[str]) -> list[Finding]:
    """Refuse a source that the list does not name, and tell which of those that it names has no row."""
    given = dict(frame.group_by("_source", maintain_order=True).len().iter_rows())
    for name, count in given.items():
        if name not in ranked:
            raise RecoupError("PRECEDENCE_UNLISTED", "[precedence]", name=name, rows=f"{count:,}", table=table.name)
    idle = f"{table.name}: [precedence] names '{{}}', which gives no row of it."
    return [Finding(_WHERE, "SOURCE_WITHOUT_ROWS", "warn", 0, idle.format(name)) for name in ranked if name not in given]


def _filled(
    kept: pl.DataFrame, losing: pl.DataFrame, key: list[str], column: str, table: Table, order: Mapping[str, int], append: Collection[str]
) -> tuple[pl.DataFrame, list[Finding]]:
    """Fill the empty cells of ``column`` from the next source that has one; where that source tells two values, it tells none."""
    of_file = pl.col("_file").replace_strict(dict(order), default=len(order), return_dtype=pl.Int64)
    age = pl.when(pl.col("_file").is_in(list(append))).then(of_file).otherwise(len(order))
    latest = losing.with_columns(_age=age).filter(pl.col("_age") == pl.col("_age").max().over([*key, "_rank"]))
    answers = (
        latest.drop_nulls(column).group_by([*key, "_rank", "_source"]).agg(pl.col(column).n_unique() == 1, _fill=pl.col(column).first())
    )
    answers = answers.sort("_rank").unique(key, keep="first", maintain_order=True).filter(pl.col(column))
    joined = kept.join(answers.select(*key, "_fill", _from="_source"), on=key, how="left", nulls_equal=True, maintain_order="left")
    empty = pl.col(column).is_null() & pl.col("_fill").is_not_null()
    counts = joined.filter(empty).group_by("_from").len().sort("_from")
    told = [
        Finding(
            _WHERE,
            "FILLED",
            "info",
            count,
            f"{table.name}: {count:,} empty cells of {column} were filled from source '{source}', as [fill] says.",
        )
        for source, count in counts.iter_rows()
    ]
    return joined.with_columns(pl.coalesce(column, "_fill").alias(column)).drop("_fill", "_from"), told


def _differences(rows: pl.DataFrame, kept: pl.DataFrame, losing: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Add to the rows that gave way where the other one lies (OTHER), and ``_differs``: the columns in which they disagree.

    A column that one of the two sources nowhere fills is none of its: it is not compared.
    """
    key = list(table.key)
    compared = [name for name in table.names if name not in key]
    fills = rows.group_by("_source").agg(pl.col(name).is_not_null().any() for name in compared)
    has = {name: fills.filter(pl.col(name))["_source"].to_list() for name in compared}
    winners = kept.unique(key, keep="first", maintain_order=True).select(
        *key,
        *(pl.col(name).alias(f"{name}?") for name in compared),
        _other_source="_source",
        **dict(zip(OTHER, ("_file", "_line"), strict=True)),
    )
    joined = losing.join(winners, on=key, how="left", nulls_equal=True, maintain_order="left")
    differs = [
        pl.when(
            pl.col(name).ne_missing(pl.col(f"{name}?")) & pl.col("_source").is_in(has[name]) & pl.col(OTHER_SOURCE).is_in(has[name])
        ).then(pl.lit(name))
        for name in compared
    ]
    return joined.with_columns(_differs=pl.concat_str(differs, separator=";", ignore_nulls=True) if differs else pl.lit(""))


def _lines(differ: pl.DataFrame, table: Table, names: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the quarantine lines: one a row, under the columns in which it differs, or its key where it says the same."""
    for pattern in differ["_differs"].unique().sort():
        rule = RULES["OVERRULED" if pattern else "OVERRULED_SAME"]
        columns = pattern.split(";") if pattern else list(table.key)
        words = {"column": ", ".join(columns), "other": "{other}"}
        found = differ.filter(pl.col("_differs") == pattern)
        yield lines(found, table.name, columns, rule, (rule.message.format(**words), rule.mend), names)


def _counted(differ: pl.DataFrame, kept: pl.DataFrame, table: Table, ranked: Sequence[str]) -> Iterator[Finding]:
    """Count, by source, the rows that gave way, those that say something else, and those that no source before it has."""
    for name in ranked[1:]:
        mine = differ.filter(pl.col("_source") == name)
        if mine.is_empty():
            continue
        alone = kept.filter(pl.col("_source") == name).height
        before = ", ".join(ranked[: ranked.index(name)])
        told = f"{table.name}: [precedence] puts {before} before {name}: {mine.height:,} rows of {name} gave way, {alone:,} more count."
        yield Finding(_WHERE, "GAVE_WAY", "info", mine.height, told)
        other = mine.filter(pl.col("_differs") != "")
        if other.height:
            columns = sorted({column for pattern in other["_differs"].unique() for column in pattern.split(";")})
            told = f"{table.name}: {other.height:,} rows of {name} say something else than {before} in {', '.join(columns)}."
            yield Finding(_WHERE, "OVERRULED", "warn", other.height, told)
