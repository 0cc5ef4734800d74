"""Attendance recovery in the synthetic district: what is offered, who leads it, who comes, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from recoup.synthetic.places import BY_CODE, SCHOOLS, SPRING, WEDNESDAY, WINTER, Calendars, Row

if TYPE_CHECKING:
    from random import Random

    from recoup.synthetic.days import Absence
    from recoup.synthetic.people import Student, Teacher

YOUNGEST = ("TK", "KN")
AFTER_SCHOOL, SATURDAYS, INTERSESSION, SUMMER, JUNE = (
    "AR After School",
    "AR Saturday Academy",
    "AR Intersession",
    "AR Summer",
    "AR June Week",
)
#: How likely an invited student is to join a program, and then to come on a day of it.
_APPEAL = {AFTER_SCHOOL: (0.33, 0.75), SATURDAYS: (0.28, 0.6), INTERSESSION: (0.25, 0.75), SUMMER: (0.15, 0.75), JUNE: (0.2, 0.75)}
_SUMMER = tuple(date(2025, 7, 7) + timedelta(days=n) for n in (0, 1, 2, 3, 7, 8, 9, 10))
_TERMS = ((date(2025, 9, 8), date(2025, 11, 7)), (date(2026, 1, 12), date(2026, 3, 6)), (date(2026, 4, 13), date(2026, 5, 15)))


@dataclass(frozen=True, slots=True)
class Offering:
    """A recurring session: school, program, grades, times, break, and the dates it meets on."""

    school: str
    program: str
    grades: tuple[str, ...]
    start: str
    end: str
    pause: int
    dates: tuple[date, ...]
    room: int = 20


@dataclass(frozen=True, slots=True)
class Post:
    """Who stands in a session, as what, and from when to when (empty = all of it)."""

    staff_id: str
    role: str = "teacher"
    start: str = ""
    end: str = ""


@dataclass(slots=True)
class Session:
    """One meeting of an offering's group; ``number`` is the group's number in the school, as the SIS would give it."""

    number: int
    school: str
    program: str
    day: date
    start: str
    end: str
    pause: int
    staff: list[Post]
    delivery: str = "in_person"
    cancelled: bool = False
    others: int = 0
    verified_by: str = ""
    verified_at: str = ""

    @property
    def session_id(self) -> str:
        """The id that both shapes give this meeting: school, group and date."""
        return f"{BY_CODE[self.school].local}-{self.number}-{self.day.isoformat()}"

    def at(self, clock: str, minutes: int = 0) -> datetime:
        """Return a time of the session's day, some minutes later."""
        return datetime.combine(self.day, time.fromisoformat(clock)) + timedelta(minutes=minutes)

    @property
    def length(self) -> int:
        """Scheduled minutes without the break."""
        return (self.at(self.end) - self.at(self.start)).seconds // 60 - self.pause


@dataclass(slots=True)
class Visit:
    """One student in one session: minutes attended (none = only the times say), sign-in and sign-out, and who verified it when."""

    session: Session
    ssid: str
    minutes: int | None
    sign_in: str = ""
    sign_out: str = ""
    verified_by: str = ""
    verified_at: str = ""
    evidence: str = ""


@dataclass(slots=True)
class Programs:
    """Everything about attendance recovery in one year."""

    sessions: list[Session] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    applied: list[tuple[Absence, date]] = field(default_factory=list)
    joined: dict[tuple[str, str], date] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    busy: dict[tuple[str, date], list[tuple[str, str]]] = field(default_factory=dict)

    def new_number(self, school: str) -> int:
        """Return the next free group number of a school."""
        self.numbers[school] = self.numbers.get(school, 100) + 1
        return self.numbers[school]

    def free(self, staff_id: str, day: date, start: str, end: str) -> bool:
        """Tell whether someone is in no other session at that time."""
        return all(end <= from_ or to <= start for from_, to in self.busy.get((staff_id, day), ()))

    def book(self, staff_id: str, day: date, start: str, end: str) -> None:
        """Remember that someone is in a session."""
        self.busy.setdefault((staff_id, day), []).append((start, end))

    def rows_of(self, session: Session) -> list[Visit]:
        """Return the rows of one session."""
        return [visit for visit in self.visits if visit.session is session]


def _weekly(days: tuple[date, ...], weekdays: tuple[int, ...], term: tuple[date, date]) -> tuple[date, ...]:
    return tuple(day for day in days if day.weekday() in weekdays and term[0] <= day <= term[1])


