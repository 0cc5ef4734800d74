"""The tables of this package: layouts, findings, folding, words."""

from __future__ import annotations

import csv
import io
from importlib.resources import files


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of this package, by its path in it."""
    return list(csv.DictReader(io.StringIO((files(__package__) / name).read_text(encoding="utf-8"))))
