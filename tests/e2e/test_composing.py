"""One district from several systems: students from one, the calendar from another, sessions from a third."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import polars as pl
import pytest

from recoup import config, pipeline
from recoup.errors import Exit, RecoupError
from recoup.synthetic.__main__ import SHAPES
from recoup.synthetic.bundle import write_bundle, write_csv
from recoup.synthetic.district import make_district
from tests.e2e.ledgers import assert_same, ledgers

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District

HEAD = 'school_year = "2025-2026"\n[lea]\ncounty_district_code = "1964733"\nname = "Cedar Valley Unified"\n\n'
TAIL = '[[exports]]\nexporter = "calpads_stas"\n'


def source_of(shape: str, name: str, location: str, tables: list[str]) -> str:
    """Return the first ``[[sources]]`` of a vendor's configuration under another name, with the tables that it is asked for."""
    text = (files("recoup.synthetic") / f"{shape}.toml").read_text(encoding="utf-8")
    first, *_ = text[text.index("[[sources]]") + 1 :].split("\n[[")
    told = "[" + first.replace('name = "sis"', f'name = "{name}"').replace('location = "data"', f'location = "{location}"', 1)
    return told.replace("\nadapter", f"\ntables = {json.dumps(tables)}\nadapter", 1) + "\n\n"


def bundle(name: str, location: str, tables: list[str] | None = None) -> str:
    told = f"tables = {json.dumps(tables)}\n" if tables else ""
    return f'[[sources]]\nname = "{name}"\nadapter = "bundle"\nlocation = "{location}"\n{told}\n'


def run(folder: Path, text: str) -> pipeline.Outcome:
    (folder / "recoup.toml").write_text(HEAD + text + TAIL, encoding="utf-8")
    return pipeline.run(config.load(folder / "recoup.toml"), pipeline.Request())


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(students=60)


@pytest.fixture(scope="module")
def few() -> District:
    return make_district(students=16)


@pytest.fixture
def whole(district: District, tmp_path: Path) -> dict[str, pl.DataFrame]:
    write_bundle(district, tmp_path / "whole" / "data")
    return ledgers(run(tmp_path / "whole", bundle("sis", "data")))


