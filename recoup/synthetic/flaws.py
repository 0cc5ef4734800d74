"""Rows that must be refused, of every bad kind that real files hold. They are only added: none replaces a good row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.synthetic.places import Row


@dataclass(frozen=True, slots=True)
class Flaw:
    """A bad row: its table, what is wrong with it, and whether it is a copy, a conflict or a row with a cell too many."""

    table: str
    kind: str
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
    twin = visit | {"session_id": tables["sessions"][-1]["session_id"], "ssid": tables["students"][-1]["ssid"]}
    unknown_day = session | {"session_id": session["school_code"] + "-902", "date": "2025-09-31"}
    return [
        Flaw("participation", "ssid as a spreadsheet mangles it", visit | {"ssid": "9.00000E+09"}),
        Flaw("participation", "ssid that lost a digit", visit | {"ssid": visit["ssid"][:-1]}),
        Flaw("participation", "student nobody knows", visit | {"ssid": "9000999999"}),
        Flaw("participation", "session nobody knows", visit | {"session_id": "101-999-2025-10-07"}),
        Flaw("participation", "row of a refused session", visit | {"session_id": nowhere}),
        Flaw("participation", "neither minutes nor times", _free(tables, 1) | {"minutes": "", "sign_in": "", "sign_out": ""}),
        Flaw("participation", "minutes in hours and minutes", _free(tables, 2) | {"minutes": "1:30"}),
        Flaw("participation", "time that no clock shows", _free(tables, 3) | {"sign_in": "25:10"}),
        Flaw("participation", "a cell too many", _free(tables, 4), ragged=True),
        Flaw("participation", "same key, other content", twin | {"minutes": "55"}),
        Flaw("participation", "same key, other content", twin | {"minutes": "45"}),
        Flaw("participation", "copy", visit),
        Flaw("sessions", "school nobody knows", lost),
        Flaw("sessions", "day that no calendar has", unknown_day),
        Flaw("sessions", "unknown code", session | {"session_id": session["school_code"] + "-903", "delivery": "carrier pigeon"}),
        Flaw("session_staff", "person nobody knows", post | {"staff_id": "9999"}),
        Flaw("independent_study", "student nobody knows", study),
    ]


def _free(tables: Mapping[str, list[Row]], number: int) -> Row:
    """Return a row for a student and session that have none yet, so that refusing it takes nothing from the good ones."""
    taken = {(row["session_id"], row["ssid"]) for row in tables["participation"]}
    model = next(row for row in tables["participation"] if row["minutes"] and row["sign_in"])
    ssids = [row["ssid"] for row in tables["students"] if (model["session_id"], row["ssid"]) not in taken]
    return model | {"ssid": ssids[number]}


def _copies(tables: Mapping[str, list[Row]]) -> list[Flaw]:
    return [
        Flaw(table, "copy", tables[table][n]) for table, n in (("attendance", 3), ("attendance", 11), ("enrollments", 2), ("students", 5))
    ]


def _school_record(tables: Mapping[str, list[Row]]) -> list[Flaw]:
    student, enrollment, absence, day = (tables[name][0] for name in ("students", "enrollments", "attendance", "calendar"))
    stranger = "9000888888"
    absent = absence | {"ssid": stranger}
    pair = absence | {"date": "2026-06-29"}
    return [
        Flaw("students", "ssid as a spreadsheet mangles it", student | {"ssid": "9.00E+09", "local_student_id": "290001"}),
        Flaw("students", "ssid that lost a digit", student | {"ssid": "900099999", "local_student_id": "290002"}),
        Flaw("students", "unknown code", student | {"ssid": "9000777777", "local_student_id": "290003", "gender": "Q"}),
        Flaw("enrollments", "unknown grade", enrollment | {"ssid": "9000777777", "grade": "PS"}),
        Flaw("enrollments", "student nobody knows", enrollment | {"ssid": stranger}),
        Flaw("enrollments", "exit before entry", enrollment | {"entry_date": "2026-05-01", "exit_date": "2026-04-01"}),
        Flaw("attendance", "day that no calendar has", absence | {"date": "2026-02-30"}),
        Flaw("attendance", "day of another year", absence | {"date": "2024-10-01"}),
        Flaw("attendance", "student nobody knows", absent),
        Flaw("attendance", "same key, other content", pair | {"kind": "excused"}),
        Flaw("attendance", "same key, other content", pair | {"kind": "unexcused"}),
        Flaw("attendance", "unknown code", absence | {"date": "2026-06-26", "kind": "gone fishing"}),
        Flaw("attendance", "a cell too many", absence | {"date": "2026-06-25"}, ragged=True),
        Flaw("calendar", "time that no clock shows", day | {"date": "2026-06-29", "day_start": "8 o'clock"}),
        Flaw("calendar", "unknown grade", day | {"date": "2026-06-30", "grades": "K1"}),
    ]
