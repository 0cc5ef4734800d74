"""The synthetic district as eSchoolPlus downloads: buildings, 14-digit state codes, views by day, and the recovery page in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.places import LEA, MEANINGS, SCHOOLS, YEAR
from recoup.synthetic.retold import Cells, clock, flag, group, local, local_ids, moment, short, write_kept

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District

Sheet = tuple[str, list[Cells]]
MADE_UP = {"saturday_school": "*S", "other": "*O", "": ""}
EXITS = {"T160": "T16", "E140": "E14", "N470": "N47", "": ""}
_GRADES = {"KN": "KG"}
_ENTRY = "STUDENT_ID BUILDING ENTRY_DATE WITHDRAWAL_DATE WITHDRAWAL_CODE GRADE TRACK"
#: The columns of the recovery page after place and date.
_PAGE = "STUDENT_ID VALUE_MINUTES TIME_IN TIME_OUT VERIFIED_BY VERIFIED_AT EVIDENCE"


def _school_record(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    buildings = [[s.local, s.name, f"{LEA}{s.code}", flag(str(s.charter).lower(), ("N", "Y"))] for s in SCHOOLS]
    calendar = [
        [local(row["school_code"]), row["date"].replace("-", ""), "I" if row["is_instructional"] == "true" else "H", row["track"],
         row["grades"].replace("KN", "KG").replace(";", " "), clock(row["day_start"]), clock(row["day_end"])]
        for row in district.tables["calendar"]
    ]  # fmt: skip
    people = [
        [row["local_student_id"], row["ssid"], row["legal_last_name"], row["legal_first_name"], short(row["birth_date"]), row["gender"]]
        for row in district.tables["students"]
    ]
    entries = [
        [numbers[row["ssid"]], local(row["school_code"]), short(row["entry_date"]), short(row["exit_date"]), EXITS[row["exit_reason"]],
         _GRADES.get(row["grade"], row["grade"]), row["track"], row["enrollment_status"], row["instruction_mode"][0].upper(),
         row["alternate_minimum_minutes"], "IEP" if row["alternate_minimum_minutes"] else "", flag(row["absence_exempt"], ("N", "Y"))]
        for row in district.tables["enrollments"]
    ]  # fmt: skip
    days = []
    for n, row in enumerate(district.tables["attendance"]):
        code = row["source_code"] + MADE_UP[row["made_up_by"]]
        whole = row["full_day"] == "true"
        days.append(
            [numbers[row["ssid"]], local(row["school_code"]), short(row["date"]), code, "1.00" if whole else ("0.50", "0.25")[n % 2]]
        )
    days += [[row["local_student_id"], "101", "10/14/2025", "TDY", "0.25"] for row in district.tables["students"][:20]]
    codes = [[s.local, "TDY", "Tardy", YEAR, "N"] for s in SCHOOLS]
    codes += [
        [s.local, letter, MEANINGS[meaning].description, YEAR, flag(str(MEANINGS[meaning].full_day).lower(), ("N", "Y"))]
        for s in SCHOOLS
        for meaning, letter in s.codes.items()
    ]
    study = [[numbers[row["ssid"]], short(row["start_date"]), short(row["end_date"])] for row in district.tables["independent_study"]]
    return {
        "building": ("BUILDING NAME STATE_CODE_EQUIV CHARTER", buildings),
        "calendar": ("BUILDING CAL_DATE DAY_TYPE TRACK GRADES START_TIME END_TIME", calendar),
        "reg_personal": ("STUDENT_ID STATE_REPORT_ID LAST_NAME FIRST_NAME BIRTHDATE GENDER", people),
        "reg_entry_with": (
            f"{_ENTRY} RESIDENCY INSTRUCTION ALT_MINIMUM ALT_BASIS ATT_EXEMPT",
            entries,
        ),
        "att_day": ("STUDENT_ID BUILDING ATTENDANCE_DATE ATTENDANCE_CODE DAY_VALUE", days),
        "att_code": ("BUILDING ATTENDANCE_CODE DESCRIPTION SCHOOL_YEAR WHOLE", codes),
        "independent_study": ("STUDENT_ID START_DATE END_DATE", study),
    }


def _recovery(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    by_id = {row["session_id"]: row for row in district.tables["sessions"]}
    sessions = [
        [*group(row), short(row["date"]), row["program_name"], clock(row["start_time"]), clock(row["end_time"]), row["break_minutes"],
         row["room"], row["delivery"], flag(row["cancelled"], ("N", "Y")), row["other_students_present"],
         row["verified_by"], moment(row["verified_at"])]
        for row in district.tables["sessions"]
    ]  # fmt: skip
    sessions.append(["301", "950", "10/14/2025", "Chess Club", "03:30 PM", "04:30 PM", "0", "R9", "in_person", "N", "", "", ""])
    parts: dict[str, list[Cells]] = {}
    for row in district.tables["participation"]:
        session = by_id[row["session_id"]]
        place = group(session)
        parts.setdefault(f"ar_student_{place[0]}", []).append(
            [*place, short(session["date"]), numbers[row["ssid"]], row["minutes"], clock(row["sign_in"]), clock(row["sign_out"]),
             row["verified_by"], moment(row["verified_at"]), row["evidence_ref"]]
        )  # fmt: skip
    posts = []
    for row in district.tables["session_staff"]:
        session = by_id[row["session_id"]]
        posts.append(
            [
                *group(session),
                short(session["date"]),
                row["staff_id"],
                row["role"].upper(),
                clock(row["start_time"]),
                clock(row["end_time"]),
            ]
        )
    staff = [
        [row["staff_id"], row["staff_name"], flag(row["certificated"], ("N", "Y")), flag(row["lea_employee"], ("N", "Y")),
         short(row["credential_expires"])]
        for row in district.tables["staff"]
    ]  # fmt: skip
    head = "AR_BUILDING SESSION AR_DATE"
    return {
        "ar_session": (
            f"{head} PROGRAM START_TIME END_TIME BREAK_MINUTES ROOM DELIVERY CANCELLED OTHER_STUDENTS VERIFIED_BY VERIFIED_AT", sessions
        ),
        "ar_staff": (f"{head} STAFF_ID ROLE START_TIME END_TIME", posts),
        "staff": ("STAFF_ID NAME CERTIFICATED EMPLOYEE CREDENTIAL_EXPIRES", staff),
        **{name: (f"{head} {_PAGE}", rows) for name, rows in parts.items()},
    }  # fmt: skip


def write_eschoolplus(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as eSchoolPlus downloads, and ``kept/applied_days.csv``, which the page has no place for."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {**_school_record(district), **_recovery(district)}
    if district.flaws:
        visits = next(rows for name, (_, rows) in sheets.items() if name.startswith("ar_student"))
        visit = visits[0]
        visits += [list(visit), [*visit[:3], "999999", *visit[4:]], [*visit[:2], "9/31/2025", *visit[3:]], [*visit, "stray"]]
        if any(flaw.table == "calendar" for flaw in district.flaws):
            days = sheets["att_day"][1]
            days += [[*days[0][:2], "6/24/2026", "??", "1.00"], ["999999", *days[0][1:]], [*days[0], "stray"]]
    out = []
    for name, (header, rows) in sheets.items():
        write_csv(folder / f"{name}.csv", header.split(), rows, encoding="utf-8-sig" if name == "staff" else "utf-8")
        out.append(folder / f"{name}.csv")
    return out + write_kept(district, folder, ["applied_days"])
