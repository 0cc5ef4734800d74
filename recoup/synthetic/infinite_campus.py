"""The synthetic district as Infinite Campus would extract it: calendars, person ids, attendance by period, and every file format it has."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.places import MEANINGS, SCHOOLS
from recoup.synthetic.retold import Cells, clock, flag, group, local, local_ids, moment, us, write_kept

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row

Sheet = tuple[str, list[Cells]]

#: Campus's keys of the schools, which are not their numbers, and of their calendars.
SCHOOL_ID = {school.local: str(11 + n) for n, school in enumerate(SCHOOLS)}
CALENDAR_ID = {school.local: str(501 + n) for n, school in enumerate(SCHOOLS)}
#: What a school calls an absence, by the district's meaning: longer codes than one letter, and a state code for suspensions.
WORDS = {
    "ill": "ILL", "excused": "EXC", "unexcused": "UNX", "truant": "TRU", "immunization": "IMM", "suspended": "OSS", "in_school": "ISS",
    "study": "ISC", "study_incomplete": "ISI", "left_early": "LEF", "late": "LAT",
}  # fmt: skip
#: At these schools two codes have changed places, for codes are local to a calendar.
SWAPPED = frozenset({"201", "301", "302"})
STATE = {"suspended": "100", "in_school": "110"}
MADE_UP = {"saturday_school": "-SAT", "other": "-OTH", "": ""}
SERVICE = {"10": "P", "20": "S", "30": "T", "50": "X"}
EXITS = {"T160": "160", "E140": "140", "N470": "470", "": ""}
#: The layout of the fixed-width file of Attendance Recovery records.
LAYOUT = (("stateID", 10), ("studentNumber", 15), ("districtID", 7), ("startDate", 10), ("endDate", 10), ("comment", 255))


def word(school: str, meaning: str) -> str:
    """Return a school's code for a meaning."""
    if school in SWAPPED:
        meaning = {"ill": "excused", "excused": "ill"}.get(meaning, meaning)
    return WORDS[meaning]


def _roster(district: District, person: dict[str, str]) -> dict[str, Sheet]:
    schools = [[SCHOOL_ID[s.local], s.local, s.code, s.name, "1" if s.charter else "0"] for s in SCHOOLS]
    calendars = [[CALENDAR_ID[s.local], SCHOOL_ID[s.local], f"25-26 {s.name}"] for s in SCHOOLS]
    days = [
        [CALENDAR_ID[local(row["school_code"])], f"{us(row['date'])} 00:00:00", flag(row["is_instructional"]), clock(row["day_start"]),
         clock(row["day_end"]), row["track"] or "Main", row["grades"].replace("KN", "KG").replace(";", ",")]
        for row in district.tables["calendar"]
    ]  # fmt: skip
    numbers = local_ids(district)
    students = [
        [person[row["ssid"]], row["ssid"], numbers[row["ssid"]], row["legal_last_name"], row["legal_first_name"],
         us(row["birth_date"]), row["gender"]]
        for row in district.tables["students"]
    ]  # fmt: skip
    enrollments = [
        [person[row["ssid"]], CALENDAR_ID[local(row["school_code"])], us(row["entry_date"]), us(row["exit_date"]),
         {"KN": "KG"}.get(row["grade"], row["grade"]), SERVICE[row["enrollment_status"]], row["track"] or "Main",
         row["instruction_mode"].capitalize(), EXITS[row["exit_reason"]], row["alternate_minimum_minutes"], flag(row["absence_exempt"])]
        for row in district.tables["enrollments"]
    ]  # fmt: skip
    head = "personID calendarID startDate endDate grade serviceType structureName instructionMode endStatus alternateMinimum absenceExempt"
    return {
        "school": ("schoolID localNumber sch.number sch.name independentCharter", schools),
        "calendar": ("calendarID schoolID cal.name", calendars),
        "day": ("calendarID date instruction startTime endTime structureName grades", days),
        "student": (
            "student.personID student.stateID student.studentNumber student.lastName student.firstName student.birthdate student.gender",
            students,
        ),
        "enrollment": (head, enrollments),
    }


def _excuses() -> Sheet:
    rows = []
    for school in SCHOOLS:
        calendar = CALENDAR_ID[school.local]
        rows.append([calendar, "TDY", "Tardy", "T", "Unexcused", ""])
        for meaning, code in MEANINGS.items():
            excuse = "Unexcused" if code.kind == "unexcused" else "Excused"
            rows += [
                [calendar, word(school.local, meaning) + mark, code.description + mark, "A", excuse, STATE.get(meaning, "")]
                for mark in (MADE_UP.values() if code.full_day else ("",))
            ]
    return "calendarID code description status excuse stateCode", rows


