"""The manifest: its keys as published, the same bytes for the same run, and its schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from recoup.ports import Written
from recoup.store import manifest
from tests.store.road import road

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads((files("recoup.schemas") / "manifest.schema.json").read_text(encoding="utf-8"))


def test_a_real_manifest_has_the_published_keys_and_fits_its_schema(tmp_path: Path) -> None:
    road(tmp_path, "first")
    text = (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
    made = json.loads(text)
    assert list(made) == SCHEMA["required"]
    assert list(made["inputs"][0]) == ["source", "feed", "name", "size", "sha256", "rows_read", "rows_kept", "rows_refused"]
    assert [(output["name"], output["rows"]) for output in made["outputs"]] == [("bundle/students.csv", 100), ("ledger.csv", 1)]
    assert [finding["code"] for finding in made["findings"]] == ["NOT_CHECKED", "STAS0740E1"]
    assert made["attest"] == {"ratio": {"by": "Director of Attendance", "on": "2026-01-06", "evidence": "binder 3"}}
    Draft202012Validator.check_schema(SCHEMA)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(made)] == []


def test_the_schema_refuses_what_is_not_a_manifest(tmp_path: Path) -> None:
    road(tmp_path, "first")
    made = manifest.read(tmp_path / "out") or {}
    check = Draft202012Validator(SCHEMA)
    for key, value in {
        "run_id": "1",
        "started": "2026-01-06",
        "status": 4,
        "inputs": [{}],
        "withheld": ["calpads_stas"],
        "extra": 1,
    }.items():
        assert not check.is_valid({**made, key: value}), key


def test_run_id_and_times_apart_the_bytes_are_the_same(tmp_path: Path) -> None:
    assert not road(tmp_path, "first").unchanged
    assert road(tmp_path, "first").unchanged
    made, before = manifest.read(tmp_path / "out"), manifest.read(tmp_path / "out.previous")
    assert made is not None
    assert before is not None
    for key in ("run_id", "started", "ended"):
        before[key] = made[key]
    assert json.dumps(made) == json.dumps(before)
    assert not road(tmp_path, "second").unchanged


def test_a_file_that_an_exporter_only_says_it_wrote_is_its_fault(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ledger\.csv"):
        manifest.measure(tmp_path, [Written("ledger.csv", 1)])


def test_a_file_nobody_counted_is_listed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("a")
    assert [(output.name, output.size, output.rows) for output in manifest.measure(tmp_path, [])] == [("note.md", 1, None)]
