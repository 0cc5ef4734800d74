"""The synthetic district as SchoolWise reports it: day types in words, and recovery as sections with minutes or check-in and check-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.synthetic.places import LEA, SCHOOLS
from recoup.synthetic.retold import (
    KINDS,
    absence_codes,
    clock,
    crosswalk,
    flag,
    group,
    local,
    local_ids,
    moment,
    pupil_cells,
    short,
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

#: The state course code that keeps a section out of the CALPADS extracts.
COURSE = "6012"
TYPES = KINDS | {"charter_classroom": "Charter (classroom-based)"}
MADE_UP = {"saturday_school": "Saturday School", "other": "Other", "": ""}
_NO_YES = ("No", "Yes")


def grade(text: str) -> str:
    """Return a grade as SchoolWise has it: TK, K, 01 to 12."""
    return {"KN": "K"}.get(text, text)


def hours(minutes: str) -> str:
    """Return minutes as hours with two decimals."""
    return f"{int(minutes) / 60:.2f}" if minutes else ""


def _section(session: Row) -> str:
    return "-".join(group(session))


def _school_record(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    schools = [[s.local, s.name, f"{LEA}{s.code}", TYPES[s.type], _NO_YES[s.charter]] for s in SCHOOLS]
    calendar = [
        [local(row["school_code"]), short(row["date"]), flag(row["is_instructional"], ("Holiday", "Regular Day")), row["track"],
         " ".join(map(grade, row["grades"].split(";"))), clock(row["day_start"]), clock(row["day_end"])]
        for row in district.tables["calendar"]
    ]  # fmt: skip
    spans = [
        [numbers[row["ssid"]], local(row["school_code"]), short(row["entry_date"]), short(row["exit_date"]), row["exit_reason"],
         grade(row["grade"]), row["track"], row["enrollment_status"], flag(str(row["instruction_mode"] == "nonclassroom").lower(),
         ("Regular", "Independent Study")), row["alternate_minimum_minutes"], "IEP" if row["alternate_minimum_minutes"] else "",
         flag(row["absence_exempt"], _NO_YES)]
        for row in district.tables["enrollments"]
    ]  # fmt: skip
    days = [
        [numbers[row["ssid"]], local(row["school_code"]), short(row["date"]), "Abs", row["source_code"], flag(row["full_day"], _NO_YES),
         MADE_UP[row["made_up_by"]]]
        for row in district.tables["attendance"]
    ]  # fmt: skip
    days += [[row["local_student_id"], "101", "10/14/2025", "Tardy", "", "No", ""] for row in district.tables["students"][:5]]
    days += [[row["local_student_id"], "101", "10/15/2025", "Pres", "", "", ""] for row in district.tables["students"][:5]]
    span = "EnterDate LeaveDate LeaveCode Grade Track EnrollmentStatus ADAProgram MinimumMinutes MinimumBasis AbsenceExempt"
    return {
        "school": ("SchoolNumber SchoolName CDSCode SchoolType ReportingCharter", schools),
        "calendar": ("SchoolNumber Date DayType Track Grades StartTime EndTime", calendar),
        "student": ("StudentID SSID LastName FirstName BirthDate Gender", pupil_cells(district, short)),
        "enrollment": (f"StudentID SchoolNumber {span}", spans),
        "attendance": ("StudentID SchoolNumber Date Status Reason AllDay MadeUp", days),
        "attendance_reason": ("SchoolNumber Reason Description SchoolYear AllDay", absence_codes(_NO_YES)),
        "independent_study": ("StudentID StartDate EndDate", study_cells(district, short)),
        "crosswalk": crosswalk(),
    }


def _visits(district: District, by_id: dict[str, Row]) -> dict[str, list[Cells]]:
    """Positive attendance where the sheet has no times; hourly attendance, in hours, where it has."""
    numbers = local_ids(district)
    visits: dict[str, list[Cells]] = {"positive_attendance": [], "hourly_attendance": []}
    for row in district.tables["participation"]:
        session = by_id[row["session_id"]]
        who = [_section(session), short(session["date"]), numbers[row["ssid"]]]
        verified = [row["verified_by"], moment(row["verified_at"]), row["evidence_ref"]]
        if row["sign_in"] or row["sign_out"]:
            visits["hourly_attendance"].append([*who, clock(row["sign_in"]), clock(row["sign_out"]), hours(row["minutes"]), *verified])
        else:
            visits["positive_attendance"].append([*who, row["minutes"], *verified])
    # Physical education counts positive attendance too.
    first = district.tables["students"][0]["local_student_id"]
    visits["positive_attendance"].append(["301-900", "10/14/2025", first, "55", "", "", ""])
    return visits


def _recovery(district: District) -> dict[str, Sheet]:
    by_id = {row["session_id"]: row for row in district.tables["sessions"]}
    titles = {_section(row): row["program_name"] for row in district.tables["sessions"]}
    sections = [[section, title, COURSE] for section, title in titles.items()] + [["301-900", "Physical Education", "2500"]]
    meetings = [
        [_section(row), local(row["school_code"]), short(row["date"]), clock(row["start_time"]), clock(row["end_time"]),
         row["break_minutes"], row["room"], row["delivery"], flag(row["cancelled"], _NO_YES), row["other_students_present"],
         row["verified_by"], moment(row["verified_at"])]
        for row in district.tables["sessions"]
    ]  # fmt: skip
    meetings.append(["301-900", "301", "10/14/2025", "09:00 AM", "09:55 AM", "0", "GYM", "in_person", "No", "", "", ""])
    posts = [
        [_section(by_id[row["session_id"]]), short(by_id[row["session_id"]]["date"]), row["staff_id"], row["role"].title(),
         clock(row["start_time"]), clock(row["end_time"])]
        for row in district.tables["session_staff"]
    ]  # fmt: skip
    visits = _visits(district, by_id)
    more = "BreakMinutes Room Delivery Cancelled OtherStudents VerifiedBy VerifiedAt"
    return {
        "section": ("SectionID CourseTitle StateCourseCode", sections),
        "section_meeting": (f"SectionID SchoolNumber Date StartTime EndTime {more}", meetings),
        "positive_attendance": ("SectionID Date StudentID Minutes VerifiedBy VerifiedAt Evidence", visits["positive_attendance"]),
        "hourly_attendance": (
            "SectionID Date StudentID CheckIn CheckOut Hours VerifiedBy VerifiedAt PickUpSignature",
            visits["hourly_attendance"],
        ),
        "section_teacher": ("SectionID Date TeacherID Role StartTime EndTime", posts),
        "teacher": ("TeacherID Name Certificated Employee CredentialExpires", staff_cells(district, _NO_YES, short)),
    }


def write_schoolwise(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as SchoolWise reports, and ``kept/applied_days.csv``, for which no report is known."""
    sheets = {**_school_record(district), **_recovery(district)}
    spoil(district, sheets["hourly_attendance"][1], student=2, day=1, absences=sheets["attendance"][1])
    return write_sheets(sheets, folder, spaced=True) + write_kept(district, folder, ["applied_days"])
