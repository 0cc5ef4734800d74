"""The synthetic district's recovery as sign-in sheets: a tool's workbook and a provider's CSV; everything else lies beside as a bundle.

Some students are on the sheets by name and birth date alone, as providers know them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import xlsxwriter

from recoup.synthetic.bundle import write_bundle, write_csv
from recoup.synthetic.places import SCHOOLS
from recoup.synthetic.retold import Cells, clock, local_ids, moment, short

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row

#: The schools whose sheets the tool keeps; the others' come from the provider.
_TOOL = frozenset(school.code for school in SCHOOLS[::2])
#: Of every so many students, the one without a number on the sheet.
_EVERY, _NAMELESS = 25, 3
_NAMES = {school.code: school.name for school in SCHOOLS}
_HEAD = [
    "Session ID", "Student ID", "Last Name", "First Name", "DOB", "Site", "Date", "Start", "End", "Program", "Room", "Break", "Delivery",
    "Cancelled", "Other Students", "Session Verified By", "Session Verified At", "Time In", "Time Out",
]  # fmt: skip
_TAIL = ["Verified By", "Verified At", "Evidence"]


def _cells(visit: Row, session: Row, student: Row, number: str) -> Cells:
    names = [student["legal_last_name"].upper(), student["legal_first_name"], short(student["birth_date"])]
    place = [_NAMES[session["school_code"]], short(session["date"]), clock(session["start_time"]), clock(session["end_time"])]
    told = [session[name] for name in ("program_name", "room", "break_minutes", "delivery", "cancelled", "other_students_present")]
    checked = [session["verified_by"], moment(session["verified_at"])]
    return [session["session_id"], number, *names, *place, *told, *checked, clock(visit["sign_in"]), clock(visit["sign_out"])]


def write_sign_in_sheet(district: District, folder: Path) -> list[Path]:
    """Write ``sign-in-tool.xlsx`` and ``sign-in-provider.csv`` below ``folder``, and all that no sheet says as a bundle in ``kept/``."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = local_ids(district)
    students = {row["ssid"]: row for row in district.tables["students"]}
    nameless = {ssid for place, ssid in enumerate(students) if place % _EVERY == _NAMELESS}
    sessions = {row["session_id"]: row for row in district.tables["sessions"]}
    tool, provider = [], []
    for visit in district.tables["participation"]:
        session, ssid = sessions[visit["session_id"]], visit["ssid"]
        cells = _cells(visit, session, students[ssid], "" if ssid in nameless else numbers[ssid])
        checked = [visit["verified_by"], moment(visit["verified_at"]), visit["evidence_ref"]]
        minutes = int(visit["minutes"] or -1)
        if session["school_code"] in _TOOL:
            tool.append([*cells, f"{minutes // 60}:{minutes % 60:02d}" if visit["minutes"] else "", *checked])
        else:
            provider.append([*cells, f"{minutes / 60:.2f}" if visit["minutes"] else "", *checked])
    if district.flaws:
        nobody = [provider[0][0], "000000000", "NOBODY", "Known", "5/5/2015", *provider[0][5:]]
        provider += [nobody, [*provider[0][:6], "9/31/2025", *provider[0][7:]], [*provider[0], "stray"]]
    write_csv(folder / "sign-in-provider.csv", [*_HEAD, "Hours", *_TAIL], provider)
    _write_workbook(folder / "sign-in-tool.xlsx", [*_HEAD, "Duration", *_TAIL], tool)
    told = ("sessions", "participation")
    visited = {row["session_id"] for row in district.tables["participation"]}
    kept = {name: rows for name, rows in district.tables.items() if name not in told}
    kept["session_staff"] = [row for row in kept["session_staff"] if row["session_id"] in visited]
    rest = replace(district, tables=kept, flaws=[flaw for flaw in district.flaws if flaw.table not in told])
    return [folder / "sign-in-provider.csv", folder / "sign-in-tool.xlsx", *write_bundle(rest, folder / "kept")]


def _write_workbook(path: Path, header: Cells, rows: list[Cells]) -> None:
    """Write the tool's sheet: a title, the header, dates and times as such and ids as text."""
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": datetime(2026, 6, 30, tzinfo=UTC)})
        day, hour = book.add_format({"num_format": "m/d/yyyy"}), book.add_format({"num_format": "h:mm AM/PM"})
        sheet = book.add_worksheet("Visits")
        sheet.write_string(0, 0, "Attendance Recovery sign-in 2025-2026")
        for place, name in enumerate(header):
            sheet.write_string(2, place, name)
        for line, row in enumerate(rows, start=3):
            for place, (name, cell) in enumerate(zip(header, row, strict=True)):
                if cell and name in {"Date", "DOB"}:
                    sheet.write_datetime(line, place, _day(cell), day)
                elif cell and name in {"Start", "End", "Time In", "Time Out"}:
                    sheet.write_datetime(line, place, _time(cell), hour)
                elif cell:
                    sheet.write_string(line, place, cell)


def _day(text: str) -> date:
    month, number, year = (int(part) for part in text.split("/"))
    return date(year, month, number)


def _time(text: str) -> time:
    # The hour of a clock of twelve: 12 PM is noon.
    hour, minute, half = int(text[:2]), int(text[3:5]), text[6:]
    return time(hour % 12 + (12 if half == "PM" else 0), minute)