def _plan(calendars: Calendars) -> list[Offering]:
    """Return what each school offers over the year."""
    out: list[Offering] = []
    june = tuple(date(2026, 6, 8) + timedelta(days=n) for n in range(4))
    saturdays = tuple(date(2025, 9, 6) + timedelta(weeks=3 * n) for n in range(12) if n != 4)
    for school in SCHOOLS:
        days = tuple(sorted({day for track in school.tracks or ("",) for day in calendars.days(school.code, track)}))
        young = tuple(grade for grade in school.grades if grade in YOUNGEST)
        old = tuple(grade for grade in school.grades if grade not in YOUNGEST)
        for term in _TERMS:
            for weekdays, start, end in _AFTER_SCHOOL[school.type]:
                out.append(Offering(school.code, AFTER_SCHOOL, old, start, end, 0, _weekly(days, weekdays, term)))
                if young:
                    early = ("12:30", "13:30") if school.early_grades else (start, end)
                    out.append(Offering(school.code, AFTER_SCHOOL, young, *early, 0, _weekly(days, weekdays, term), room=10))
        if school.type == "high":  # meets while the group before is still at work: who is in both is counted once
            evenings = _weekly(days, (WEDNESDAY,), _TERMS[2])[:4]
            out.append(Offering(school.code, AFTER_SCHOOL, old, "17:00", "18:00", 0, evenings))
        whole = ("08:30", "14:45", 15) if school.type == "community_day" else ("08:30", "12:45", 15)
        for program, dates, (start, end, pause) in (
            (SATURDAYS, saturdays, ("08:30", "12:30", 0) if school.type == "elementary" else whole),
            (INTERSESSION, (*WINTER, *SPRING), whole),
            (SUMMER, _SUMMER, ("08:30", "11:50", 20)),
            (JUNE, june, whole),
        ):
            if program in (SUMMER, JUNE) and school.type not in ("elementary", "middle", "high"):
                continue
            out.append(Offering(school.code, program, old, start, end, pause, dates))
            if young:
                out.append(Offering(school.code, program, young, start, end, pause, dates, room=10))
    return out


_AFTER_SCHOOL: dict[str, tuple[tuple[tuple[int, ...], str, str], ...]] = {
    "elementary": (((1, 3), "15:00", "16:00"),),
    "span": (((0, 3), "14:45", "16:45"),),
    "middle": (((1,), "15:30", "16:20"), ((3,), "15:30", "17:30")),
    "high": (((0, 2), "15:45", "17:45"),),
    "continuation": (((1, 3), "13:00", "14:00"),),
    "community_day": (((2,), "15:00", "16:00"),),
    "early_college": (((3,), "15:15", "17:15"),),
    "charter_classroom": (((2,), "15:00", "17:00"),),
}


def make_programs(rng: Random, students: list[Student], absences: list[Absence], staff: list[Teacher], calendars: Calendars) -> Programs:
    """Return the sessions of a year with who came, made from what was missed; then let the usual things go wrong."""
    programs = Programs()
    missed: dict[str, int] = {}
    for absence in absences:
        missed[absence.ssid] = missed.get(absence.ssid, 0) + absence.recoverable
    invited = [s for s in students if missed.get(s.ssid, 0) >= 3 or rng.random() < 0.04]
    pool = {school.code: [t.staff_id for t in staff if t.school == school.code and t.steady] for school in SCHOOLS}
    for offering in _plan(calendars):
        joins, comes = _APPEAL[offering.program]
        roster = [s for s in invited if _belongs(s, offering) and rng.random() < joins]
        for group in (roster[n : n + offering.room] for n in range(0, len(roster), offering.room)):
            number = programs.new_number(offering.school)
            around = pool[offering.school][number % len(pool[offering.school]) :] + pool[offering.school]
            hours = (offering.start, offering.end)
            teacher = next((t for t in around if all(programs.free(t, day, *hours) for day in offering.dates)), "")
            for day in offering.dates if teacher else ():
                came = [s for s in group if _there(s, offering, day) and rng.random() < comes]
                if not came:
                    continue
                session = Session(number, offering.school, offering.program, day, *hours, offering.pause, [Post(teacher)])
                programs.book(teacher, day, *hours)
                programs.sessions.append(session)
                programs.visits += [_visit(rng, session, student) for student in came]
                for student in came:
                    programs.joined.setdefault((student.ssid, offering.program), day)
    return programs


def _belongs(student: Student, offering: Offering) -> bool:
    return student.grade in offering.grades and any(span.school == offering.school for span in student.spans)


