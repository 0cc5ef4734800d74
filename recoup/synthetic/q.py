"""The synthetic district as Q exports it: everything hangs on tracks, and attendance recovery has one of its own at every school."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.synthetic.places import BY_CODE, LEA, SCHOOLS
from recoup.synthetic.retold import (
    absence_codes,
    clock,
    crosswalk,
    flag,
    group,
    local,
    local_ids,
    moment,
    pupil_cells,
    spoil,
    staff_cells,
    study_cells,
    us,
    write_sheets,
)

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row
    from recoup.synthetic.retold import Cells, Sheet

#: The track of schools that have only one, and that of attendance recovery.
ONLY, RECOVERY = "R", "AR"
MADE_UP = {"saturday_school": "SS", "other": "OT", "": ""}
EXITS = {"T160": "160", "E140": "140", "N470": "470", "": ""}
GRADES = {"KN": "K"}
_NOTED = "Notes VerifiedBy VerifiedAt"
_NO_YES = ("N", "Y")


def track(school_code: str, code: str = "") -> str:
    """Return the number of a school's track."""
    codes = [*(BY_CODE[school_code].tracks or (ONLY,)), RECOVERY]
    return f"{local(school_code)}0{codes.index(code or codes[0]) + 1}"


def grade(text: str) -> str:
    """Return a grade as Q has it: TK, K, 1 to 12."""
    return GRADES.get(text, text.lstrip("0"))


def _tracks() -> Sheet:
    rows = [
        [track(s.code, code), s.local, s.name, f"{LEA}{s.code}", code, _NO_YES[s.charter]]
        for s in SCHOOLS
        for code in (*(s.tracks or (ONLY,)), RECOVERY)
    ]
    return "TrackID School SchoolName CDSCode TrackCode ReportingCharter", rows


def _calendar(district: District) -> Sheet:
    rows = [
        [track(row["school_code"], row["track"]), us(row["date"]), flag(row["is_instructional"], ("H", "S")),
         " ".join(map(grade, row["grades"].split(";"))), clock(row["day_start"]), clock(row["day_end"])]
        for row in district.tables["calendar"]
    ]  # fmt: skip
    # The recovery track has its own calendar, in which a Saturday or a day of the winter break may be a school day.
    days = sorted({(row["school_code"], row["date"]) for row in district.tables["sessions"]})
    rows += [[track(school, RECOVERY), us(day), "S", "", "07:00 AM", "06:00 PM"] for school, day in days]
    return "TrackID CalDate DayType Grades BeginTime EndTime", rows


