"""Reads the data files that lie beside the code."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def rows(folder: str | Traversable, name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of a package or folder, for example ``rows("recoup.adapters", "forms.csv")``."""
    place = files(folder) if isinstance(folder, str) else folder
    return list(csv.DictReader(io.StringIO(place.joinpath(name).read_text(encoding="utf-8"))))
