"""A worked example, a few lines of YAML, made into a bundle.

What a case does not say is ordinary: one elementary school in session from 08:00 to 14:30, Monday to Friday from
2025-08-18 to 2026-06-05; one student enrolled there all year; sessions on Saturdays from 09:00, each led and
verified by a qualifying teacher; excused full-day absences in the morning of the year, before any session.

``sessions``: a list of ``{date, minutes}``, or ``{times, minutes}`` for so many Saturdays from 2025-10-04; also ``start``,
``break``, ``teachers`` (names, or ``{name, from, to}``), ``verified_by``, ``others`` (students not in the data), ``clock`` (``{in, out}``
of the student), ``with`` (further students by grade: how many, or ``{times, in, out, minutes}``), ``alone`` (without the student),
``repeated`` (one after the other on the date). ``absences``: ``{dates}``, or ``{times, from}`` for so many school days in a row;
also ``kind``, ``full_day``, ``not_recoverable``, ``school``. ``enrollments``: ``{school, entry, exit, grade, status, alternate,
basis, track}``. ``schools``: their kinds by name; ``without_days``: those without a calendar. ``taught``: further school days;
``calendar``: further rows of it. ``applied``: ``{absence, recovered, lea}``. ``decisions``: rows of ``dispositions`` on the student.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.plain.bundle import Tables

SSID = "9000000001"
LEA = "1964733"
FIRST_DAY, LAST_DAY = date(2025, 8, 18), date(2026, 6, 5)

Case = dict[str, Any]


def cases(folder: Path, pattern: str = "W*.yaml") -> list[tuple[str, Case]]:
    """Return every case by its name: the example's number, and a letter where it has several parts."""
    found = []
    for path in sorted(folder.glob(pattern)):
        parts = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        found += [(path.stem + (chr(ord("a") + place) if len(parts) > 1 else ""), part) for place, part in enumerate(parts)]
    return found


def school_days(case: Case) -> list[date]:
    """Return the school days of a case's year."""
    weekdays = [FIRST_DAY + timedelta(day) for day in range((LAST_DAY - FIRST_DAY).days + 1)]
    days = [day for day in weekdays if day.weekday() < 5]
    return days[: case.get("school_days", len(days))]


def as_list(given: Any) -> list[dict[str, Any]]:
    """Return one entry, several or none as a list."""
    return given if isinstance(given, list) else [given] if given else []


def text(value: Any) -> str:
    """Return a value as it stands in a bundle."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def hhmm(minutes: int) -> str:
    """Return minutes after midnight as ``HH:MM``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def rows(*given: dict[str, Any]) -> list[dict[str, str]]:
    """Return rows of text."""
    return [{column: text(value) for column, value in row.items()} for row in given]


