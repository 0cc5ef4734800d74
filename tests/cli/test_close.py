"""``recoup close``: what is frozen, what is refused, and how a later difference is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from recoup.cli import main
from recoup.store import Workspace

if TYPE_CHECKING:
    from click.testing import Result

    from tests.conftest import District

PERIODS = """
[[exports]]
exporter = "padc"
[periods]
P1 = { ends = 2025-08-29, days_taught = 10 }
ANNUAL = { ends = 2026-06-30, days_taught = 180 }
"""
#: Ana's second absence, and a session for it, as they may come in late.
LATE_ABSENCE = "9000000001,6010000,2025-08-19,excused,true,A,\n9000000002,6010000,2025-08-19"
SESSIONS = "2025-08-23,08:00,12:00,0,in_person,false\n"


def call(district: District, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--config", str(district.config)])


def run(district: District, as_of: str = "2026-06-30") -> Result:
    result = call(district, "run", "--as-of", as_of)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def closed(district: District) -> District:
    """Return the district of two students with P1 closed: a day of Ana's, and one of Ben's at the charter."""
    district.configure(PERIODS)
    run(district)
    result = call(district, "close", "P1", "--by", "A. Director")
    assert result.exit_code == 0, result.output
    return district


def amendments(district: District) -> list[tuple[str, ...]]:
    names = ("period", "ssid", "absence_date", "what", "reason")
    return [tuple(row[name] for name in names) for row in district.rows("amendments.csv")]


def figures(district: District) -> list[tuple[str, ...]]:
    names = (
        "period",
        "reporting_lea",
        "ar_days",
        "reported_ar_days",
        "ar_days_difference",
        "b8_ada",
        "reported_b8_ada",
        "b8_ada_difference",
    )
    return [tuple(row[name] for name in names) for row in district.rows("padc_ar_ada.csv") if row["period"] == "P1"]


def test_close_freezes_what_was_reported(closed: District) -> None:
    run(closed)
    assert amendments(closed) == []
    assert figures(closed) == [
        ("P1", "1964733", "1", "1", "0", "0.10", "0.10", "0.00"),
        ("P1", "0190001", "1", "1", "0", "0.10", "0.10", "0.00"),
    ]
    manifest = json.loads((closed.out / "manifest.json").read_text(encoding="utf-8"))
    (kept,) = manifest["closed"]
    assert (kept["period"], kept["generation"], kept["rows"], len(kept["sha256"])) == ("P1", 1, 2, 64)


@pytest.mark.slow
def test_close_tells_what_it_froze(district: District) -> None:
    district.configure(PERIODS)
    run(district)
    document = json.loads(call(district, "close", "p1", "--by", "A. Director", "--json").stdout)
    assert (document["period"], document["credits"], document["closed_by"], document["generation"]) == ("P1", 2, "A. Director", 1)
    assert [row["b8_ada"] for row in document["figures"]] == ["0.10", "0.10"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["P1"], 2, "--again --reason"),
        (["P1", "--again"], 2, "--reason"),
        (["P1", "--again", "--reason", " "], 2, "--reason"),
        (["P1", "--again", "--reason", "session withdrawn"], 0, "generation 2"),
        (["P2"], 2, "[periods] P2"),
        (["ANNUAL", "--again", "--reason", "x"], 2, "Leave out --again"),
        (["ANNUAL"], 0, "ANNUAL of 2025-2026 is closed"),
        (["P3"], 2, "P3"),
    ],
)
def test_exit_statuses(closed: District, words: list[str], status: int, told: str) -> None:
    result = call(closed, "close", *words)
    assert result.exit_code == status, result.output
    assert told in result.output


@pytest.mark.slow
def test_a_period_that_the_run_has_not_reached_is_not_closed(district: District) -> None:
    district.configure(PERIODS)
    run(district, "2025-08-27")
    result = call(district, "close", "P1")
    assert result.exit_code == 2
    assert "2025-08-29" in result.stderr
    assert "recoup run" in result.stderr


def test_without_a_good_run_there_is_nothing_to_close(district: District) -> None:
    assert call(district, "close", "P1").exit_code == 2


def gone(district: District) -> None:
    district.edit("participation", "S1,9000000001,240,08:00,12:00,T1,2025-08-23T12:05,sheet 1\n", "")


def held(district: District) -> None:
    district.edit("participation", "S1,9000000001,240,08:00,12:00,T1", "S1,9000000001,240,08:00,12:00,T9")


def absence_gone(district: District) -> None:
    district.edit("attendance", "9000000001,6010000,2025-08-20,excused,true,A,\n", "")


def absence_changed(district: District) -> None:
    district.edit("attendance", "08-20,excused", "08-20,suspension_in")


def other_grade(district: District) -> None:
    district.edit("enrollments", "9000000001,6010000,2025-08-18,,05", "9000000001,6010000,2025-08-18,,03")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "what", "reason"),
    [
        (gone, "removed", "time_gone"),
        (held, "removed", "session_held"),
        (absence_gone, "removed", "absence_gone"),
        (absence_changed, "removed", "absence_changed"),
        (other_grade, "changed", "grade_span_changed"),
    ],
)
def test_every_later_difference_is_an_amendment_with_its_reason(closed: District, change: Any, what: str, reason: str) -> None:
    change(closed)
    result = run(closed)
    assert amendments(closed) == [("P1", "9000000001", "2025-08-20", what, reason)]
    assert "AMENDED 1" in result.stdout
    manifest = json.loads((closed.out / "manifest.json").read_text(encoding="utf-8"))
    (told,) = [finding for finding in manifest["findings"] if finding["code"] == "AMENDED"]
    assert "9000000001" not in told["message"]
    assert reason in told["message"]
    for finding in manifest["findings"]:
        assert "{" not in finding["message"]
        assert finding["code"] != "CLOSED_DIFFERS" or 'recoup close P1 --again --reason "…"' in finding["message"]


def test_what_comes_in_late_is_added(closed: District) -> None:
    closed.edit("attendance", "9000000002,6010000,2025-08-19", LATE_ABSENCE)
    closed.edit("sessions", SESSIONS, SESSIONS + "S2,Saturday Recovery,6010000,2025-08-24,08:00,12:00,0,in_person,false\n")
    closed.edit("participation", "S1,9000000001", "S2,9000000001,240,08:00,12:00,T1,2025-08-24T12:05,sheet 2\nS1,9000000001")
    closed.edit("session_staff", "S1,T1,teacher\n", "S1,T1,teacher\nS2,T1,teacher\n")
    run(closed)
    # The reported pair holds although the older absence would now come first.
    assert amendments(closed) == [("P1", "9000000001", "2025-08-19", "added", "new_absence")]
    mine = [(row["absence_date"], row["earned_on"]) for row in closed.rows("credits.csv") if row["ssid"] == "9000000001"]
    assert mine == [("2025-08-19", "2025-08-24"), ("2025-08-20", "2025-08-23")]
    assert figures(closed)[0] == ("P1", "1964733", "2", "1", "1", "0.20", "0.10", "0.10")


DECIDED = """\
disposition_id,scope,session_id,ssid,date,code,decision,value,decided_by,decided_at,reason,evidence_ref
D1,absence,,9000000001,2025-08-20,,assign_school,6010001,A. Director,2025-09-01T09:00,moved to Cedar School,letter
"""


@pytest.mark.slow
def test_a_day_that_the_lea_assigned_to_another_school_keeps_the_reason_of_its_own_absence(district: District) -> None:
    """Ana moves to Cedar School on August 25, which shall report her absence of August 20."""
    district.configure(PERIODS + '[policy]\ncredit_school = "lea_choice"\n')
    district.edit("schools", "0190001,Birch", "6010001,Cedar School,elementary,1964733,3,false\n0190001,Birch")
    district.edit("calendar", "0190001,2025-08-26", "6010001,2025-08-26,true,08:00,14:30\n0190001,2025-08-26")
    moved = "9000000001,6010000,2025-08-18,2025-08-22,05,10,classroom,T160\n9000000001,6010001,2025-08-25,,05,10,classroom,\n"
    district.edit("enrollments", "9000000001,6010000,2025-08-18,,05,10,classroom,\n", moved)
    absence = "9000000001,6010000,2025-08-20,excused,true,A,\n"
    district.edit("attendance", absence, absence + "9000000001,6010001,2025-08-26,excused,true,A,\n")
    (district.folder / "data" / "dispositions.csv").write_text(DECIDED, encoding="utf-8", newline="\n")
    row = "S1,9000000001,240,08:00,12:00,T1,2025-08-23T12:05,sheet 1\n"
    district.edit("participation", row, "")
    run(district)
    assert call(district, "close", "P1").exit_code == 0

    district.edit("participation", "S1,9000000002", row + "S1,9000000002")
    run(district)
    assert [credit["absence_school_code"] for credit in district.rows("credits.csv") if credit["ssid"] == "9000000001"] == ["6010001"]
    assert amendments(district) == [("P1", "9000000001", "2025-08-20", "added", "new_time")]

    assert call(district, "close", "P1", "--again", "--reason", "sheet 1 was found").exit_code == 0
    district.edit("attendance", absence, "")
    run(district)
    assert amendments(district) == [
        ("P1", "9000000001", "2025-08-20", "removed", "absence_gone"),
        ("P1", "9000000001", "2025-08-26", "added", "rematched"),
    ]


@pytest.mark.slow
def test_an_amendment_that_is_closed_is_reported(closed: District) -> None:
    gone(closed)
    run(closed)
    assert call(closed, "close", "P1", "--again", "--reason", "sheet 1 withdrawn").exit_code == 0
    run(closed)
    assert amendments(closed) == []
    with Workspace.look(closed.folder / ".recoup") as workspace:
        kept = [(record.generation, record.rows, record.reason) for record in workspace.journal.closings()]
    assert kept == [(1, 2, ""), (2, 1, "sheet 1 withdrawn")]


@pytest.mark.slow
def test_figures_that_differ_without_a_pair_have_their_cause(closed: District) -> None:
    closed.config.write_text(
        closed.config.read_text(encoding="utf-8").replace("days_taught = 10 }", "days_taught = 20 }"), encoding="utf-8"
    )
    run(closed)
    assert amendments(closed) == []
    assert figures(closed)[0] == ("P1", "1964733", "1", "1", "0", "0.05", "0.10", "-0.05")
    manifest = json.loads((closed.out / "manifest.json").read_text(encoding="utf-8"))
    (told,) = [finding["message"] for finding in manifest["findings"] if finding["code"] == "CLOSED_DIFFERS"]
    assert "(other divisors: see the periods and their days_taught)" in told
    assert "amendments.csv" not in told


@pytest.mark.slow
def test_an_earlier_as_of_is_not_held_against_the_closing(closed: District) -> None:
    assert "NOT_COMPARED" in run(closed, "2025-08-22").stdout
    assert amendments(closed) == []


@pytest.mark.slow
def test_export_after_a_closing_shows_it(closed: District) -> None:
    assert call(closed, "export").exit_code == 0
    assert [row[3] for row in figures(closed)] == ["1", "1"]


@pytest.mark.slow
def test_frozen_files_that_were_touched_stop_the_run(closed: District) -> None:
    (frozen,) = Path(closed.folder / ".recoup" / "closed").iterdir()
    (frozen / "credits.parquet").write_bytes(b"")
    result = call(closed, "run")
    assert result.exit_code == 1
    assert "CLOSED_DAMAGED" in result.stderr
    assert "Traceback" not in result.output
