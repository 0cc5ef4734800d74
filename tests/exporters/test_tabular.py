"""Any table, any columns, any delimiter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from recoup.errors import RecoupError
from recoup.exporters import registry
from recoup.exporters.tabular import EXPORTER
from recoup.testing import load_run

CASE = Path(__file__).parents[2] / "fixtures" / "exporters" / "cedar"


def written(out: Path, files: dict[str, object], **options: object) -> dict[str, bytes]:
    EXPORTER.write(load_run(CASE), registry.settings(EXPORTER, {"files": files, **options}), out)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_columns_are_chosen_renamed_and_brought_from_beside(tmp_path: Path) -> None:
    columns = ["students.local_student_id = Student ID", "students.birth_date=Birth Date", "ssid", "days_credited = AR Days"]
    found = written(tmp_path, {"panorama.txt": {"table": "ledger", "columns": columns}}, delimiter="tab", line_ends="crlf", dates="us")
    lines = found["panorama.txt"].decode().split("\r\n")
    assert lines[0] == "Student ID\tBirth Date\tssid\tAR Days"
    local, born, ssid, days = lines[1].split("\t")
    assert (len(ssid), born[2], days.isdecimal(), bool(local)) == (10, "/", True, True)
    assert lines[-1] == ""


def test_a_whole_table_without_a_header(tmp_path: Path) -> None:
    run = load_run(CASE)
    found = written(tmp_path, {"calendar.csv": {"table": "calendar"}}, header=False, encoding="utf-16")
    lines = found["calendar.csv"].decode("utf-16").splitlines()
    assert len(lines) == run.tables["calendar"].height
    assert ",08:" in lines[0]
    assert [line[:18] for line in lines] == sorted(line[:18] for line in lines)


def test_formulas_are_made_harmless_for_people_only(tmp_path: Path) -> None:
    run = load_run(CASE)
    names = run.tables["students"].with_columns(pl.lit("=HYPERLINK(1)").alias("legal_last_name"))
    run = replace(run, tables={**run.tables, "students": names})
    told = {"files": {"names.csv": {"table": "students", "columns": ["legal_last_name"]}}}
    EXPORTER.write(run, registry.settings(EXPORTER, told), tmp_path)
    assert (tmp_path / "names.csv").read_text(encoding="utf-8").splitlines()[1] == "=HYPERLINK(1)"
    people = tmp_path / "people"
    people.mkdir()
    EXPORTER.write(run, registry.settings(EXPORTER, {**told, "for_people": True}), people)
    assert (people / "names.csv").read_text(encoding="utf-8").splitlines()[1] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({"a.csv": {"table": "legder"}}, "TABULAR_TABLE", "Did you mean 'ledger'?"),
        ({"a.csv": {"table": "ledger", "columns": ["days"]}}, "EXPORT_COLUMN_UNKNOWN", "Did you mean 'days_"),
        ({"a.csv": {"table": "ledger", "columns": ["schools.school_name"]}}, "EXPORT_COLUMN_UNKNOWN", "students.ssid"),
        ({"a.csv": {"table": "ledger", "columns": ["ssid", "ssid"]}}, "EXPORT_COLUMN_TWICE", "once"),
        ({"../a.csv": {"table": "ledger"}}, "TABULAR_NAME", "letters"),
        ({"a.csv": {"tabel": "ledger"}}, "TABULAR_FILE", "table"),
    ],
)
def test_a_wrong_description_is_told(files: dict[str, object], code: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(RecoupError, match=code) as caught:
        written(tmp_path, files)
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir())