def bundle(case: Case) -> Tables:
    """Return the tables of a case, every one of them complete."""
    kinds = case.get("schools") or {"A": case.get("school", "elementary")}
    codes = {name: f"600000{number}" for number, name in enumerate(kinds, start=1)}
    first = next(iter(codes))
    students, sessions, participation, session_staff = {SSID: case["grade"]}, [], [], []
    teachers = {"T1", *(case.get("staff") or {})}
    for number, planned in enumerate(schedule(case), start=1):
        key, named = f"S{number:02}", planned.get("teachers", ["T1"] if "start" not in planned else [f"D{number}"])
        helpers = [one if isinstance(one, dict) else {"name": one} for one in named]
        end = hhmm((planned["at"] + planned["minutes"]) % 1440)
        sessions.append(
            {
                "session_id": key,
                "program_name": "Saturday Academy",
                "school_code": codes[first],
                "date": planned["date"],
                "start_time": hhmm(planned["at"]),
                "end_time": end,
                "break_minutes": planned.get("break", 0),
                "delivery": "in_person",
                "meal_offered": True,
                "cancelled": False,
                "other_students_present": planned.get("others", 0),
            }
        )
        session_staff += [
            {"session_id": key, "staff_id": one["name"], "role": "teacher", "start_time": one.get("from"), "end_time": one.get("to")}
            for one in helpers
        ]
        teachers |= {one["name"] for one in helpers}
        present: list[tuple[str, dict[str, Any]]] = [] if planned.get("alone") else [(SSID, planned.get("clock", {}))]
        for grade, told in planned.get("with", {}).items():
            group = told if isinstance(told, dict) else {"times": told}
            others = [f"90{number:03}{place:03}{len(students) % 100:02}" for place in range(group["times"])]
            students |= dict.fromkeys(others, grade)
            present += [(ssid, group) for ssid in others]
        participation += [
            {
                "session_id": key,
                "ssid": ssid,
                "minutes": group.get("minutes", planned["minutes"]),
                "sign_in": group.get("in"),
                "sign_out": group.get("out"),
                "verified_by": planned.get("verified_by", helpers[0]["name"]),
                "verified_at": f"{planned['date']}T23:00",
                "evidence_ref": f"sheet {number}",
            }
            for ssid, group in present
        ]
    decisions = [
        {
            "disposition_id": f"D{number}",
            "session_id": None,
            "ssid": SSID,
            "date": None,
            "code": None,
            "value": None,
            "decided_by": "A. Person",
            "decided_at": "2026-01-15T10:00",
            "reason": "asked",
            "evidence_ref": None,
        }
        | made
        for number, made in enumerate(case.get("decisions", []), start=1)
    ]
    spans = [{"ssid": SSID} | span for span in case.get("enrollments") or [{}]] + [{"ssid": ssid} for ssid in list(students)[1:]]
    return {
        "schools": rows(
            *(
                {"school_code": codes[name], "school_name": name, "school_type": kind, "county_district_code": LEA, "local_school_id": name}
                for name, kind in kinds.items()
            )
        ),
        "calendar": rows(
            *(
                {"school_code": code, "date": day, "is_instructional": True, "day_start": "08:00", "day_end": "14:30"}
                for name, code in codes.items()
                if name not in case.get("without_days", [])
                for day in [*school_days(case), *case.get("taught", [])]
            ),
            *(
                {
                    "school_code": codes[first],
                    "is_instructional": True,
                    "day_start": "08:00",
                    "day_end": "14:30",
                    "track": None,
                    "grades": None,
                }
                | further
                for further in case.get("calendar", [])
            ),
        ),
        "students": rows(
            *(
                {
                    "ssid": ssid,
                    "local_student_id": ssid[-6:],
                    "legal_first_name": "Ana",
                    "legal_last_name": "Case",
                    "birth_date": "2015-03-01",
                    "gender": "X",
                }
                for ssid in students
            )
        ),
        "enrollments": rows(
            *(
                {
                    "ssid": span["ssid"],
                    "school_code": codes[span.get("school", first)],
                    "entry_date": span.get("entry", FIRST_DAY),
                    "exit_date": span.get("exit"),
                    "grade": span.get("grade", students[span["ssid"]]),
                    "enrollment_status": span.get("status", 10),
                    "instruction_mode": "classroom",
                    "alternate_minimum_minutes": span.get("alternate"),
                    "alternate_minimum_basis": span.get("basis"),
                    "absence_exempt": False,
                    "track": span.get("track"),
                }
                for span in spans
            )
        ),
        "attendance": rows(
            *(
                {
                    "ssid": SSID,
                    "school_code": codes[group.get("school", first)],
                    "date": day,
                    "kind": group.get("kind", "excused"),
                    "full_day": group.get("full_day", True),
                    "source_code": "E",
                    "made_up_by": None,
                    "not_recoverable": group.get("not_recoverable"),
                }
                for group in as_list(case.get("absences"))
                for day in absence_dates(case, group)
            )
        ),
        "sessions": rows(*sessions),
        "participation": rows(*participation),
        "staff": rows(
            *(
                {"staff_id": staff, "staff_name": staff, "certificated": True, "lea_employee": True, "credential_expires": "2030-06-30"}
                | (case.get("staff") or {}).get(staff, {})
                for staff in sorted(teachers)
            )
        ),
        "session_staff": rows(*session_staff),
        "independent_study": rows(
            *({"ssid": SSID, "start_date": start, "end_date": end} for start, end in case.get("independent_study", []))
        ),
        "applied_days": rows(
            *(
                {
                    "ssid": SSID,
                    "absence_date": row["absence"],
                    "school_code": codes[first],
                    "recovered_on": row["recovered"],
                    "source": "SIS",
                    "paid_elsewhere": False,
                    "reporting_lea": row.get("lea"),
                }
                for row in case.get("applied", [])
            )
        ),
    } | ({"dispositions": rows(*decisions)} if decisions else {})


def schedule(case: Case) -> Iterator[dict[str, Any]]:
    """Yield the sessions of a case one by one, each with its date and the minute ``at`` which it begins."""
    busy: dict[date, int] = {}
    for group in as_list(case.get("sessions")):
        days = (
            [group["date"]] * group.get("repeated", 1)
            if "date" in group
            else [date(2025, 10, 4) + timedelta(7 * n) for n in range(group["times"])]
        )
        for day in days:
            hours, minutes = map(int, group.get("start", "09:00").split(":"))
            at = hours * 60 + minutes if "start" in group else busy.get(day, hours * 60 + minutes)
            busy[day] = at + group["minutes"]
            yield group | {"date": day, "at": at}


def absence_dates(case: Case, group: dict[str, Any]) -> list[date]:
    """Return the dates of a group of absences."""
    if "dates" in group:
        return list(group["dates"])
    return [day for day in school_days(case) if day >= group.get("from", date(2025, 9, 8))][: group["times"]]
