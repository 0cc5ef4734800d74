"""A county office with two districts and a charter in one workspace: policy, cap, ledger and state file of each are its own."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recoup import law, pipeline
from recoup.config import load
from recoup.errors import RecoupError
from recoup.pipeline import Request, compare, explain
from recoup.pipeline.doctor import examine
from recoup.reports import compare_text, explain_text, summary
from tests.plain.case import SSID, bundle, cases

if TYPE_CHECKING:
    from recoup.ports import Run
    from tests.plain.bundle import Tables

CONFIG = """\
school_year = "2025-2026"
[lea]
county_district_code = "1964733"
name = "Cedar Valley Unified"
[[leas]]
code = "1964741"
name = "Dry Creek Elementary"
policy = { K1 = "minutes" }
[[leas]]
code = "0190001"
name = "Birch Charter"
policy = { credit_date = "earned_on" }
[[sources]]
name = "sis"
adapter = "bundle"
location = "data"
settle_seconds = 0
[[exports]]
exporter = "calpads_stas"
"""
#: The county-district code and school code of each, in the order of the districts below.
CEDAR, CREEK, BIRCH = ("1964733", "6000001"), ("1964741", "6000002"), ("1964733", "0190001")


def write(folder: Path, tables: Tables, config: str = CONFIG) -> None:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "recoup.toml").write_text(config, encoding="utf-8", newline="\n")
    for name, rows in tables.items():
        if rows:
            with (folder / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
                writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


def run(folder: Path) -> Run:
    return pipeline.run(load(folder / "recoup.toml"), Request(as_of=date(2026, 6, 30))).run


def own(case: dict[str, Any], number: int, lea: tuple[str, str], kind: str = "elementary") -> Tables:
    """Return the bundle of a case as one LEA's, with students, sessions and staff of its own."""
    district, school = lea
    tables = bundle(case)

    def renamed(column: str, text: str) -> str:
        if column == "ssid":
            return f"90000{number}{text[-4:]}"
        if column in ("session_id", "staff_id", "verified_by") and text:
            return f"L{number}{text}"
        return school if column == "school_code" else text

    tables = {name: [{column: renamed(column, text) for column, text in row.items()} for row in rows] for name, rows in tables.items()}
    charter = {"independently_reporting_charter": str(lea == BIRCH).lower(), "school_type": kind, "county_district_code": district}
    tables["schools"] = [row | charter for row in tables["schools"]]
    for row in tables["students"]:
        row["local_student_id"] = row["ssid"][-6:]
    return tables


def together(*districts: Tables) -> Tables:
    return {name: [row for tables in districts for row in tables[name]] for name in districts[0]}


SIX = {"grade": "01", "sessions": {"times": 6, "minutes": 90}, "absences": {"times": 4}}


def county(cedar: dict[str, Any] = SIX) -> Tables:
    return together(own(cedar, 1, CEDAR), own(SIX, 2, CREEK), own(SIX, 3, BIRCH, "charter_classroom"))


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "out" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_each_lea_has_its_own_policy_rules_and_file(tmp_path: Path) -> None:
    write(tmp_path, county())
    done = run(tmp_path)
    # Six sessions of 90 minutes: six whole hours and one day of 230; counted by the minute, 540 and two days.
    assert [(row["ssid"], row["days_credited"]) for row in rows_of(tmp_path, "ledger.csv")] == [
        ("9000010001", "1"),
        ("9000020001", "2"),
        ("9000030001", "1"),
    ]
    versions = {row["ssid"]: row["rule_version"] for row in rows_of(tmp_path, "credits.csv")}
    assert len(set(versions.values())) == 3
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [(one["code"], one["name"], one["policy"]["time_unit"], one["policy"]["credit_date"]) for one in manifest["leas"]] == [
        ("1964733", "Cedar Valley Unified", "hour_floor_per_session", "later_of_both"),
        ("0190001", "Birch Charter", "hour_floor_per_session", "earned_on"),
        ("1964741", "Dry Creek Elementary", "minutes", "later_of_both"),
    ]
    assert {one["code"]: one["rule_version"] for one in manifest["leas"]} == {
        "1964733": versions["9000010001"],
        "1964741": versions["9000020001"],
        "0190001": versions["9000030001"],
    }
    assert sorted(path.name for path in (tmp_path / "out").glob("STAS_*")) == [
        f"STAS_{code}_2025-2026.txt" for code in ("0190001", "1964733", "1964741")
    ]
    assert {finding.code for finding in done.findings} & {"LEA_UNNAMED", "LEA_WITHOUT_SCHOOLS"} == set()
    told = summary.summarize(done, status=0, out="", files=[], unchanged=False, withheld={})
    assert [(one["code"], one["schools"], one["days_credited"]) for one in told["leas"]] == [
        ("1964733", 1, 1),
        ("0190001", 1, 1),
        ("1964741", 1, 2),
    ]
    text = " ".join(summary.as_text(told).split())
    assert "Cedar Valley Unified (1964733) 1, Birch Charter (0190001) 1, Dry Creek Elementary (1964741) 2" in text


