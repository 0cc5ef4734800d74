"""The district of Cedar Valley as its fixture tells it, and a way to change one thing in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from recoup.exporters import registry
from recoup.testing import load_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import Export, Run

CASE = Path(__file__).parents[2] / "fixtures" / "exporters" / "cedar"


@pytest.fixture
def case() -> Path:
    return CASE


@pytest.fixture(scope="session")
def cedar() -> Run:
    return load_run(CASE)


@pytest.fixture
def more() -> Callable[..., Run]:
    """Add rows to a table or result of a run; what a row leaves out is empty."""

    def add(run: Run, name: str, *rows: dict[str, Any]) -> Run:
        held = run.tables if name in run.tables else run.results
        frame = held[name]
        lineage = {"_source": "case", "_file": f"{name}.csv", "_line": 99} if "_line" in frame.columns else {}
        extra = pl.DataFrame([lineage | row for row in rows], schema_overrides=frame.schema)
        grown = {**held, name: pl.concat([frame, extra], how="diagonal").select(frame.columns)}
        return replace(run, tables=grown) if name in run.tables else replace(run, results=grown)

    return add


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Export]:
    """Run an exporter into a folder and return its outcome."""

    def write(run: Run, name: str, out: Path = tmp_path, **options: object) -> Export:
        exporter = registry.get(name)
        return exporter.write(run, registry.settings(exporter, options), out)

    return write
