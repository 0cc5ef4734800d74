"""The canonical tables as Pandera schemas, made from the same columns and rules as everything else.

Each data check is one expression evaluated over whole columns, with the rule's id as its ``error``; the depth is set, because
Pandera looks at the schema alone when it is handed a LazyFrame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaError, SchemaErrors

from recoup.errors import RecoupError
from recoup.ports import LINEAGE
from recoup.schemas import Table, frame_schema
from recoup.schemas.rules import row_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandera.api.polars.types import PolarsData

    from recoup.ports import Lea, SchoolYear


def _check(good: pl.Expr, name: str) -> pa.Check:
    def passes(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(good.alias("check_output"))

    # Without the id in `error`, the failure cases would name a function of this module.
    return pa.Check(passes, error=name, name=name)


def _unique(key: Sequence[str]) -> pa.Check:
    whole = pl.struct(key)

    def passes(data: PolarsData) -> pl.LazyFrame:
        # Equal keys have equal hashes: as many hashes as rows prove the key, and the slow comparison runs on suspicion only.
        hashes, rows = data.lazyframe.select(whole.hash().n_unique().alias("hashes"), pl.len()).collect().row(0)
        good = pl.repeat(value=True, n=pl.len()) if hashes == rows else whole.is_unique()
        return data.lazyframe.select(good.alias("check_output"))

    return pa.Check(passes, error="KEY_CONFLICT", name="KEY_CONFLICT")


def text_schema(table: Table, year: SchoolYear, lea: Lea, severities: Sequence[str] = ("error",)) -> pa.DataFrameSchema:
    """Return the schema of ``table`` as an adapter gives it: text columns, the row rules of the ``severities``, ids as ``error``."""
    names = (*table.names, *LINEAGE)
    columns = {name: pa.Column(pl.Int64 if name == "_line" else pl.String, nullable=True) for name in names}
    rules = [rule for rule in row_rules(table, year, lea, text=True) if rule.rule.severity in severities and rule.rule.level != "table"]
    return pa.DataFrameSchema(columns, checks=[_check(~rule.bad, rule.rule.id) for rule in rules], name=table.name)


def checked_schema(table: Table, year: SchoolYear, lea: Lea, *, together: bool = False) -> pa.DataFrameSchema:
    """Return the schema of a checked frame of ``table``: types, every row rule that refuses, and the key (``KEY_CONFLICT``).

    ``together``: all row rules as one check, which is looked at in one pass and does not say which of them failed.
    """
    columns = {name: pa.Column(kind, nullable=True) for name, kind in frame_schema(table).items()}
    rules = [rule for rule in row_rules(table, year, lea, text=False) if rule.rule.severity == "error"]
    if together and rules:
        bad = [rule.bad.fill_null(value=False) for rule in rules]
        checks = [_check(~pl.any_horizontal(bad), "ROW_RULES")]
    else:
        checks = [_check(~rule.bad, rule.rule.id) for rule in rules]
    return pa.DataFrameSchema(columns, checks=[*checks, _unique(table.key)], strict=True, ordered=True, name=table.name)


def failure_cases(
    schema: pa.DataFrameSchema, frame: pl.DataFrame | pl.LazyFrame, depth: ValidationDepth = ValidationDepth.SCHEMA_AND_DATA
) -> pl.DataFrame:
    """Return the failures as a frame ``row`` (position in ``frame``, null for the schema's own), ``rule``; empty when it passes.

    Data checks run on a LazyFrame too: the depth is set. Values, which Pandera's own cases hold, are left behind.
    """
    try:
        with config_context(validation_depth=depth):
            schema.validate(frame.lazy(), lazy=True)
    except SchemaErrors as errors:
        cases = cast("pl.DataFrame", errors.failure_cases)
        return cases.select(row=pl.col("index").cast(pl.Int64), rule=pl.col("check").cast(pl.String))
    except SchemaError as error:
        return pl.DataFrame({"row": [None], "rule": [error.reason_code.name if error.reason_code else "SCHEMA"]}, _CASES)
    return pl.DataFrame(schema=_CASES)


_CASES = {"row": pl.Int64, "rule": pl.String}


def validate(table: Table, frame: pl.DataFrame, year: SchoolYear, lea: Lea) -> pl.DataFrame:
    """Return the checked frame, proven by Pandera. Raises ``CHECK_DISAGREES`` (status 1) with the rule ids it failed."""
    # Without a row there is nothing for a data check to look at: the many tables that a district lacks cost next to nothing.
    depth = ValidationDepth.SCHEMA_ONLY if frame.is_empty() else ValidationDepth.SCHEMA_AND_DATA
    # One pass for all rules; only where it fails is each asked by itself.
    if not failure_cases(checked_schema(table, year, lea, together=True), frame, depth).is_empty():
        cases = failure_cases(checked_schema(table, year, lea), frame, depth)
        raise RecoupError("CHECK_DISAGREES", table=table.name, rules=", ".join(sorted(set(cases["rule"]))))
    return frame
