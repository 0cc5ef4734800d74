"""The results as CSV, the bundle and the registry."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import polars as pl
import pytest

from recoup import plugins
from recoup.adapters.bundle import ADAPTER
from recoup.checks import check
from recoup.errors import RecoupError
from recoup.exporters import registry
from recoup.exporters.tables import write_table, write_tables
from recoup.ports import RawFile, ReadRequest
from recoup.schemas import RESULTS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.ports import Export, Run


def test_results_are_written_as_they_were_told(cedar: Run, case: Path, tmp_path: Path) -> None:
    written = write_tables(cedar, tmp_path)
    assert [file.name for file in written] == sorted([*(f"{name}.csv" for name in RESULTS), "quarantine.csv"])
    for file in written:
        told = (case / "results" / file.name).read_text(encoding="utf-8").splitlines()
        found = (tmp_path / file.name).read_bytes().decode().split("\n")
        assert found[0] == told[0]
        assert sorted(found[1:-1]) == sorted(told[1:])
        assert found[-1] == ""
        assert len(found) - 2 == file.rows


def test_the_order_of_rows_changes_nothing(cedar: Run, tmp_path: Path) -> None:
    turned = replace(cedar, results={name: frame.reverse() for name, frame in cedar.results.items()}, quarantine=cedar.quarantine.reverse())
    for name, run in (("a", cedar), ("b", turned)):
        (tmp_path / name).mkdir()
        write_tables(run, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_empty_text_and_unknown_are_the_same_and_decimals_are_short(tmp_path: Path) -> None:
    table = TABLES["program_services"]
    frame = pl.DataFrame(
        {
            **dict.fromkeys(table.names),
            "ssid": ["1", "2"],
            "comment": ["", None],
            "hours_earned": pl.Series([Decimal("2.5000"), Decimal("10.0000")], dtype=pl.Decimal(18, 4)),
        }
    )
    assert write_table(frame, table, tmp_path / "x.csv") == 2
    assert (tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()[1:] == ["1,,,,,,,2.5,,,", "2,,,,,,,10,,,"]


def test_a_bundle_leaves_out_what_no_source_had(cedar: Run, export: Callable[..., Export], tmp_path: Path) -> None:
    export(cedar, "bundle")
    package = json.loads((tmp_path / "bundle" / "datapackage.json").read_text(encoding="utf-8"))
    assert "student_ids" not in {resource["name"] for resource in package["resources"]}
    for resource in package["resources"]:
        header = (tmp_path / "bundle" / resource["path"]).read_text(encoding="utf-8").splitlines()[0]
        assert [field["name"] for field in resource["schema"]["fields"]] == header.split(",")


def test_a_bundle_read_back_gives_equal_tables(cedar: Run, export: Callable[..., Export], tmp_path: Path) -> None:
    export(cedar, "bundle")
    files = [
        RawFile("again", path.stem, path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, path)
        for path in sorted((tmp_path / "bundle").glob("*.csv"))
    ]
    reading = ADAPTER.read(files, ReadRequest("again", cedar.year, cedar.lea))
    names = {file.sha256: file.name for file in files}
    checked = check(reading.tables, reading.refused, cedar.year, cedar.lea, names=names)
    assert checked.quarantine.height == 0
    assert checked.absent == cedar.absent
    for name, table in TABLES.items():
        before, after = (frame.select(table.names).sort(table.names) for frame in (cedar.tables[name], checked.tables[name]))
        assert after.equals(before), name


def test_an_unknown_exporter_is_named_with_the_nearest() -> None:
    assert {"audit_workbook", "bundle", "calpads_stas", "program_updater"} <= set(registry.names())
    with pytest.raises(RecoupError, match="PLUGIN_UNKNOWN") as caught:
        registry.get("calpads_sta")
    assert "Did you mean 'calpads_stas'?" in str(caught.value)


@pytest.mark.parametrize("name", ["audit_workbook", "bundle", "calpads_stas", "program_updater"])
def test_every_exporter_says_what_it_is_and_its_options_have_defaults(name: str) -> None:
    exporter = registry.get(name)
    assert exporter.name == name
    assert exporter.summary
    told = registry.settings(exporter, {})
    assert told == {option.name: option.default for option in exporter.options}


@pytest.mark.parametrize("body", ["raise RuntimeError('no')", "EXPORTER = object()"])
def test_a_broken_plugin_is_told_apart_from_a_fault_of_ours(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"their_exporter_{abs(hash(body))}"
    (tmp_path / f"{module}.py").write_text(body, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "installed", lambda _: {"theirs": EntryPoint("theirs", f"{module}:EXPORTER", plugins.EXPORTERS)})
    with pytest.raises(RecoupError, match="EXPORTER_BROKEN") as caught:
        registry.get("theirs")
    assert caught.value.status == 2
