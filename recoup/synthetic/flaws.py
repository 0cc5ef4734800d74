"""Rows that must be refused, of every bad kind that real files hold. They are only added: none replaces a good row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.synthetic.places import Row


@dataclass(frozen=True, slots=True)
class Flaw:
    """A bad row: its table, the code under which the checks refuse it, its cells, and whether it has one cell too many."""

    table: str
    code: str
    row: Row
    ragged: bool = False


def make_flaws(tables: Mapping[str, list[Row]], bad_rows: str) -> list[Flaw]:
    """Return bad rows for ``tables``: none, those that leave the state's file writable, or all kinds.

    A row refused in attendance, calendar, students or enrollments makes days unknown and withholds the state's
    file; ``survivable`` therefore has only exact copies there, and everything else in the recovery tables.
    """
    if bad_rows == "none":
        return []
    survivable = _recovery(tables) + _copies(tables)
    return survivable + (_school_record(tables) if bad_rows == "all" else [])


def _recovery(tables: Mapping[str, list[Row]]) -> list[Flaw]:
    visit = next(row for row in tables["participation"] if row["minutes"] and row["sign_in"])
    session = next(row for row in tables["sessions"] if row["session_id"] == visit["session_id"])
    nowhere = "999-901-2025-10-07"
    lost = session | {"session_id": nowhere, "school_code": "9999999", "date": "2025-10-07"}
    post = next(row for row in tables["session_staff"])
    study = {"ssid": "9000999999", "start_date": "2025-10-01", "end_date": "2025-10-10"}
    twin = _free(tables, 0)
    person = tables["staff"][0] | {"staff_id": "9001", "certificated": "maybe"}
    unknown_day = session | {"session_id": session["school_code"] + "-902", "date": "2025-09-31"}
    return [
        Flaw("participation", "ID_SCIENTIFIC", visit | {"ssid": "9.00000E+09"}),
        Flaw("participation", "ID_ZERO_LOST", visit | {"ssid": visit["ssid"][:-1]}),
        Flaw("participation", "REF_MISSING", visit | {"ssid": "9000999999"}),
        Flaw("participation", "REF_MISSING", visit | {"session_id": "101-999-2025-10-07"}),
        Flaw("participation", "PARENT_REFUSED", visit | {"session_id": nowhere}),
        Flaw("participation", "MINUTES_AND_TIMES_EMPTY", _free(tables, 1) | {"minutes": "", "sign_in": "", "sign_out": ""}),
        Flaw("participation", "INT_INVALID", _free(tables, 2) | {"minutes": "1:30"}),
        Flaw("participation", "TIME_INVALID", _free(tables, 3) | {"sign_in": "25:10"}),
        Flaw("participation", "ROW_RAGGED", _free(tables, 4), ragged=True),
        Flaw("participation", "KEY_CONFLICT", twin | {"minutes": "55"}),
        Flaw("participation", "KEY_CONFLICT", twin | {"minutes": "45"}),
        Flaw("participation", "DUPLICATE_SAME", visit),
        Flaw("sessions", "REF_MISSING", lost),
        Flaw("sessions", "DATE_INVALID", unknown_day),
        Flaw("sessions", "CODE_UNKNOWN", session | {"session_id": session["school_code"] + "-903", "delivery": "carrier pigeon"}),
        Flaw("staff", "BOOL_INVALID", person),
        Flaw("session_staff", "CODE_UNKNOWN", post | {"staff_id": "9999", "role": "parent"}),
        Flaw("independent_study", "REF_MISSING", study),
    ]


def _free(tables: Mapping[str, list[Row]], number: int) -> Row:
    """Return a row for a student and session that have none yet, so that refusing it takes nothing from the good ones."""
    taken = {(row["session_id"], row["ssid"]) for row in tables["participation"]}
    model = next(row for row in tables["participation"] if row["minutes"] and row["sign_in"])
    ssids = [row["ssid"] for row in tables["students"] if (model["session_id"], row["ssid"]) not in taken]
    return model | {"ssid": ssids[number]}


def _copies(tables: Mapping[str, list[Row]]) -> list[Flaw]:
    return [
        Flaw(table, "DUPLICATE_SAME", tables[table][n])
        for table, n in (("attendance", 3), ("attendance", 11), ("enrollments", 2), ("students", 5))
    ]


def _school_record(tables: Mapping[str, list[Row]]) -> list[Flaw]:
    student, enrollment, absence, day = (tables[name][0] for name in ("students", "enrollments", "attendance", "calendar"))
    stranger = "9000888888"
    pair = absence | {"date": "2026-06-29"}
    return [
        Flaw("students", "ID_SCIENTIFIC", student | {"ssid": "9.00E+09", "local_student_id": "290001"}),
        Flaw("students", "ID_ZERO_LOST", student | {"ssid": "900099999", "local_student_id": "290002"}),
        Flaw("students", "CODE_UNKNOWN", student | {"ssid": "9000777777", "local_student_id": "290003", "gender": "Q"}),
        Flaw("enrollments", "GRADE_UNKNOWN", enrollment | {"entry_date": "2026-06-15", "exit_date": "2026-06-16", "grade": "PS"}),
        Flaw("enrollments", "REF_MISSING", enrollment | {"ssid": stranger}),
        Flaw("enrollments", "SPAN_REVERSED", enrollment | {"entry_date": "2026-05-01", "exit_date": "2026-04-01"}),
        Flaw("attendance", "DATE_INVALID", absence | {"date": "2026-02-30"}),
        Flaw("attendance", "DATE_OUTSIDE_YEAR", absence | {"date": "2024-10-01"}),
        Flaw("attendance", "REF_MISSING", absence | {"ssid": stranger}),
        Flaw("attendance", "KEY_CONFLICT", pair | {"kind": "excused"}),
        Flaw("attendance", "KEY_CONFLICT", pair | {"kind": "unexcused"}),
        Flaw("attendance", "CODE_UNKNOWN", absence | {"date": "2026-06-26", "kind": "gone fishing"}),
        Flaw("attendance", "ROW_RAGGED", absence | {"date": "2026-06-25"}, ragged=True),
        Flaw("calendar", "TIME_INVALID", day | {"date": "2026-06-29", "day_start": "8 o'clock"}),
        Flaw("calendar", "GRADE_UNKNOWN", day | {"date": "2026-06-30", "grades": "K1"}),
    ]
