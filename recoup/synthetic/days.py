"""What the students of the synthetic district missed: attendance exceptions and independent study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recoup.synthetic.people import SECONDARY, SHORT_TERM, Span, Student
from recoup.synthetic.places import BY_CODE, MEANINGS, Calendars, Row

if TYPE_CHECKING:
    from datetime import date
    from random import Random


@dataclass(frozen=True, slots=True)
class Absence:
    """One attendance exception: ``meaning`` is a key of ``MEANINGS``; ``minutes`` missed of a part of a day."""

    ssid: str
    school: str
    day: date
    meaning: str
    made_up_by: str = ""
    minutes: int | None = None

    @property
    def recoverable(self) -> bool:
        """Whether an AR day may stand for it, as far as the row itself tells."""
        code = MEANINGS[self.meaning]
        return code.full_day and code.kind in ("excused", "unexcused") and not code.not_recoverable and not self.made_up_by


@dataclass(frozen=True, slots=True)
class Study:
    """A span of independent study, first and last day."""

    ssid: str
    first: date
    last: date


_COMMON = (("ill", 48), ("excused", 16), ("unexcused", 20), ("truant", 6), ("left_early", 5), ("late", 5))
#: Share of students, fewest and most days missed in a year: most miss few, some are chronically absent.
_HABITS = ((0.22, 0, 1), (0.43, 2, 6), (0.23, 7, 13), (0.12, 18, 36))
#: Instructional days of the studies told: 15 may recover through it, 16 may not, and 9 + 9 without a day between are one.
_STUDIES = ((15,), (16,), (9, 9), (15,), (22,), (10, 8), (16,), (5,))


def make_days(rng: Random, students: list[Student], calendars: Calendars) -> tuple[list[Absence], list[Study]]:
    """Return the absences of a year and the spans of independent study; a student has at most one row a school and date."""
    absences: list[Absence] = []
    studies: list[Study] = []
    scholars = iter(_STUDIES)
    for number, student in enumerate(students):
        days = [(day, span) for span in student.spans for day in _days_at(span, student, calendars)]
        if len(days) < 30:
            continue
        taken: dict[tuple[str, date], Absence] = {}
        if number % max(7, len(students) // 9) == 3 and len(student.spans) == 1 and len(days) > 120 and (lengths := next(scholars, ())):
            taken, spans = _study(student, days, lengths, rng.randrange(10, 60))
            studies += spans
        _, fewest, most = rng.choices(_HABITS, [share for share, _, _ in _HABITS])[0]
        wanted = rng.randint(fewest, most)
        while wanted > 0:
            start, length = rng.randrange(len(days)), min(wanted, rng.choices((1, 2, 3, 5), (60, 22, 12, 6))[0])
            meaning = rng.choices([name for name, _ in _COMMON], [weight for _, weight in _COMMON])[0]
            wanted -= length
            for day, span in days[start : start + length]:
                made_up = rng.choices(("", "saturday_school", "other"), (965, 30, 5))[0] if MEANINGS[meaning].full_day else ""
                minutes = None if MEANINGS[meaning].full_day else rng.randrange(31, 150)
                taken.setdefault((span.school, day), Absence(student.ssid, span.school, day, meaning, made_up, minutes))
        _rare(rng, number, student, days, taken)
        absences += taken.values()
    return absences, studies


def _days_at(span: Span, student: Student, calendars: Calendars) -> list[date]:
    """Return the instructional days on which the student belongs to this span's school and no short-term span takes them away."""
    away = [other for other in student.spans if other.status == SHORT_TERM and other is not span]
    days = calendars.days(span.school, span.track)
    return [day for day in days if span.status != SECONDARY and span.holds(day) and not any(other.holds(day) for other in away)]


def _study(
    student: Student, days: list[tuple[date, Span]], lengths: tuple[int, ...], start: int
) -> tuple[dict[tuple[str, date], Absence], list[Study]]:
    """Return the days of a student's independent study, one in eight without enough work, and its spans of the given lengths."""
    taken: dict[tuple[str, date], Absence] = {}
    spans = []
    for length in lengths:
        part = days[start : start + length]
        spans.append(Study(student.ssid, part[0][0], part[-1][0]))
        for number, (day, span) in enumerate(part):
            meaning = "study_incomplete" if number % 8 == 5 else "study"
            taken[span.school, day] = Absence(student.ssid, span.school, day, meaning)
        start += length
    return taken, spans


def _rare(rng: Random, number: int, student: Student, days: list[tuple[date, Span]], taken: dict[tuple[str, date], Absence]) -> None:
    """Add what few students meet: exclusion for lack of immunization, suspension, and one day written absent at two schools."""
    if number % 120 == 7:
        for day, span in days[4:10]:
            taken[span.school, day] = Absence(student.ssid, span.school, day, "immunization")
    if student.grade >= "06" and student.grade <= "12" and rng.random() < 0.08:
        start, meaning = rng.randrange(len(days)), rng.choice(("suspended", "suspended", "in_school"))
        for day, span in days[start : start + rng.randint(1, 3)]:
            taken.setdefault((span.school, day), Absence(student.ssid, span.school, day, meaning))
    for day in sorted({day for day, _ in days if sum(other.holds(day) for other in student.spans) > 1}):
        here = [span for other_day, span in days if other_day == day]
        for span in here if len(here) > 1 else ():
            taken[span.school, day] = Absence(student.ssid, span.school, day, "ill")


def attendance_rows(absences: list[Absence]) -> list[Row]:
    """Return the rows of the table ``attendance``, with each school's own letter as source code."""
    out = []
    for absence in absences:
        code = MEANINGS[absence.meaning]
        out.append(
            {
                "ssid": absence.ssid,
                "school_code": absence.school,
                "date": absence.day.isoformat(),
                "kind": code.kind,
                "full_day": "true" if code.full_day else "false",
                "source_code": BY_CODE[absence.school].codes[absence.meaning],
                "made_up_by": absence.made_up_by,
                "not_recoverable": code.not_recoverable,
                "minutes_absent": "" if absence.minutes is None else str(absence.minutes),
            }
        )
    return out


def study_rows(studies: list[Study]) -> list[Row]:
    """Return the rows of the table ``independent_study``."""
    return [{"ssid": s.ssid, "start_date": s.first.isoformat(), "end_date": s.last.isoformat()} for s in studies]
