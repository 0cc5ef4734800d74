"""The layout engine: what is written can be read again, and what does not fit is named and never cut."""

from __future__ import annotations

import string
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recoup.errors import RecoupError
from recoup.exporters import layout

if TYPE_CHECKING:
    from pathlib import Path

STAS = layout.Dialect("^", header=False, line_end="\r\n", dates="%Y%m%d")
RECORDS = layout.load("updater_records", "2025-2026").pick(
    ["stateID", "studentNumber", "districtID", "startDate", "endDate", "comment"], ""
)
DIALECTS = {
    "csv": layout.Dialect(",", header=True, line_end="\r\n", dates="%m/%d/%Y", quotes=True),
    "tab": layout.Dialect("\t", header=True, line_end="\n", dates="%Y-%m-%d"),
    "fixed": layout.Dialect("", header=False, line_end="\r\n", dates="%m/%d/%Y"),
    "fixed with header": layout.Dialect("", header=True, line_end="\n", dates="%m/%d/%Y"),
}


def records(**changes: object) -> pl.DataFrame:
    row: dict[str, object] = {
        "stateID": "9000000001",
        "studentNumber": "000789",
        "districtID": "0561564",
        "startDate": date(2025, 8, 18),
        "endDate": None,
        "comment": "Saturday Academy",
        "_file": "program_records.csv",
        "_line": 7,
    }
    return pl.DataFrame([row | changes], schema_overrides={"endDate": pl.Date, "comment": pl.String})


def test_the_fact_sheets_fixed_width_sample(tmp_path: Path) -> None:
    layout.write(records(comment="Saturday Academy, spring"), RECORDS, DIALECTS["fixed"], tmp_path / "x")
    line = (tmp_path / "x").read_bytes().decode("ascii").removesuffix("\r\n")
    assert line.rstrip() == "9000000001000789         056156408/18/2025          Saturday Academy, spring"
    assert len(line) == 307


def test_a_value_too_long_is_an_error_with_its_line_and_nothing_is_written(tmp_path: Path) -> None:
    for dialect in DIALECTS.values():
        with pytest.raises(RecoupError) as caught:
            layout.write(records(comment="x" * 256), RECORDS, dialect, tmp_path / "x")
        assert caught.value.code == "EXPORT_UNFIT"
        assert "comment" in str(caught.value)
        assert "line 7" in str(caught.value)
        assert "xxx" not in str(caught.value)
        assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("change", "field", "fault"),
    [
        ({"districtID": None}, "districtID", "missing"),
        ({"districtID": ""}, "districtID", "missing"),
        ({"stateID": "900000000A"}, "stateID", "characters"),
        ({"comment": "José"}, "comment", "characters"),
        ({"comment": "a\tb"}, "comment", "characters"),
        ({"studentNumber": "1" * 16}, "studentNumber", "too_long"),
    ],
)
def test_every_kind_of_fault_is_named(change: dict[str, object], field: str, fault: str) -> None:
    told = layout.faults(records(**change), RECORDS, DIALECTS["tab"])
    assert told.rows() == [(0, field, fault, "program_records.csv", 7)]


def test_stas_knows_codes_widths_and_what_only_a_counted_row_needs() -> None:
    form = layout.load("stas", "2025-2026")
    row: dict[str, object] = dict.fromkeys(form.names)
    row |= {"record_type": "STAS", "reporting_lea": "196473", "gender": "Q", "exempt": "N", "expected": 180}
    told = layout.faults(pl.DataFrame([row], infer_schema_length=None, schema_overrides={"birth_date": pl.Date}), form, STAS)
    found = {(field, fault) for _, field, fault in told.rows()}
    assert {("reporting_lea", "not_exact"), ("gender", "code"), ("birth_date", "missing"), ("attended", "missing")} <= found
    exempt = layout.faults(pl.DataFrame([row | {"exempt": "Y"}], schema_overrides={"birth_date": pl.Date}), form, STAS)
    assert not exempt.filter(pl.col("field") == "attended").height


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(string.ascii_letters + string.digits + " ,.'\"-=+", max_size=40).map(str.strip), min_size=1, max_size=8),
    kind=st.sampled_from(list(DIALECTS)),
)
def test_what_is_written_is_read_again(texts: list[str], kind: str, tmp_path: Path) -> None:
    dialect = DIALECTS[kind]
    kept = texts if dialect.quotes else [text.replace('"', "'") for text in texts]
    frame = pl.concat([records(comment=text or None) for text in kept])
    layout.write(frame, RECORDS, dialect, tmp_path / "x")
    again = layout.read(tmp_path / "x", RECORDS, dialect)
    assert again.equals(layout.render(frame, RECORDS, dialect))


def test_stas_of_older_years_and_extracts_from_calpads_can_be_read(tmp_path: Path) -> None:
    form = layout.load("stas", "2025-2026")
    old = "STAS^^S1-0001^1234567^7654321^2020-2021^9000000001^100045^MARIA^LOPEZ^20140311^F^N^N^180^168^0^1^6^5^0"
    (tmp_path / "old").write_bytes(f"{old}\r\n".encode())
    (tmp_path / "back").write_bytes(f"{old.replace('STAS', 'STAS-R')}^0^^4^20260601^20260601\r\n".encode())
    assert layout.read(tmp_path / "old", form, STAS).select("first_name", "unexcused", "recovery_days").row(0) == ("MARIA", "5", None)
    assert layout.read(tmp_path / "back", form, STAS).select("record_type", "recovery_days").row(0) == ("STAS-R", "4")
    (tmp_path / "empty").write_bytes(b"")
    assert layout.read(tmp_path / "empty", form, STAS).height == 0


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\r\n")
    with pytest.raises(RecoupError, match="EXPORT_UNREADABLE"):
        layout.read(tmp_path / "x", RECORDS, DIALECTS["fixed"])
    (tmp_path / "x").write_bytes(b"a^b\r\na^b^c\r\n")
    with pytest.raises(RecoupError, match="EXPORT_UNREADABLE"):
        layout.read(tmp_path / "x", layout.load("stas", "2025-2026"), STAS)


def test_a_later_year_takes_the_newest_layout_and_an_earlier_one_has_none() -> None:
    assert layout.load("stas", "2026-2027").version == "2025-2026"
    with pytest.raises(RecoupError, match="EXPORT_LAYOUT_MISSING"):
        layout.load("stas", "2024-2025")


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    with pytest.raises(RecoupError, match="EXPORT_COLUMN_UNKNOWN") as caught:
        RECORDS.pick(["stateId"], "columns")
    assert "Did you mean 'stateID'?" in str(caught.value)
    with pytest.raises(RecoupError, match="EXPORT_COLUMN_TWICE"):
        RECORDS.pick(["stateID", "stateID"], "columns")


def test_folding_keeps_plain_text_and_takes_off_accents() -> None:
    told = pl.DataFrame({"x": ["Nguyễn", "O’Neil", "Łukasz Þór", "Straße", "Ana"]}).select(layout.fold(pl.col("x")))["x"].to_list()
    assert told == ["Nguyen", "O'Neil", "Lukasz Thor", "Strasse", "Ana"]
