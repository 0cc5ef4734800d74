"""The eight schools of the synthetic district, their days and their absence codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

Row = dict[str, str]

LEA = "1964733"
LEA_NAME = "Cedar Valley Unified"
YEAR = "2025-2026"
GRADES = ("TK", "KN", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12")
DAYS_TAUGHT = 180
WEDNESDAY, SATURDAY = 2, 5


@dataclass(frozen=True, slots=True)
class Code:
    """What one letter of a school's absence codes means; ``full_day`` false is a part of a day."""

    kind: str
    full_day: bool
    description: str
    not_recoverable: str = ""


#: The meanings a school has a letter for. The letters differ from school to school, as they do in life.
MEANINGS = {
    "ill": Code("excused", True, "Illness"),
    "excused": Code("excused", True, "Excused, parent request"),
    "unexcused": Code("unexcused", True, "Unexcused"),
    "truant": Code("unexcused", True, "Truant"),
    "immunization": Code("unexcused", True, "Excluded, immunization", "immunization"),
    "suspended": Code("suspension_out", True, "Suspension at home"),
    "in_school": Code("suspension_in", True, "Suspension in school"),
    "study": Code("independent_study_ada", True, "Independent study, complete"),
    "study_incomplete": Code("independent_study_non_ada", True, "Independent study, incomplete"),
    "left_early": Code("excused", False, "Left early, excused"),
    "late": Code("unexcused", False, "Late more than 30 minutes"),
}
_LETTERS = {
    "lower": dict(zip(MEANINGS, "IEUTZSNCKLD", strict=True)),
    "upper": dict(zip(MEANINGS, "EPAU0SRIJLT", strict=True)),
    "small": dict(zip(MEANINGS, "MXUZ9HNSsLD", strict=True)),
}


@dataclass(frozen=True, slots=True)
class School:
    """One school: CDS school code, its number in the SIS, type, grades, share of the students, bell times and first day."""

    code: str
    local: str
    name: str
    type: str
    grades: tuple[str, ...]
    share: float
    opens: str
    closes: str
    short_day: str
    letters: str
    first: date = date(2025, 8, 13)
    early_grades: tuple[str, ...] = ()
    early_close: str = ""
    tracks: tuple[str, ...] = ()
    charter: bool = False
    closes_rolls: bool = False
    codes: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", _LETTERS[self.letters])


def _span(low: str, high: str) -> tuple[str, ...]:
    return GRADES[GRADES.index(low) : GRADES.index(high) + 1]


SCHOOLS = (
    School(
        "6019001",
        "101",
        "Live Oak Elementary",
        "elementary",
        _span("TK", "05"),
        0.24,
        "08:15",
        "14:45",
        "13:15",
        "lower",
        early_grades=("TK", "KN"),
        early_close="12:15",
    ),
    School(
        "6019002",
        "102",
        "Sycamore School",
        "span",
        _span("KN", "08"),
        0.21,
        "08:00",
        "14:30",
        "13:00",
        "lower",
        first=date(2025, 7, 21),
        tracks=("A", "B"),
    ),
    School("6019003", "201", "Manzanita Middle", "middle", _span("06", "08"), 0.18, "08:30", "15:15", "14:00", "upper", closes_rolls=True),
    School("1930001", "301", "Cedar Valley High", "high", _span("09", "12"), 0.22, "08:30", "15:30", "14:30", "upper", closes_rolls=True),
    School("1930002", "302", "Foothill Continuation High", "continuation", _span("10", "12"), 0.04, "08:30", "12:45", "12:45", "upper"),
    School("1930003", "303", "Arroyo Community Day", "community_day", _span("07", "12"), 0.02, "08:15", "14:45", "14:45", "small"),
    School("1930004", "304", "Cedar Valley Early College", "early_college", _span("09", "12"), 0.04, "08:30", "15:00", "15:00", "small"),
    School(
        "0190001",
        "401",
        "Redbud Charter Academy",
        "charter_classroom",
        _span("KN", "08"),
        0.05,
        "08:00",
        "14:45",
        "13:30",
        "small",
        first=date(2025, 8, 18),
        charter=True,
    ),
)
BY_CODE = {school.code: school for school in SCHOOLS}

