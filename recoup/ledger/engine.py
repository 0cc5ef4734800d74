"""Where the ledger's expressions run: Polars on one machine; another engine needs these three methods and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl


class Engine(Protocol):
    """Runs Narwhals expressions. The frames hold integers, booleans and short codes only."""

    def bring(self, frame: pl.DataFrame) -> nw.LazyFrame[pl.LazyFrame]:
        """Hand a frame to the engine."""
        ...

    def settle(self, frame: nw.LazyFrame[pl.LazyFrame]) -> nw.LazyFrame[pl.LazyFrame]:
        """Compute a frame that several later steps read, once."""
        ...

    def take(self, frame: nw.LazyFrame[pl.LazyFrame]) -> pl.DataFrame:
        """Bring a result home."""
        ...


class PolarsEngine:
    """Polars, in this process."""

    def bring(self, frame: pl.DataFrame) -> nw.LazyFrame[pl.LazyFrame]:
        """Hand a frame to the engine."""
        return nw.from_native(frame.lazy())

    def settle(self, frame: nw.LazyFrame[pl.LazyFrame]) -> nw.LazyFrame[pl.LazyFrame]:
        """Compute a frame that several later steps read, once."""
        return nw.from_native(frame.to_native().collect().lazy())

    def take(self, frame: nw.LazyFrame[pl.LazyFrame]) -> pl.DataFrame:
        """Bring a result home."""
        return frame.to_native().collect()


def engine_named(name: str) -> Engine:
    """Return an engine by its name. Raises ``ENGINE_MISSING`` (2) where what it needs is not installed."""
    if name == "spark":
        from recoup.ledger.spark import SparkEngine

        return SparkEngine()
    return PolarsEngine()
