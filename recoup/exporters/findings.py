"""What an exporter has to say: the catalogue ``findings.csv``, and the rows each finding is about, by file and line."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from recoup.exporters import facts
from recoup.ports import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.ports import Run

#: Places named in a finding that is only for information; those that need mending are all named.
SHOWN = 20


class Entry(NamedTuple):
    """One row of the catalogue.

    ``effect`` is ``withhold`` (the file), ``left_out`` (the row) or ``report``. ``code`` may end in ``:not_checked``, for the same check
    when its input is missing.
    """

    export: str
    code: str
    severity: str
    effect: str
    message: str
    mend: str
    source: str
    certainty: str


@cache
def catalogue(export: str) -> dict[str, Entry]:
    """Return the entries of one exporter by code."""
    return {row["code"]: Entry(**row) for row in facts.rows("findings.csv") if row["export"] == export}


def spans(lines: Sequence[int]) -> str:
    """Write line numbers shortly: ``2-4, 9``."""
    parts: list[list[int]] = []
    for line in sorted(set(lines)):
        if parts and line == parts[-1][-1] + 1:
            parts[-1][1:] = [line]
        else:
            parts.append([line])
    return ", ".join("-".join(map(str, part)) for part in parts)


class Findings:
    """Gathers the findings of one export. A finding names places, never a value of a student's record."""

    def __init__(self, export: str, run: Run) -> None:
        self._export = export
        self._names = {item.sha256: item.name for item in run.inputs}
        self._found: list[Finding] = []
        self._withheld: dict[str, str] = {}

    def places(self, rows: pl.DataFrame, limit: int | None = None) -> str:
        """Name the places of rows that have ``_file`` and ``_line``: ``students.csv line 3-5, 9``."""
        told = rows.select("_file", "_line").drop_nulls().unique().sort("_file", "_line")
        if not told.height:
            return ""
        by_file = told.head(limit or told.height).group_by("_file", maintain_order=True).agg("_line")
        shown = "; ".join(f"{self._names.get(name, name)} line {spans(lines)}" for name, lines in by_file.iter_rows())
        return shown + (f" and {told.height - limit} more" if limit and told.height > limit else "")

    def add(self, code: str, rows: pl.DataFrame | int = 0, file: str = "", **values: object) -> None:
        """Add a finding of the catalogue about some rows; none when ``rows`` is an empty frame.

        ``file`` is the output that a finding with effect ``withhold`` holds back.
        """
        if isinstance(rows, pl.DataFrame) and not rows.height:
            return
        entry = catalogue(self._export)[code]
        count = rows if isinstance(rows, int) else rows.height
        known = not isinstance(rows, int) and {"_file", "_line"} <= set(rows.columns)
        places = self.places(rows, SHOWN if entry.severity == "info" else None) if known and isinstance(rows, pl.DataFrame) else ""
        what = entry.message.format(file=file, **values) + (f" At {places}." if places else "")
        told = f"{what} {entry.mend.format(file=file, **values)}"
        self._found.append(Finding(self._export, code.partition(":")[0], entry.severity, count, told))
        if entry.effect == "withhold":
            self._withheld[file] = f"{self._withheld[file]}, {code}" if file in self._withheld else code

    def withholds(self, file: str) -> bool:
        """Say whether ``file`` must not be written."""
        return file in self._withheld

    @property
    def withheld(self) -> str:
        """Say which files were held back and under which codes; empty when none was."""
        return "; ".join(f"{file}: {codes}" for file, codes in sorted(self._withheld.items()))

    @property
    def found(self) -> list[Finding]:
        """Return the findings in the order in which they were made."""
        return self._found
