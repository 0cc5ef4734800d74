"""Every check of time (``ledger.md`` 1) by its code: what it holds, cuts or warns of, and the next case that it lets pass.

The district of every case: one student of grade 05 and one Saturday session of four hours, led and verified by T1; ``edits`` say what is
different. ``lines``: the severities that stand in ``holds`` under the code; ``counted``: the minutes of the student that count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from recoup.law import hold_rules
from tests.ledger.engine import Implementation, run_engine
from tests.plain.case import SSID, bundle, rows
from tests.plain.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plain.bundle import Tables

    Edit = Callable[[Tables], None]

SATURDAY, MONDAY = "2025-10-04", "2025-10-06"
BASE = {
    "grade": "05",
    "schools": {"A": "elementary", "B": "elementary"},
    "sessions": [{"date": date(2025, 10, 4), "minutes": 240}],
    "absences": {"times": 2},
}
#: Checks that have no line among those of time: they are of absences and applied days (``ledger.md`` 5 and 6).
ELSEWHERE = {"absence_at_two_schools", "applied_without_time", "applied_before_earned", "applied_ineligible", "applied_over_cap"}


def put(table: str, **cells: Any) -> Edit:
    """Set cells of every row of a table; None empties them."""

    def edit(tables: Tables) -> None:
        for row in tables[table]:
            row.update(rows(cells)[0])

    return edit


def lack(table: str, column: str = "") -> Edit:
    """Take a table or a column away."""

    def edit(tables: Tables) -> None:
        if column:
            tables[table] = [{name: text for name, text in row.items() if name != column} for row in tables[table]]
        else:
            del tables[table]

    return edit


def more(table: str, **cells: Any) -> Edit:
    """Add a row like the table's first one, but for some cells."""

    def edit(tables: Tables) -> None:
        first = tables[table][0] if tables.get(table) else {}
        tables.setdefault(table, []).append(first | rows(cells)[0])

    return edit


def session(number: int, **cells: Any) -> Edit:
    """Add a session like the first, at which the student is, led by a teacher of its own."""
    key, teacher = f"S{number:02}", cells.pop("teacher", f"T{number}")

    def edit(tables: Tables) -> None:
        at = cells.get("date", SATURDAY)
        more("sessions", session_id=key, **cells)(tables)
        if teacher not in {row["staff_id"] for row in tables["staff"]}:
            more("staff", staff_id=teacher)(tables)
        more("session_staff", session_id=key, staff_id=teacher, role="teacher")(tables)
        more("participation", session_id=key, verified_by=teacher, verified_at=f"{at}T23:00")(tables)

    return edit


def crowd(count: int, grade: str = "05", **cells: Any) -> Edit:
    """Add students to the session."""

    def edit(tables: Tables) -> None:
        for _ in range(count):
            ssid = f"9000001{len(tables['students']):03}"
            more("students", ssid=ssid, local_student_id=ssid[-6:])(tables)
            more("enrollments", ssid=ssid, grade=grade)(tables)
            more("participation", ssid=ssid, **cells)(tables)

    return edit


def moved(start: str, end: str, day: str = SATURDAY, **cells: Any) -> Edit:
    """Put the session at another time, with the verification after it."""

    def edit(tables: Tables) -> None:
        put("sessions", date=day, start_time=start, end_time=end, **cells)(tables)
        put("participation", verified_at=f"{day}T23:30")(tables)

    return edit


def day_of(school: str, day: str, **cells: Any) -> Edit:
    """Set cells of one school's calendar row, or add it."""

    def edit(tables: Tables) -> None:
        found = [row for row in tables["calendar"] if (row["school_code"], row["date"]) == (school, day)]
        if not found:
            more("calendar", school_code=school, date=day, **cells)(tables)
        for row in found:
            row.update(rows(cells)[0])

    return edit


SECOND = [more("staff", staff_id="T2"), more("session_staff", staff_id="T2")]
STUDY = "independent_study"
ELECTION: dict[str, Any] = {"ssid": SSID, "program_name": "Saturday Academy"} | dict.fromkeys(
    ("invited_on", "elected_by", "election_ref", "enrolled_on", "left_on", "left_reason")
)
ASIDE = {"ssid": SSID, "start_date": "2025-09-15"}


@dataclass(frozen=True)
class Check:
    """One case of a check."""

    code: str
    about: str
    edits: tuple[Edit, ...]
    lines: tuple[str, ...]
    counted: int
    policy: dict[str, Any] = field(default_factory=dict)
    attest: tuple[str, ...] = ()
    as_of: date = date(2026, 6, 30)


