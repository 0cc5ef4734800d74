"""The synthetic district as PowerSchool's AutoSend and Data Export Manager would give it: its tables, keys, modes, codes and line ends."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING

from recoup.synthetic.places import BY_CODE, GRADES, MEANINGS, SCHOOLS, WEDNESDAY
from recoup.synthetic.retold import Cells, day_after, days_by_school, flag, group, local, moment, seconds, short, us, write_kept

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row, School

Sheet = tuple[str, list[Cells]]

YEAR_ID, LAST_YEAR = "35", "34"
DAILY, MEETING, TIME = "ATT_ModeDaily", "ATT_ModeMeeting", "ATT_ModeTime"
#: The special program that is independent study, and one that is not.
STUDY_PROGRAM, OTHER_PROGRAM = "12", "40"
CATEGORIES = {
    "excused": "Excused", "unexcused": "Unexcused", "suspension_out": "Suspended Out", "suspension_in": "Suspended In",
    "independent_study_ada": "IS Complete", "independent_study_non_ada": "IS Incomplete",
}  # fmt: skip
#: What is added to a code once the day was made up in another way.
MADE_UP = {"saturday_school": "S", "other": "W"}
#: Data Export Manager's files: comma, CR LF, UTF-8, the table before each column. AutoSend's: tab, CR, Windows-1252.
_MANAGED = frozenset({"CC", "Attendance_Code", "AR_Meetings", "SectionTeacher"})
_NUMBERED = frozenset({"Students"})


class _Keys:
    """PowerSchool's keys. A DCID is another student's ID, so that nobody who mixes them up goes unpunished."""

    def __init__(self, district: District) -> None:
        students = district.tables["students"]
        self.id = {row["ssid"]: str(4001 + n) for n, row in enumerate(students)}
        self.dcid = {row["ssid"]: str(4002 + n) for n, row in enumerate(students)}
        groups = dict.fromkeys(group(row) for row in district.tables["sessions"])
        self.section = {key: str(7001 + n) for n, key in enumerate(groups)}
        self.staff = {row["staff_id"]: str(301 + n) for n, row in enumerate(district.tables["staff"])}
        self.code: dict[tuple[str, str], str] = {}
        self.cc: dict[tuple[str, str], str] = {}


def _schools() -> Sheet:
    return "School_Number Name Alternate_School_Number Reporting_Charter", [
        [s.local, s.name, s.code, "1" if s.charter else "0"] for s in SCHOOLS
    ]


def _calendar(district: District) -> Sheet:
    rows: list[Cells] = []
    for school_code, days in days_by_school(district).items():
        school = BY_CODE[school_code]
        for day, by_track in days:
            open_to = {track: row["is_instructional"] == "true" for track, row in by_track.items()}
            tracks = [flag(str(open_to[t]).lower()) if t in open_to else "0" for t in ("A", "B")]
            bell = _bell(school, day) if any(open_to.values()) else ""
            rows.append([str(len(rows) + 1), school.local, us(day), "1" if any(open_to.values()) else "0", bell, *tracks])
    return "ID SchoolID Date_Value InSession Bell_Schedule_ID A B", rows


def _bell(school: School, day: str) -> str:
    return f"{school.local}{2 if date.fromisoformat(day).weekday() == WEDNESDAY else 1}"


def _bells() -> Sheet:
    """Each day in two periods: the day begins with the first and ends with the last."""
    rows = []
    for school in SCHOOLS:
        for number, closes in ((1, school.closes), (2, school.short_day)):
            rows.append([f"{school.local}{number}", "1", seconds(school.opens), seconds("11:00")])
            rows.append([f"{school.local}{number}", "2", seconds("11:05"), seconds(closes)])
    return "Bell_Schedule_ID Period_ID Start_Time End_Time", rows


def _grade_hours() -> Sheet:
    rows = [
        [f"{s.local}{n}", ";".join(_grade(g) for g in s.early_grades), seconds(s.opens), seconds(s.early_close)]
        for s in SCHOOLS
        for n in (1, 2)
        if s.early_grades
    ]
    return "Bell_Schedule_ID Grades Start_Time End_Time", rows


def _grade(grade: str) -> str:
    return str(GRADES.index(grade) - 1)


def _span(row: Row) -> Cells:
    status = "" if row["enrollment_status"] == "10" else row["enrollment_status"]
    return [
        local(row["school_code"]), short(row["entry_date"]), short(day_after(row["exit_date"])), _grade(row["grade"]), row["track"],
        row["exit_reason"], "3" if row["instruction_mode"] == "nonclassroom" else "", status,
        row["alternate_minimum_minutes"], flag(row["absence_exempt"]),
    ]  # fmt: skip


_SPAN = "SchoolID EntryDate ExitDate Grade_Level Track ExitCode FTEID CA_Enrollment_Status CA_Alternate_Minimum CA_Absence_Exempt"


def _students(district: District, keys: _Keys) -> tuple[Sheet, Sheet]:
    """Students with the enrollment that began last; all others, and some that never came to a day, in ReEnrollments."""
    spans: dict[str, list[Row]] = {}
    for row in district.tables["enrollments"]:
        spans.setdefault(row["ssid"], []).append(row)
    now, before = [], []
    for n, student in enumerate(district.tables["students"]):
        ssid = student["ssid"]
        mine = sorted(spans[ssid], key=lambda row: row["entry_date"])
        names = [student["legal_last_name"], student["legal_first_name"], short(student["birth_date"]), student["gender"]]
        now.append([keys.dcid[ssid], keys.id[ssid], student["local_student_id"], ssid, *names, *_span(mine[-1])])
        before += [[keys.id[ssid], *_span(row)] for row in mine[:-1]]
        if n % 17 == 3:
            before.append([keys.id[ssid], *_span(mine[0] | {"entry_date": "2025-08-04", "exit_date": "2025-08-03"})])
        if n % 23 == 5:
            before.append([keys.id[ssid], *_span(mine[0] | {"entry_date": "2024-08-14", "exit_date": "2025-06-05"})])
    head = "DCID ID Student_Number State_StudentNumber Last_Name First_Name DOB Gender"
    return (f"{head} {_SPAN}", now), (f"StudentID {_SPAN}", before)


def _codes(keys: _Keys) -> Sheet:
    """Every school's codes of this year, and last year's, whose letters meant other things."""
    rows: list[Cells] = []

    def add(school: str, year: str, letter: str, words: str, status: str, category: str, recovery: str = "0", expanded: str = "0") -> None:
        number = str(900 + len(rows))
        if year == YEAR_ID:
            keys.code[school, letter] = number
        rows.append([number, school, year, letter, words, status, category, recovery, expanded])

    for school in SCHOOLS:
        for year in (LAST_YEAR, YEAR_ID):
            add(school.local, year, "", "Present", "Present", "")
            add(school.local, year, "TD", "Tardy", "Present", "Tardy")
            add(school.local, year, "AR", "Attendance recovery", "Present", "", recovery="1")
            add(school.local, year, "EL", "Expanded learning", "Present", "", expanded="1")
        meanings = list(school.codes.items())
        for n, (meaning, letter) in enumerate(meanings):
            code, other = MEANINGS[meaning], MEANINGS[meanings[n - 1][0]]
            add(school.local, YEAR_ID, letter, code.description, "Absent", CATEGORIES[code.kind])
            add(school.local, LAST_YEAR, letter, other.description, "Absent", CATEGORIES[other.kind])
            for how, mark in MADE_UP.items() if code.full_day else ():
                add(school.local, YEAR_ID, letter + mark, f"{code.description}, made up: {how}", "Absent", CATEGORIES[code.kind])
    return (
        "ID SchoolID YearID Att_Code Description Presence_Status_CD Code_Category attendanceRecoveryCode expandedLearningProgramCode",
        rows,
    )


def _attendance(district: District, keys: _Keys) -> tuple[Sheet, Sheet, Sheet]:
    """Attendance of all modes in one file: whole days in two of them, parts of a day by period, recovery in time mode."""
    rows: list[Cells] = []

    def add(ssid: str, school: str, day: str, mode: str, code: str, period: str = "", cc: str = "", minutes: str = "0") -> str:
        number = str(500001 + len(rows))
        rows.append([number, keys.id[ssid], school, YEAR_ID, us(day), mode, code, period, cc, minutes])
        return number

    for n, absence in enumerate(district.tables["attendance"]):
        ssid, school, day = absence["ssid"], local(absence["school_code"]), absence["date"]
        code = keys.code[school, absence["source_code"] + MADE_UP.get(absence["made_up_by"], "")]
        if absence["full_day"] == "true":
            add(ssid, school, day, DAILY, code)
        elif n % 2:
            add(ssid, school, day, DAILY, keys.code[school, ""])
        for period in ("1", "2") if absence["full_day"] == "false" or n % 3 == 0 else ():
            add(ssid, school, day, MEETING, code, period)
    for n, student in enumerate(district.tables["students"][:30]):
        school = next(local(row["school_code"]) for row in district.tables["enrollments"] if row["ssid"] == student["ssid"])
        add(student["ssid"], school, "2025-10-14", MEETING, keys.code[school, "TD"], "3")
        add(student["ssid"], school, "2025-10-15", TIME, keys.code[school, "EL"], minutes=str(60 + n))
    sessions = {row["session_id"]: row for row in district.tables["sessions"]}
    times, classes = [], []
    for n, visit in enumerate(district.tables["participation"]):
        session = sessions[visit["session_id"]]
        key = (visit["ssid"], keys.section[group(session)])
        if key not in keys.cc:
            keys.cc[key] = str(80001 + len(keys.cc))
            # A class that the student has dropped keeps its row, under the negative of its section.
            classes.append([keys.cc[key], keys.id[visit["ssid"]], ("-" if n % 10 == 4 else "") + key[1], local(session["school_code"])])
        school = local(session["school_code"])
        number = add(visit["ssid"], school, session["date"], TIME, keys.code[school, "AR"], "", keys.cc[key], visit["minutes"])
        said = [
            seconds(visit["sign_in"]),
            seconds(visit["sign_out"]),
            visit["verified_by"],
            moment(visit["verified_at"]),
            visit["evidence_ref"],
        ]
        if any(said):
            times.append([number, *said])
    head = "ID StudentID SchoolID YearID Att_Date Att_Mode_Code Attendance_CodeID PeriodID CCID Total_Minutes"
    return (
        (head, rows),
        ("AttendanceID Time_In Time_Out Verified_By Verified_At Evidence", times),
        ("ID StudentID SectionID SchoolID", classes),
    )


def _sections(district: District, keys: _Keys) -> dict[str, Sheet]:
    groups = {group(row): row for row in district.tables["sessions"]}
    names = sorted({row["program_name"] for row in groups.values()})
    sections = [
        [keys.section[key], key[0], key[1], f"AR{names.index(row['program_name'])}", row["room"], "1"] for key, row in groups.items()
    ]
    sections.append(["6999", "301", "12", "MATH1", "R4", "0"])
    meetings = [
        [keys.section[group(row)], us(row["date"]), seconds(row["start_time"]), seconds(row["end_time"]), row["break_minutes"],
         row["delivery"], flag(row["cancelled"]), row["other_students_present"], row["verified_by"], moment(row["verified_at"])]
        for row in district.tables["sessions"]
    ]  # fmt: skip
    meetings.append(["6999", "10/14/2025", seconds("10:00"), seconds("10:55"), "0", "", "0", "", "", ""])
    sessions = {row["session_id"]: row for row in district.tables["sessions"]}
    posts = []
    for row in district.tables["session_staff"]:
        session = sessions[row["session_id"]]
        day = us(session["date"])
        role = {"teacher": "Lead Teacher", "aide": "Classroom Aide"}[row["role"]]
        posts.append(
            [
                keys.section[group(session)],
                keys.staff[row["staff_id"]],
                role,
                day,
                day,
                seconds(row["start_time"]),
                seconds(row["end_time"]),
            ]
        )
    return {
        "Courses": ("Course_Number Course_Name", [[f"AR{n}", name] for n, name in enumerate(names)] + [["MATH1", "Mathematics 1"]]),
        "Sections": ("ID SchoolID Section_Number Course_Number Room AttendanceRecovery", sections),
        "AR_Meetings": (
            "SectionID Meeting_Date Start_Time End_Time Break_Minutes Delivery Cancelled Other_Students Verified_By Verified_At", meetings
        ),
        "SectionTeacher": ("SectionID TeacherID RoleID Start_Date End_Date Start_Time End_Time", posts),
    }  # fmt: skip


def _teachers(district: District, keys: _Keys) -> Sheet:
    rows = [
        [keys.staff[row["staff_id"]], row["staff_id"], row["staff_name"], flag(row["certificated"]), flag(row["lea_employee"]),
         us(row["credential_expires"])]
        for row in district.tables["staff"]
    ]  # fmt: skip
    return "ID TeacherNumber LastFirst Certificated Employee Credential_Expires", rows


def _special(district: District, keys: _Keys) -> Sheet:
    rows = [
        [keys.id[row["ssid"]], STUDY_PROGRAM, us(row["start_date"]), us(day_after(row["end_date"]))]
        for row in district.tables["independent_study"]
    ]
    rows += [[keys.id[row["ssid"]], OTHER_PROGRAM, "08/13/2025", ""] for row in district.tables["students"][:5]]
    return "StudentID ProgramID Enter_Date Exit_Date", rows


def make_sheets(district: District) -> dict[str, Sheet]:
    """Return the district as PowerSchool's tables: of each its header and its rows, as text.

    When the district has flaws, the tables have bad rows of PowerSchool's own kinds, which change nothing for the good ones.
    """
    keys = _Keys(district)
    codes = _codes(keys)
    students, earlier = _students(district, keys)
    attendance, times, classes = _attendance(district, keys)
    sheets = {
        "Schools": _schools(), "Calendar_Day": _calendar(district), "Bell_Schedule_Items": _bells(), "Grade_Hours": _grade_hours(),
        "Students": students, "ReEnrollments": earlier, "SpEnrollments": _special(district, keys), "Attendance_Code": codes,
        "Attendance": attendance, "Attendance_Time": times, "CC": classes, **_sections(district, keys),
        "Teachers": _teachers(district, keys),
    }  # fmt: skip
    if district.flaws:
        _spoil(sheets, keys, everywhere=any(flaw.table == "calendar" for flaw in district.flaws))
    return sheets


def write_powerschool(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as PowerSchool's files, and beside them what it holds only as a number (``kept/``)."""
    folder.mkdir(parents=True, exist_ok=True)
    out = [write_sheet(folder / f"{name}.txt", name, header.split(), rows) for name, (header, rows) in make_sheets(district).items()]
    return out + write_kept(district, folder, ["applied_days"])


