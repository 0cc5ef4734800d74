"""`recoup codes` and `recoup new-adapter`: what a district sees while it explains its codes."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from recoup.cli import main
from recoup.synthetic.__main__ import SHAPES
from recoup.synthetic.district import make_district

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import District


@pytest.fixture
def campus(tmp_path: Path) -> Path:
    """A district that runs Campus and has not said yet what two of its codes mean."""
    SHAPES["infinite_campus_files"](make_district(students=60), tmp_path / "data")
    text = (files("recoup.synthetic") / "infinite_campus.toml").read_text(encoding="utf-8")
    (tmp_path / "recoup.toml").write_text(text.replace('T = "30"\n', ""), encoding="utf-8")
    return tmp_path


def recoup(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    return done.exit_code, done.output


def test_codes_without_a_meaning_come_first_and_go_into_a_draft(campus: Path) -> None:
    config = str(campus / "recoup.toml")
    assert recoup("codes", "--source", "sis", "--config", config)[0] == 4
    assert recoup("fetch", "--config", config, "-q") == (0, "")
    status, text = recoup("codes", "--source", "sis", "--config", config, "--draft", str(campus / "draft.csv"), "--json")
    told = json.loads(text)
    assert status == 0
    assert [(one["list"], one["code"]) for one in told["codes"] if not one["means"]] == [("service_type", "T")]
    assert {"ILL", "EXC-SAT"} <= {one["code"] for one in told["codes"] if one["list"] == "absence" and one["means"] == "excused"}
    with (campus / "draft.csv").open(encoding="utf-8", newline="") as lines:
        (line,) = csv.DictReader(lines)
    assert (line["list"], line["year"], line["code"], line["means"]) == ("service_type", "2025-2026", "T", "")
    assert "CODES_EXISTS" in recoup("codes", "--source", "sis", "--config", config, "--draft", str(campus / "draft.csv"))[1]
    # Filled in and put beside the other files, it explains the code.
    filled = (campus / "draft.csv").read_text(encoding="utf-8").replace("T,,", "T,30,")
    (campus / "data" / "crosswalk.csv").write_text(filled, encoding="utf-8")
    recoup("fetch", "--config", config, "-q")
    assert "0 codes have no meaning yet." in recoup("codes", "--source", "sis", "--config", config)[1]


def test_what_may_be_a_childs_value_is_masked_and_whole_in_the_draft_alone(campus: Path) -> None:
    """The column of the service type slipped: it holds a student's number."""
    services = campus / "data" / "attendanceRecoveryService.csv"
    services.write_text(services.read_text(encoding="utf-8").replace(",Earned,", ",9000000017,"), encoding="utf-8")
    config = str(campus / "recoup.toml")
    recoup("fetch", "--config", config, "-q")
    for more in ([], ["--json"]):
        told = recoup("codes", "--source", "sis", "--config", config, *more)[1]
        assert "9000000017" not in told
    assert "(10 characters)" in recoup("codes", "--source", "sis", "--config", config)[1]
    recoup("codes", "--source", "sis", "--config", config, "--draft", str(campus / "draft.csv"))
    assert "9000000017" in (campus / "draft.csv").read_text(encoding="utf-8")


def test_a_source_that_is_not_there_names_the_nearest(campus: Path) -> None:
    status, text = recoup("codes", "--source", "siss", "--config", str(campus / "recoup.toml"))
    assert status == 2
    assert "Did you mean 'sis'?" in text


def test_init_drafts_the_crosswalk_of_files_that_are_there(tmp_path: Path) -> None:
    SHAPES["infinite_campus_files"](make_district(students=16), tmp_path / "data")
    (tmp_path / "data" / "attendanceRecovery.txt").unlink()
    status, text = recoup("init", str(tmp_path), "--adapter", "infinite_campus_files")
    assert status == 0
    assert "crosswalk.csv is written" in text
    draft = (tmp_path / "data" / "crosswalk.csv").read_text(encoding="utf-8")
    assert "school_type,,2025-2026,11,," in draft or "school_type,,2026-2027,11,," in draft


@pytest.mark.parametrize("shape", ["eschoolplus_files", "schoolwise_files"])
def test_a_first_draft_has_the_vendors_own_table_by_school_and_each_code_once(shape: str, tmp_path: Path) -> None:
    """Nothing is mapped yet, the kinds of schools neither: the same letter means another thing at another school."""
    SHAPES[shape](make_district(students=16), tmp_path / "data")
    (tmp_path / "data" / "crosswalk.csv").unlink(missing_ok=True)
    assert recoup("init", str(tmp_path), "--adapter", shape)[0] == 0
    with (tmp_path / "data" / "crosswalk.csv").open(encoding="utf-8", newline="") as lines:
        absences = [line for line in csv.DictReader(lines) if line["list"] == "absence"]
    words = {(line["school"], line["code"]): line["description"] for line in absences}
    assert len(words) == len(absences) > 80
    assert (words["101", "I"], words["201", "I"]) == ("Illness", "Independent study, complete")


def test_a_letter_is_drafted_under_the_list_that_can_say_what_it_means(tmp_path: Path) -> None:
    """PowerSchool: a category holds many letters, and the draft asks for the letter of the school."""
    SHAPES["powerschool_files"](make_district(students=16), tmp_path / "data")
    assert recoup("init", str(tmp_path), "--adapter", "powerschool_files")[0] == 0
    with (tmp_path / "data" / "crosswalk.csv").open(encoding="utf-8", newline="") as lines:
        drafted = {(line["list"], line["school"], line["code"]) for line in csv.DictReader(lines)}
    assert {("absence", "102", "C"), ("absence", "301", "S")} <= drafted
    assert "category" not in {name for name, _, _ in drafted}


def test_new_adapter_writes_a_folder(tmp_path: Path) -> None:
    status, text = recoup("new-adapter", "our_sis", str(tmp_path))
    assert status == 0
    assert 'adapter = "./our_sis"' in text
    assert (tmp_path / "our_sis" / "feeds.csv").is_file()
    assert recoup("new-adapter", "our_sis", str(tmp_path))[0] == 2


def test_the_only_source_needs_no_name(district: District) -> None:
    config = str(district.config)
    assert recoup("fetch", "--config", config, "-q") == (0, "")
    assert recoup("codes", "--config", config, "--json") == recoup("codes", "--source", "sis", "--config", config, "--json")


def test_one_of_two_sources_is_named(campus: Path) -> None:
    status, text = recoup("codes", "--config", str(campus / "recoup.toml"))
    assert (status, "CODES_SOURCE" in text) == (2, True)
