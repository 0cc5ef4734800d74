"""The implementations of the ledger that the tests run: the plain reading, and the engine of the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.plain.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from tests.plain.bundle import Row, Tables


class Implementation(Protocol):
    """From a bundle's tables of text to the five result tables."""

    def __call__(
        self, tables: Tables, *, policy: dict[str, Any] | None = None, as_of: date | None = None, attest: Iterable[str] = ()
    ) -> dict[str, list[Row]]:
        """Compute the ledger of fiscal year 2025-2026 of LEA 1964733; see ``tests.plain.reading.read``."""
        ...


IMPLEMENTATIONS = [pytest.param(read, id="plain")]