def check(code: str, about: str, *edits: Edit, lines: str = "", counted: int = 240, **given: Any) -> Check:
    return Check(code, about, edits, tuple(lines.split()), counted, **given)


CHECKS = [
    check("no_qualifying_teacher", "not certificated", put("staff", certificated=False), lines="hold", counted=0),
    check("no_qualifying_teacher", "not employed by the LEA", put("staff", lea_employee=False), lines="hold", counted=0),
    check("no_qualifying_teacher", "expired the day before", put("staff", credential_expires="2025-10-03"), lines="hold", counted=0),
    check("no_qualifying_teacher", "the last day counts", put("staff", credential_expires=SATURDAY)),
    check("no_qualifying_teacher", "an aide alone", put("session_staff", role="aide"), lines="hold", counted=0),
    check("no_qualifying_teacher", "not in the staff table", put("session_staff", staff_id="T9"), lines="hold", counted=0),
    check("no_qualifying_teacher", "cannot be told", put("staff", certificated=None), lines="not_checked", counted=0),
    check("no_qualifying_teacher", "no staff table", lack("staff"), lines="not_checked", counted=0),
    check("no_qualifying_teacher", "no staff table, attested", lack("staff"), lines="attested",
          attest=("qualifying_teacher", "ratio", "verification")),
    check("no_qualifying_teacher", "one attestation does not carry another", lack("staff"), lines="attested", counted=0,
          attest=("qualifying_teacher",)),
    check("teacher_twice", "as teacher", session(2, start_time="12:00", end_time="14:00", teacher="T1"), lines="warn warn", counted=0),
    check("teacher_twice", "one after the other", session(2, start_time="13:00", end_time="14:00", teacher="T1"), counted=300),
    check("teacher_twice", "as aide", session(2), more("session_staff", session_id="S02", role="aide"), lines="warn", counted=240),
    check("teacher_twice", "cancelled sessions aside", session(2, teacher="T1", cancelled=True)),
    check("ratio", "20 students of grade 05", crowd(19)),
    check("ratio", "21 students of grade 05", crowd(20), lines="hold", counted=0),
    check("ratio", "10 with a kindergartner", crowd(8), crowd(1, "KN")),
    check("ratio", "11 with a kindergartner", crowd(9), crowd(1, "KN"), lines="hold", counted=0),
    check("ratio", "mixed, each by the own ratio", crowd(9), crowd(5, "KN"), policy={"mixed_ratio": "proportional"}),
    check("ratio", "mixed, above it", crowd(10), crowd(5, "TK"), policy={"mixed_ratio": "proportional"}, lines="hold", counted=0),
    check("ratio", "other students present", crowd(18), put("sessions", other_students_present=2), lines="hold", counted=0),
    check("ratio", "without minutes nobody is there", crowd(20, minutes=0)),
    check("ratio", "held rows are in the room", crowd(20, verified_by=None), lines="hold", counted=0),
    check("ratio", "several teachers", crowd(39), *SECOND),
    check("ratio", "several teachers, one above", crowd(40), *SECOND, lines="hold", counted=0),
    check("ratio", "a teacher who leaves", crowd(20), more("staff", staff_id="T2"),
          more("session_staff", staff_id="T2", end_time="11:00"), lines="hold", counted=0),
    check("ratio", "one teacher after another", crowd(19), more("staff", staff_id="T2"), put("session_staff", end_time="11:00"),
          more("session_staff", staff_id="T2", start_time="11:00", end_time=None)),
    check("ratio", "not at once", crowd(10, sign_in="09:00", sign_out="11:00", minutes=120),
          crowd(19, sign_in="11:00", sign_out="13:00", minutes=120)),
    check("ratio", "at once", crowd(10, sign_in="09:00", sign_out="11:01", minutes=120),
          crowd(10, sign_in="11:00", sign_out="13:00", minutes=120), lines="hold", counted=0),
    check("ratio", "not at once, by all rows", crowd(10, sign_in="09:00", sign_out="11:00", minutes=120),
          crowd(10, sign_in="11:00", sign_out="13:00", minutes=120), lines="hold", counted=0, policy={"ratio_measure": "enrolled"}),
    check("ratio", "within the grace", crowd(20, sign_in="12:30", minutes=30), lines="warn", policy={"ratio_grace_minutes": 240}),
    check("ratio", "above the grace", crowd(20), lines="hold", counted=0, policy={"ratio_grace_minutes": 239}),
    check("ratio", "no staff table", lack("staff"), lines="not_checked", counted=0),
    check("cancelled", "", put("sessions", cancelled=True), lines="hold", counted=0),
    check("not_in_person", "virtual", put("sessions", delivery="virtual"), lines="hold", counted=0),
    check("not_in_person", "hybrid", put("sessions", delivery="hybrid"), lines="hold", counted=0),
    check("delivery_unknown", "an empty cell", put("sessions", delivery=None), lines="warn"),
    check("delivery_unknown", "no column", lack("sessions", "delivery"), lines="not_checked"),
    check("crosses_midnight", "", moved("22:00", "02:00"), lines="hold", counted=0),
    check("outside_fiscal_year", "before attendance recovery began", moved("09:00", "13:00", "2025-06-28"), lines="hold", counted=0),
    check("outside_fiscal_year", "the first day", moved("09:00", "13:00", "2025-07-01")),
    check("after_as_of", "", lines="hold", counted=0, as_of=date(2025, 10, 3)),
    check("after_as_of", "the day itself counts", as_of=date(2025, 10, 4)),
    check("not_verified", "nobody", put("participation", verified_by=None), lines="hold", counted=0),
    check("not_verified", "not a teacher of the session", more("staff", staff_id="T2"), put("participation", verified_by="T2"),
          lines="hold", counted=0),
    check("not_verified", "the session's word stands for its rows", put("participation", verified_by=None),
          put("sessions", verified_by="T1", verified_at=f"{SATURDAY}T14:00")),
    check("not_verified", "no staff table", lack("staff"), lines="not_checked", counted=0),
    check("not_enrolled", "left before", put("enrollments", exit_date="2025-09-30"), lines="hold", counted=0),
    check("not_enrolled", "the next enrollment carries it", put("enrollments", entry_date="2025-10-20")),
    check("not_enrolled", "the last one, to the school's end", put("enrollments", exit_date="2026-06-05"),
          moved("09:00", "13:00", "2026-06-13")),
    check("not_eligible", "absence exempt", put("enrollments", absence_exempt=True), lines="hold", counted=0),
    check("not_eligible", "nonclassroom", put("enrollments", instruction_mode="nonclassroom"), lines="hold", counted=0),
    check("not_eligible", "a nonpublic school", put("schools", school_type="nonpublic"), lines="hold", counted=0),
    check("not_eligible", "mode unknown", put("enrollments", instruction_mode=None), lines="not_checked"),
    check(STUDY, "16 schooldays", more(STUDY, **ASIDE, end_date="2025-10-06"), lines="hold", counted=0),
    check(STUDY, "15 schooldays", more(STUDY, **ASIDE, end_date="2025-10-05")),
    check(STUDY, "two spans without a schoolday between", more(STUDY, **ASIDE, end_date="2025-09-26"),
          more(STUDY, ssid=SSID, start_date="2025-09-29", end_date="2025-10-06"), lines="hold", counted=0),
    check(STUDY, "time inside counts by K19", more(STUDY, **ASIDE, end_date="2025-10-06"), policy={"long_study_bank": "keep"}),
    check(STUDY, "no table", lack(STUDY), lines="not_checked"),
    check("inside_school_day", "overlaps the end", moved("14:00", "18:00", MONDAY), lines="hold", counted=0),
    check("inside_school_day", "begins at the end", moved("14:30", "18:30", MONDAY)),
    check("inside_school_day", "hours unknown", moved("14:30", "18:30", MONDAY), day_of("6000001", MONDAY, day_end=None),
          lines="not_checked", counted=0),
    check("inside_school_day", "hours unknown, attested", moved("14:30", "18:30", MONDAY), day_of("6000001", MONDAY, day_end=None),
          lines="attested", attest=("inside_school_day",)),
    check("three_quarter_day", "manual", put("enrollments", alternate_minimum_minutes=180, alternate_minimum_basis="sec_46146"),
          lines="hold", counted=0),
    check("three_quarter_day", "240 by K12", put("enrollments", alternate_minimum_minutes=180, alternate_minimum_basis="sec_46146"),
          policy={"three_quarter_day": "use_240"}),
    check("over_clock", "", put("participation", sign_in="09:00", sign_out="12:00"), lines="cut", counted=180),
    check("over_clock", "less the break", put("participation", sign_in="09:00", sign_out="13:00"), put("sessions", break_minutes=60),
          lines="cut", counted=180),
    check("over_clock", "breaks as recorded by K17", put("participation", sign_in="09:00", sign_out="13:00"),
          put("sessions", break_minutes=60), policy={"breaks": "as_recorded"}),
    check("over_session", "", put("sessions", end_time="12:00"), lines="cut", counted=180),
    check("over_session", "less the break", put("sessions", break_minutes=60), lines="cut", counted=180),
    check("over_session", "breaks as recorded by K17", put("sessions", break_minutes=60), policy={"breaks": "as_recorded"}),
    check("overlap", "", session(2, start_time="12:00", end_time="16:00"), lines="cut", counted=420),
    check("overlap", "half open", session(2, start_time="13:00", end_time="17:00"), counted=480),
    check("host_school_day", "", put("sessions", school_code="6000002"), day_of("6000002", SATURDAY), lines="warn"),
    check("verified_late", "six days after", put("participation", verified_at="2025-10-10T09:00"), lines="warn"),
    check("verified_late", "five days after", put("participation", verified_at="2025-10-09T09:00")),
    check("verified_late", "as the LEA sets it", put("participation", verified_at="2025-10-10T09:00"), policy={"verify_within_days": 6}),
    check("verified_early", "before its end", put("participation", verified_at=f"{SATURDAY}T12:59"), lines="warn"),
    check("verified_early", "at its end", put("participation", verified_at=f"{SATURDAY}T13:00")),
    check("no_meal_record", "on a Saturday", put("sessions", meal_offered=None), lines="warn"),
    check("no_meal_record", "not after a school day", moved("14:30", "18:30", MONDAY, meal_offered=None)),
    check("no_meal_record", "no column", lack("sessions", "meal_offered"), lines="not_checked"),
    check("no_election", "no date", more("program_enrollments", **ELECTION, elected_on=None), lines="warn"),
    check("no_election", "elected", more("program_enrollments", **ELECTION, elected_on="2025-09-01")),
    check("no_election", "no table", lines="not_checked"),
    check("no_session_in_term", "", more("terms", school_code="6000001", term="2", start="2026-01-05", end="2026-06-05"), lines="warn"),
    check("no_session_in_term", "not over yet", more("terms", school_code="6000001", term="2", start="2026-01-05", end="2026-06-05"),
          as_of=date(2026, 3, 1)),
    check("not_recoverable", "no column", lack("attendance", "not_recoverable"), lines="not_checked"),
    check("charter_minimum", "the minutes of the grade", put("schools", school_type="charter_classroom"), lines="warn"),
    check("alternate_without_basis", "", put("enrollments", alternate_minimum_minutes=180), lines="warn"),
    check("weekly_hours", "16 hours", put("schools", school_type="continuation"),
          *(session(number, date=f"2025-10-0{number - 1}", start_time="15:00", end_time="19:00") for number in (2, 3, 4)), lines="warn",
          counted=960),
    check("weekly_hours", "capped by K16", put("schools", school_type="continuation"),
          *(session(number, date=f"2025-10-0{number - 1}", start_time="15:00", end_time="19:00") for number in (2, 3, 4)), lines="cut",
          counted=900, policy={"continuation_weekly": "cap"}),
]  # fmt: skip