def _there(student: Student, offering: Offering, day: date) -> bool:
    """Tell whether the student would come to this school on this day: enrolled here, or in its summer before or June after."""
    here = [span for span in student.spans if span.school == offering.school and span.reason == ""]
    return any(span.holds(day) for span in here) or (bool(here) and offering.program in (SUMMER, JUNE) and student.spans[-1] is here[-1])


def _visit(rng: Random, session: Session, student: Student) -> Visit:
    """Return one student's line on the sign-in sheet: most stay to the end, some come late, a few rows lack times or minutes."""
    late = rng.choices((0, 5, 12, 25, 40), (80, 8, 6, 4, 2))[0] if session.length > 50 else 0
    sign_in, sign_out = session.at(session.start, late), session.at(session.end)
    visit = Visit(
        session,
        student.ssid,
        session.length - late,
        f"{sign_in:%H:%M}",
        f"{sign_out:%H:%M}",
        session.staff[0].staff_id,
        f"{session.at(session.end, rng.choice((5, 10, 60, 1440))):%Y-%m-%dT%H:%M}",
        f"sheet {session.session_id}",
    )
    kind = rng.choices(("as is", "no times", "times only", "no sheet", "remark"), (79, 10, 3, 7, 1))[0]
    if kind == "no times":
        visit.sign_in = visit.sign_out = ""
    elif kind == "times only":
        visit.minutes = None
    elif kind == "no sheet":
        visit.evidence = ""
    elif kind == "remark":
        visit.evidence += ',\nback page: "left by bus"'
    return visit


def session_rows(programs: Programs) -> list[Row]:
    """Return the rows of the table ``sessions``."""
    return [
        {
            "session_id": s.session_id,
            "program_name": s.program,
            "school_code": s.school,
            "date": s.day.isoformat(),
            "start_time": s.start,
            "end_time": s.end,
            "break_minutes": str(s.pause),
            "room": f"R{s.number}",
            "delivery": s.delivery,
            "cancelled": "true" if s.cancelled else "false",
            "other_students_present": str(s.others),
            "verified_by": s.verified_by,
            "verified_at": s.verified_at,
        }
        for s in programs.sessions
    ]


def session_staff_rows(programs: Programs) -> list[Row]:
    """Return the rows of the table ``session_staff``."""
    return [
        {"session_id": s.session_id, "staff_id": post.staff_id, "role": post.role, "start_time": post.start, "end_time": post.end}
        for s in programs.sessions
        for post in s.staff
    ]


def participation_rows(programs: Programs) -> list[Row]:
    """Return the rows of the table ``participation``."""
    return [
        {
            "session_id": v.session.session_id,
            "ssid": v.ssid,
            "minutes": "" if v.minutes is None else str(v.minutes),
            "sign_in": v.sign_in,
            "sign_out": v.sign_out,
            "verified_by": v.verified_by,
            "verified_at": v.verified_at,
            "evidence_ref": v.evidence,
        }
        for v in programs.visits
    ]


def applied_rows(programs: Programs) -> list[Row]:
    """Return the rows of the table ``applied_days``."""
    return [
        {"ssid": a.ssid, "absence_date": a.day.isoformat(), "school_code": a.school, "recovered_on": day.isoformat(), "source": "SIS"}
        for a, day in programs.applied
    ]


def election_rows(programs: Programs) -> list[Row]:
    """Return the rows of the table ``program_enrollments``; every thirtieth election was never written down."""
    out = []
    for number, ((ssid, program), first) in enumerate(programs.joined.items()):
        if number % 30 == 11:
            continue
        asked, chosen = (first - timedelta(days=n) for n in (14, 5))
        out.append(
            {
                "ssid": ssid,
                "program_name": program,
                "invited_on": asked.isoformat(),
                "elected_by": "parent",
                "elected_on": chosen.isoformat(),
                "election_ref": f"form {number + 1}",
                "enrolled_on": chosen.isoformat(),
                "left_on": "",
                "left_reason": "",
            }
        )
    return out


def record_rows(programs: Programs) -> list[Row]:
    """Return the rows of the table ``program_records``: a few records the SIS holds already, with comments as people write them."""
    comments = ("Attendance recovery 2025-26", 'Parent: "Saturdays only, please"', "Mornings, room 12", "")
    first: dict[str, date] = {}
    for (ssid, _), day in programs.joined.items():
        first[ssid] = min(day, first.get(ssid, day))
    return [
        {"ssid": ssid, "start_date": day.isoformat(), "end_date": "2026-06-30", "comment": comments[number // 12 % 4]}
        for number, (ssid, day) in enumerate(first.items())
        if number % 12 == 5
    ]
