"""The implementations of the ledger that the tests run: the plain reading, and the engine of the product."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl
import pytest

from recoup import law
from recoup.checks import Checked, check
from recoup.ledger import compute
from recoup.ledger.encode import REPORTED
from recoup.ports import QUARANTINE, Attestation, Lea, SchoolYear
from recoup.schemas import TABLES
from tests.plain.case import hhmm
from tests.plain.compare import differences
from tests.plain.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.plain.bundle import Row, Tables

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))
LEA = Lea("1964733", "Cedar Valley Unified")


class Implementation(Protocol):
    """From a bundle's tables of text to the five result tables."""

    def __call__(
        self,
        tables: Tables,
        *,
        policy: Mapping[str, Any] | None = None,
        as_of: date | None = None,
        attest: Iterable[str] = (),
        reported: Iterable[Row] = (),
    ) -> dict[str, list[Row]]:
        """Compute the ledger of fiscal year 2025-2026 of LEA 1964733; see ``tests.plain.reading.read``."""
        ...


def frame(name: str, rows: list[dict[str, str]]) -> pl.LazyFrame:
    """Return a table as an adapter gives it: text, an empty cell null, a column that no row has left out."""
    columns = [column for column in TABLES[name].names if not rows or any(column in row for row in rows)]
    texts = {column: pl.Series([row.get(column, "") or None for row in rows], dtype=pl.String) for column in columns}
    lines = pl.Series(range(2, len(rows) + 2), dtype=pl.Int64)
    return pl.LazyFrame(texts).with_columns(_source=pl.lit("district"), _file=pl.lit(name), _line=lines)


def checked(tables: Tables, year: SchoolYear = YEAR) -> Checked:
    """Return a bundle's tables as they leave the checks."""
    refused = pl.DataFrame(schema={name: pl.Int64 if name == "line" else pl.String for name in QUARANTINE})
    frames = {name: frame(name, rows) for name, rows in tables.items()}
    return check(frames, refused, year, LEA, names={name: f"{name}.csv" for name in tables}, installed={})


def closed(reported: Iterable[Row]) -> pl.DataFrame:
    """Return the credits that a closed period reported, as the ledger is told of them."""
    return pl.DataFrame([{name: row[name] for name in REPORTED} for row in reported], schema=REPORTED)


def run_engine(tables: Tables, **how: Any) -> dict[str, list[Row]]:
    """Run the engine of the product, on Polars, behind the real checks."""
    return computed(checked(tables), **how)


def computed(
    made: Checked,
    *,
    policy: Mapping[str, Any] | None = None,
    as_of: date | None = None,
    attest: Iterable[str] = (),
    reported: Iterable[Row] = (),
) -> dict[str, list[Row]]:
    """Run the engine on tables that were checked."""
    attested = [Attestation(name, "Director of Attendance", date(2026, 1, 6), "binder 3") for name in attest]
    rules, readings = law.load(YEAR.name), law.policy(policy or {})
    results = compute(made.tables, made.absent, rules, readings, as_of or YEAR.last, LEA, attested, reported=closed(reported))
    return {name: [timed(row) for row in table.to_dicts()] for name, table in results.items()}


def timed(row: Row) -> Row:
    """Return a result row with its minutes after midnight as ``HH:MM``."""
    return row | {column: hhmm(row[column]) for column in ("start_time", "end_time") if row.get(column) is not None}


def kept(tables: Tables, made: Checked) -> Tables:
    """Return the rows that the checks did not refuse, as the plain reading has none of its own."""
    refused = set(made.quarantine.filter(pl.col("severity") == "error").select("file", "line").rows())
    return {name: [row for line, row in enumerate(rows, 2) if (f"{name}.csv", line) not in refused] for name, rows in tables.items()}


def run_both(tables: Tables, **how: Any) -> dict[str, list[Row]]:
    """Run the engine and hold every column of every table against the plain reading, also what a case names no figure of."""
    made = checked(tables)
    result = computed(made, **how)
    unlike = differences(read(kept(tables, made), **how), result)
    assert not unlike, unlike
    return result


IMPLEMENTATIONS = [pytest.param(read, id="plain"), pytest.param(run_engine, id="engine")]
