"""The synthetic district as Synergy reports it: days in two halves, bell schedules, reasons by school, and every form of a report.

As files, each form stands for one of the ways in which districts get them; behind the web service, each report is there as XML and CSV.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.places import LEA, MEANINGS, SCHOOLS
from recoup.synthetic.retold import Cells, clock, flag, group, local, local_ids, moment, short, write_kept

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District

Sheet = tuple[str, list[Cells]]
#: What a school calls an absence, by the district's meaning, and the type of that reason.
WORDS = {
    "ill": ("ILL", "EXC"), "excused": ("EXC", "EXC"), "unexcused": ("UNX", "UNE"), "truant": ("TRU", "UNV"), "immunization": ("IMM", "UNE"),
    "suspended": ("OSS", "SUS"), "in_school": ("ISS", "SUS"), "study": ("ISC", "IS"), "study_incomplete": ("ISI", "IS"),
    "left_early": ("LEF", "EXC"), "late": ("LAT", "UNE"),
}  # fmt: skip
#: At these schools two reasons have changed places, for reasons are a school's own.
SWAPPED = frozenset({"201", "301", "302"})
#: Schools that take attendance twice a day; the others have one reason a day.
TWICE = frozenset({"101", "102", "401"})
MADE_UP = {"saturday_school": "-SAT", "other": "-OTH", "": ""}
_ENROLL = "SIS_NUMBER SCHOOL_CODE ENTER_DATE LEAVE_DATE LEAVE_CODE GRADE TRACK ENROLLMENT_STATUS"
#: The report of each feed, as the guide calls them.
REPORTS = {
    "school": "SCHOOL", "student": "STUDENT", "enroll": "ENROLL", "calendar": "CALENDAR", "bell": "BELL", "daily": "DAILY",
    "reason": "REASON", "ar_session": "ARSESSION", "ar_visit": "ARVISIT", "ar_staff": "ARSTAFF", "staff": "STAFF",
    "independent": "INDEPENDENT",
}  # fmt: skip


def word(school: str, meaning: str) -> str:
    """Return a school's reason for a meaning."""
    if school in SWAPPED:
        meaning = {"unexcused": "excused", "excused": "unexcused"}.get(meaning, meaning)
    return WORDS[meaning][0]


