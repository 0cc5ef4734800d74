"""The synthetic district as School Pathways reports it: ISO dates, days of presence among the absences, and recovery as weekly events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.synthetic.places import LEA, SCHOOLS
from recoup.synthetic.retold import (
    KINDS,
    absence_codes,
    clock,
    crosswalk,
    day_after,
    flag,
    group,
    local,
    local_ids,
    pupil_cells,
    spoil,
    staff_cells,
    study_cells,
    write_kept,
    write_sheets,
)

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row
    from recoup.synthetic.retold import Cells, Sheet

TYPES = KINDS | {"charter_classroom": "Charter: Classroom-Based"}
MADE_UP = {"saturday_school": "SAT", "other": "ALT", "": ""}
PROGRAMS = {"classroom": "Site-Based", "nonclassroom": "Independent Study", "": ""}
ROLES = {"teacher": "Lead", "aide": "Aide"}
EXITS = {"T160": "Transfer", "E140": "No Show", "N470": "Left", "": ""}
_NO_YES = ("N", "Y")


def grade(text: str) -> str:
    """Return a grade as School Pathways has it: TK, K, 1 to 12."""
    return {"KN": "K"}.get(text, text.lstrip("0"))


def moment(text: str) -> str:
    """Return a date-time as a database writes it."""
    return f"{text.replace('T', ' ')}:00" if text else ""


def _school_record(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    schools = [[s.local, s.name, f"{LEA}{s.code}", TYPES[s.type], "Direct" if s.charter else "-"] for s in SCHOOLS]
    calendar = [
        [local(row["school_code"]), row["date"], row["track"], flag(row["is_instructional"], ("Holiday", "Instructional")),
         "/".join(map(grade, row["grades"].split(";"))), row["day_start"], row["day_end"]]
        for row in district.tables["calendar"]
    ]  # fmt: skip
    spans = [
        [numbers[row["ssid"]], local(row["school_code"]), row["entry_date"], day_after(row["exit_date"]), EXITS[row["exit_reason"]],
         grade(row["grade"]), row["track"], row["enrollment_status"], PROGRAMS[row["instruction_mode"]],
         row["alternate_minimum_minutes"], "IEP" if row["alternate_minimum_minutes"] else "", flag(row["absence_exempt"], _NO_YES)]
        for row in district.tables["enrollments"]
    ]  # fmt: skip
    days = []
    for n, row in enumerate(district.tables["attendance"]):
        value = "1" if row["full_day"] == "true" else ("0.5", "0.25")[n % 2]
        days.append([numbers[row["ssid"]], local(row["school_code"]), row["date"], row["source_code"], value, MADE_UP[row["made_up_by"]]])
    days += [[row["local_student_id"], "101", "2025-10-14", "P", "0", ""] for row in district.tables["students"][:20]]
    span = "EnrollDate WithdrawDate WithdrawReason GradeLevel Track EnrollmentStatus Program MinimumMinutes MinimumBasis AbsenceExempt"
    present = [["101", "P", "Present", "2025-2026", "N"]]
    return {
        "school": ("SchoolCode SchoolName CDSCode SchoolType ReportsAs", schools),
        "calendar": ("SchoolCode CalendarDate Track DayType GradeLevels StartTime EndTime", calendar),
        "student": ("StudentID StateID LastName FirstName BirthDate Gender", pupil_cells(district, str)),
        "enrollment": (f"StudentID SchoolCode {span}", spans),
        "attendance": ("StudentID SchoolCode AttendanceDate Code DayValue MadeUp", days),
        "attendance_code": ("SchoolCode Code Description SchoolYear WholeDay", absence_codes(_NO_YES, present)),
        "independent_study": ("StudentID StartDate EndDate", study_cells(district, str)),
        "crosswalk": crosswalk(),
    }


def _event(session: Row) -> Cells:
    return ["-".join(group(session)), session["date"]]


def _recovery(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    by_id = {row["session_id"]: row for row in district.tables["sessions"]}
    events = [
        [*_event(row), local(row["school_code"]), row["program_name"], clock(row["start_time"]), clock(row["end_time"]), "Weekly",
         row["break_minutes"], row["room"], row["delivery"], flag(row["cancelled"], _NO_YES), row["other_students_present"],
         row["verified_by"], moment(row["verified_at"])]
        for row in district.tables["sessions"]
    ]  # fmt: skip
    events.append(["401-950", "2025-10-14", "401", "Field Trip", "09:00 AM", "02:00 PM", "", "0", "", "in_person", "N", "", "", ""])
    visits = [
        [*_event(by_id[row["session_id"]]), numbers[row["ssid"]], clock(row["sign_in"]), clock(row["sign_out"]), row["minutes"],
         row["evidence_ref"], row["verified_by"], moment(row["verified_at"])]
        for row in district.tables["participation"]
    ]  # fmt: skip
    posts = [
        [*_event(by_id[row["session_id"]]), row["staff_id"], ROLES[row["role"]], clock(row["start_time"]), clock(row["end_time"])]
        for row in district.tables["session_staff"]
    ]
    more = "Recurs BreakMinutes Room Delivery Cancelled OtherStudents VerifiedBy VerifiedAt"
    return {
        "ar_event": (f"EventID EventDate SchoolCode EventName StartTime EndTime {more}", events),
        "ar_attendance": ("EventID EventDate StudentID SignIn SignOut DailyMinutes Comments VerifiedBy VerifiedAt", visits),
        "ar_teacher": ("EventID EventDate StaffID Role StartTime EndTime", posts),
        "staff": ("StaffID Name Certificated Employee CredentialExpires", staff_cells(district, _NO_YES, str)),
    }


def write_schoolpathways(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as School Pathways reports, and ``kept/applied_days.csv``, for which no report is known."""
    sheets = {**_school_record(district), **_recovery(district)}
    spoil(district, sheets["ar_attendance"][1], student=2, day=1, absences=sheets["attendance"][1])
    return write_sheets(sheets, folder, spaced=True) + write_kept(district, folder, ["applied_days"])
