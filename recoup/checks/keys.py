"""Rows with the same key: repeated word for word, in conflict, or replaced by a later file (canonical model, Quarantine)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.checks.lines import OTHER, OTHER_SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from recoup.schemas import Table


def repeated(frame: pl.DataFrame, table: Table, order: Mapping[str, int], append: Collection[str]) -> pl.DataFrame:
    """Return the rows of ``frame`` that fall because of their key: ``_row``, ``code``, and the other row's file and line.

    ``frame``: the text columns, lineage and ``_row``. Rows that lack a part of the key which may not be empty are left to
    ``REQUIRED_EMPTY``. First, among the files of ``append``, the rows of a source's later file replace the earlier ones
    (``REPLACED``), good or bad: an earlier row never stands in for a later one that cannot be read. Of the rows left with one
    key, all that say the same but the first are ``DUPLICATE_SAME``; when they differ, every one is ``KEY_CONFLICT``, or
    ``SOURCE_CONFLICT`` where they are of several sources and nobody has said which of them counts.
    """
    key = list(table.key)
    # Equal keys have equal hashes, so only rows of a repeated hash are looked at closely: on clean data, none.
    hashes = frame.select(pl.struct(key).hash()).to_series()
    if hashes.n_unique() == frame.height:
        return pl.DataFrame(schema=_FOUND)
    present = pl.all_horizontal(pl.col(column.name).is_not_null() for column in table.columns if column.key and not column.nullable)
    suspects = (
        frame.filter(hashes.is_duplicated() & frame.select(present).to_series())
        .with_columns(
            _order=pl.col("_file").replace_strict(dict(order), default=len(order), return_dtype=pl.Int64),
            _append=pl.col("_file").is_in(list(append)),
        )
        .sort("_order", "_file", "_line", "_row")
    )
    latest = [*key, "_source", "_append"]
    newest = suspects.filter(pl.col("_append")).group_by(latest, maintain_order=True).last()
    newest = newest.select(*latest, _newest="_order", _other_file="_file", _other_line="_line")
    aged = suspects.join(newest, on=latest, how="left", nulls_equal=True, maintain_order="left")
    is_old = pl.col("_order") < pl.col("_newest")
    replaced = aged.filter(is_old).select("_row", *OTHER, code=pl.lit("REPLACED"))
    current = aged.filter(~is_old.fill_null(value=False)).drop(*OTHER)

    contents = pl.struct(table.names)
    groups = current.with_columns(
        _size=pl.len().over(key),
        _kinds=contents.n_unique().over(key),
        _sources=pl.col("_source").n_unique().over(key),
        _place=pl.int_range(pl.len()).over(key),
        _first_file=pl.col("_file").first().over(key),
        _first_line=pl.col("_line").first().over(key),
        _first_source=pl.col("_source").first().over(key),
        # The first row of a conflict points to the next one that says something else.
        _else_file=pl.col("_file").filter(contents.ne_missing(contents.first())).first().over(key),
        _else_line=pl.col("_line").filter(contents.ne_missing(contents.first())).first().over(key),
        _else_source=pl.col("_source").filter(contents.ne_missing(contents.first())).first().over(key),
        _as_first=contents.eq_missing(contents.first()).over(key),
    )
    conflict = groups.filter(pl.col("_kinds") > 1).select(
        "_row",
        _other_file=pl.when("_as_first").then("_else_file").otherwise("_first_file"),
        _other_line=pl.when("_as_first").then("_else_line").otherwise("_first_line"),
        _other_source=pl.when(pl.col("_sources") > 1).then(pl.when("_as_first").then("_else_source").otherwise("_first_source")),
        code=pl.when(pl.col("_sources") > 1).then(pl.lit("SOURCE_CONFLICT")).otherwise(pl.lit("KEY_CONFLICT")),
    )
    same = groups.filter((pl.col("_kinds") == 1) & (pl.col("_size") > 1) & (pl.col("_place") > 0)).select(
        "_row", _other_file="_first_file", _other_line="_first_line", code=pl.lit("DUPLICATE_SAME")
    )
    parts = (
        part if OTHER_SOURCE in part.columns else part.with_columns(pl.lit(None, pl.String).alias(OTHER_SOURCE))
        for part in (replaced, conflict, same)
    )
    return pl.concat([part.select(list(_FOUND)) for part in parts])


_FOUND = {"_row": pl.UInt32, OTHER[0]: pl.String, OTHER[1]: pl.Int64, OTHER_SOURCE: pl.String, "code": pl.String}
