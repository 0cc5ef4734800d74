"""Every adapter that is installed has a guide, and a reader finds it from the front page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from recoup.adapters import registry

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| [^|]+ \| (?P<adapters>`[^|]+`) \|[^|]*\| \[[^]]+\]\((?P<guide>[^)#]+)\) \|$", re.MULTILINE)


def guides() -> dict[str, Path]:
    """The guide of each adapter, as docs/adapters.md tells it."""
    text = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
    found: dict[str, Path] = {}
    for row in ROW.finditer(text):
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", row["adapters"]), ROOT / "docs" / row["guide"])
    return found


def test_every_adapter_has_its_guide() -> None:
    assert sorted(guides()) == sorted(registry.names())


@pytest.mark.parametrize("name", registry.names())
def test_a_guide_names_its_adapter_and_says_what_is_unconfirmed(name: str) -> None:
    text = guides()[name].read_text(encoding="utf-8")
    assert f"`{name}`" in text or f'"{name}"' in text
    if "vendors" in guides()[name].parts:
        assert re.search(r"confirmed", text, re.IGNORECASE)


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_front_pages_lead_to_every_guide(page: str) -> None:
    told = (ROOT / page).read_text(encoding="utf-8")
    folder = (ROOT / page).parent
    for guide in (ROOT / "docs" / "vendors").glob("*.md"):
        assert f"({guide.relative_to(folder).as_posix()})" in told, guide.name


def test_the_navigation_has_every_page() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if f": {page}" not in nav] == []
