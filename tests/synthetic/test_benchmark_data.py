"""The benchmark's data at a small scale: whole, repeatable, and refused nowhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from benchmarks import data
from recoup.adapters import registry
from recoup.checks import check
from recoup.law import school_year
from recoup.ports import Lea, RawFile, ReadRequest

if TYPE_CHECKING:
    from pathlib import Path


def test_no_row_of_the_benchmark_is_refused(tmp_path: Path) -> None:
    rows = data.write(tmp_path, 0.01)
    assert {"participation": 10_000, "attendance": 5_000, "students": 500}.items() <= rows.items()
    raw = []
    for path in sorted(tmp_path.iterdir()):
        text = path.read_bytes()
        raw.append(RawFile("sis", path.stem, path.name, hashlib.sha256(text).hexdigest(), len(text), path))
    year, lea = school_year("2025-2026"), Lea("1964733", "Cedar Valley Unified")
    reading = registry.get("bundle").read(raw, ReadRequest("sis", year, lea))
    checked = check(reading.tables, reading.refused, year, lea, names={file.sha256: file.name for file in raw})
    assert checked.quarantine.filter(severity="error").select("table", "column", "code").unique().rows() == []


def test_the_same_scale_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        data.write(tmp_path / name, 0.002)
    assert all((tmp_path / "two" / path.name).read_bytes() == path.read_bytes() for path in (tmp_path / "one").iterdir())
