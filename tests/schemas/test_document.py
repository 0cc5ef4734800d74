"""The pages on the checks and on the model are written from their one definition, and are current."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recoup.schemas.document import checks_page, model_page

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "page"), [("checks.md", checks_page), ("canonical-model.md", model_page)])
def test_a_written_page_is_current(name: str, page: Callable[[], str]) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == page(), "write it again: python -m recoup.schemas.document docs"
