"""Sign-in sheets as people keep them: titles above, two cells or one for a moment, hours or minutes, names or numbers."""

from __future__ import annotations

import io
from datetime import date, time
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from recoup.adapters import registry
from recoup.errors import RecoupError
from recoup.ports import PERSON

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recoup.ports import RawFile, Reading, ReadRequest

SITE = {"codes": {"site": {"Live Oak": "6019001"}}}


@pytest.fixture
def read(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> Callable[..., Reading]:
    """Read sheets, each the text of a file; ``called`` is the file that names headers."""

    def reading(*sheets: str | bytes, called: str = "", options: dict[str, object] | None = None, **mapping: object) -> Reading:
        given = [raw(f"sign-in-{number}.csv", sheet, "visits") for number, sheet in enumerate(sheets)]
        given += [raw("columns.csv", called, "columns")] if called else []
        return registry.get("sign_in_sheet").read(given, ask(options, **{**SITE, **mapping}))

    return reading


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data)
    day, clock = book.add_format({"num_format": "m/d/yyyy"}), book.add_format({"num_format": "h:mm AM/PM"})
    for rows in sheets:
        sheet = book.add_worksheet()
        for line, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write(line, place, cell, {date: day, time: clock}.get(type(cell)))
    book.close()
    return data.getvalue()


def rows(reading: Reading, table: str, *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in reading.tables[table].select(columns).collect().rows()]


def codes(reading: Reading) -> list[str]:
    return reading.refused["code"].to_list()


def test_a_workbook_with_a_title_gives_visits_sessions_and_staff(read: Callable[..., Reading]) -> None:
    head: list[object] = [
        "Student ID",
        "Last Name",
        "First Name",
        "DOB",
        "Site",
        "Date",
        "Start",
        "End",
        "Program",
        "Teacher",
        "Time In",
        "Time Out",
    ]
    day, first, last = date(2025, 10, 18), time(8, 30), time(11, 45)
    sheet: list[list[object]] = [
        ["Saturday School sign-in"],
        [],
        head,
        ["000123", "Rivera", "Ana", date(2014, 5, 2), "Live Oak", day, first, last, "Saturday School", "T004; T007", first, last],
        ["", "Pena", "Luz", date(2013, 1, 9), "Live Oak", day, first, last, "Saturday School", "T004", time(8, 40), last],
    ]
    reading = read(workbook(sheet))
    session = "Live Oak-2025-10-18-08:30-Saturday School"
    assert rows(reading, "sessions", "session_id", "school_code", "date", "start_time", "end_time", "location", "_line") == [
        (session, "6019001", "2025-10-18", "08:30", "11:45", "Live Oak", 4)
    ]
    assert rows(reading, "participation", "session_id", "sign_in", "sign_out", *PERSON, "_line") == [
        (session, "08:30", "11:45", "000123", "Rivera, Ana", "2014-05-02", 4),
        (session, "08:40", "11:45", None, "Pena, Luz", "2013-01-09", 5),
    ]
    assert rows(reading, "session_staff", "session_id", "staff_id", "role") == [(session, "T004", "teacher"), (session, "T007", "teacher")]
    assert {finding.code for finding in reading.left_out} >= {"COLUMN_EMPTY", "DEFAULT_TAKEN"}


def test_other_sheets_of_a_workbook_are_told_of(read: Callable[..., Reading]) -> None:
    sheet: list[list[object]] = [["Student ID", "Session ID", "Minutes"], ["1", "A", 60], ["2", "A", 60]]
    reading = read(workbook(sheet, sheet[:2]))
    assert [(finding.code, finding.rows) for finding in reading.left_out if finding.code == "SHEETS_LEFT"] == [("SHEETS_LEFT", 1)]
    assert reading.tables["participation"].collect().height == 2


@pytest.mark.parametrize(
    ("header", "cell", "minutes"),
    [
        ("Minutes", "75", "75"),
        ("Minutes", "1:15", "75"),
        ("Hours", "1.25", "75"),
        ("Hours", "0.92", "55"),
        ("Hours", "1:15", "75"),
        ("Duration", "1:15", "75"),
    ],
)
def test_pitfall_32_time_attended_is_minutes_whatever_the_unit(header: str, cell: str, minutes: str, read: Callable[..., Reading]) -> None:
    reading = read(f"Student_ID,Session_ID,{header}\n1,A,{cell}\n")
    assert rows(reading, "participation", "minutes") == [(minutes,)]


