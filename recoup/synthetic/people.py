"""The students of the synthetic district, where they are enrolled, and the staff."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from recoup.synthetic.places import BY_CODE, GRADES, SCHOOLS, Calendars, Row, School

if TYPE_CHECKING:
    from random import Random

# fmt: off
_FIRST = (
    "Ana", "José", "Li", "Zoë", "Amir", "Priya", "Noah", "Mai", "Oluwaseun", "Sofía", "Ethan", "Xóchitl", "Grace", "Mateo", "Anh",
    "Lucía", "Daniel", "Renée", "Hmong Mee", "Isabel", "Tyrone", "Yuki", "Fatima", "Björn", "Camila", "Ravi", "Emma", "Diego", "Nevaeh",
    "Jun",
)
_LAST = (
    "López", "Nguyen", "García Cruz", "Smith-Jones", "O'Brien", "Núñez", "Patel", "Xiong", "Washington", "Peña", "Kim", "D'Angelo",
    "Okafor", "Martínez", "Yang", "Johnson", "De la Cruz", "Hernández", "Singh", "Müller", "Reyes", "Chan", "Tran", "Muñoz", "Baker",
    "Ibarra", "Lee",
)
# fmt: on
PRIMARY, SECONDARY, SHORT_TERM, NON_ADA = "10", "20", "30", "50"


@dataclass(frozen=True, slots=True)
class Span:
    """One enrollment: school, first and last day (none = open), and what it carries into the table ``enrollments``."""

    school: str
    entry: date
    exit: date | None
    grade: str
    track: str = ""
    status: str = PRIMARY
    mode: str = "classroom"
    minimum: str = ""
    basis: str = ""
    exempt: bool = False
    reason: str = ""

    def holds(self, day: date) -> bool:
        """Tell whether the student is enrolled here on a day; the exit date is the last day enrolled."""
        return self.entry <= day and (self.exit is None or day <= self.exit)


@dataclass(frozen=True, slots=True)
class Student:
    """A student with all spans; ``spans[0]`` is where the year begins."""

    ssid: str
    local_id: str
    first: str
    last: str
    birth: date
    gender: str
    spans: tuple[Span, ...]

    @property
    def home(self) -> School:
        """The school of the first span."""
        return BY_CODE[self.spans[0].school]

    @property
    def grade(self) -> str:
        """The grade of the first span."""
        return self.spans[0].grade


@dataclass(frozen=True, slots=True)
class Teacher:
    """A member of staff who can stand in a session: where, and what the table ``staff`` says."""

    staff_id: str
    name: str
    school: str
    certificated: bool
    employee: bool
    expires: date

    @property
    def steady(self) -> bool:
        """Whether the teacher qualifies the whole year."""
        return self.certificated and self.employee and self.expires > date(2026, 6, 30)


#: How many students of 600 live each of the less common stories; others just attend their school.
_STORIES = (
    ("transfer", 36),
    ("transfer_gap", 12),
    ("continuation", 6),
    ("late", 22),
    ("left", 16),
    ("returned", 10),
    ("secondary", 12),
    ("short_term", 8),
    ("never_came", 5),
    ("no_show", 4),
    ("study_program", 4),
    ("exempt", 3),
    ("non_ada", 2),
    ("iep", 12),
    ("two_schools", 1),
)


def make_students(rng: Random, calendars: Calendars, count: int) -> list[Student]:
    """Return ``count`` students (at least 16) over the eight schools, each with the spans of one story."""
    sizes = {school.code: max(2, round(count * school.share)) for school in SCHOOLS}
    while (over := sum(sizes.values()) - count) != 0:
        sizes[max(sizes, key=lambda code: sizes[code])] -= 1 if over > 0 else -1
    seats = [(school, rng.choice(school.grades)) for school in SCHOOLS for _ in range(sizes[school.code])]
    deck = [name for name, of_600 in _STORIES for _ in range(max(1, round(of_600 * count / 600)))]
    deck += ["plain"] * (count - len(deck))
    rng.shuffle(deck)
    out = []
    for number, ((school, grade), story) in enumerate(zip(seats, deck, strict=False)):
        track = rng.choice(school.tracks) if school.tracks else ""
        last_day = calendars.last(school.code) if school.closes_rolls else None
        start = Span(school.code, calendars.first(school.code, track), last_day, grade, track)
        born = date(2025 - 4 - GRADES.index(grade), 9, 2) - timedelta(days=rng.randrange(364))
        spans = _tell(rng, story, start, calendars)
        out.append(
            Student(
                str(9000000000 + 17 * (number + 1)),
                str(210001 + 3 * number),
                rng.choice(_FIRST),
                rng.choice(_LAST),
                born,
                rng.choices("MFX", (49, 49, 2))[0],
                spans,
            )
        )
    return out


def _another(rng: Random, span: Span, types: tuple[str, ...] = ()) -> School | None:
    """Pick another school of the district that teaches the grade; a charter's students stay in its own LEA."""
    near = [s for s in SCHOOLS if span.grade in s.grades and s.code != span.school and not s.charter and (not types or s.type in types)]
    return rng.choice(near) if near and not BY_CODE[span.school].charter else None


