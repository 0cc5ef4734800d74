"""The audit workbook: typed cells, ties, the same bytes each time, and formulas that LibreOffice works out to the same values."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import date, time
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from recoup.errors import RecoupError
from recoup.testing import load_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.ports import Export, Run

    Write = Callable[..., Export]

NAME = "audit_workbook.xlsx"
RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode"><value>0</value></prop></item>
</oor:items>
"""


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def formulas(path: Path) -> dict[tuple[str, str], str]:
    book = openpyxl.load_workbook(path)
    return {
        (sheet.title, cell.coordinate): str(cell.value)
        for sheet in book
        for line in sheet.iter_rows()
        for cell in line
        if cell.data_type == "f"
    }


def test_tabs_types_headers_and_filters(cedar: Run, export: Write, tmp_path: Path) -> None:
    done = export(cedar, "audit_workbook")
    assert done.findings == []
    book = openpyxl.load_workbook(tmp_path / NAME)
    assert book.sheetnames == [
        *("Facts and policy", "Tie-outs", "Pupil ledger", "Matches", "Match sessions", "Sessions", "Roster", "Teachers"),
        *("STAS", "B-8 and Section A", "Cross-check", "Exceptions", "Refused rows", "Change log", "Sources", "Rules"),
    ]
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref
    roster = sheets(tmp_path / NAME)["Roster"]
    first = dict(zip(roster[0], roster[1], strict=True))
    assert (first["SSID"], first["Student number"]) == ("9000000001", "100045")
    assert (first["Date"], first["Sign in"], first["Minutes counted"]) == (date(2025, 8, 23), time(8), 240)
    pupils = sheets(tmp_path / NAME)["Pupil ledger"]
    assert [row[1] for row in pupils[1:]][-1] == "000789"


def test_every_tie_out_is_shown_and_agrees(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "audit_workbook")
    ties = sheets(tmp_path / NAME)["Tie-outs"]
    assert {row[3] for row in ties[1:]} == {"OK"}
    assert ties[2][:3] == ["Days credited: ledger = matches", 4, 4]
    assert "School 6102223: STAS 13.24 = matches" in {row[0] for row in ties}


def test_a_total_that_does_not_tie_is_shown_and_said(cedar: Run, export: Write, tmp_path: Path) -> None:
    done = export(replace(cedar, results={**cedar.results, "credits": cedar.results["credits"].head(3)}), "audit_workbook")
    assert any("Days credited: ledger = matches" in finding.message for finding in done.findings)
    ties = sheets(tmp_path / NAME)["Tie-outs"]
    assert (ties[1][3], ties[2][3]) == ("DIFFERENT", "DIFFERENT")


def test_the_same_run_gives_the_same_bytes_whatever_its_id(cedar: Run, export: Write, tmp_path: Path) -> None:
    for name, run in (("a", cedar), ("b", replace(cedar, run_id="another"))):
        (tmp_path / name).mkdir()
        export(run, "audit_workbook", tmp_path / name)
    assert (tmp_path / "a" / NAME).read_bytes() == (tmp_path / "b" / NAME).read_bytes()
    assert [path.name for path in (tmp_path / "a").iterdir()] == [NAME]


def test_text_like_a_formula_stays_text_and_quarantined_values_stay_out(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "audit_workbook")
    told = {(sheet, value) for (sheet, _), value in formulas(tmp_path / NAME).items()}
    assert not [value for _, value in told if "sheet 4" in value]
    assert "=sheet 4" in [cell for row in sheets(tmp_path / NAME)["Roster"] for cell in row]
    refused = sheets(tmp_path / NAME)["Refused rows"]
    assert "Value" not in refused[0]
    assert "-5" not in {str(cell) for row in refused for cell in row}


def test_long_tables_are_split_by_school_and_still_tie(cedar: Run, export: Write, tmp_path: Path) -> None:
    done = export(cedar, "audit_workbook", rows_per_sheet=2)
    assert done.findings == []
    book = sheets(tmp_path / NAME)
    assert {"Roster 6102222 (1)", "Roster 6102222 (2)", "Roster 6102230", "Matches 6102222 (1)", "Pupil ledger (5)"} <= book.keys()
    assert sum(len(rows) - 1 for name, rows in book.items() if name.startswith("Roster")) == 6
    assert {row[3] for row in book["Tie-outs"][1:]} == {"OK"}