def _spoil(sheets: dict[str, Sheet], keys: _Keys, *, everywhere: bool) -> None:
    """Add bad rows: to the recovery rows and, ``everywhere``, to the school record too."""
    header, rows = sheets["Attendance"]
    names = header.split()
    visit = dict(zip(names, rows[-1], strict=True))

    def add(**cells: str) -> None:
        rows.append(list((visit | {"ID": str(600000 + len(rows))} | cells).values()))

    rows.append(list(visit.values()))
    add(StudentID="1")
    add(CCID="1")
    add(Att_Date="09/31/2025")
    if everywhere:
        # What cannot be read in this file may have been an absence.
        rows.append([*visit.values(), "stray"])
        school = visit["SchoolID"]
        add(Att_Mode_Code=DAILY, Attendance_CodeID="1", CCID="")
        add(Att_Mode_Code=DAILY, StudentID="1", Attendance_CodeID=keys.code[school, BY_LOCAL[school].codes["ill"]])
        sheets["ReEnrollments"][1].append(["1", *sheets["Students"][1][0][8:]])


BY_LOCAL = {school.local: school for school in SCHOOLS}


def write_sheet(path: Path, name: str, header: Cells, rows: list[Cells]) -> Path:
    """Write a file as its way out of PowerSchool does; AutoSend quotes nothing, and a line break in a note becomes a blank."""
    managed = name in _MANAGED
    if managed:
        header = [f"{name}.{column}" for column in header]
    elif name in _NUMBERED:
        header = [f"[01]{column}" for column in header]
    if managed:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([header, *rows])
        path.write_bytes(text.getvalue().encode())
    else:
        lines = ("\t".join(cell.replace("\n", " ") for cell in row) + "\r" for row in [header, *rows])
        path.write_bytes("".join(lines).encode("cp1252"))
    return path
