"""The declarative base: an adapter that is only data, the district's overrides, and plugins."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest

from recoup import plugins
from recoup.adapters import registry
from recoup.adapters.base import DATE_FORMS, Declaration, FileAdapter
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from recoup.ports import RawFile, ReadRequest

FEEDS = """feed,tables,required,match,key,help
visits,participation,true,visits*,,Sign-in sheet
teachers,staff,false,teachers*,id,Teachers
"""
COLUMNS = """feed,column,aliases,required,type,forms,target,codes,grade,meaning
visits,session,,true,text,,participation.session_id,,U,Session
visits,student,SSID State_ID,true,text,,participation.ssid,,U,Student
visits,minutes,,true,int,,participation.minutes,,U,Minutes
teachers,id,,true,text,,staff.staff_id,,U,Id
teachers,until,,false,date,us,staff.credential_expires,,U,Credential runs out
teachers,cert,,false,text,,staff.certificated,cert,U,Credential
"""


@pytest.fixture
def vendor(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> FileAdapter:
    """A vendor whose adapter is three files of data."""
    root: Path = tmp_path_factory.mktemp("vendor")
    folder = root / "recoup_acme"
    (folder / "codes").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "feeds.csv").write_text(FEEDS, encoding="utf-8")
    (folder / "columns.csv").write_text(COLUMNS, encoding="utf-8")
    (folder / "lists.csv").write_text("list,of,also,meaning\ncert,bool,,Credential\n", encoding="utf-8")
    (folder / "codes" / "cert.csv").write_text("code,kind,grade,meaning\nC,true,U,Clear\nN,false,U,None\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(root))
    return FileAdapter("acme", "Acme", Declaration.load("recoup_acme"), (DATE_FORMS,))


def refusal(adapter: FileAdapter, request: ReadRequest) -> RecoupError:
    with pytest.raises(RecoupError) as caught:
        registry.settle(adapter, request)
    assert caught.value.status == 2
    return caught.value


def test_a_vendor_without_any_python(
    vendor: FileAdapter, raw: Callable[..., RawFile], ask: Callable[..., ReadRequest], table: Callable[..., list[dict[str, object]]]
) -> None:
    visits = raw("visits.txt", "Minutes|[visits]student|VISITS.Session|room\n060|9000000001|S1|4\n")
    teachers = raw("teachers.csv", "id,until,cert\nT1,6/30/2030,C\nT2,,Q\nT3,6/31/2030,\n")
    reading = vendor.read([visits, teachers], ask())
    assert table(reading.tables["participation"]) == [{"session_id": "S1", "ssid": "9000000001", "minutes": "60"}]
    assert table(reading.tables["staff"]) == [
        {"staff_id": "T1", "credential_expires": "2030-06-30", "certificated": "true", "staff_name": None, "lea_employee": None},
        {"staff_id": "T3", "credential_expires": "6/31/2030", "certificated": None, "staff_name": None, "lea_employee": None},
    ]
    (row,) = reading.refused.to_dicts()
    assert (row["line"], row["code"], row["column"], row["value"]) == (3, "CODE_UNMAPPED", "teachers.cert", "Q")


def test_a_district_maps_columns_and_codes(vendor: FileAdapter, raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> None:
    files = [raw("visits.csv", "session,who,minutes\nS1,9000000001,60\n"), raw("teachers.csv", "id,cert,until\nT1,Q,1/5/26\n")]
    reading = vendor.read(files, ask({"date_forms": ["us_short"]}, columns={"visits": {"student": "WHO"}}, codes={"cert": {"Q": "true"}}))
    assert reading.tables["participation"].collect()["ssid"].to_list() == ["9000000001"]
    assert reading.tables["staff"].collect().row(0)[:3] == ("T1", "2026-01-05", "true")


def test_a_later_file_replaces_by_key_and_says_so(
    vendor: FileAdapter, raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]
) -> None:
    visits = raw("visits.csv", "session,ssid,minutes\n")
    files = [visits, raw("teachers1.csv", "id,cert\nT1,N\nT2,N\n", "teachers"), raw("teachers2.csv", "id,cert\nT1,C\n", "teachers")]
    reading = vendor.read(files, ask())
    assert sorted(reading.tables["staff"].collect().select("staff_id", "certificated").rows()) == [("T1", "true"), ("T2", "false")]
    (row,) = reading.refused.to_dicts()
    assert (row["file"], row["line"], row["code"], row["severity"]) == ("teachers1.csv", 2, "REPLACED", "info")


@pytest.mark.parametrize(
    ("options", "mapping", "code", "says"),
    [
        ({"date_form": []}, {}, "OPTION_UNKNOWN", "Did you mean 'date_forms'?"),
        ({"date_forms": "us_short"}, {}, "OPTION_TYPE", "list"),
        ({"date_forms": ["us_shrt"]}, {}, "OPTION_VALUE", "Did you mean 'us_short'?"),
        ({}, {"columns": {"visit": {"student": "x"}}}, "MAPPING_UNKNOWN", "Did you mean 'visits'?"),
        ({}, {"columns": {"visits": {"studnt": "x"}}}, "MAPPING_UNKNOWN", "Did you mean 'student'?"),
        ({}, {"codes": {"certs": {"Q": "true"}}}, "MAPPING_UNKNOWN", "Did you mean 'cert'?"),
        ({}, {"codes": {"cert": {"Q": "treu"}}}, "MAPPING_VALUE", "Did you mean 'true'?"),
    ],
)
def test_a_wrong_setting_names_the_nearest_right_one(
    vendor: FileAdapter,
    ask: Callable[..., ReadRequest],
    options: dict[str, object],
    mapping: Mapping[str, dict[str, dict[str, str]]],
    code: str,
    says: str,
) -> None:
    fault = refusal(vendor, ask(options, **mapping))
    assert fault.code == code
    assert says in str(fault)


def test_a_missing_feed_tells_what_to_export(vendor: FileAdapter, ask: Callable[..., ReadRequest]) -> None:
    with pytest.raises(RecoupError) as caught:
        vendor.read([], ask())
    assert (caught.value.code, caught.value.status) == ("READ_FEED_MISSING", 4)
    assert "There is no visits file (Sign-in sheet)." in str(caught.value)


def test_an_unknown_adapter_names_the_nearest() -> None:
    with pytest.raises(RecoupError, match="PLUGIN_UNKNOWN") as caught:
        registry.get("aeries_file")
    assert "Did you mean 'aeries_files'?" in str(caught.value)


@pytest.mark.parametrize(("value", "says"), [("recoup_raises:X", "ZeroDivisionError"), ("math:pi", "it has no name, summary")])
def test_a_broken_plugin_is_contained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, says: str) -> None:
    (tmp_path / "recoup_raises.py").write_text("X = 1 / 0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "installed", lambda group: {"acme": EntryPoint("acme", value, group)})
    with pytest.raises(RecoupError) as caught:
        registry.get("acme")
    assert (caught.value.code, caught.value.status) == ("ADAPTER_BROKEN", 2)
    assert says in str(caught.value)
