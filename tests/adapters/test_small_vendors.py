"""What Q, SchoolWise and School Pathways show that others do not: what is told apart, what is left out, and what the user is told of it."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recoup.adapters import registry
from recoup.conformance import LEA, YEAR
from recoup.errors import RecoupError
from recoup.ports import ReadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import RawFile, Reading

    Files = Callable[..., Reading]

FIXTURES = Path(__file__).parents[2] / "fixtures"
STUDENT = "210007"


@pytest.fixture
def read(raw: Callable[..., RawFile]) -> Files:
    """Read a vendor's small district, its files changed or added (``name=text``), with options of its own."""

    def reading(vendor: str, options: dict[str, object] | None = None, **changed: str) -> Reading:
        told = tomllib.loads((files("recoup.synthetic") / f"{vendor}.toml").read_text(encoding="utf-8"))["sources"][0]
        folder = FIXTURES / f"{vendor}_files" / "small" / "in"
        given = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()} | changed
        adapter = registry.get(f"{vendor}_files")
        request = ReadRequest("sis", YEAR, LEA, {**told.get("options", {}), **(options or {})}, told.get("mapping", {}))
        return adapter.read([raw(f"{name}.csv", text, _feed(name)) for name, text in given.items()], request)

    return reading


def _feed(name: str) -> str:
    return name.partition("-")[0]


def rows(reading: Reading, table: str, *columns: str) -> list[tuple[object, ...]]:
    return reading.tables[table].select(columns).collect().rows()


def told(reading: Reading) -> list[str]:
    return [finding.message for finding in reading.left_out if finding.code in {"LEFT_BY_RULE", "LEFT_BY_CODE"} and finding.rows]


def refusals(reading: Reading) -> list[tuple[object, ...]]:
    return reading.refused.select("file", "line", "column", "code").rows()


def test_qs_recovery_track_is_no_part_of_the_regular_day(read: Files) -> None:
    """Its calendar has Saturdays, its enrollments the whole fiscal year: neither may become a school day."""
    reading = read("q")
    assert not [day for (day,) in rows(reading, "calendar", "date") if str(day) == "2025-11-08"]
    assert ("2025-07-01",) not in rows(reading, "enrollments", "entry_date")
    assert any("enrollments in the attendance recovery track" in message for message in told(reading))
    assert any("drop-in classes of other tracks" in message for message in told(reading))
    assert "301-77-2025-10-14" not in {session for (session,) in rows(reading, "participation", "session_id")}


@pytest.mark.parametrize("given", [{}, {"ar_tracks": []}])
def test_q_is_not_read_before_someone_says_which_tracks_are_recovery(given: dict[str, object], read: Files) -> None:
    with pytest.raises(RecoupError, match="OPTION_REQUIRED") as caught:
        registry.get("q_files").settle(ReadRequest("sis", YEAR, LEA, given))  # type: ignore[attr-defined]
    assert caught.value.status == 2
    assert "Attendance Recovery Track Code" in str(caught.value)


def test_q_tells_drop_in_times_and_seat_time_minutes(read: Files) -> None:
    head, checked = "TrackID,School,ClassID,ClassDate,StudentID", "1006,11/08/2025 10:45"
    reading = read(
        "q",
        dropin=f"{head},BeginTime,EndTime,VerifiedBy,VerifiedAt\n10102,101,5,11/08/2025,{STUDENT},08:30 AM,10:30 AM,{checked}\n",
        seattime=f"{head},SeatTime,VerifiedBy,VerifiedAt\n10102,101,6,11/08/2025,{STUDENT},90,{checked}\n",
    )
    assert rows(reading, "participation", "session_id", "minutes", "sign_in", "sign_out") == [
        ("101-5-2025-11-08", None, "08:30", "10:30"),
        ("101-6-2025-11-08", "90", None, None),
    ]


