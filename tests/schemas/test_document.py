"""The page on the checks is written from the catalogue, and is current."""

from __future__ import annotations

from pathlib import Path

from recoup.schemas.document import checks_page

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"


def test_the_page_on_the_checks_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == checks_page(), "write it again: python -m recoup.schemas.document docs/checks.md"
