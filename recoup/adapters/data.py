"""Reads the data files that lie beside the code."""

from __future__ import annotations

import csv
import io
from importlib.resources import files


def rows(package: str, name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of a package, for example ``rows("recoup.adapters", "forms.csv")``."""
    return list(csv.DictReader(io.StringIO(files(package).joinpath(name).read_text(encoding="utf-8"))))