_HOLIDAYS = (
    (date(2025, 9, 1), date(2025, 9, 1)),
    (date(2025, 11, 11), date(2025, 11, 11)),
    (date(2025, 11, 24), date(2025, 11, 28)),
    (date(2025, 12, 22), date(2026, 1, 2)),
    (date(2026, 1, 19), date(2026, 1, 19)),
    (date(2026, 2, 16), date(2026, 2, 16)),
    (date(2026, 3, 30), date(2026, 4, 3)),
    (date(2026, 5, 25), date(2026, 5, 25)),
)
#: The weeks in which a track of the year-round school is away.
_OFF_TRACK = {
    "A": ((date(2025, 9, 29), date(2025, 10, 17)), (date(2026, 2, 23), date(2026, 3, 13))),
    "B": ((date(2025, 10, 20), date(2025, 11, 7)), (date(2026, 3, 16), date(2026, 4, 10))),
}
WINTER = (date(2025, 12, 22), date(2025, 12, 23), date(2025, 12, 29))
SPRING = (date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2))


def _within(day: date, spans: tuple[tuple[date, date], ...]) -> bool:
    return any(first <= day <= last for first, last in spans)


@dataclass(frozen=True, slots=True)
class Calendars:
    """The days of every school: rows of the table ``calendar``, and instructional dates by (school, track)."""

    rows: list[Row]
    instructional: dict[tuple[str, str], tuple[date, ...]]

    def days(self, school: str, track: str) -> tuple[date, ...]:
        """Return the instructional dates of a school and track, in order."""
        return self.instructional[school, track]

    def first(self, school: str, track: str) -> date:
        """Return the first instructional date of a school and track."""
        return self.instructional[school, track][0]

    def last(self, school: str) -> date:
        """Return the last instructional date of a school, whatever the track."""
        return max(days[-1] for (code, _), days in self.instructional.items() if code == school)


def weekdays(first: date, last: date) -> list[date]:
    """Return Mondays to Fridays from ``first`` to ``last``, both included."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY]


def make_calendars() -> Calendars:
    """Return 180 instructional days for every school and track, the holidays between them, and their bell times."""
    rows: list[Row] = []
    instructional: dict[tuple[str, str], tuple[date, ...]] = {}
    for school in SCHOOLS:
        for track in school.tracks or ("",):
            taught: list[date] = []
            for day in weekdays(school.first, date(2026, 6, 30)):
                if len(taught) == DAYS_TAUGHT:
                    break
                school_day = not _within(day, _HOLIDAYS) and not _within(day, _OFF_TRACK.get(track, ()))
                if school_day:
                    taught.append(day)
                rows += _calendar_rows(school, track, day, school_day)
            instructional[school.code, track] = tuple(taught)
    return Calendars(rows, instructional)


def _calendar_rows(school: School, track: str, day: date, school_day: bool) -> list[Row]:
    row = {
        "school_code": school.code,
        "date": day.isoformat(),
        "is_instructional": "true" if school_day else "false",
        "day_start": "",
        "day_end": "",
        "track": track,
        "grades": "",
    }
    if not school_day:
        return [row]
    row |= {"day_start": school.opens, "day_end": closing(school, day)}
    if not school.early_grades:
        return [row]
    return [row, row | {"day_end": school.early_close, "grades": ";".join(school.early_grades)}]


def closing(school: School, day: date) -> str:
    """Return the bell that ends the day for a school's upper grades; Wednesdays are short."""
    return school.short_day if day.weekday() == WEDNESDAY else school.closes


def school_rows() -> list[Row]:
    """Return the rows of the table ``schools``."""
    return [
        {
            "school_code": s.code,
            "school_name": s.name,
            "school_type": s.type,
            "county_district_code": LEA,
            "local_school_id": s.local,
            "independently_reporting_charter": "true" if s.charter else "false",
            "hourly_attendance": "false",
        }
        for s in SCHOOLS
    ]


def code_rows() -> list[Row]:
    """Return the rows of the table ``codes``: each school's letters and what they mean there."""
    return [
        {
            "school_code": s.code,
            "school_year": YEAR,
            "code": s.codes[name],
            "kind": code.kind,
            "full_day": "true" if code.full_day else "false",
            "not_recoverable": code.not_recoverable,
            "description": code.description,
        }
        for s in SCHOOLS
        for name, code in MEANINGS.items()
    ]


def term_rows(calendars: Calendars) -> list[Row]:
    """Return the rows of the table ``terms``: summer, fall and spring of every school."""
    out = []
    for school in SCHOOLS:
        last = calendars.last(school.code)
        terms = (
            ("SUMMER", date(2025, 7, 1), school.first - timedelta(days=1)),
            ("FALL", school.first, date(2026, 1, 4)),
            ("SPRING", date(2026, 1, 5), last),
            ("JUNE", last + timedelta(days=1), date(2026, 6, 30)),
        )
        out += [{"school_code": school.code, "term": name, "start": a.isoformat(), "end": b.isoformat()} for name, a, b in terms]
    return out
