"""Every bad row of the synthetic bundle is refused under the code that it was made for, and no good row with it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from recoup.adapters import registry
from recoup.checks import Checked, check
from recoup.law import school_year
from recoup.ports import Lea, RawFile, ReadRequest
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import BadRows, District


def read(district: District, folder: Path) -> Checked:
    raw = []
    for path in write_bundle(district, folder):
        data = path.read_bytes()
        raw.append(RawFile("sis", path.stem, path.name, hashlib.sha256(data).hexdigest(), len(data), path))
    year, lea = school_year("2025-2026"), Lea("1964733", "Cedar Valley Unified")
    reading = registry.get("bundle").read(raw, ReadRequest("sis", year, lea))
    return check(reading.tables, reading.refused, year, lea, names={file.sha256: file.name for file in raw})


@pytest.mark.parametrize("bad_rows", ["none", "survivable", "all"])
def test_refused_are_the_flaws_and_nothing_else(bad_rows: BadRows, tmp_path: Path) -> None:
    district = make_district(students=60, bad_rows=bad_rows)
    checked = read(district, tmp_path)
    expected = set()
    for table, rows in district.tables.items():
        line = 1 + len(rows) + sum(cell.count("\n") for row in rows for cell in row.values())
        for flaw in (flaw for flaw in district.flaws if flaw.table == table):
            line += 1
            expected.add((table, line, flaw.code))
    errors = checked.quarantine.filter(severity="error").select("table", "line", "code").rows()
    assert {(table, line) for table, line, _ in errors} == {(table, line) for table, line, _ in expected}
    assert expected <= set(errors)
    assert {table: checked.tables[table].height for table in district.tables} == {
        table: len(rows) for table, rows in district.tables.items()
    }