def test_the_doctor_shows_where_an_lea_differs(tmp_path: Path) -> None:
    write(tmp_path, county())
    seen = {finding.topic: finding.seen for finding in examine(load(tmp_path / "recoup.toml"), pipeline.now)}
    assert seen["LEA 1964741"] == "Dry Creek Elementary: time_unit = minutes"
    assert seen["LEA 0190001"] == "Birch Charter: credit_date = earned_on"


def test_what_one_lea_does_changes_nothing_of_the_others(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    other = {"grade": "05", "sessions": {"times": 14, "minutes": 240}, "absences": {"times": 12}, "applied": [
        {"absence": date(2025, 9, 8), "recovered": date(2025, 10, 4)}]}  # fmt: skip
    for folder, tables in ((before, county()), (after, county(other))):
        folder.mkdir()
        write(folder, tables)
        run(folder)
    mine = "900001"
    for name in ("ledger.csv", "credits.csv", "credit_sessions.csv", "time_entries.csv", "holds.csv"):
        # A line of a raw file may move when rows are added before it.
        kept = [
            [{column: text for column, text in row.items() if not column.startswith("_")} for row in rows_of(folder, name)]
            for folder in (before, after)
        ]
        theirs = [
            [row for row in rows if not row.get("ssid", "").startswith(mine) and "L1" not in row.get("session_id", "")] for rows in kept
        ]
        assert theirs[0] == theirs[1], name
    for code in ("1964741", "0190001"):
        file = f"STAS_{code}_2025-2026.txt"
        assert (before / "out" / file).read_bytes() == (after / "out" / file).read_bytes()
    assert (before / "out" / "STAS_1964733_2025-2026.txt").read_bytes() != (after / "out" / "STAS_1964733_2025-2026.txt").read_bytes()


def test_a_comparison_names_the_leas_whose_setting_it_replaces(tmp_path: Path) -> None:
    write(tmp_path, county())
    done = run(tmp_path)
    told = compare.reading(done, {"time_unit": "hour_floor_per_session"}).told
    (setting,) = told["settings"]
    assert (setting["now"], setting["then"], setting["leas"]) == ("minutes", "hour_floor_per_session", ["1964741"])
    assert (told["days"]["falls"], told["days"]["added"]) == (1, 0)
    assert "K1 time_unit = minutes for LEA 1964741" in compare_text.as_text(told)
    every = compare.each(done, lambda _: None, [law.knobs()["time_unit"]])["readings"]
    assert {row["value"]: (row["falls"], row["added"]) for row in every} == {
        "hour_floor_per_session": (1, 0),
        "hour_floor_per_date": (1, 0),
        "minutes": (0, 2),
    }


def two_leas(case: dict[str, Any]) -> Tables:
    """Return a case of the schools A and B as two districts of one county."""
    tables = bundle(case)
    for row in tables["schools"]:
        row["county_district_code"] = {"A": "1964733", "B": "1964741"}.get(row["school_name"], "1964733")
    return tables


@pytest.mark.parametrize(("first", "then"), [("A", "B"), ("B", "A")])
def test_a_story_of_two_leas_tells_each_date_by_its_own_rules(tmp_path: Path, first: str, then: str) -> None:
    """Ninety minutes are an hour in A, and ninety minutes in B, whichever comes first; as of June 30 the student is in the second."""
    spans = [{"school": first, "entry": "2025-08-18", "exit": "2025-10-10"}, {"school": then, "entry": "2025-10-13"}]
    case = {"grade": "06", "schools": {"A": "elementary", "B": "elementary"}, "enrollments": spans}
    absences = {"school": first, "dates": [date(2025, 9, 8)]}
    write(tmp_path, two_leas(case | {"absences": absences, "sessions": {"times": 2, "minutes": 90}}))
    story = explain.story(run(tmp_path), SSID)
    steps = {one["date"]: [step["says"] for step in one["sessions"][0]["steps"]] for one in story["dates"]}
    hours, minutes = ["Less than a whole hour (each session's whole hours)."], list[str]()
    assert list(steps.values()) == ([hours, minutes] if first == "A" else [minutes, hours])
    assert [(one["name"], one["value"], one["lea"]) for one in story["policy"]] == [("time_unit", "minutes", "1964741")]
    assert [one["school_code"] for one in story["minimum_schooldays"]] == [{"A": "6000001", "B": "6000002"}[name] for name in (first, then)]
    assert "Policy K1 time_unit = minutes for LEA 1964741" in explain_text.as_text(story)


def stas_days(folder: Path) -> dict[str, list[str]]:
    """Return field 13.24 of every row, by the code in the file's name."""
    files = sorted((folder / "out").glob("STAS_*"))
    return {path.name[5:12]: [line.split("^")[23] for line in path.read_text(encoding="ascii").splitlines()] for path in files}


def test_w15_ten_days_in_all_for_three_schools(tmp_path: Path) -> None:
    write(tmp_path, bundle(dict(cases(Path(__file__).parents[1] / "cases"))["W15"]))
    run(tmp_path)
    (row,) = rows_of(tmp_path, "ledger.csv")
    assert (row["days_earned"], row["days_credited"], row["cap_left"]) == ("12", "10", "0")
    assert stas_days(tmp_path) == {"1964733": ["6", "4", "0"]}


def test_w18_days_of_one_lea_never_meet_absences_of_another(tmp_path: Path) -> None:
    spans = [{"school": "A", "entry": "2025-08-18", "exit": "2025-12-19"}, {"school": "B", "entry": "2026-01-05"}]
    absences = {"school": "B", "from": date(2026, 1, 5), "times": 6}
    case = {"grade": "06", "schools": {"A": "elementary", "B": "elementary"}, "enrollments": spans, "absences": absences}
    write(tmp_path, two_leas(case | {"sessions": {"times": 5, "minutes": 240}}))
    run(tmp_path)
    (row,) = rows_of(tmp_path, "ledger.csv")
    assert (row["days_earned"], row["days_credited"], row["days_waiting"], row["absences_left"]) == ("5", "0", "5", "6")
    assert stas_days(tmp_path) == {"1964733": ["0"], "1964741": ["0"]}


@pytest.mark.parametrize(("choice", "days"), [("subtract_if_known", 8), ("ignore", 10), ("block", 0)])
def test_days_that_another_lea_applied_take_of_the_ten_by_k7(tmp_path: Path, choice: str, days: int) -> None:
    case = {"grade": "06", "schools": {"A": "elementary", "B": "elementary"}, "absences": {"times": 12}}
    tables = two_leas(case | {"sessions": {"times": 12, "minutes": 240}})
    tables["applied_days"] = [
        {"ssid": SSID, "absence_date": f"2026-03-{day:02}", "school_code": "6000002", "recovered_on": f"2026-03-{day + 5:02}",
         "source": "B", "paid_elsewhere": "true", "reporting_lea": "1964741"}
        for day in (2, 3)
    ]  # fmt: skip
    write(tmp_path, tables, CONFIG + f'[policy]\nother_lea_days = "{choice}"\n')
    run(tmp_path)
    credited = [row["absence_school_code"] for row in rows_of(tmp_path, "credits.csv")]
    assert (credited.count("6000001"), credited.count("6000002")) == (days, 2)


def test_a_code_that_nobody_named_and_an_lea_without_schools_are_told(tmp_path: Path) -> None:
    tables = together(own(SIX, 1, CEDAR), own(SIX, 2, ("1964999", "6000002")))
    write(tmp_path, tables)
    told = {finding.code: finding.message for finding in run(tmp_path).findings}
    assert "1964999" in told["LEA_UNNAMED"]
    assert re.search("Dry Creek|Birch", told["LEA_WITHOUT_SCHOOLS"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[[leas]]\ncode = "1964733"\nname = "Again"\n', "CONFIG_LEA_TWICE"),
        ('[[leas]]\ncode = "1964742"\nname = "New"\npolicy = { K1 = "minutes", time_unit = "minutes" }\n', "POLICY_TWICE"),
        ('[[leas]]\ncode = "1964742"\nname = "New"\npolicy = { time_unit = "hours" }\n', "POLICY_UNKNOWN_VALUE"),
        ('[[leas]]\ncode = "1964742"\nname = "New"\npolicy = { match_order = "manual" }\n', None),
    ],
)
def test_a_wrong_lea_is_refused(tmp_path: Path, text: str, code: str | None) -> None:
    write(tmp_path, county(), CONFIG + text)
    if code is None:
        # An LEA that no school reports to may ask for what the data does not have.
        assert run(tmp_path).leas
        return
    with pytest.raises(RecoupError) as caught:
        run(tmp_path)
    assert (caught.value.code, int(caught.value.status)) == (code, 2)