def _roster(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    schools = [[s.local, s.name, s.code, LEA, flag(str(s.charter).lower(), ("N", "Y"))] for s in SCHOOLS]
    students = [
        [row["local_student_id"], row["ssid"], row["legal_last_name"], row["legal_first_name"], short(row["birth_date"]), row["gender"]]
        for row in district.tables["students"]
    ]
    enroll = [
        [numbers[row["ssid"]], local(row["school_code"]), short(row["entry_date"]), short(row["exit_date"]), row["exit_reason"],
         {"KN": "K"}.get(row["grade"], row["grade"]), row["track"], "" if row["enrollment_status"] == "50" else row["enrollment_status"],
         "Y" if row["enrollment_status"] == "50" else "", row["instruction_mode"][0].upper(), row["alternate_minimum_minutes"],
         flag(row["absence_exempt"], ("N", "Y"))]
        for row in district.tables["enrollments"]
    ]  # fmt: skip
    return {
        "school": ("SCHOOL_CODE ORGANIZATION_NAME STATE_SCHOOL_CODE STATE_DISTRICT_CODE CHARTER", schools),
        "student": ("SIS_NUMBER STATE_STUDENT_NUMBER LAST_NAME FIRST_NAME BIRTH_DATE GENDER", students),
        "enroll": (f"{_ENROLL} EXCLUDE_ADA_ADM INSTRUCTION ALT_MINIMUM ATT_EXEMPT", enroll),
    }


def _days(district: District) -> dict[str, Sheet]:
    """Return calendar and bell schedules: a day's times stand in the periods of its schedule."""
    schedules: dict[tuple[str, str, str], str] = {}
    calendar, bells = [], []
    for row in district.tables["calendar"]:
        school, times = local(row["school_code"]), (row["day_start"], row["day_end"])
        code = ""
        if row["day_start"]:
            known = len({key for key in schedules if key[0] == school})
            code = schedules.setdefault((school, *times), f"S{known + 1}")
        holiday = "" if row["is_instructional"] == "true" else "Vac" if "-12-" in row["date"] else "Hol"
        calendar.append([school, short(row["date"]), holiday, row["track"], code, row["grades"].replace("KN", "K").replace(";", " ")])
    for (school, opens, closes), code in schedules.items():
        bells += [[school, code, "1", clock(opens), "10:30 AM"], [school, code, "2", "10:35 AM", clock(closes)]]
    return {
        "calendar": ("SCHOOL_CODE CAL_DATE HOLIDAY TRACK BELL_SCHEDULE GRADES", calendar),
        "bell": ("SCHOOL_CODE BELL_SCHEDULE BELL_PERIOD START_TIME END_TIME", bells),
    }


def _attendance(district: District) -> dict[str, Sheet]:
    letters = {(s.local, letter): meaning for s in SCHOOLS for meaning, letter in s.codes.items()}
    numbers = local_ids(district)
    days = []
    for row in district.tables["attendance"]:
        school = local(row["school_code"])
        reason = word(school, letters[school, row["source_code"]]) + MADE_UP[row["made_up_by"]]
        if row["full_day"] != "true":
            halves = ["", "0", reason, "0.5"]
        else:
            halves = [reason, "0.5", reason, "0.5"] if school in TWICE else [reason, "1.0", "", "0"]
        days.append([numbers[row["ssid"]], school, short(row["date"]), *halves])
    days += [[row["local_student_id"], "101", "10/14/2025", "TDY", "0", "", "0"] for row in district.tables["students"][:20]]
    reasons = [[s.local, "TDY", "Tardy", "TDY"] for s in SCHOOLS]
    reasons += [
        [s.local, word(s.local, meaning) + mark, code.description + mark, WORDS[meaning][1]]
        for s in SCHOOLS
        for meaning, code in MEANINGS.items()
        for mark in (MADE_UP.values() if code.full_day else ("",))
    ]
    study = [[numbers[row["ssid"]], short(row["start_date"]), short(row["end_date"])] for row in district.tables["independent_study"]]
    return {
        "daily": ("SIS_NUMBER SCHOOL_CODE ABS_DATE ABS_REASON1 ABS_FTE1 ABS_REASON2 ABS_FTE2", days),
        "reason": ("SCHOOL_CODE ABBREVIATION DESCRIPTION TYPE", reasons),
        "independent": ("SIS_NUMBER START_DATE END_DATE", study),
    }


def _recovery(district: District) -> dict[str, Sheet]:
    numbers = local_ids(district)
    by_id = {row["session_id"]: row for row in district.tables["sessions"]}
    sessions = [
        [*group(row), short(row["date"]), row["program_name"], clock(row["start_time"]), clock(row["end_time"]), row["break_minutes"],
         row["room"], row["delivery"], flag(row["cancelled"], ("N", "Y")), row["other_students_present"], row["verified_by"],
         moment(row["verified_at"])]
        for row in district.tables["sessions"]
    ]  # fmt: skip
    sessions.append(["301", "950", "10/14/2025", "Chess Club", "03:30 PM", "04:30 PM", "0", "R9", "in_person", "N", "", "", ""])
    visits = []
    for row in district.tables["participation"]:
        session = by_id[row["session_id"]]
        visits.append(
            [numbers[row["ssid"]], *group(session), short(session["date"]), row["minutes"], clock(row["sign_in"]), clock(row["sign_out"]),
             row["verified_by"], moment(row["verified_at"]), row["evidence_ref"]]
        )  # fmt: skip
    posts = []
    for row in district.tables["session_staff"]:
        session = by_id[row["session_id"]]
        times = [clock(row["start_time"]), clock(row["end_time"])]
        posts.append([*group(session), short(session["date"]), row["staff_id"], row["role"].capitalize(), *times])
    staff = [
        [row["staff_id"], row["staff_name"], flag(row["certificated"], ("N", "Y")), flag(row["lea_employee"], ("N", "Y")),
         short(row["credential_expires"])]
        for row in district.tables["staff"]
    ]  # fmt: skip
    place = "SCHOOL_CODE SECTION_ID MEET_DATE"
    return {
        "ar_session": (
            f"{place} COURSE_TITLE START_TIME END_TIME BREAK_MINUTES ROOM_NAME DELIVERY CANCELLED OTHER_STUDENTS VERIFIED_BY VERIFIED_AT",
            sessions,
        ),
        "ar_visit": (f"SIS_NUMBER {place} MINUTES TIME_IN TIME_OUT VERIFIED_BY VERIFIED_AT NOTE", visits),
        "ar_staff": (f"{place} BADGE_NUM ROLE START_TIME END_TIME", posts),
        "staff": ("BADGE_NUM STAFF_NAME CERTIFICATED EMPLOYEE CREDENTIAL_EXPIRES", staff),
    }


def _sheets(district: District) -> dict[str, Sheet]:
    sheets = {**_roster(district), **_days(district), **_attendance(district), **_recovery(district)}
    if district.flaws:
        visits = sheets["ar_visit"][1]
        visit = visits[0]
        visits += [list(visit), ["999999", *visit[1:]], [*visit[:3], "9/31/2025", *visit[4:]]]
        if any(flaw.table == "calendar" for flaw in district.flaws):
            days = sheets["daily"][1]
            days += [[*days[0][:2], "6/24/2026", "??", "1.0", "", "0"], ["999999", *days[0][1:]]]
    return sheets


def labels(header: str) -> Cells:
    """Return what a report calls its columns, and one label twice, as district-made reports do."""
    return [name.replace("_", " ").title() for name in header.split()] + ["Name", "Name"]


def as_xml(header: str, rows: list[Cells], *, prefixed: bool = False) -> str:
    """Return a report as Synergy's XML: cells named by column, or in elements called ROW with a prefix before them."""
    names = [f"{'STU_' if prefixed else ''}{name}" for name in header.split()]
    told = "".join(
        f"<{name} Label={quoteattr(label)} ORDER={quoteattr(str(place))}/>"
        for place, (name, label) in enumerate(zip([*header.split(), "NAME1", "NAME2"], labels(header), strict=True))
    )
    tag = "ROW" if prefixed else "FB2"
    lines = (f"<{tag} {' '.join(f'{name}={quoteattr(cell)}' for name, cell in zip(names, row, strict=True) if cell)}/>" for row in rows)
    return (
        f"<REV_REPORT><REV_DATA_DEF><REV_LABEL_GROUP>{told}</REV_LABEL_GROUP></REV_DATA_DEF>\n<REV_DATA_ROOT>"
        "<REV_TIME>2:05 AM</REV_TIME><REV_DATE>6/30/2026</REV_DATE>\n" + "\n".join(lines) + "\n</REV_DATA_ROOT></REV_REPORT>\n"
    )


def wrapped(report: str, name: str = "REPORTRESULT") -> str:
    """Return an answer of the web service that holds a report in XML: base64 of UTF-16, in a document that is the text of another."""
    inner = f"<{name}><JOBID>1207</JOBID><RESULT>{base64.b64encode(report.encode('utf-16')).decode()}</RESULT></{name}>"
    text = escape(inner).replace("&gt;", ">")
    return f'<?xml version="1.0" encoding="utf-8"?>\r\n<string xmlns="http://edupoint.com/webservices/">{text}</string>'


def write_synergy(district: District, folder: Path) -> list[Path]:
    """Write the reports below ``folder`` as a district may have them, and ``kept/applied_days.csv``, which no report of ours has.

    Students are XML, enrollments XML in rows with prefixes, staff UTF-16 with tabs, bell schedules an answer of the web service as it
    came, all else CSV with labels, one of them twice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for name, (header, rows) in _sheets(district).items():
        path = folder / f"{name}.{'xml' if name in {'student', 'enroll', 'bell'} else 'txt' if name == 'staff' else 'csv'}"
        if name in {"student", "enroll"}:
            path.write_text(as_xml(header, rows, prefixed=name == "enroll"), encoding="utf-8", newline="\n")
        elif name == "bell":
            path.write_text(wrapped(as_xml(header, rows)), encoding="utf-8", newline="")
        elif name == "staff":
            write_csv(path, labels(header), [[*row, "", ""] for row in rows], "utf-16-le", "\t")
            path.write_bytes(b"\xff\xfe" + path.read_bytes())
        else:
            stray = [[*rows[0], "", "", "stray"]] if district.flaws and name == "ar_visit" else []
            write_csv(path, labels(header), [*([*row, "", ""] for row in rows), *stray])
        out.append(path)
    return out + write_kept(district, folder, ["applied_days"])


def write_synergy_server(district: District, folder: Path) -> list[Path]:
    """Write what the web service has: ``server/U-RECOUP-….xml`` and ``.csv``, and ``kept/applied_days.csv`` beside."""
    server = folder / "server"
    server.mkdir(parents=True, exist_ok=True)
    out = []
    for name, (header, rows) in _sheets(district).items():
        path = server / f"U-RECOUP-{REPORTS[name]}.xml"
        path.write_text(as_xml(header, rows, prefixed=name == "enroll"), encoding="utf-8", newline="\n")
        write_csv(path.with_suffix(".csv"), labels(header), [[*row, "", ""] for row in rows])
        out += [path, path.with_suffix(".csv")]
    return out + write_kept(district, folder, ["applied_days"])
