"""What stands round an adapter while it reads: its job, and the desk for refused rows and for what was rightly left out, counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.data import rows
from recoup.ports import QUARANTINE, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from recoup.adapters.reading import Trouble
    from recoup.ports import RawFile, ReadRequest

_SCHEMA = {name: pl.Int64 if name == "line" else pl.String for name in QUARANTINE}


@cache
def _refusals() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in rows("recoup.adapters", "refusals.csv")}


class Desk:
    """Collects refusals (in the shape of ``QUARANTINE``) and findings while one source is read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.findings: list[Finding] = []
        self._names: dict[str, str] = {}
        self._parts: list[pl.DataFrame] = [pl.DataFrame(schema=_SCHEMA)]

    def name_file(self, file: RawFile) -> None:
        """Remember the name of a file, so that a row's ``_file`` (hash) can be told by the name that its source gave."""
        self._names[file.sha256] = file.name

    def troubles(self, file: RawFile, table: str, troubles: Iterable[Trouble]) -> None:
        """Refuse records that could not be read."""
        told = []
        for trouble in troubles:
            words = _refusals()[trouble.code]
            message = words["message"].format(detail=trouble.detail)
            place = (self.source, file.name, trouble.line, table, "")
            told.append((*place, trouble.value, trouble.code, words["severity"], message, words["mend"]))
        if told:
            self._parts.append(pl.DataFrame(told, schema=_SCHEMA, orient="row"))

    def refuse(self, frame: pl.DataFrame, code: str, table: str, column: str, value: str, detail: str = "") -> None:
        """Put rows with lineage into the quarantine under ``code`` (a row of ``refusals.csv``, whose severity counts).

        ``column``: the name as the source knows it; ``value``: the column of ``frame`` that holds what was refused.
        """
        if frame.is_empty():
            return
        words = _refusals()[code]
        self._parts.append(
            frame.select(
                pl.lit(self.source).alias("source"),
                pl.col("_file").replace_strict(self._names, default=None, return_dtype=pl.String).alias("file"),
                pl.col("_line").alias("line"),
                pl.lit(table).alias("table"),
                pl.lit(column).alias("column"),
                pl.col(value).cast(pl.String).alias("value"),
                pl.lit(code.removesuffix("_WARN")).alias("code"),
                pl.lit(words["severity"]).alias("severity"),
                pl.lit(words["message"].format(detail=detail)).alias("message"),
                pl.lit(words["mend"].format(detail=detail)).alias("mend"),
            )
        )

    def note(self, where: str, code: str, rows: int, message: str, severity: str = "info") -> None:
        """Tell of something that is not one row's fault; nothing when no row is concerned."""
        finding = Finding(where, code, severity, rows, message)
        if rows and finding not in self.findings:
            self.findings.append(finding)

    def refused(self) -> pl.DataFrame:
        """All refusals, one line for each (row, failed check)."""
        return pl.concat(self._parts)


@dataclass(frozen=True, slots=True)
class Job:
    """One reading: the request, its options made whole, the codes in force, the desk for what is not handed on, and the raw files."""

    request: ReadRequest
    options: Mapping[str, object]
    codes: Mapping[str, Mapping[str, str]]
    desk: Desk
    files: Sequence[RawFile] = ()

    def listed(self, option: str) -> list[str]:
        """Return an option of type list as texts."""
        given = self.options.get(option)
        return [str(value) for value in given] if isinstance(given, (list, tuple)) else []
