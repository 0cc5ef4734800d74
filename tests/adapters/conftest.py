"""Files written in a test, as an adapter is handed them, and what it makes of them."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from recoup.ports import Lea, RawFile, ReadRequest, SchoolYear

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import polars as pl

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))
LEA = Lea("1964733", "Cedar Valley Unified")


@pytest.fixture
def raw(tmp_path: Path) -> Callable[..., RawFile]:
    """Write bytes or text under a name and describe them as a file of the archive."""

    def make(name: str, content: bytes | str, feed: str = "") -> RawFile:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        path.write_bytes(data)
        return RawFile("sis", feed or name.split(".")[0], name, sha256(data).hexdigest(), len(data), path)

    return make


@pytest.fixture
def ask() -> Callable[..., ReadRequest]:
    """Make a request of the year 2025-2026."""

    def make(options: Mapping[str, object] | None = None, **mapping: Mapping[str, Mapping[str, str]]) -> ReadRequest:
        return ReadRequest("sis", YEAR, LEA, options or {}, mapping)

    return make


@pytest.fixture
def table() -> Callable[..., list[dict[str, object]]]:
    """Return a table's rows without their lineage."""

    def rows(frame: pl.LazyFrame) -> list[dict[str, object]]:
        return frame.drop("_source", "_file", "_line").collect().to_dicts()

    return rows