def _registration(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    spans = [
        [numbers[row["ssid"]], track(row["school_code"], row["track"]), us(row["entry_date"]), us(row["exit_date"]),
         EXITS[row["exit_reason"]], grade(row["grade"]), row["enrollment_status"], row["instruction_mode"][0].upper(),
         row["alternate_minimum_minutes"], "IEP" if row["alternate_minimum_minutes"] else "", flag(row["absence_exempt"], _NO_YES)]
        for row in district.tables["enrollments"]
    ]  # fmt: skip
    # Who takes part is enrolled in the recovery track too.
    taking_part = {row["ssid"] for row in district.tables["participation"]}
    spans += [
        [
            numbers[row["ssid"]],
            track(row["school_code"], RECOVERY),
            "07/01/2025",
            "06/30/2026",
            "",
            grade(row["grade"]),
            "10",
            "C",
            *[""] * 3,
        ]
        for row in district.tables["enrollments"]
        if row["ssid"] in taking_part
    ]
    return {
        "student": ("StudentID StateID LastName FirstName BirthDate Gender", pupil_cells(district, us)),
        "enroll": ("StudentID TrackID EntryDate ExitDate ExitCode Grade EnrollStatus AttProgram AltMinutes AltBasis STASExempt", spans),
        "indstudy": ("StudentID StartDate EndDate", study_cells(district, us)),
    }


def _attendance(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    tracks = {(row["ssid"], row["school_code"]): track(row["school_code"], row["track"]) for row in district.tables["enrollments"]}
    days = [
        [numbers[row["ssid"]], local(row["school_code"]), tracks.get((row["ssid"], row["school_code"]), track(row["school_code"])),
         us(row["date"]), row["source_code"], flag(row["full_day"], ("P", "F")), MADE_UP[row["made_up_by"]]]
        for row in district.tables["attendance"]
    ]  # fmt: skip
    days += [[row["local_student_id"], "101", "10101", "10/14/2025", "TDY", "P", ""] for row in district.tables["students"][:9]]
    applied = [
        [numbers[row["ssid"]], tracks[row["ssid"], row["school_code"]], us(row["absence_date"]), us(row["recovered_on"])]
        for row in district.tables["applied_days"]
    ]
    return {
        "attday": ("StudentID School TrackID AttDate AttCode DayPart MakeUp", days),
        "attcode": ("School AttCode Description SchoolYear WholeDay", absence_codes(_NO_YES)),
        "ardetail": ("StudentID TrackID AbsenceDate ARDate", applied),
        "crosswalk": crosswalk([["", "", "TDY", "present", "Tardy"]]),
    }


def _place(session: Row) -> Cells:
    return [track(session["school_code"], RECOVERY), *group(session), us(session["date"])]


def _recovery(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    by_id = {row["session_id"]: row for row in district.tables["sessions"]}
    classes = [
        [*_place(row), row["program_name"], clock(row["start_time"]), clock(row["end_time"]), row["break_minutes"], row["room"],
         row["delivery"], flag(row["cancelled"], _NO_YES), row["other_students_present"], row["verified_by"], moment(row["verified_at"])]
        for row in district.tables["sessions"]
    ]  # fmt: skip
    visits: dict[str, list[Cells]] = {"dropin": [], "seattime": []}
    for row in district.tables["participation"]:
        noted = [row["evidence_ref"], row["verified_by"], moment(row["verified_at"])]
        times = [clock(row["sign_in"]), clock(row["sign_out"])] if row["sign_in"] or row["sign_out"] else []
        visits["dropin" if times else "seattime"].append(
            [*_place(by_id[row["session_id"]]), numbers[row["ssid"]], *times, row["minutes"], *noted]
        )
    # Drop-In serves detention and latchkey too, in classes of the regular tracks.
    visits["dropin"].append(["30101", "301", "77", "10/14/2025", numbers[row["ssid"]], "03:30 PM", "04:30 PM", "60", "", "", ""])
    posts = [
        [*_place(by_id[row["session_id"]])[1:], row["staff_id"], row["role"].title(), clock(row["start_time"]), clock(row["end_time"])]
        for row in district.tables["session_staff"]
    ]
    place = "TrackID School ClassID ClassDate"
    more = "BreakMinutes Room Delivery Cancelled OtherStudents VerifiedBy VerifiedAt"
    return {
        "arclass": (f"{place} Course BeginTime EndTime {more}", classes),
        "dropin": (f"{place} StudentID BeginTime EndTime Minutes {_NOTED}", visits["dropin"]),
        "seattime": (f"{place} StudentID Minutes {_NOTED}", visits["seattime"]),
        "arteacher": ("School ClassID ClassDate TeacherID Role BeginTime EndTime", posts),
        "teacher": ("TeacherID Name Certificated Employee CredentialExpires", staff_cells(district, _NO_YES, us)),
    }


def write_q(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as Q exports: tab-delimited, and a crosswalk file of what the letters mean."""
    sheets = {
        "track": _tracks(),
        "trackcal": _calendar(district),
        **_registration(district),
        **_attendance(district),
        **_recovery(district),
    }
    spoil(district, sheets["dropin"][1], student=4, day=3, absences=sheets["attday"][1])
    return write_sheets(sheets, folder, "\t")