def test_a_plain_duration_waits_for_its_unit_and_minutes_in_a_column_of_hours_are_refused(read: Callable[..., Reading]) -> None:
    assert codes(read("Student_ID,Session_ID,Duration\n1,A,75\n2,A,1:15\n")) == ["DURATION_UNIT"]
    assert rows(read("Student_ID,Session_ID,Duration\n1,A,1.5\n", options={"duration_unit": "hours"}), "participation", "minutes") == [
        ("90",)
    ]
    assert codes(read("Student_ID,Session_ID,Hours\n1,A,75\n")) == ["MORE_THAN_A_DAY"]


def test_a_moment_in_one_cell_and_a_session_that_only_the_options_know(read: Callable[..., Reading]) -> None:
    reading = read(
        "Student,DOB,Site,In At,Out At\nAna Rivera,5/2/2014,6019001,10/18/2025 3:31 PM,10/18/2025 5:29 PM\n",
        options={"session_start": "15:30", "session_end": "17:30", "program": "After School"},
    )
    assert rows(reading, "participation", "session_id", "sign_in", "sign_out", "_name") == [
        ("6019001-2025-10-18-15:30-After School", "15:31", "17:29", "Ana Rivera")
    ]
    assert rows(reading, "sessions", "date", "start_time", "end_time", "program_name", "school_code") == [
        ("2025-10-18", "15:30", "17:30", "After School", "6019001")
    ]


def test_what_the_sheet_calls_its_columns_may_stand_in_a_file(read: Callable[..., Reading]) -> None:
    sheet = "Kid no.,Group,Stayed\n000123,A,60\n"
    reading = read(sheet, called="column,header\nStudent_ID,Kid no.\nSession_ID,Group\nMinutes,Stayed\n")
    assert rows(reading, "participation", "session_id", "minutes", "_local_student_id") == [("A", "60", "000123")]
    assert "sessions" not in reading.tables
    own = {"columns": {"visits": {"Session_ID": "Stayed", "Minutes": "Group"}}}
    reading = read(sheet, called="column,header\nStudent_ID,Kid no.\nSession_ID,Group\nMinutes,Stayed\n", **own)
    assert rows(reading, "participation", "session_id", "minutes") == [("60", "A")], "recoup.toml comes first"


def test_names_of_staff_and_sites_are_explained_or_refused(read: Callable[..., Reading]) -> None:
    reading = read(
        "Student_ID,Site,Date,Start,End,Minutes,Staff,Verified_By\n1,Live Oak,10/18/2025,8:30,10:30,60,Ms. Rivera,Ms. Rivera\n"
        "1,Elsewhere,10/19/2025,8:30,10:30,60,,\n",
        codes={**SITE["codes"], "staff": {"Ms. Rivera": "T004"}},
    )
    assert rows(reading, "session_staff", "staff_id") == [("T004",)]
    assert rows(reading, "participation", "verified_by") == [("T004",), (None,)]
    (refused,) = reading.refused.to_dicts()
    assert (refused["code"], refused["line"]) == ("CODE_UNMAPPED", 3)
    assert "codes.site" in refused["mend"]


@pytest.mark.parametrize("head", ["Student_ID,Minutes", "Session_ID,Minutes", "Student_ID,Session_ID"])
def test_a_sheet_that_cannot_tell_a_visit_says_what_it_lacks(head: str, read: Callable[..., Reading]) -> None:
    with pytest.raises(RecoupError) as caught:
        read(f"{head}\n1,2,3\n"[:-3])
    assert (caught.value.code, int(caught.value.status)) == ("SHEET_COLUMNS", 4)


def test_a_slip_in_one_row_undoes_that_row_and_not_its_session(read: Callable[..., Reading]) -> None:
    head = "Student_ID,Session_ID,Site,Date,Start,End,Minutes\n"
    good = "".join(f"{number},A,Live Oak,10/18/2025,8:30,10:30,60\n" for number in (1, 2))
    reading = read(f"{head}{good}3,A,Live Oak,9/31/2025,8:30,10:30,60\n")
    assert reading.refused.select("code", "line").rows() == [("SESSION_DIFFERS", 4)]
    assert rows(reading, "sessions", "session_id", "date") == [("A", "2025-10-18")]
    assert len(rows(reading, "participation", "minutes")) == 2
    split = read(f"{head}1,A,Live Oak,10/18/2025,8:30,10:30,60\n2,A,Live Oak,10/19/2025,8:30,10:30,60\n")
    assert len(rows(split, "sessions", "date")) == 2, "nobody can say which is right: the checks refuse both"
    later = read(f"{head}{good}", f"{head}{good.replace('8:30', '8:45')}4,A,Live Oak,10/18/2025,8:45,10:30,60\n")
    assert not later.refused.height, "another file may tell it anew"
