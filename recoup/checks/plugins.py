"""Checks of other packages: a function ``(tables, year)`` under the entry-point group ``recoup.checks``.

It is given the checked tables and gives back findings, or a frame of quarantine rows whose ``file`` is the row's ``_file``. A row
of severity ``error`` is refused, and the rows below it with it; ``warn`` and ``info`` keep it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from recoup.checks.lines import SCHEMA, file_name
from recoup.errors import RecoupError
from recoup.ports import Finding
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint

    from recoup.ports import SchoolYear

#: The entry-point group that a package names its checks under.
GROUP = "recoup.checks"
_SEVERITIES = ("error", "warn", "info")


@dataclass(slots=True)
class Struck:
    """What the installed checks found: quarantine lines, the rows refused by table (``_file``, ``_line``), and findings."""

    lines: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCHEMA))
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def run(installed: Mapping[str, EntryPoint], tables: Mapping[str, pl.DataFrame], year: SchoolYear, names: Mapping[str, str]) -> Struck:
    """Run every installed check, each on the same tables.

    Raises ``CHECK_PLUGIN_FAILED`` when one stops and ``CHECK_PLUGIN_SHAPE`` when it gives back something else (status 2): a check
    that did not run is not a check that passed.
    """
    struck = Struck()
    for name, point in installed.items():
        fault = ""
        found: object = None
        try:
            found = point.load()(dict(tables), year)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises; its text may hold a child's data
            fault = type(error).__name__
        if fault:
            raise RecoupError("CHECK_PLUGIN_FAILED", name=name, module=point.value, fault=fault)
        if isinstance(found, pl.DataFrame):
            _take(struck, found, name, point, names)
        elif isinstance(found, list | tuple) and all(isinstance(one, Finding) for one in found):
            struck.findings += found
        else:
            raise RecoupError("CHECK_PLUGIN_SHAPE", name=name, module=point.value, fault=type(found).__name__)
    return struck


def _take(struck: Struck, found: pl.DataFrame, name: str, point: EntryPoint, names: Mapping[str, str]) -> None:
    missing = [column for column in SCHEMA if column not in found.columns]
    if missing:
        raise RecoupError("CHECK_PLUGIN_SHAPE", name=name, module=point.value, fault=f"a frame without {', '.join(missing)}")
    shaped = found.select(pl.col(column).cast(kind, strict=False) for column, kind in SCHEMA.items())
    unknown = sorted({*shaped["table"].unique().fill_null("")} - set(TABLES)) + sorted(
        {*shaped["severity"].unique().fill_null("")} - set(_SEVERITIES)
    )
    if unknown or shaped["line"].null_count():
        raise RecoupError("CHECK_PLUGIN_SHAPE", name=name, module=point.value, fault="a frame with an unknown table, severity or line")
    struck.lines = pl.concat([struck.lines, shaped.with_columns(file=file_name("file", names))])
    for (table,), rows in shaped.filter(pl.col("severity") == "error").group_by("table", maintain_order=True):
        refused = rows.select(_file="file", _line="line")
        known = struck.rows.get(str(table))
        struck.rows[str(table)] = refused if known is None else pl.concat([known, refused])
