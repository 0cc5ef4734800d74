"""The synthetic district: the same for the same seed, whole in itself, and with everything in it that it promises."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest

from recoup.errors import RecoupError
from recoup.schemas import TABLES
from recoup.synthetic.aeries import write_aeries
from recoup.synthetic.apportionment import apportionment_rows
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.demo import write_demo
from recoup.synthetic.district import District, make_district

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def district() -> District:
    return make_district()


def test_the_same_seed_gives_the_same_rows_in_another_process() -> None:
    program = "import hashlib, json; from recoup.synthetic.district import make_district as m; d = m(7, 40, 'all');"
    program += "print(hashlib.sha256(json.dumps([d.tables, [str(f) for f in d.flaws]]).encode()).hexdigest())"
    prints = {
        subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_another_seed_tells_another_story() -> None:
    assert make_district(1, 40).tables["attendance"] != make_district(2, 40).tables["attendance"]


def test_columns_are_the_models(district: District) -> None:
    for table, rows in district.tables.items():
        names = [column.name for column in TABLES[table].columns]
        assert rows, table
        assert all(set(row) <= set(names) for row in rows), table
        required = {column.name for column in TABLES[table].columns if not column.may_be_missing}
        assert required <= set(rows[0]), table


def test_keys_do_not_repeat(district: District) -> None:
    for table, rows in district.tables.items():
        key = [name for name in TABLES[table].key if name in rows[0]]
        counts = Counter(tuple(row[name] for name in key) for row in rows)
        assert not [found for found, count in counts.items() if count > 1], table


def test_rows_refer_to_rows_that_are_there(district: District) -> None:
    tables = district.tables
    ssids, sessions = {row["ssid"] for row in tables["students"]}, {row["session_id"] for row in tables["sessions"]}
    staff = {row["staff_id"] for row in tables["staff"]}
    for table in ("enrollments", "attendance", "participation", "applied_days", "reported_totals", "independent_study"):
        assert {row["ssid"] for row in tables[table]} <= ssids
    assert {row["session_id"] for row in tables["participation"]} <= sessions
    assert {row["staff_id"] for row in tables["session_staff"]} <= staff
    absences = {(row["ssid"], row["school_code"], row["date"]) for row in tables["attendance"]}
    assert {(row["ssid"], row["school_code"], row["absence_date"]) for row in tables["applied_days"]} <= absences


def test_totals_are_those_of_a_district(district: District) -> None:
    tables = district.tables
    assert len(tables["students"]) == 600
    assert len(tables["schools"]) == len({row["school_type"] for row in tables["schools"]}) == 8
    missed = Counter(row["ssid"] for row in tables["attendance"] if row["full_day"] == "true")
    few = sum(missed[row["ssid"]] <= 6 for row in tables["students"])
    chronic = sum(missed[row["ssid"]] >= 18 for row in tables["students"])
    assert few > 300
    assert 40 < chronic < 110
    assert len(tables["participation"]) > 5000


def test_every_story_is_told(district: District) -> None:
    """What the issue asks for is there, and sessions of all kinds of days."""
    tables = district.tables
    enrollments, sessions, visits = tables["enrollments"], tables["sessions"], tables["participation"]
    assert {row["enrollment_status"] for row in enrollments} == {"10", "20", "30", "50"}
    assert any(row["exit_reason"] == "N470" for row in enrollments)
    assert any(row["instruction_mode"] == "nonclassroom" for row in enrollments)
    assert any(row["absence_exempt"] == "true" for row in enrollments)
    assert any(row["alternate_minimum_basis"] == "iep_46307" for row in enrollments)
    assert {row["track"] for row in enrollments} == {"", "A", "B"}
    assert {row["grades"] for row in tables["calendar"]} == {"", "TK;KN"}
    assert {row["kind"] for row in tables["attendance"]} == {
        "excused", "unexcused", "suspension_out", "suspension_in", "independent_study_ada", "independent_study_non_ada"
    }  # fmt: skip
    assert {row["made_up_by"] for row in tables["attendance"]} == {"", "saturday_school", "other"}
    assert any(row["not_recoverable"] == "immunization" for row in tables["attendance"])
    assert {row["delivery"] for row in sessions} == {"", "in_person", "virtual", "hybrid"}
    assert any(row["cancelled"] == "true" for row in sessions)
    assert any(row["end_time"] < row["start_time"] for row in sessions)
    assert any(row["date"] < "2025-07-21" for row in sessions)
    assert any(row["date"] > "2026-06-05" for row in sessions)
    assert any(date.fromisoformat(row["date"]).weekday() == 5 for row in sessions)
    assert any(not row["verified_by"] for row in visits)
    assert any(not row["minutes"] for row in visits)
    assert {row["session_id"] for row in sessions} - {row["session_id"] for row in tables["session_staff"]}
    assert len(tables["applied_days"]) > 20
    assert {row["as_of"] for row in tables["reported_totals"]} == {"2026-02-27", "2026-06-30"}
    taken: Counter[tuple[str, ...]] = Counter()
    when = {row["session_id"]: (row["date"], row["start_time"]) for row in sessions}
    for row in tables["session_staff"]:
        taken[(row["staff_id"], *when[row["session_id"]])] += 1
    assert max(taken.values()) == 2, "a teacher in two rooms at once"


def test_flaws_are_only_added(district: District) -> None:
    for kind in ("survivable", "all"):
        assert make_district(bad_rows=kind).tables == district.tables
    survivable = make_district(bad_rows="survivable").flaws
    school_record = {flaw.code for flaw in survivable if flaw.table in ("students", "calendar", "enrollments", "attendance")}
    assert school_record == {"DUPLICATE_SAME"}
    assert len(survivable) < 0.02 * sum(len(rows) for rows in district.tables.values())


@pytest.mark.parametrize("write", [write_bundle, write_aeries])
def test_both_shapes_are_the_same_bytes_every_time(write: Callable[[District, Path], list[Path]], tmp_path: Path) -> None:
    files = [write(make_district(3, 40, "all"), tmp_path / name) for name in ("one", "two")]
    assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


def test_a_demo_is_written_again_but_never_over_other_files(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo")
    write_demo(tmp_path / "demo")
    assert (tmp_path / "demo" / "data" / "participation.csv").is_file()
    other = tmp_path / "other"
    other.mkdir()
    (other / "budget.xlsx").write_bytes(b"mine")
    with pytest.raises(RecoupError) as refused:
        write_demo(other)
    assert refused.value.code == "DEMO_NOT_OURS"
    assert [path.name for path in other.iterdir()] == ["budget.xlsx"]


def test_the_demo_counts_the_days_attended_as_the_state_file_does(tmp_path: Path) -> None:
    """The year's days in ``apportionment`` are the expected days of STAS less its days not attended."""
    write_demo(tmp_path / "demo")
    with (tmp_path / "demo" / "data" / "apportionment.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["period"] for row in rows} == {"P1", "P2", "ANNUAL"}
    tables = make_district().tables
    cut = apportionment_rows({**tables, "attendance": []}, {"ANNUAL": "2026-06-30"})
    high = [int(row["days_of_attendance"]) for row in cut if row["school_code"] == "1930001"]
    enrolled = [row for row in tables["enrollments"] if row["school_code"] == "1930001" and row["enrollment_status"] == "10"]
    assert 0 < sum(high) <= 180 * len(enrolled)
    missed = {(row["ssid"], row["date"]) for row in tables["attendance"] if row["school_code"] == "1930001" and row["full_day"] == "true"}
    (attended,) = [int(row["days_of_attendance"]) for row in rows if (row["school_code"], row["period"]) == ("1930001", "ANNUAL")]
    assert sum(high) - len(missed) <= attended < sum(high)
