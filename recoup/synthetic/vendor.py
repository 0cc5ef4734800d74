"""What a tracking software says of the synthetic district: its own totals, worked out its own way, and wrong in a few places on purpose.

It adds up whole hours by session and turns them into days; of holds, cuts and as-of dates it knows nothing. So most students agree
with the ledger, those whose time is held do not, and every so many students a setting of it is wrong.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from recoup.synthetic.places import MEANINGS, SCHOOLS
from recoup.synthetic.trouble import minutes_of_day

if TYPE_CHECKING:
    from recoup.synthetic.days import Absence
    from recoup.synthetic.people import Student
    from recoup.synthetic.places import Row
    from recoup.synthetic.programs import Programs, Visit

SOURCE = "AR tracker"
LAST, OLD = date(2026, 6, 30), date(2026, 2, 27)
#: Schools whose software applies neither the cap nor the rule on suspension.
_CARELESS = tuple(school.code for school in SCHOOLS[::2])
#: Of every so many students with time, the one to whom the software does something wrong.
_EVERY = 30
_SHORT_DAY, _PARTS_OF_HOURS, _OLD, _TYPED = 3, 8, 23, 28


def reported_rows(programs: Programs, students: list[Student], absences: list[Absence]) -> list[Row]:
    """Return the rows of the table ``reported_totals``: one a student with time, at the school where the year began."""
    known = {student.ssid: student for student in students}
    visits: dict[str, list[Visit]] = {}
    for visit in programs.visits:
        if visit.ssid in known:
            visits.setdefault(visit.ssid, []).append(visit)
    return [_totals(number, known[ssid], visits[ssid], absences) for number, ssid in enumerate(sorted(visits))]


def _totals(number: int, student: Student, visits: list[Visit], absences: list[Absence]) -> Row:
    odd = number % _EVERY
    until = OLD if odd == _OLD else LAST
    by_date: dict[date, int] = {}
    for visit in visits:
        if visit.session.day <= until:
            stayed = visit.session.length if visit.minutes is None else visit.minutes
            hours = stayed if odd == _PARTS_OF_HOURS else stayed // 60 * 60
            day = minutes_of_day(student, visit.session)
            by_date[visit.session.day] = by_date.get(visit.session.day, 0) + (max(hours, day) if stayed >= day else hours)
    day = minutes_of_day(student, visits[-1].session)
    kept = sum(min(minutes, day) for minutes in by_date.values())
    full_days = kept // (180 if odd == _SHORT_DAY else day)
    missed = [a for a in absences if a.ssid == student.ssid and a.day <= until]
    careless = student.spans[0].school in _CARELESS
    eligible = sum(a.recoverable or (careless and MEANINGS[a.meaning].kind == "suspension_out") for a in missed)
    applied = min(full_days, eligible) if careless else min(full_days, eligible, 10)
    return {
        "ssid": student.ssid,
        "school_code": student.spans[0].school,
        "as_of": until.isoformat(),
        "minutes_earned": str(sum(by_date.values())),
        "days_earned": str(full_days + 3 if odd == _TYPED else full_days),
        "days_applied": str(applied),
        "source": SOURCE,
    }
