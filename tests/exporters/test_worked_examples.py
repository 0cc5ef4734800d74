"""The worked examples that are about the state's file: W16 and W17 (rules sheet 18)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from recoup import law
from recoup.exporters import audit_tables, calpads_stas, layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import Export, Run

FILE = "STAS_1964733_2025-2026.txt"
CREDIT = {"absence_kind": "excused", "origin": "applied", "minutes_used": 240, "minimum_schoolday": 240, "paid_elsewhere": False}


@pytest.fixture
def with_days(cedar: Run, more: Callable[..., Run]) -> Callable[[dict[str, int]], Run]:
    """Credit one student so many days by school, and nobody else any."""

    def credited(days: dict[str, int]) -> Run:
        first = date(2025, 8, 18)
        schools = [school for school, times in days.items() for _ in range(times)]
        rows: list[dict[str, Any]] = [
            CREDIT | {"ssid": "9000000003", "absence_school_code": school, "absence_date": first + timedelta(place)}
            for place, school in enumerate(schools)
        ]
        nobody = replace(cedar, results={**cedar.results, "credits": cedar.results["credits"].clear()})
        return more(nobody, "credits", *rows)

    return credited


def test_w16_six_days_at_one_school_and_five_at_another_are_refused_by_calpads(
    with_days: Callable[[dict[str, int]], Run], export: Callable[..., Export]
) -> None:
    done = export(with_days({"6102222": 6, "6102223": 5}), "calpads_stas")
    codes = {finding.code for finding in done.findings if finding.severity == "error"}
    assert "STAS0740E1" in codes
    assert "STAS0739" not in codes
    assert done.withheld.startswith(f"{FILE}: ")


def test_w17_eleven_days_are_refused_by_calpads(with_days: Callable[[dict[str, int]], Run], export: Callable[..., Export]) -> None:
    done = export(with_days({"6102222": 11}), "calpads_stas")
    assert "STAS0739" in {finding.code for finding in done.findings if finding.severity == "error"}
    assert done.withheld.startswith(f"{FILE}: ")


@pytest.mark.parametrize(("days", "fits"), [("0", True), ("10", True), (None, True), ("2.5", False), ("-1", False), ("", True)])
def test_w17_a_part_of_a_day_does_not_fit_the_field(days: str | None, fits: bool) -> None:
    form = layout.load("stas", "2025-2026")
    schema = {field.name: pl.Date if field.type == "date" else pl.String for field in form.fields}
    row = pl.DataFrame([dict.fromkeys(schema) | {"recovery_days": days}], schema=schema)
    wrong = layout.faults(row, form, calpads_stas.DIALECT)
    assert wrong.filter(pl.col("field") == "recovery_days").is_empty() == fits


def test_the_workbooks_limit_is_the_ratio_of_the_sessions_date(cedar: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    dates = sorted(cedar.tables["sessions"]["date"].unique())
    year = law.load(cedar.year.name)
    ratio = year.facts["ratio_other"]
    changed = replace(ratio, values=(*ratio.values, (dates[-1], 25)))
    monkeypatch.setattr(law, "load", lambda _: replace(year, facts={**year.facts, "ratio_other": changed}))
    sheet = audit_tables.sessions(cedar).filter(pl.col("young") == 0)
    limits = {row["date"]: row["limit"] for row in sheet.iter_rows(named=True)}
    assert {limit for on, limit in limits.items() if on < dates[-1]} <= {20}
    assert limits.get(dates[-1], 25) == 25
    assert limits