def _attendance(district: District, person: dict[str, str]) -> tuple[list[dict[str, str]], Sheet]:
    """Attendance as Campus has it: whole days absent in all of six periods, parts in two; and its own count of each day."""
    letters = {(s.local, letter): meaning for s in SCHOOLS for meaning, letter in s.codes.items()}
    marks: list[dict[str, str]] = []
    days = []
    for row in district.tables["attendance"]:
        school = local(row["school_code"])
        meaning = letters[school, row["source_code"]]
        whole = row["full_day"] == "true"
        key = {"personID": person[row["ssid"]], "calendarID": CALENDAR_ID[school], "date": us(row["date"])}
        code = word(school, meaning) + MADE_UP[row["made_up_by"]]
        marks += [
            {**key, "periodName": str(period), "status": "A", "code": code, "stateCode": STATE.get(meaning, "")}
            for period in range(1, 7 if whole else 3)
        ]
        days.append([*key.values(), "1.0" if whole else "0.33"])
    for n, student in enumerate(district.tables["students"][:30]):
        school = next(local(row["school_code"]) for row in district.tables["enrollments"] if row["ssid"] == student["ssid"])
        key = {"personID": person[student["ssid"]], "calendarID": CALENDAR_ID[school], "date": "10/14/2025"}
        marks.append({**key, "periodName": str(1 + n % 6), "status": "T", "code": "TDY", "stateCode": ""})
    return marks, ("personID calendarID date absentDay", days)


def _recovery(district: District, person: dict[str, str]) -> dict[str, Sheet]:
    groups = {group(row): row for row in district.tables["sessions"]}
    key = {which: str(9001 + n) for n, which in enumerate(groups)}
    sections = [[key[which], SCHOOL_ID[which[0]], which[1], row["program_name"], row["room"], "1"] for which, row in groups.items()]
    sections.append(["8999", SCHOOL_ID["301"], "12", "Mathematics 1", "R4", "0"])
    sessions = {row["session_id"]: row for row in district.tables["sessions"]}
    meetings = [
        [key[group(row)], us(row["date"]), clock(row["start_time"]), clock(row["end_time"]), row["break_minutes"], row["delivery"],
         flag(row["cancelled"]), row["other_students_present"], row["verified_by"], moment(row["verified_at"])]
        for row in district.tables["sessions"]
    ]  # fmt: skip
    meetings.append(["8999", "10/14/2025", "10:00 AM", "10:55 AM", "0", "", "0", "", "", ""])
    visits = [
        [person[row["ssid"]], key[group(sessions[row["session_id"]])], us(sessions[row["session_id"]]["date"]), row["minutes"],
         clock(row["sign_in"]), clock(row["sign_out"]), row["verified_by"], moment(row["verified_at"]), row["evidence_ref"]]
        for row in district.tables["participation"]
    ]  # fmt: skip
    visits += [[person[row["ssid"]], "8999", "10/14/2025", "55", "", "", "", "", ""] for row in district.tables["students"][:8]]
    staff = {row["staff_id"]: str(2001 + n) for n, row in enumerate(district.tables["staff"])}
    posts = []
    for row in district.tables["session_staff"]:
        session = sessions[row["session_id"]]
        day = us(session["date"])
        role = {"teacher": "P", "aide": "S"}[row["role"]]
        posts.append([key[group(session)], staff[row["staff_id"]], role, day, day, clock(row["start_time"]), clock(row["end_time"])])
    people = [
        [staff[row["staff_id"]], row["staff_id"], row["staff_name"], flag(row["certificated"]), flag(row["lea_employee"]),
         us(row["credential_expires"])]
        for row in district.tables["staff"]
    ]  # fmt: skip
    study = [[person[row["ssid"]], us(row["start_date"]), us(row["end_date"])] for row in district.tables["independent_study"]]
    return {
        "section": ("sectionID schoolID sectionNumber courseName roomName attendanceRecovery", sections),
        "sectionMeeting": (
            "sectionID date startTime endTime nonInstructionalMinutes delivery cancelled otherStudents verifiedBy verifiedAt", meetings
        ),
        "sectionAttendance": ("personID sectionID date presentMinutes timeIn timeOut verifiedBy verifiedAt comments", visits),
        "sectionStaff": ("sectionID personID staffType startDate endDate startTime endTime", posts),
        "staff": ("personID staffNumber name certificated employee credentialExpires", people),
        "independentStudy": ("personID startDate endDate", study),
        "sectionHours": (
            "student.personID section.sectionID sectionStudentDetail.attendanceRecoveryHoursEarned", _hours(visits, set(key.values()))
        ),
    }  # fmt: skip


