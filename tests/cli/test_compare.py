"""``recoup compare`` as a person meets it: counts on the terminal, values only in the file, and nothing else touched."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from recoup.cli import main
from recoup.reports.compare_text import each_as_text

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.conftest import District

SCHEMA = json.loads((files("recoup.schemas") / "comparison.schema.json").read_text(encoding="utf-8"))


def call(district: District, *words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words), "--config", str(district.config)])


def told(district: District, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(call(district, "compare", *words, "--json").stdout)
    assert [fault.message for fault in Draft202012Validator(SCHEMA).iter_errors(document)] == []
    return document


@pytest.fixture(scope="module")
def ran(kept_district: District) -> District:
    """Ben's session was four hours less five minutes; in whole hours that is three."""
    kept_district.edit("participation", "S1,9000000002,240,08:00,12:00", "S1,9000000002,235,08:00,12:00")
    assert call(kept_district, "run", "--as-of", "2026-06-30").exit_code == 0
    return kept_district


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_reading(ran: District) -> None:
    before = contents(ran.folder)
    file = ran.folder / "changed.csv"
    result = call(ran, "compare", "--policy", "K1=minutes", "--policy", "full_day_record=date", "--out", file)
    assert result.exit_code == 0, result.output
    for words in ("K1 time_unit = minutes: no rounding", "K2 full_day_record = date", "EC 46211(e)(1)", "minutes rounded otherwise"):
        assert words in result.stdout
    assert "900000000" not in result.output
    after = contents(ran.folder)
    rows = list(csv.DictReader(after.pop("changed.csv").decode().splitlines()))
    assert [(row["ssid"], row["change"], row["reasons"]) for row in rows] == [("9000000002", "figures", "minutes_counted")]
    assert [(row["minutes_counted_now"], row["minutes_counted_then"]) for row in rows] == [("180", "235")]
    # Reading a journal may leave SQLite's own files beside it; what we wrote is as it was.
    assert {name: after.get(name) for name in before if "sqlite" not in name} == {
        name: value for name, value in before.items() if "sqlite" not in name
    }


def test_a_day_that_falls(ran: District) -> None:
    document = told(ran, "--policy", "recover_suspension=yes", "--policy", "match_order=newest_first")
    assert [one["name"] for one in document["settings"]] == ["recover_suspension", "match_order"]
    assert document["days"]["now"] == document["days"]["then"] == 1


def test_each_reading_in_one_table(ran: District) -> None:
    document = told(ran, "--each")
    shown = {(row["name"], row["value"]) for row in document["readings"]} | {(row["name"], row["value"]) for row in document["skipped"]}
    assert {("time_unit", "minutes"), ("full_day_record", "off"), ("credit_school", "lea_choice"), ("match_order", "manual")} <= shown
    assert {row["name"] for row in document["skipped"]} >= {"charter_minimum", "credit_school"}
    assert all(row["why"] for row in document["skipped"])
    text = each_as_text(document)
    assert "K1 time_unit" in text
    assert max(map(len, text.splitlines())) <= 100


def test_against_another_run(district: District) -> None:
    ran = district
    assert call(ran, "run", "--as-of", "2026-06-30").exit_code == 0
    first = json.loads(call(ran, "runs", "--json").stdout)[0]["run_id"]
    ran.edit("attendance", "9000000001,6010000,2025-08-20,excused,true,A,\n", "")
    assert call(ran, "run", "--as-of", "2026-06-30").exit_code == 0
    document = told(ran, "--against", first)
    assert document["other"]["run_id"] == first
    assert (document["days"]["now"], document["days"]["then"], document["days"]["added"]) == (1, 2, 1)
    assert [row["reason"] for row in document["reasons"]] == ["eligible_absences"]


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["--policy", "tim_unit=minutes"], "time_unit"),
        (["--policy", "time_unit=minute"], "minutes"),
        (["--policy", "time_unit"], "NAME=VALUE"),
        (["--policy", "K1=minutes", "--policy", "time_unit=minutes"], "POLICY_TWICE"),
        (["--policy", "K1=hour_floor_per_session"], "COMPARE_SAME"),
        (["--policy", "credit_school=lea_choice"], "dispositions"),
        (["--without-attestations"], "COMPARE_SAME"),
        (["--against", "none"], "none"),
        ([], "--each"),
        (["--each", "--policy", "K1=minutes"], "--each"),
    ],
)
def test_what_cannot_be_compared_is_refused(ran: District, words: list[str], near: str) -> None:
    result = call(ran, "compare", *words)
    assert result.exit_code == 2
    assert near in result.stderr
