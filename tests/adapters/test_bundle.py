"""The bundle adapter: folders, zips, headers, and the samples."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recoup.adapters import registry
from recoup.adapters.bundle import ADAPTER
from recoup.errors import RecoupError
from recoup.ports import RawFile
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import ReadRequest

SAMPLES = Path(__file__).parents[2] / "fixtures" / "samples"
STAFF = "staff_id,staff_name,certificated,lea_employee,credential_expires\nT1,Ana,true,true,2030-06-30\n"


def test_it_is_installed_under_its_name() -> None:
    assert {"bundle", "aeries_files"} <= set(registry.names())
    assert registry.get("bundle") is ADAPTER


@pytest.mark.parametrize("sample", ["contract-1", "contract-2", "contract-3"])
def test_every_row_of_a_sample_is_read(sample: str, ask: Callable[..., ReadRequest]) -> None:
    paths = sorted((SAMPLES / sample / "data").glob("*.csv"))
    files = [RawFile("sis", p.stem, p.name, sha256(p.read_bytes()).hexdigest(), p.stat().st_size, p) for p in paths]
    reading = ADAPTER.read(files, ask())
    assert set(reading.tables) == {path.stem for path in paths}
    assert reading.refused.is_empty()
    assert not reading.left_out
    for path, count in zip(paths, reading.files, strict=True):
        lines = path.read_text(encoding="utf-8").splitlines()
        frame = reading.tables[path.stem].collect()
        assert frame.height == count.rows_read == len(lines) - 1
        assert frame.columns == [*lines[0].split(","), "_source", "_file", "_line"]
        assert frame["_line"].to_list() == list(range(2, len(lines) + 1))
        assert set(frame["_file"]) == {count.file.sha256}


def test_values_are_left_to_the_checks(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest], table: Callable[..., object]) -> None:
    text = "ssid,start_date,end_date\n 9.00E+09 ,1/5/2026,NULL\n"
    reading = ADAPTER.read([raw("independent_study.csv", text)], ask())
    assert table(reading.tables["independent_study"]) == [{"ssid": "9.00E+09", "start_date": "1/5/2026", "end_date": "NULL"}]


def test_a_zip_gives_each_file_a_lineage_of_its_own(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("bundle/staff.csv", STAFF)
        archive.writestr("bundle/terms.csv", "school_code,term,start,end\n")
        archive.writestr("bundle/datapackage.json", "{}")
        archive.writestr("readme.txt", "hello")
    reading = ADAPTER.read([raw("all.zip", target.getvalue(), "bundle")], ask())
    assert [(count.file.name, count.file.feed, count.rows_read) for count in reading.files] == [
        ("all.zip/staff.csv", "staff", 1),
        ("all.zip/terms.csv", "terms", 0),
    ]
    assert reading.tables["staff"].collect()["_file"].to_list() == [sha256(STAFF.encode()).hexdigest()]


def test_a_missing_column_names_what_is_there_and_how_to_say_so(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> None:
    file = raw("staff.csv", STAFF.replace("staff_name", "Staff Nmae"))
    with pytest.raises(RecoupError) as caught:
        ADAPTER.read([file], ask())
    assert (caught.value.code, caught.value.status, caught.value.where) == ("READ_COLUMNS_MISSING", 4, "staff.csv")
    assert caught.value.what == "The staff file has no column staff_name. It has: Staff Nmae."
    assert 'columns.staff.staff_name = "the header"' in caught.value.mend
    reading = ADAPTER.read([file], ask(columns={"staff": {"staff_name": "staff nmae"}}))
    assert reading.tables["staff"].collect()["staff_name"].to_list() == ["Ana"]


def test_a_file_without_headers_shows_no_child_in_the_message(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> None:
    with pytest.raises(RecoupError) as caught:
        ADAPTER.read([raw("students.csv", "9000000001,1,Ana,Lopez,2014-03-11,F\n")], ask())
    assert "Ana" not in str(caught.value)
    assert "its first line may not be a header row" in str(caught.value)


def test_a_column_that_nobody_reads_is_said(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> None:
    reading = ADAPTER.read(
        [raw("staff.csv", STAFF.replace("credential_expires", "credential_expires,credental_from").replace("30\n", "30,\n"))], ask()
    )
    (finding,) = reading.left_out
    assert finding.code == "COLUMN_UNKNOWN"
    assert finding.message == "staff.csv: columns that are not read: credental_from. Did you mean 'credential_from'?"


def test_refused_rows_stand_in_the_quarantine_with_file_line_and_mend(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> None:
    reading = ADAPTER.read([raw("staff.csv", STAFF + "T2,Li, Bo,true,true,2030-06-30\n")], ask())
    (row,) = reading.refused.to_dicts()
    assert row == {
        "source": "sis",
        "file": "staff.csv",
        "line": 3,
        "table": "staff",
        "column": "",
        "value": "T2,Li, Bo,true,true,2030-06-30",
        "code": "ROW_RAGGED",
        "severity": "error",
        "message": "The row has 6 fields where the header has 5.",
        "mend": "Mend the row in the source: a delimiter, quote or line break inside a field puts it out of step. Quote such fields.",
    }
    assert reading.files[0].rows_read == 2


def test_every_table_has_a_feed_of_its_name() -> None:
    assert {feed.name: feed.match for feed in ADAPTER.feeds} == {**{name: f"{name}.csv" for name in TABLES}, "bundle": "*.zip"}
