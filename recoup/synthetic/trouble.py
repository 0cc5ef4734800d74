"""What goes wrong in the synthetic district's programs: everything that the ledger holds, cuts or warns of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from recoup.synthetic.places import BY_CODE
from recoup.synthetic.programs import AFTER_SCHOOL, SATURDAYS, Post, Programs, Session, Visit

if TYPE_CHECKING:
    from random import Random

    from recoup.synthetic.days import Absence
    from recoup.synthetic.people import Student, Teacher

_HIGH = "1930001"
_MINIMUM = {"continuation": 180, "opportunity": 180, "community_day": 360}


def add_trouble(rng: Random, programs: Programs, students: list[Student], staff: list[Teacher]) -> None:
    """Let each kind of trouble happen to a few sessions or rows, drawn from sessions where nothing else happened."""
    crowd: dict[int, int] = {}
    for visit in programs.visits:
        crowd[id(visit.session)] = crowd.get(id(visit.session), 0) + 1
    quiet = [s for s in programs.sessions if crowd[id(s)] > 2] or list(programs.sessions)
    rng.shuffle(quiet)
    scale = max(1, len(programs.sessions) // 12)

    def some(count: int) -> list[Session]:
        return [quiet.pop() for _ in range(min(count, scale, len(quiet)))]

    for delivery, count in (("virtual", 3), ("hybrid", 1), ("", 2)):
        for session in some(count):
            session.delivery, session.number = delivery, programs.new_number(session.school)
    for session in some(2):
        session.cancelled = True
    for session in some(4):
        session.others = 18
    for session in some(3):
        session.staff.clear()
    for session in some(4):
        _verify(programs, session, "", "")
    for session in some(8):
        session.verified_by, session.verified_at = session.staff[0].staff_id, f"{session.at(session.end, 15):%Y-%m-%dT%H:%M}"
        _verify(programs, session, "", "")
    for session, days in [(s, 9) for s in some(3)] + [(s, -1) for s in some(1)]:
        _verify(programs, session, session.staff[0].staff_id, f"{session.at(session.end, days * 1440):%Y-%m-%dT%H:%M}")
    _staffing(programs, staff, some(12))
    _odd_sessions(programs, students, staff)
    for visit in rng.sample(programs.visits, min(len(programs.visits), max(3, len(programs.visits) // 150))):
        if visit.minutes is not None:
            visit.minutes += rng.choice((10, 30, 60))


def _verify(programs: Programs, session: Session, by: str, at: str) -> None:
    for visit in programs.rows_of(session):
        visit.verified_by, visit.verified_at = by, at


def _staffing(programs: Programs, staff: list[Teacher], quiet: list[Session]) -> None:
    """Bring in the contractor, the teacher whose credential ends in January, aides, a shared hour, and a teacher in two rooms at once."""
    contractor = next(t for t in staff if not t.employee)
    expiring = next(t for t in staff if t.certificated and t.employee and not t.steady)
    for teacher, count in ((contractor, 2), (expiring, 6)):
        at_school = [s for s in programs.sessions if s.school == teacher.school and s.staff and not s.verified_by]
        for session in at_school[:: max(1, len(at_school) // count)]:
            if programs.free(teacher.staff_id, session.day, session.start, session.end):
                programs.book(teacher.staff_id, session.day, session.start, session.end)
                session.staff[:] = [Post(teacher.staff_id)]
                for visit in programs.rows_of(session):
                    visit.verified_by = visit.verified_by and teacher.staff_id
    for aide in (t for t in staff if not t.certificated):
        for session in [s for s in programs.sessions if s.school == aide.school and s.staff][::7]:
            if programs.free(aide.staff_id, session.day, session.start, session.end):
                programs.book(aide.staff_id, session.day, session.start, session.end)
                session.staff.append(Post(aide.staff_id, "aide"))
    for session in quiet[:4]:
        helper = next(
            (
                t.staff_id
                for t in staff
                if t.school == session.school and t.steady and programs.free(t.staff_id, session.day, session.start, session.end)
            ),
            "",
        )
        if helper:
            programs.book(helper, session.day, session.start, session.end)
            middle = f"{session.at(session.start, 30):%H:%M}"
            if session is quiet[0]:  # one teacher after the other
                session.staff[:] = [replace(session.staff[0], end=middle), Post(helper, start=middle)]
            else:  # two teachers for a full room
                session.others = 14
                session.staff.append(Post(helper))
    seen: dict[tuple[str, date, str], Session] = {}
    pairs = 0
    for session in programs.sessions:
        other = seen.setdefault((session.school, session.day, session.start), session)
        if other is not session and other.staff and session.staff and pairs < 2 and session.day.month in (2, 7, 10):
            session.staff.append(other.staff[0])
            pairs += 1


def _odd_sessions(programs: Programs, students: list[Student], staff: list[Teacher]) -> None:
    """Add what should not be claimed: help inside the school day, a night past midnight, a kindergartner among the older, one who left."""
    teens = [s for s in students if s.spans[0].school == _HIGH and len(s.spans) == 1][:4]
    for day, start, end in (
        (date(2025, 10, 15), "13:00", "14:00"),
        (date(2026, 2, 5), "13:00", "14:00"),
        (date(2026, 3, 13), "21:00", "01:00"),
    ):
        lead = next(t.staff_id for t in staff if t.school == _HIGH and t.steady and programs.free(t.staff_id, day, start, max(start, end)))
        session = Session(programs.new_number(_HIGH), _HIGH, AFTER_SCHOOL, day, start, end, 0, [Post(lead)])
        programs.sessions.append(session)
        checked = f"{session.at(session.start, 300):%Y-%m-%dT%H:%M}"
        programs.visits += [Visit(session, s.ssid, session.length, "", "", lead, checked) for s in teens]
    gone = next((s for s in students if s.spans[-1].exit and len(s.spans) == 1 and s.spans[0].reason), None)
    last = [v for v in programs.visits if gone and v.session.school == gone.spans[0].school and v.session.day > date(2026, 4, 1)]
    if gone and last:
        programs.visits.append(replace(last[0], ssid=gone.ssid))
    little = next((s for s in students if s.grade == "TK" and len(s.spans) == 1), None)
    crowd: dict[int, list[Visit]] = {}
    for visit in programs.visits:
        if little and visit.session.school == little.spans[0].school and visit.session.program == SATURDAYS:
            crowd.setdefault(id(visit.session), []).append(visit)
    full = [rows for rows in crowd.values() if len(rows) > 10 and little and little.ssid not in {v.ssid for v in rows}]
    for rows in full[:1]:
        same_day = any(v.session.day == rows[0].session.day and little and v.ssid == little.ssid for v in programs.visits)
        if little and not same_day:
            programs.visits.append(replace(rows[0], ssid=little.ssid))


def apply_days(rng: Random, programs: Programs, students: list[Student], absences: list[Absence]) -> None:
    """Let the SIS hold some recovered days already: whole days attended that met an absence, and two with no time behind them."""
    grade = {s.ssid: s for s in students if not any(span.exempt for span in s.spans)}
    missed: dict[str, list[Absence]] = {}
    for absence in absences:
        if absence.recoverable and absence.ssid in grade:
            missed.setdefault(absence.ssid, []).append(absence)
    for ssid, days in missed.items():
        if rng.random() > 0.07:
            continue
        whole = sorted(
            {v.session.day for v in programs.visits if v.ssid == ssid and (v.minutes or 0) >= minutes_of_day(grade[ssid], v.session)}
        )
        programs.applied += list(zip(sorted(days, key=lambda a: a.day), whole, strict=False))[:3]
    taken = {(absence.ssid, absence.day) for absence, _ in programs.applied}
    present = {visit.ssid for visit in programs.visits}
    idle = [days[0] for ssid, days in missed.items() if ssid not in present and (ssid, days[0].day) not in taken]
    programs.applied += [(absence, date(2026, 6, 1)) for absence in idle[:2]]


def minutes_of_day(student: Student, session: Session) -> int:
    """Return the minutes of session time that make a day, by school type and grade; enough for a story, the law is elsewhere."""
    by_grade = 180 if student.grade in ("TK", "KN") else 230 if student.grade in ("01", "02", "03") else 240
    return _MINIMUM.get(BY_CODE[session.school].type, by_grade)