def test_a_text_longer_than_a_cell_is_an_error_and_leaves_nothing(cedar: Run, export: Write, tmp_path: Path) -> None:
    long = cedar.tables["dispositions"].with_columns(pl.lit("x" * 32768).alias("reason"))
    with pytest.raises(RecoupError, match="WORKBOOK_TEXT_TOO_LONG"):
        export(replace(cedar, tables={**cedar.tables, "dispositions": long}), "audit_workbook")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_july_has_every_tab(cedar: Run, export: Write, tmp_path: Path) -> None:
    nothing = {name: frame.clear() for name, frame in cedar.results.items() if name != "ledger"}
    idle = cedar.results["ledger"].with_columns(
        pl.lit(0, pl.Int64).alias(name) for name in cedar.results["ledger"].columns if name != "ssid"
    )
    bare = {
        name: cedar.tables[name].clear() for name in ("sessions", "participation", "attendance", "staff", "session_staff", "dispositions")
    }
    run = replace(cedar, results={**nothing, "ledger": idle}, tables={**cedar.tables, **bare})
    assert export(run, "audit_workbook").findings == []
    assert len(sheets(tmp_path / NAME)) == 16


def recalculated(path: Path, folder: Path) -> Path:
    """Open a workbook with LibreOffice, which works every formula out anew, and save it."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice Calc is not installed")
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(RECALCULATE, encoding="utf-8")
    told = [office, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", "xlsx", "--outdir", str(folder), str(path)]
    subprocess.run(told, check=True, capture_output=True, timeout=180, env={**os.environ, "HOME": str(folder)})
    return folder / path.name


@pytest.mark.slow
@pytest.mark.parametrize("most", [1_000_000, 2])
def test_libreoffice_works_out_the_same_values(cedar: Run, export: Write, tmp_path: Path, most: int) -> None:
    export(cedar, "audit_workbook", rows_per_sheet=most)
    (tmp_path / "again").mkdir()
    before, after = tmp_path / NAME, recalculated(tmp_path / NAME, tmp_path / "again")
    live = formulas(before)
    assert len(live) > 40
    # LibreOffice writes a truth value as a formula too, so it has more.
    assert formulas(after).keys() >= live.keys()
    cached, worked_out = (openpyxl.load_workbook(path, data_only=True) for path in (before, after))
    for sheet, cell in live:
        assert (worked_out[sheet][cell].value or "") == (cached[sheet][cell].value or ""), (sheet, cell, live[sheet, cell])


@pytest.mark.slow
def test_libreoffice_works_out_the_same_ada(case: Path, export: Write, tmp_path: Path) -> None:
    export(load_run(case.parent / "periods"), "audit_workbook")
    (tmp_path / "again").mkdir()
    before, after = tmp_path / NAME, recalculated(tmp_path / NAME, tmp_path / "again")
    cached, worked_out = (openpyxl.load_workbook(path, data_only=True)["B-8 and Section A"] for path in (before, after))

    def cells(sheet: Any) -> list[list[Any]]:
        rows = sheet.iter_rows(values_only=True)
        return [[round(cell, 12) if isinstance(cell, float) else cell or "" for cell in row] for row in rows]

    shown = [cells(sheet) for sheet in (worked_out, cached)]
    assert shown[0] == shown[1]
    assert 99.25 in [row[7] for row in shown[0]]


@pytest.mark.slow
def test_libreoffice_really_recalculates(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "stale.xlsx")) as book:
        book.add_worksheet().write_formula(0, 0, "=1+1", None, 99)
    (tmp_path / "again").mkdir()
    assert sheets(recalculated(tmp_path / "stale.xlsx", tmp_path / "again"))["Sheet1"] == [[2]]


def test_no_part_of_the_file_names_the_machine(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "audit_workbook")
    with zipfile.ZipFile(tmp_path / NAME) as parts:
        assert all(str(tmp_path).encode() not in parts.read(part) for part in parts.namelist())
        assert {part.date_time[0] for part in parts.infolist()} == {1980}
