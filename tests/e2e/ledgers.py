"""What a run says of the students, without where their rows lay, so that two ways of reading one district can be held to one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.testing import assert_frame_equal

from recoup.errors import Exit

if TYPE_CHECKING:
    from recoup.pipeline import Outcome

#: Tables of the ledger, with the columns that tell where a row lay, or how the source spells an absence, and not what it says.
RESULTS: dict[str, list[str]] = {
    "ledger": [],
    "credits": ["absence_source_code"],
    "credit_sessions": [],
    "time_entries": ["_source", "_file", "_line"],
}


def ledgers(outcome: Outcome) -> dict[str, pl.DataFrame]:
    """Return the ledger's tables and the state's files, as they lie in OUT."""
    assert outcome.status == Exit.DONE, outcome.withheld
    assert outcome.out is not None
    found = {name: pl.read_csv(outcome.out / f"{name}.csv", infer_schema=False).drop(drop, strict=False) for name, drop in RESULTS.items()}
    return found | {path.name: pl.DataFrame({"line": path.read_text("ascii").splitlines()}) for path in outcome.out.glob("STAS_*.txt")}


def assert_same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    """Hold every table of two runs to one another, whatever the order of their rows."""
    assert one.keys() == other.keys()
    for name in one:
        assert_frame_equal(one[name], other[name], check_row_order=False, check_column_order=False)
