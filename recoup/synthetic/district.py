"""The synthetic district in canonical terms: one seed, one story, every table as rows of text."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Literal

from recoup.synthetic import days, people, places, programs, trouble, vendor
from recoup.synthetic.flaws import Flaw, make_flaws

if TYPE_CHECKING:
    from collections.abc import Mapping

BadRows = Literal["none", "survivable", "all"]


@dataclass(frozen=True, slots=True)
class District:
    """One made-up district. ``tables``: canonical table to its rows, all text, empty = unknown. ``flaws``: rows that must be refused."""

    seed: int
    tables: Mapping[str, list[places.Row]]
    flaws: list[Flaw] = field(default_factory=list)


def make_district(seed: int = 1964733, students: int = 600, bad_rows: BadRows = "none") -> District:
    """Return the district of a seed, the same rows on every machine.

    ``students`` is at least 16 (two a school). ``bad_rows``: ``none``; ``survivable``, rows that are refused and leave
    every export possible; ``all``, also such as withhold the state's file. Flaws are only ever added: without them the
    tables are the same.
    """
    calendars = places.make_calendars()
    pupils = people.make_students(_dice(seed, "students"), calendars, students)
    absences, studies = days.make_days(_dice(seed, "days"), pupils, calendars)
    staff = people.make_staff(_dice(seed, "staff"))
    recovery = programs.make_programs(_dice(seed, "programs"), pupils, absences, staff, calendars)
    trouble.add_trouble(_dice(seed, "trouble"), recovery, pupils, staff)
    trouble.apply_days(_dice(seed, "applied"), recovery, pupils, absences)
    tables = {
        "schools": places.school_rows(),
        "calendar": calendars.rows,
        "students": people.student_rows(pupils),
        "enrollments": people.enrollment_rows(pupils),
        "attendance": days.attendance_rows(absences),
        "sessions": programs.session_rows(recovery),
        "participation": programs.participation_rows(recovery),
        "staff": people.staff_rows(staff),
        "session_staff": programs.session_staff_rows(recovery),
        "independent_study": days.study_rows(studies),
        "program_records": programs.record_rows(recovery),
        "program_enrollments": programs.election_rows(recovery),
        "applied_days": programs.applied_rows(recovery),
        "reported_totals": vendor.reported_rows(recovery, pupils, absences),
        "codes": places.code_rows(),
        "terms": places.term_rows(calendars),
    }
    return District(seed, tables, make_flaws(tables, bad_rows))


def _dice(seed: int, part: str) -> Random:
    """Return the dice of one part of the story, so that a change in one part leaves the others as they were."""
    return Random(f"{seed} {part}")  # noqa: S311 (a story, not a secret)
