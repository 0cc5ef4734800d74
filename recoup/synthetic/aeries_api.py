"""The synthetic district as an Aeries server would answer for it: the answers of the interface (v5), and the query exports beside.

The shapes are those of the vendor's pages (domain sheet, sections 4.1 to 4.3): ISO midnights, three ways to write a year, an absence
without a row of its own for every day attended, codes by school, one object a student.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recoup.synthetic.aeries import make_sheets, write_sheet
from recoup.synthetic.bundle import write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recoup.synthetic.aeries import Sheet
    from recoup.synthetic.district import District

Record = dict[str, Any]

#: What each kind of answer was written after; the server of the tests serves the files as they are.
SOURCES = (
    ("systeminfo.json", "vendors.md 4.1: answers without a certificate; AvailableDatabaseYears"),
    ("schools.json", "vendors.md 4.2: parts of the CDS code, Terms"),
    ("schools/*/terms.json", "vendors.md 4.2: TermCode, StartDate, EndDate"),
    ("schools/*/calendar.json", "vendors.md 4.3: ISO midnight, HolidayCode, CalendarDayNumber counts weekdays"),
    ("schools/*/AbsenceCodes.json", "vendors.md 4.3: one character, TypeCode 1-9, flags; school 0 is the district"),
    ("schools/*/students.json", "vendors.md 4.3: StudentNumber within a school only; Grade a number"),
    ("schools/*/enrollment.json", "vendors.md 4.2: id 0 is every student; AcademicYear the start year"),
    ("schools/*/attendance.json", "vendors.md 4.3: one object a student, a day only where a code is"),
    ("schools/*/AttendanceHistory.json", "vendors.md 4.3: year totals; SchoolYear 2025-2026"),
)
#: What only query exports tell, and the columns of tables that they complete.
_BESIDE = ("BEL", "CSE", "ATP", "ATS", "ATC", "ATD", "ATR", "IND", "STF")
_COMPLETED = {"LOC": "CD TY IRC", "DAY": "SC DT T1 T2", "ENR": "ID SC ED ES AX"}


def write_aeries_api(district: District, folder: Path) -> list[Path]:
    """Write ``server/`` (answers; ``sources.csv`` tells what each was written after) and ``beside/`` below ``folder``."""
    sheets = make_sheets(district)
    tables = {name: _records(sheet) for name, sheet in sheets.items()}
    answers: dict[str, Any] = {"systeminfo": _system(), "schools": [_school(row, district) for row in tables["LOC"]]}
    answers["schools/0/AbsenceCodes"] = [_code(row) for row in tables["ABS"] if row["SC"] == "0"]
    students = {(row["SC"], row["SN"]): row["ID"] for row in tables["STU"]}
    for school in (row["CD"] for row in tables["LOC"] if row["SC"] != "0000000"):
        at = f"schools/{school}"

        def of(name: str, school: str = school) -> list[Record]:
            return [row for row in tables[name] if row["SC"] == school and row.get("DEL", "") != "1"]

        answers[f"{at}/terms"] = _terms(school, district)
        answers[f"{at}/calendar"] = [_day(row) for row in of("DAY")]
        answers[f"{at}/AbsenceCodes"] = [_code(row) for row in of("ABS")]
        answers[f"{at}/students"] = [_student(row) for row in of("STU")]
        answers[f"{at}/enrollment"] = [_enrollment(row) for row in of("ENR")]
        answers[f"{at}/attendance"] = _attendance(of("ATT"), students)
        answers[f"{at}/AttendanceHistory"] = _history(school, answers[f"{at}/attendance"], answers[f"{at}/calendar"])
    written = [_write_json(folder / "server" / f"{path}.json", value) for path, value in answers.items()]
    (folder / "beside").mkdir(parents=True, exist_ok=True)
    write_csv(folder / "server" / "sources.csv", ["answer", "after"], SOURCES)
    beside = {name: sheets[name] for name in _BESIDE} | {name: _cut(sheets[name], columns) for name, columns in _COMPLETED.items()}
    makeups = _cut(sheets["ATT"], "SC SN DT ADA ADT DEL")
    beside["ATT"] = (makeups[0], [row for row in makeups[1] if row[3] and row[5] != "1"])
    written += [write_sheet(folder / "beside", name, header.split(), rows) for name, (header, rows) in beside.items()]
    return [*written, folder / "server" / "sources.csv"]


def _records(sheet: Sheet) -> list[Record]:
    header, rows = sheet
    return [dict(zip(header.split(), row, strict=False)) for row in rows]


def _cut(sheet: Sheet, columns: str) -> Sheet:
    return columns, [[row[name] for name in columns.split()] for row in _records(sheet)]


def _midnight(day: str) -> str | None:
    try:
        return datetime.strptime(day, "%m/%d/%Y").isoformat() if day else None  # noqa: DTZ007 a local date, as Aeries writes it
    except ValueError:
        return day


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdecimal() else text


def _system() -> Record:
    return {
        "AeriesVersion": "10.26.4.20",
        "DatabaseYear": "2025-2026",
        "AvailableDatabaseYears": ["2024-2025", "2025-2026", "2026-2027"],
        "LocalTimeZoneName": "Pacific Standard Time",
        "CurrentDateTime": "2026-11-22T07:00:00-08:00",
    }


def _school(row: Record, district: District) -> Record:
    return {
        "SchoolCode": _number(row["CD"]), "Name": row["NM"], "InactiveStatusCode": "", "StateCountyID": row["CC"],
        "StateDistrictID": row["DC"], "StateSchoolID": row["SC"], "AttendanceType": "Daily", "AttendanceReporting": "Negative",
        "SessionType": "Regular", "Terms": _terms(row["CD"], district),
    }  # fmt: skip


def _terms(school: str, district: District) -> list[Record]:
    code = {row["local_school_id"]: row["school_code"] for row in district.tables["schools"]}.get(school, "")
    return [
        {"TermCode": row["term"], "StartDate": f"{row['start']}T00:00:00", "EndDate": f"{row['end']}T00:00:00"}
        for row in district.tables["terms"]
        if row["school_code"] == code
    ]


def _day(row: Record) -> Record:
    return {
        "SchoolCode": _number(row["SC"]), "CalendarDate": _midnight(row["DT"]), "CalendarDayNumber": _number(row["DY"]),
        "HolidayCode": row["HO"], "AttendanceMonth": (int(row["DY"]) - 1) // 20 + 1, "AttendanceMonthLocked": False,
    }  # fmt: skip


def _code(row: Record) -> Record:
    return {
        "Code": row["CD"], "Description": row["TI"], "TypeCode": row["TY"], "IsSuspension": row["SU"] == "1", "CountsForADA": False,
        "IsPartialDayTruant": False, "IsTemporarilyNotEnrolled": False, "IndependentStudyCode": row["IS"],
    }  # fmt: skip


def _student(row: Record) -> Record:
    return {
        "StudentID": _number(row["ID"]), "SchoolCode": _number(row["SC"]), "StudentNumber": _number(row["SN"]),
        "StateStudentID": row["CID"], "LastName": row["LN"], "FirstName": row["FN"], "Birthdate": _midnight(row["BD"]),
        "Gender": row["GN"], "InactiveStatusCode": "",
    }  # fmt: skip


def _enrollment(row: Record) -> Record:
    return {
        "StudentID": _number(row["ID"]), "SchoolCode": _number(row["SC"]), "AcademicYear": row["YR"], "EnterDate": _midnight(row["ED"]),
        "LeaveDate": _midnight(row["LD"]), "Grade": _number(row["GR"]), "Track": row["TR"], "AttendanceProgramCode": row["PR"],
        "ExitReasonCode": row["ER"],
    }  # fmt: skip


def _attendance(rows: Sequence[Record], students: dict[tuple[str, str], str]) -> list[Record]:
    """One object a student; period codes only on days that have no all-day code."""
    found: dict[str, list[Record]] = {}
    for row in rows:
        classes = [
            {"SectionNumber": 100 + period, "Period": str(period), "AttendanceCode": row[f"A{period}"]}
            for period in (1, 2)
            if row[f"A{period}"]
        ]
        if row["AL"] or classes:
            day = {"CalendarDate": _midnight(row["DT"]), "AllDayAttendanceCode": row["AL"], "Classes": classes}
            found.setdefault(students.get((row["SC"], row["SN"]), "999999"), []).append(day)
    return [{"StudentID": _number(student), "AttendanceDays": days} for student, days in sorted(found.items())]


def _history(school: str, attendance: Sequence[Record], days: Sequence[Record]) -> list[Record]:
    taught = sum(day["HolidayCode"] in ("", "%") for day in days)
    return [
        {"StudentID": one["StudentID"], "SchoolCode": _number(school), "SchoolYear": "2025-2026", "DaysEnrolled": taught,
         "DaysAbsence": sum(day["AllDayAttendanceCode"] != "" for day in one["AttendanceDays"])}
        for one in attendance
    ]  # fmt: skip


def _write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n")
    return path
