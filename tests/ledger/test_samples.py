"""The three sample districts, whose expected results were worked out apart from the product."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.engine import IMPLEMENTATIONS, Implementation
from tests.plain.bundle import read_csv
from tests.plain.compare import text

SAMPLES = Path(__file__).parents[2] / "fixtures" / "samples"
POLICIES: dict[str, dict[str, Any]] = {
    "contract-1": {},
    "contract-2": {},
    "contract-3": {"time_unit": "minutes", "excess_same_date": "carry"},
}


@pytest.mark.parametrize("run", IMPLEMENTATIONS)
@pytest.mark.parametrize("name", POLICIES)
def test_sample_district_gives_the_expected_credits_and_ledger(name: str, run: Implementation) -> None:
    result = run(read_csv(SAMPLES / name / "data"), policy=POLICIES[name])
    for table in ("credits", "ledger"):
        with (SAMPLES / name / f"expected_{table}.csv").open(encoding="utf-8", newline="") as lines:
            expected = list(csv.DictReader(lines))
        got = [{column: text(row[column]) for column in expected[0]} for row in result[table]]
        assert sorted(got, key=lambda row: list(row.values())) == sorted(expected, key=lambda row: list(row.values()))
