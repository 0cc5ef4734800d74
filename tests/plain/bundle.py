"""A bundle as typed rows, and what a date is for a student: calendar, enrollment in force, minimum schoolday (``ledger.md`` 4)."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]
Tables = dict[str, list[dict[str, str]]]

REQUIRED = ("schools", "calendar", "students", "enrollments", "attendance", "sessions", "participation")
OPTIONAL = ("staff", "session_staff", "independent_study", "program_enrollments", "applied_days", "dispositions", "terms")

DATES = [
    "date",
    "entry_date",
    "exit_date",
    "start_date",
    "end_date",
    "absence_date",
    "recovered_on",
    "credential_expires",
    "elected_on",
    "start",
    "end",
]
TIMES = ["start_time", "end_time", "day_start", "day_end", "sign_in", "sign_out"]
NUMBERS = ["minutes", "break_minutes", "alternate_minimum_minutes", "other_students_present"]
FLAGS = [
    "is_instructional",
    "absence_exempt",
    "full_day",
    "meal_offered",
    "cancelled",
    "certificated",
    "lea_employee",
    "hourly_attendance",
    "paid_elsewhere",
    "independently_reporting_charter",
]

#: Columns that may be missing from a file and feed a check: the code that is then not checked.
OPEN_COLUMNS = {
    ("sessions", "delivery"): "delivery_unknown",
    ("sessions", "meal_offered"): "no_meal_record",
    ("sessions", "cancelled"): "cancelled",
    ("enrollments", "absence_exempt"): "not_eligible",
    ("attendance", "not_recoverable"): "not_recoverable",
}
#: The codes that an absent optional table silences.
OPEN_TABLES = {
    "staff": ("no_qualifying_teacher", "ratio", "not_verified"),
    "session_staff": ("no_qualifying_teacher", "ratio", "not_verified"),
    "independent_study": ("independent_study",),
    "program_enrollments": ("no_election",),
    "terms": ("no_session_in_term",),
}

STATUS_ORDER = {"30": 0, "10": 1, "20": 2, "50": 3}
EXCLUDED_TYPES = ("nonpublic", "charter_nonclassroom", "charter_47612_1")

KNOBS = {
    "time_unit": ("hour_floor_per_session", "hour_floor_per_date", "minutes"),
    "full_day_record": ("session", "date", "off"),
    "excess_same_date": ("forfeit", "carry"),
    "day_remainder": ("keep", "drop"),
    "recover_suspension": ("no", "yes"),
    "recover_non_ada_study": ("no", "yes"),
    "other_lea_days": ("subtract_if_known", "ignore", "block"),
    "credit_date": ("later_of_both", "absence_date", "earned_on"),
    "mixed_ratio": ("strictest", "proportional"),
    "ratio_measure": ("peak_present", "enrolled", "average"),
    "ratio_breach": ("hold_session", "drop_excess", "warn"),
    "three_quarter_day": ("manual", "use_240", "use_180_as_day"),
    "charter_minimum": ("grade_span",),
    "match_order": ("oldest_first", "newest_first", "manual"),
    "credit_school": ("school_of_absence", "lea_choice"),
    "continuation_weekly": ("warn", "cap", "off"),
    "breaks": ("subtract_scheduled", "as_recorded"),
    "special_minutes": ("strict", "table"),
    "long_study_bank": ("freeze", "void", "keep"),
    "alternate_chronic": ("absences_minus_ar", "off"),
}
SETTINGS = {"ratio_grace_minutes": 0, "verify_within_days": 5}


def read_csv(folder: Path) -> Tables:
    """Read every ``<table>.csv`` of a folder as rows of text."""
    tables = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            tables[path.stem] = list(csv.DictReader(lines))
    return tables


def clock(text: str) -> int:
    """Return ``HH:MM`` as minutes after midnight."""
    hours, minutes = text.split(":")[:2]
    return int(hours) * 60 + int(minutes)


def typed(column: str, text: str | None) -> Any:
    """Return one cell as its type; an empty cell is ``None``."""
    if not text:
        return None
    if column in DATES:
        return date.fromisoformat(text)
    if column in TIMES:
        return clock(text)
    if column in NUMBERS:
        return int(text)
    if column in FLAGS:
        return text == "true"
    if column == "verified_at":
        return datetime.fromisoformat(text)
    return text


def knobs(policy: dict[str, Any] | None) -> dict[str, Any]:
    """Return every knob and setting with its value; a value that the contract does not list is refused."""
    chosen: dict[str, Any] = {name: values[0] for name, values in KNOBS.items()} | SETTINGS
    for name, value in (policy or {}).items():
        if name in KNOBS and value not in KNOBS[name] and not (name == "charter_minimum" and isinstance(value, dict)):
            raise ValueError(f"{name} has no value {value}")
        if name not in KNOBS and name not in SETTINGS and name != "accept_risk":
            raise ValueError(f"there is no knob {name}")
        chosen[name] = value
    if chosen["recover_suspension"] == "yes" and not chosen.get("accept_risk"):
        raise ValueError("recover_suspension = yes needs accept_risk = true")
    return chosen


def grade_span(grade: str | None) -> str:
    """Return the reporting span of a grade, empty without one."""
    if not grade:
        return ""
    if grade in ("TK", "KN", "01", "02", "03"):
        return "TK/K-3"
    return "4-6" if grade <= "06" else "7-8" if grade <= "08" else "9-12"


@dataclass
class District:
    """One district's tables, typed, with the choices of a run."""

    tables: Tables
    policy: dict[str, Any]
    as_of: date
    attest: frozenset[str]
    year: int
    lea: str
    #: Credits of closed periods: ssid, absence_date, absence_school_code, earned_on.
    reported: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    absent: set[tuple[str, str]] = field(default_factory=set)
    holds: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first, self.last = date(self.year, 7, 1), date(self.year + 1, 6, 30)
        for name in {*REQUIRED, *OPTIONAL, *self.tables}:
            given = self.tables.get(name)
            if given is None:
                self.absent.add((name, ""))
            elif given:
                self.absent |= {
                    (name, column) for table, column in OPEN_COLUMNS if table == name and not any(column in row for row in given)
                }
            self.rows[name] = [
                {column: typed(column, text) for column, text in row.items()} | {"_source": "district", "_file": name, "_line": line}
                for line, row in enumerate(given or [], start=2)
            ]
        self.schools = {row["school_code"]: row for row in self.rows["schools"]}
        self.calendar: dict[tuple[str, date], list[Row]] = defaultdict(list)
        for row in self.rows["calendar"]:
            self.calendar[row["school_code"], row["date"]].append(row)
        self.enrollments: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows["enrollments"]:
            if row.get("exit_reason") != "N470":
                self.enrollments[row["ssid"]].append(row)

    # --- the calendar

    def day(self, school: str, on: date, track: str | None, grade: str | None) -> Row | None:
        """Return the most specific calendar row of a school on a date for a track and grade."""
        fitting = []
        for row in self.calendar[school, on]:
            grades = (row.get("grades") or "").split(";") if row.get("grades") else []
            if row.get("track") and row["track"] != track:
                continue
            if grades and grade not in grades:
                continue
            filled = bool(row.get("track")) + bool(grades)
            fitting.append((-filled, not row.get("track"), len(grades), row.get("grades") or "", row))
        return min(fitting, key=lambda found: found[:4])[4] if fitting else None

    def school_day(self, enrollment: Row, on: date) -> Row | None:
        """Return the calendar row of an enrollment on a date if that is an instructional day, else ``None``."""
        row = self.day(enrollment["school_code"], on, enrollment.get("track"), enrollment["grade"])
        return row if row and row["is_instructional"] else None

    def last_school_day(self, school: str) -> date | None:
        """Return a school's last instructional day of the year, tracks and grades aside."""
        days = [row["date"] for row in self.rows["calendar"] if row["school_code"] == school and row["is_instructional"]]
        return max((day for day in days if self.first <= day <= self.last), default=None)

    # --- the enrollment in force

    @staticmethod
    def holds_date(enrollment: Row, on: date) -> bool:
        """Whether the enrollment's span holds the date; the exit date is its last day."""
        exit_date = enrollment.get("exit_date")
        return enrollment["entry_date"] <= on and (exit_date is None or on <= exit_date)

    @staticmethod
    def rank(enrollment: Row) -> tuple[int, int, str]:
        """Order of enrollments that hold the same date: status, then the later entry, then the lower school code."""
        return STATUS_ORDER[enrollment["enrollment_status"]], -enrollment["entry_date"].toordinal(), enrollment["school_code"]

    def in_force(self, ssid: str, on: date, *, released: bool = False) -> Row | None:
        """Return the enrollment in force on a date; with ``released`` the last one serves whenever it ended."""
        spans = self.enrollments[ssid]
        held = [span for span in spans if self.holds_date(span, on)]
        if held:
            return min(held, key=self.rank)
        later = [span for span in spans if span["entry_date"] > on]
        if later:
            return min(later, key=lambda span: (span["entry_date"], STATUS_ORDER[span["enrollment_status"]], span["school_code"]))
        if not spans:
            return None
        last = min(spans, key=lambda span: (-span["exit_date"].toordinal(), span["school_code"], -span["entry_date"].toordinal()))
        school_end = self.last_school_day(last["school_code"])
        return last if released or (school_end is not None and last["exit_date"] >= school_end) else None

    def unit(self, school: str) -> str:
        """Return the LEA that a school reports to: its own code if it is an independently reporting charter, else its county-district's."""
        row = self.schools[school]
        return school if row.get("independently_reporting_charter") else row["county_district_code"]

    def ineligible(self, enrollment: Row) -> bool:
        """Whether an enrollment is ``not_eligible``: exempt, nonclassroom, or at a school of an excluded type."""
        return (
            enrollment.get("absence_exempt") is True
            or enrollment["instruction_mode"] == "nonclassroom"
            or self.schools[enrollment["school_code"]]["school_type"] in EXCLUDED_TYPES
        )

    def minimum(self, enrollment: Row) -> int:
        """Return the minimum schoolday of an enrollment in minutes."""
        grade, school_type = enrollment["grade"], self.schools[enrollment["school_code"]]["school_type"]
        by_type = {"continuation": 180, "opportunity": 180, "community_day": 360}
        if self.policy["special_minutes"] == "table":
            by_type |= {"early_college": 180, "county_community": 240, "juvenile_court": 240}
        by_grade = 180 if grade in ("TK", "KN") else 230 if grade in ("01", "02", "03") else 240
        charter = self.policy["charter_minimum"]
        if school_type == "charter_classroom" and isinstance(charter, dict):
            by_grade = charter[grade_span(grade)]
        base = by_type.get(school_type, by_grade)
        basis, alternate = enrollment.get("alternate_minimum_basis"), enrollment.get("alternate_minimum_minutes")
        if basis == "sec_46146":
            return min(base, 180 if self.policy["three_quarter_day"] == "use_180_as_day" else 240)
        return min(base, alternate) if basis and alternate else base

    # --- what is written down, and what people decided

    def note(
        self,
        scope: str,
        code: str,
        severity: str,
        *,
        session: str = "",
        ssid: str = "",
        on: date | None = None,
        minutes: int | None = None,
        disposition: str = "",
    ) -> None:
        """Add a line to ``holds``; the same line is not said twice."""
        line = {
            "scope": scope, "session_id": session, "ssid": ssid, "date": on, "code": code, "severity": severity,
            "message": "", "citation": "", "certainty": "", "disposition_id": disposition, "minutes": minutes,
        }  # fmt: skip
        if line not in self.holds:
            self.holds.append(line)

    def decision(self, scope: str, code: str, *, session: str = "", ssid: str = "", on: date | None = None) -> Row | None:
        """Return the decision in force on a hold: the latest of those that name its scope, keys and code.

        On a student's row one is heard that is on the whole student, too.
        """
        keys: dict[str, Any] = {"session_id": session, "ssid": ssid, "date": on}
        own = {"session": ("session_id",), "participation": ("session_id", "ssid"), "student": ("ssid",), "absence": ("ssid", "date")}
        heard = ("participation", "student") if scope == "participation" else (scope,)
        fitting = [
            row
            for row in self.rows["dispositions"]
            if row["scope"] in heard
            and row["code"] == code
            and row["decision"] in ("release", "uphold")
            and all(row[key] == keys[key] for key in own[row["scope"]])
            and all(row[key] is None or not keys[key] or row[key] == keys[key] for key in keys)
        ]
        return max(fitting, key=lambda row: (row["decided_at"] or "", row["disposition_id"])) if fitting else None

    def placed(self, decision: str, ssid: str) -> list[Row]:
        """Return a student's decisions ``match`` or ``assign_school`` by absence date, of several on one absence the latest."""
        latest: dict[date | None, Row] = {}
        for row in sorted(self.rows["dispositions"], key=lambda row: (row["decided_at"] or "", row["disposition_id"])):
            if (row["decision"], row["ssid"]) == (decision, ssid):
                latest[row["date"]] = row
        return sorted(latest.values(), key=lambda row: (row["date"] or date.min, row["disposition_id"]))
