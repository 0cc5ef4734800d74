"""The state's reference files on the road: archived, listed in the manifest, checked against, and beside our rates; no day changes."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from recoup import config, pipeline
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district

if TYPE_CHECKING:
    from recoup.config import Config

FIXTURES = Path(__file__).parents[2] / "fixtures"
STATE = """
[[sources]]
name = "directory"
adapter = "cde_directory"
location = "state"

[[sources]]
name = "published"
adapter = "dataquest_absenteeism"
location = "state"

[[exports]]
exporter = "absenteeism"
"""


def told(folder: Path, more: str) -> Config:
    text = (files("recoup.synthetic") / "demo.toml").read_text(encoding="utf-8")
    (folder / "recoup.toml").write_text(text[: text.index("[[exports]]")] + more, encoding="utf-8")
    return config.load(folder / "recoup.toml")


@pytest.mark.slow
def test_the_states_files_are_read_kept_and_set_beside_ours(tmp_path: Path) -> None:
    write_bundle(make_district(students=40), tmp_path / "data")
    plain = pipeline.run(told(tmp_path, '[[exports]]\nexporter = "absenteeism"\n'), pipeline.Request()).run.results["ledger"]
    (tmp_path / "state").mkdir()
    for adapter in ("cde_directory", "dataquest_absenteeism"):
        for path in (FIXTURES / adapter / "small" / "in").iterdir():
            shutil.copy(path, tmp_path / "state")
    path = tmp_path / "state" / "pubschls.txt"
    path.write_text(
        path.read_text(encoding="utf-8").replace("\t68\t", "\t66\t").replace("19647336019002", "19647336019092"), encoding="utf-8"
    )

    outcome = pipeline.run(told(tmp_path, STATE), pipeline.Request())
    assert outcome.out is not None
    assert outcome.run.results["ledger"].equals(plain), "a reference file changes no day"
    said = pl.read_csv(outcome.out / "quarantine.csv", infer_schema=False).filter(table="schools").sort("line")
    assert said.select("column", "value", "code", "severity").rows() == [
        ("school_code", "6019002", "CDS_UNKNOWN", "warn"),
        ("school_type", "continuation", "SCHOOL_TYPE_DIFFERS", "warn"),
    ]
    assert said["message"][1].endswith("pubschls.txt, line 7.")
    manifest = json.loads((outcome.out / "manifest.json").read_text(encoding="utf-8"))
    assert {"pubschls.txt", "chronicabsenteeism25.txt"} <= {item["name"] for item in manifest["inputs"]}
    beside = pl.read_csv(outcome.out / "absenteeism_published.csv", infer_schema=False)
    assert set(beside["published_year"]) == {"2024-2025"}
    assert beside.filter(school_code="6019001", grades="all").select("published_students_counted", "published_rate").rows() == [
        ("480", "16.70")
    ]
    assert "suppressed" in set(beside.filter(school_code="1930003")["published"])