@pytest.mark.slow
def test_three_vendors_make_one_district(district: District, whole: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """Roster from PowerSchool, calendar and absences from Aeries, sessions from eSchoolPlus: the ledger of the whole bundle."""
    for shape in ("powerschool_files", "aeries_files", "eschoolplus_files"):
        SHAPES[shape](district, tmp_path / shape)
    outcome = run(
        tmp_path,
        source_of("powerschool", "rosters", "powerschool_files", ["schools", "students", "enrollments", "independent_study"])
        + source_of("aeries", "sis", "aeries_files", ["calendar", "attendance", "codes"])
        + source_of("eschoolplus", "provider", "eschoolplus_files", ["sessions", "participation", "staff", "session_staff"])
        + bundle("kept", "eschoolplus_files/kept"),
    )
    assert_same(whole, ledgers(outcome))
    sources = {name: set(outcome.run.tables[name]["_source"]) for name in ("students", "calendar", "sessions")}
    assert sources == {"students": {"rosters"}, "calendar": {"sis"}, "sessions": {"provider"}}
    left = {finding.message for finding in outcome.run.findings if finding.code == "TABLE_LEFT_OUT"}
    assert "60 rows of students are not taken from source 'sis'." in left


def rosters(folder: Path, district: District, **changed: str) -> None:
    """Write the students again as another system has them: one is spelt otherwise, one is not there, one more is."""
    rows = [dict(row) for row in district.tables["students"]]
    rows[0] |= changed
    rows[1]["ssid"] = "9000099999"
    write_csv(folder / "students.csv", list(rows[0]), [list(row.values()) for row in rows])


PRECEDENCE = '[precedence]\nstudents = ["rosters", "sis"]\n\n'


def test_a_disagreement_is_refused_until_somebody_says_which_source_counts(few: District, tmp_path: Path) -> None:
    write_bundle(few, tmp_path / "data")
    (tmp_path / "rosters").mkdir()
    rosters(tmp_path / "rosters", few, legal_last_name="Otherwise")
    two = bundle("sis", "data") + bundle("rosters", "rosters")
    told = config.load(_written(tmp_path, two))
    pipeline.fetch_only(told, pipeline.Request())
    inspected = pipeline.check_only(told, pipeline.Request())
    lines = inspected.desk.checked.quarantine
    conflicts = lines.filter(pl.col("code") == "SOURCE_CONFLICT")
    assert sorted(conflicts["source"]) == ["rosters", "sis"]
    assert conflicts["severity"].unique().to_list() == ["error"]
    assert all("[precedence]" in mend for mend in conflicts["mend"])
    assert lines.filter(pl.col("code") == "DUPLICATE_SAME").height == 14


def test_the_stated_order_is_kept_and_reported_in_summary_and_manifest(few: District, tmp_path: Path) -> None:
    write_bundle(few, tmp_path / "data")
    (tmp_path / "rosters").mkdir()
    rosters(tmp_path / "rosters", few, legal_last_name="Otherwise", gender="")
    outcome = run(tmp_path, bundle("sis", "data") + bundle("rosters", "rosters") + PRECEDENCE + '[fill]\nstudents = ["gender"]\n\n')
    assert outcome.out is not None
    ssid = few.tables["students"][0]["ssid"]
    kept = {row["ssid"]: row for row in outcome.run.tables["students"].to_dicts()}
    assert (kept[ssid]["legal_last_name"], kept[ssid]["_source"]) == ("Otherwise", "rosters")
    assert kept[ssid]["gender"] == few.tables["students"][0]["gender"]
    assert len(kept) == 17
    lines = outcome.run.quarantine.filter(pl.col("table") == "students")
    assert lines.group_by("code", "severity", "source").len().sort("code").rows() == [
        ("OVERRULED", "warn", "sis", 1),
        ("OVERRULED_SAME", "info", "sis", 14),
    ]
    told = {finding["code"]: finding for finding in json.loads((outcome.out / "manifest.json").read_text("utf-8"))["findings"]}
    assert (told["GAVE_WAY"]["rows"], told["OVERRULED"]["rows"], told["FILLED"]["rows"]) == (15, 1, 1)
    assert "legal_last_name" in told["OVERRULED"]["message"]
    assert "Otherwise" not in json.dumps(told)
    from recoup.reports import summary

    text = "\n".join(summary.findings_as_text([*told.values()]))
    assert "GAVE_WAY 15" in text
    assert "OVERRULED 1" in text


def test_a_source_that_stands_in_no_list_stops_the_run(few: District, tmp_path: Path) -> None:
    write_bundle(few, tmp_path / "data")
    (tmp_path / "rosters").mkdir()
    (tmp_path / "third").mkdir()
    rosters(tmp_path / "rosters", few)
    rosters(tmp_path / "third", few)
    three = bundle("sis", "data") + bundle("rosters", "rosters") + bundle("third", "third")
    with pytest.raises(RecoupError, match="PRECEDENCE_UNLISTED") as caught:
        run(tmp_path, three + PRECEDENCE)
    assert caught.value.status == Exit.USAGE
    assert "third" in str(caught.value)


def test_what_a_source_is_not_asked_for_is_counted_its_refused_rows_too(few: District, tmp_path: Path) -> None:
    write_bundle(few, tmp_path / "data")
    (tmp_path / "rosters").mkdir()
    rosters(tmp_path / "rosters", few)
    sessions = (tmp_path / "data" / "sessions.csv").read_text("utf-8").splitlines()[:2]
    (tmp_path / "rosters" / "sessions.csv").write_text("\n".join((*sessions, "stray," * 40)) + "\n", "utf-8")
    two = bundle("sis", "data") + bundle("rosters", "rosters", ["students", "staff"]) + PRECEDENCE
    told = config.load(_written(tmp_path, two))
    pipeline.fetch_only(told, pipeline.Request())
    desk = pipeline.check_only(told, pipeline.Request()).desk
    assert desk.checked.quarantine.filter(pl.col("severity") == "error").is_empty()
    assert [(one.code, one.rows, one.message) for one in desk.findings if one.export == "read"] == [
        ("TABLE_LEFT_OUT", 1, "1 rows of sessions are not taken from source 'rosters'."),
        ("TABLE_LEFT_OUT", 1, "1 refused rows of sessions of source 'rosters' go with them."),
        ("TABLE_NOT_GIVEN", 0, "Source 'rosters' is asked for staff and gives none."),
    ]


@pytest.mark.parametrize(("column", "told"), [("ssid", "part of the key"), ("gendre", "gender")])
def test_what_cannot_be_filled_is_told_before_anything_is_fetched(column: str, told: str, tmp_path: Path) -> None:
    text = bundle("sis", "nowhere") + bundle("rosters", "nowhere") + PRECEDENCE + f'[fill]\nstudents = ["{column}"]\n'
    with pytest.raises(RecoupError, match="CONFIG_FILL_COLUMN") as caught:
        pipeline.make_plan(config.load(_written(tmp_path, text)))
    assert told in str(caught.value)


def _written(folder: Path, text: str) -> Path:
    (folder / "recoup.toml").write_text(HEAD + text + TAIL, encoding="utf-8")
    return folder / "recoup.toml"