def runs() -> Iterator[Any]:
    """Yield every case with both implementations; of the engine's, the first of each code are quick ones."""
    seen: set[str] = set()
    for one in CHECKS:
        name = f"{one.code}: {one.about}" if one.about else one.code
        yield pytest.param(one, read, id=f"{name}, plain")
        yield pytest.param(one, run_engine, id=f"{name}, engine", marks=[pytest.mark.slow] if one.code in seen else [])
        seen.add(one.code)


@pytest.mark.parametrize(("one", "run"), runs())
def test_check_of_time(one: Check, run: Implementation) -> None:
    tables = bundle(BASE)
    for edit in one.edits:
        edit(tables)
    tables = {name: found for name, found in tables.items() if found or name != "applied_days"}
    result = run(tables, policy=one.policy, as_of=one.as_of, attest=one.attest)
    found = [row for row in result["holds"] if row["code"] == one.code and row["scope"] != "absence"]
    mine = [row["severity"] for row in found if row["ssid"] in (SSID, "", None)]
    assert (tuple(mine), sum(row["minutes_counted"] for row in result["time_entries"] if row["ssid"] == SSID)) == (one.lines, one.counted)


def test_every_check_of_time_has_a_case_that_it_meets() -> None:
    assert {one.code for one in CHECKS if one.lines} == set(hold_rules()) - ELSEWHERE
