"""Joins that adapters share: optional columns, and rows whose key leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.adapters.desk import Desk


def column(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column, or nulls where the export has none."""
    return pl.col(name) if name in frame.columns else pl.lit(None, pl.String).alias(name)


def known(
    desk: Desk, frame: pl.DataFrame, others: pl.DataFrame, on: Sequence[str], keys: Sequence[str], refusal: tuple[str, str, str]
) -> pl.DataFrame:
    """Join what is known of a row by its vendor's keys; rows of no known key are refused.

    ``on``: columns of ``frame``; ``keys``: of ``others``, each key once; ``refusal``: code, canonical table and the feed's column.
    """
    code, table, place = refusal
    found = others.with_columns(pl.lit(value=True).alias("_known"))
    joined = frame.join(found, left_on=list(on), right_on=list(keys), how="left", maintain_order="left")
    unknown = pl.col("_known").is_null()
    desk.refuse(joined.filter(unknown), code, table, place, on[-1])
    return joined.filter(~unknown).drop("_known")
