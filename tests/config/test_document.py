"""The page on the configuration is written from its schema, and is current."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recoup.config import schema
from recoup.config.document import page

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_on_the_configuration_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m recoup.config.document docs/configuration.md"


def keys(rule: Any) -> set[str]:
    """Name every key that a rule knows, at any depth."""
    if not isinstance(rule, dict):
        return set()
    return set(rule.get("properties", {})).union(*(keys(inner) for inner in rule.values()))


def test_every_key_is_told_and_explained() -> None:
    told = page()
    assert {key for key in keys(schema()) if f"`{key}`" not in told and f"{key}]" not in told} <= {"env", "file", "keyring"}
    assert [line for line in told.splitlines() if line.startswith("| `") and line.endswith("|  |")] == []
