"""The page on pitfalls names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


PAGE = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= there


def test_every_pitfall_has_a_row_and_a_test_of_its_number() -> None:
    """Two that are seen alike may share a row."""
    rows = [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d", line)]
    numbers = {int(number): tests for cells in rows for number in re.findall(r"\d+", cells[0]) for tests in [cells[3]]}
    assert sorted(numbers) == list(range(1, 36))
    for number, tests in numbers.items():
        named = re.findall(r"(?:test_pitfall|_and)_(\d\d)_", tests)
        assert f"{number:02d}" in named, number