def _hours(visits: list[Cells], sections: set[str]) -> list[Cells]:
    """Whole hours by student and section, as the nightly procedure rounds them down; every third student is on that route."""
    minutes: dict[tuple[str, str], int] = {}
    for visit in visits:
        if visit[1] in sections and int(visit[0]) % 3 == 0:
            minutes[visit[0], visit[1]] = minutes.get((visit[0], visit[1]), 0) + int(visit[3] or 0)
    return [[person, section, str(total // 60)] for (person, section), total in minutes.items()]


def _services(district: District) -> Sheet:
    """Earned and used services of the students that have a record."""
    record = {row["ssid"]: row for row in district.tables["program_records"]}
    used: dict[str, int] = {}
    for row in district.tables["applied_days"]:
        used[row["ssid"]] = used.get(row["ssid"], 0) + 1
    home = {row["ssid"]: row["school_code"] for row in reversed(district.tables["enrollments"])}
    rows = []
    for ssid, row in record.items():
        start = us(row["start_date"])
        rows.append([ssid, home[ssid], "Earned", start, us(row["end_date"]), start, "4", "", "Total"])
        if ssid in used:
            rows.append([ssid, home[ssid], "Used", start, us(row["end_date"]), start, "", str(used[ssid]), ""])
    return "stateID schoolNumber serviceType startDate endDate recordStartDate timeEarned daysUsed comments", rows


def write_infinite_campus(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as Campus's extracts, and ``kept/applied_days.csv``: Campus holds days used only as a number.

    Attendance is XML with a namespace, ``day`` tab-separated, the records fixed width, all else CSV, UTF-16 and UTF-8.
    """
    folder.mkdir(parents=True, exist_ok=True)
    person = {row["ssid"]: str(31001 + 2 * n) for n, row in enumerate(district.tables["students"])}
    marks, days = _attendance(district, person)
    sheets = {
        **_roster(district, person), "attendanceDay": days, "attendanceExcuse": _excuses(), **_recovery(district, person),
        "attendanceRecoveryService": _services(district),
    }  # fmt: skip
    if district.flaws:
        _spoil(sheets, marks, everywhere=any(flaw.table == "calendar" for flaw in district.flaws))
    out = []
    for name, (header, rows) in sheets.items():
        path = folder / f"{name}.{'txt' if name == 'day' else 'csv'}"
        write_csv(path, header.split(), rows, encoding="utf-16" if name == "staff" else "utf-8", delimiter="\t" if name == "day" else ",")
        out.append(path)
    out += [_write_xml(folder / "attendanceDetail.xml", marks), _write_records(folder / "attendanceRecovery.txt", district)]
    return out + write_kept(district, folder, ["applied_days"])


def _spoil(sheets: dict[str, Sheet], marks: list[dict[str, str]], *, everywhere: bool) -> None:
    visits = sheets["sectionAttendance"][1]
    visit = visits[0]
    visits += [list(visit), ["1", *visit[1:]], [visit[0], "1", *visit[2:]], [*visit[:2], "09/31/2025", *visit[3:]], [*visit, "stray"]]
    if everywhere:
        marks += [marks[0] | {"date": "06/24/2026", "code": "???"}, marks[0] | {"personID": "1"}]
        sheets["enrollment"][1].append(["1", *sheets["enrollment"][1][0][1:]])


def _write_xml(path: Path, marks: list[dict[str, str]]) -> Path:
    rows = "".join(f"  <row {' '.join(f'{key}={quoteattr(value)}' for key, value in mark.items())}/>\n" for mark in marks)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<extract xmlns="urn:example:campus" name="attendanceDetail">\n{rows}</extract>\n'
    path.write_bytes(text.encode())
    return path


def _write_records(path: Path, district: District) -> Path:
    """Write Attendance Recovery records in 307 characters a line, without a header."""
    numbers = local_ids(district)
    lines = []
    for row in district.tables["program_records"]:
        cells = [row["ssid"], numbers[row["ssid"]], "1964733", us(row["start_date"]), us(row["end_date"]), _ascii(row)]
        lines.append("".join(cell.ljust(width) for cell, (_, width) in zip(cells, LAYOUT, strict=True)) + "\r\n")
    path.write_bytes("".join(lines).encode("ascii"))
    return path


def _ascii(row: Row) -> str:
    return row["comment"].encode("ascii", "replace").decode()