def _tell(rng: Random, story: str, start: Span, calendars: Calendars) -> tuple[Span, ...]:
    """Return the spans of one story that begins with ``start``. A story the grade does not allow becomes the plain one."""
    days = calendars.days(start.school, start.track)
    cut = days[rng.randrange(40, 130)]
    before = replace(start, exit=cut, reason="T160")
    if story in ("transfer", "transfer_gap", "continuation", "two_schools"):
        new = _another(rng, start, ("continuation", "community_day") if story == "continuation" else ())
        if new is None:
            return (start,)
        track = rng.choice(new.tracks) if new.tracks else ""
        gap = {"transfer_gap": rng.randrange(8, 26), "two_schools": 0}.get(story, 1)
        last = calendars.last(new.code) if new.closes_rolls else None
        return (before, Span(new.code, cut + timedelta(days=gap), last, start.grade, track))
    if story == "late":
        return (replace(start, entry=days[rng.randrange(5, 60)]),)
    if story == "left":
        return (before,)
    if story == "returned":
        return (before, replace(start, entry=days[rng.randrange(135, 150)]))
    if story in ("secondary", "short_term"):
        new = _another(rng, start, ("community_day", "continuation", "early_college", "span"))
        if new is None:
            return (start,)
        track = rng.choice(new.tracks) if new.tracks else ""
        if story == "secondary":
            return (start, Span(new.code, cut, None, start.grade, track, SECONDARY))
        return (start, Span(new.code, cut, cut + timedelta(days=24), start.grade, track, SHORT_TERM))
    changed = {
        "never_came": replace(start, exit=days[3], reason="N470"),
        "no_show": replace(start, exit=days[20], reason="E140"),
        "study_program": replace(start, mode="nonclassroom"),
        "exempt": replace(start, exempt=True),
        "non_ada": replace(start, status=NON_ADA),
        "iep": replace(start, minimum=str(rng.choice((120, 150, 180, 200))), basis="iep_46307"),
    }
    return (changed.get(story, start),)


def make_staff(rng: Random) -> list[Teacher]:
    """Return eight teachers a school (two at the smallest), one contractor, one with a credential that ends in January, and aides."""
    out: list[Teacher] = []

    def add(school: str, certificated: bool = True, employee: bool = True, expires: date = date(2030, 6, 30)) -> None:
        name = f"{rng.choice(_LAST)}, {rng.choice(_FIRST)}"
        out.append(Teacher(str(1001 + len(out)), name, school, certificated, employee, expires))

    for school in SCHOOLS:
        for _ in range(8 if school.share > 0.1 else 3):
            add(school.code)
    add("1930001", expires=date(2026, 1, 31))
    add("6019003", employee=False)
    for school in SCHOOLS[:4]:
        add(school.code, certificated=False)
    return out


def student_rows(students: list[Student]) -> list[Row]:
    """Return the rows of the table ``students``."""
    return [
        {
            "ssid": s.ssid,
            "local_student_id": s.local_id,
            "legal_first_name": s.first,
            "legal_last_name": s.last,
            "birth_date": s.birth.isoformat(),
            "gender": s.gender,
        }
        for s in students
    ]


def enrollment_rows(students: list[Student]) -> list[Row]:
    """Return the rows of the table ``enrollments``."""
    return [
        {
            "ssid": s.ssid,
            "school_code": e.school,
            "entry_date": e.entry.isoformat(),
            "exit_date": e.exit.isoformat() if e.exit else "",
            "grade": e.grade,
            "enrollment_status": e.status,
            "instruction_mode": e.mode,
            "alternate_minimum_minutes": e.minimum,
            "alternate_minimum_basis": e.basis,
            "absence_exempt": "true" if e.exempt else "false",
            "exit_reason": e.reason,
            "track": e.track,
        }
        for s in students
        for e in s.spans
    ]


def staff_rows(staff: list[Teacher]) -> list[Row]:
    """Return the rows of the table ``staff``; unlicensed aides have no credential date."""
    return [
        {
            "staff_id": t.staff_id,
            "staff_name": t.name,
            "certificated": "true" if t.certificated else "false",
            "lea_employee": "true" if t.employee else "false",
            "credential_expires": t.expires.isoformat() if t.certificated else "",
        }
        for t in staff
    ]
