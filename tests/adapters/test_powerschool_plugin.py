"""The plugin for PowerSchool: it opens what the adapter reads, and nothing that nobody reads."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from lxml import etree

from recoup.adapters.powerschool_api import ADAPTER
from recoup.adapters.powerschool_api.fetching import ways
from recoup.adapters.powerschool_api.plugin import others
from recoup.cli import main
from recoup.synthetic.district import make_district
from recoup.synthetic.powerschool_api import write_powerschool_api
from tests.adapters.test_pitfalls import Vendor
from tests.servers.fetching import rows
from tests.servers.loopback import serving

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ADAPTER.declaration.columns
SPACE = "{http://plugin.powerschool.pearson.com}"


def parsed(name: str) -> etree._Element:
    return etree.fromstring(ADAPTER.plugin_files()[name])


def opened() -> set[tuple[str, str]]:
    """Table and field, in lower case, of everything that the plugin opens; to be looked at and no more."""
    found = parsed("plugin.xml").findall(f"{SPACE}access_request/{SPACE}field")
    assert {field.get("access") for field in found} == {"ViewOnly"}
    names = [(str(field.get("table")).lower(), str(field.get("field")).lower()) for field in found]
    assert len(names) == len(set(names))
    return set(names)


def queries() -> dict[str, list[tuple[str, str]]]:
    """The columns of each query: where each comes from and what it is called."""
    found = parsed("queries_root/recoup.named_queries.xml")
    return {
        str(query.get("name")): [(str(column.get("column")), column.text or "") for column in query.findall("columns/column")]
        for query in found
    }


def test_every_field_that_is_needed_is_open() -> None:
    there = opened()
    for feed, way in ways().items():
        if way.way == "table":
            needed = {column.name.lower() for column in COLUMNS[feed] if column.required} | {way.sort, way.dates.lower()} - {""}
            assert {(feed.lower(), name) for name in needed} <= there, feed


def test_nothing_is_open_that_nobody_reads() -> None:
    read = {(feed.lower(), column.name.lower()) for feed, columns in COLUMNS.items() for column in columns}
    read |= {(way.feed.lower(), way.sort) for way in ways().values()}
    read |= {(table.lower(), field.lower()) for told in queries().values() for table, field in (origin.split(".") for origin, _ in told)}
    assert opened() <= read


def test_the_queries_are_those_that_are_asked_and_give_what_is_needed() -> None:
    asked = {way.name: way.feed for way in ways().values() if way.way == "query"}
    given = queries()
    assert set(given) == set(asked)
    for name, told in given.items():
        columns = {column.name.lower(): column for column in COLUMNS[asked[name]]}
        called = [called for _, called in told]
        assert set(called) <= set(columns)
        assert {column.name.lower() for column in columns.values() if column.required} <= set(called)
        assert {tuple(origin.lower().split(".")) for origin, _ in told} <= opened()


def test_each_query_selects_as_many_values_as_it_has_columns_and_changes_nothing() -> None:
    for query in parsed("queries_root/recoup.named_queries.xml"):
        sql = query.findtext("sql") or ""
        select = sql[: sql.index("\nFROM ")].removeprefix("\nSELECT\n")
        assert len(select.split(",\n")) == len(query.findall("columns/column"))
        assert not re.search(r"\b(INSERT|UPDATE|DELETE|MERGE|DROP|ALTER|GRANT)\b", sql, re.IGNORECASE)
        assert query.get("flattened") == "true"
        assert re.search(rf"\bFROM {query.get('coreTable')}\b", sql)


def test_what_only_the_district_can_name_is_told_and_not_asked_for() -> None:
    names = others(COLUMNS)
    assert "Students.CA_Enrollment_Status" in names
    assert "Students.State_StudentNumber" not in names
    assert not {tuple(name.lower().split(".")) for name in names} & opened()
    assert all(name in ADAPTER.plugin_files()["plugin.xml"].decode() for name in names)


def test_the_parts_stand_in_the_order_that_powerschool_wants() -> None:
    parts = [part.tag for part in parsed("plugin.xml") if isinstance(part.tag, str)]
    assert parts == [f"{SPACE}{name}" for name in ("oauth", "access_request", "publisher")]


def test_what_the_plugin_opens_is_enough_to_read_the_district(tmp_path: Path) -> None:
    """The server hides every field of a table that the plugin does not list."""
    write_powerschool_api(make_district(students=16), tmp_path)
    vendor = Vendor("powerschool", tmp_path)
    there = opened()
    hidden: set[str] = set()
    for path in (tmp_path / "server" / "table").glob("*.metadata.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        shut = {column["name"] for column in told["columns"] if (told["name"], column["name"]) not in there}
        hidden |= shut
        told["columns"] = [column for column in told["columns"] if column["name"] not in shut]
        path.write_text(json.dumps(told), encoding="utf-8")
    assert hidden
    with serving(vendor.system):
        reading = vendor.read(date(2026, 6, 30))
    assert len(rows(reading, "students")) == 16
    assert rows(reading, "participation")
    assert rows(reading, "attendance")


def test_the_plugin_is_written_once_as_a_zip_and_its_files(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["adapters", "powerschool_api", "--plugin", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0
    with zipfile.ZipFile(io.BytesIO((tmp_path / "recoup_powerschool_api.zip").read_bytes())) as whole:
        assert {name: whole.read(name) for name in whole.namelist()} == ADAPTER.plugin_files()
    assert (tmp_path / "plugin.xml").is_file()
    again = CliRunner().invoke(main, ["adapters", "powerschool_api", "--plugin", str(tmp_path)], catch_exceptions=False)
    assert (again.exit_code, "ADAPTER_EXISTS" in again.output) == (2, True)


@pytest.mark.parametrize(("words", "says"), [(["bundle"], "ADAPTER_NO_PLUGIN"), ([], "NAME of an adapter")])
def test_a_plugin_that_is_none_is_told(words: list[str], says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["adapters", *words, "--plugin", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 2
    assert says in done.output
    assert not list(tmp_path.iterdir())


def test_every_query_has_its_sql() -> None:
    there = {path.name for path in (files("recoup.adapters.powerschool_api") / "queries").iterdir()}
    assert there == {f"{way.feed}.sql" for way in ways().values() if way.way == "query"}
