"""Holds the adapter to what every adapter owes."""

from __future__ import annotations

from pathlib import Path

from recoup.conformance import AdapterConformance

HERE = Path(__file__).parent


class TestIt(AdapterConformance):
    """The suite of every adapter, over the files in ``fixtures/in``."""

    adapter = str(HERE)
    fixtures = HERE / "fixtures" / "in"