def test_q_says_which_days_it_has_applied_itself(read: Files) -> None:
    assert rows(read("q"), "applied_days", "absence_date", "recovered_on")[0] == ("2026-05-21", "2026-06-01")


def test_schoolwise_sections_are_recovery_by_their_state_course_code(read: Files) -> None:
    reading = read("schoolwise")
    assert not [session for (session,) in rows(reading, "sessions", "session_id") if str(session).startswith("301-900")]
    assert any("sections of other courses (SectionID@section_course)" in message for message in told(reading))
    everything = read("schoolwise", {"ar_course_codes": ["6012", "2500"]})
    assert len(rows(everything, "sessions", "session_id")) == len(rows(reading, "sessions", "session_id")) + 1


@pytest.mark.parametrize(("hours", "minutes"), [("1.5", "90"), ("1:30", "90"), ("1.92", "115"), ("", None)])
def test_schoolwise_hours_become_minutes(hours: str, minutes: str | None, read: Files) -> None:
    head = "Section ID,Date,Student ID,Check In,Check Out,Hours,Verified By,Verified At"
    text = f"{head}\n101-101,11/8/2025,{STUDENT},8:30 AM,10:30 AM,{hours},,\n"
    plain = "Section ID,Date,Student ID,Minutes,Verified By,Verified At\n"
    assert rows(read("schoolwise", hourly_attendance=text, positive_attendance=plain), "participation", "minutes") == [(minutes,)]


def test_schoolwise_marks_that_are_no_absence_are_left_out_and_a_section_that_nobody_knows_is_refused(read: Files) -> None:
    meetings = "Section ID,School Number,Date,Start Time,End Time\n999-1,101,11/8/2025,8:30 AM,10:30 AM\n"
    reading = read("schoolwise", section_meeting=meetings)
    assert any("10 rows left out: students marked present or tardy" in message for message in told(reading))
    assert refusals(reading) == [("section_meeting.csv", 2, "section_meeting.SectionID", "SESSION_UNKNOWN")]


def test_a_weekly_event_of_school_pathways_is_a_session_for_each_row(read: Files) -> None:
    events = "Event ID,Event Date,School Code,Event Name,Start Time,End Time,Recurs\n" + "".join(
        f"7,2026-05-{day},401,AR Club,3:00 PM,4:00 PM,Weekly\n" for day in ("06", "13")
    )
    visits = f"Event ID,Event Date,Student ID,Sign In,Sign Out,Daily Minutes,Verified By,Verified At\n7,2026-05-13,{STUDENT},,,60,,\n"
    reading = read("schoolpathways", ar_event=events, ar_attendance=visits)
    assert rows(reading, "sessions", "session_id") == [("7-2026-05-06",), ("7-2026-05-13",)]
    assert rows(reading, "participation", "session_id", "minutes") == [("7-2026-05-13", "60")]


def test_p_is_present_in_school_pathways_but_where_a_school_says_otherwise(read: Files) -> None:
    days = f"Student ID,School Code,Attendance Date,Code,Day Value\n{STUDENT},101,2025-10-14,P,1\n{STUDENT},201,2025-10-14,P,1\n"
    reading = read("schoolpathways", attendance=days)
    assert rows(reading, "attendance", "school_code", "kind") == [("6019003", "excused")]
    assert "attendance: 1 rows left out: Code says present" in told(reading)


@pytest.mark.parametrize(("option", "last"), [("first_day_out", "2025-10-14"), ("last_day", "2025-10-15")])
def test_the_day_of_withdrawal_is_the_first_out_or_the_last_in(option: str, last: str, read: Files) -> None:
    spans = f"Student ID,School Code,Enroll Date,Withdraw Date,Grade Level\n{STUDENT},101,2025-08-13,2025-10-15,2\n"
    assert rows(read("schoolpathways", {"exit_date": option}, enrollment=spans), "enrollments", "exit_date", "grade") == [(last, "02")]
