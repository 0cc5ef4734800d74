"""What the generators of vendors' files share: words for dates and times, groups of sessions, and what a vendor cannot hold."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.places import BY_CODE, MEANINGS, SCHOOLS, YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row

Cells = list[str]
#: Kinds of school in words.
KINDS = {
    "elementary": "Elementary",
    "span": "K-8",
    "middle": "Middle",
    "high": "High",
    "continuation": "Continuation",
    "community_day": "Community Day",
    "early_college": "Early College",
}
#: A file's header, its columns parted by blanks, and its rows.
Sheet = tuple[str, list[Cells]]


def us(day: str) -> str:
    """Return an ISO date as ``MM/DD/YYYY``."""
    return f"{date.fromisoformat(day):%m/%d/%Y}" if day else ""


def short(day: str) -> str:
    """Return an ISO date as ``M/D/YYYY``."""
    return "/".join(str(int(part)) for part in us(day).split("/")) if day else ""


def day_after(day: str) -> str:
    """Return the day after an ISO date: how vendors with exclusive ends write a last day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat() if day else ""


def moment(text: str) -> str:
    """Return a date-time as ``MM/DD/YYYY HH:MM``."""
    return f"{datetime.fromisoformat(text):%m/%d/%Y %H:%M}" if text else ""


def clock(text: str) -> str:
    """Return ``HH:MM`` as ``03:15 PM``."""
    return f"{time.fromisoformat(text):%I:%M %p}" if text else ""


def seconds(text: str) -> str:
    """Return ``HH:MM`` as seconds since midnight."""
    return str(int(text[:2]) * 3600 + int(text[3:]) * 60) if text else ""


def flag(text: str, words: tuple[str, str] = ("0", "1")) -> str:
    """Return a canonical flag in a vendor's two words, for no and yes."""
    return {"false": words[0], "true": words[1]}.get(text, text)


def local(school_code: str) -> str:
    """Return a school's number in the district's own system."""
    return BY_CODE[school_code].local


def group(session: Row) -> tuple[str, str]:
    """Return school and group number of a meeting: its session id is school, group and date."""
    school, number, *_ = session["session_id"].split("-")
    return school, number


def local_ids(district: District) -> dict[str, str]:
    """Return the student number by SSID."""
    return {row["ssid"]: row["local_student_id"] for row in district.tables["students"]}


def days_by_school(district: District) -> dict[str, list[tuple[str, dict[str, Row]]]]:
    """Return by school its dates in order, each with its calendar rows by track; rows for some grades apart."""
    found: dict[str, dict[str, dict[str, Row]]] = {}
    for row in district.tables["calendar"]:
        if not row["grades"]:
            found.setdefault(row["school_code"], {}).setdefault(row["date"], {})[row["track"]] = row
    return {school: sorted(days.items()) for school, days in found.items()}


def pupil_cells(district: District, day: Callable[[str], str]) -> list[Cells]:
    """Return every student: number, SSID, last and first name, birth date as ``day`` writes it, gender."""
    return [
        [row["local_student_id"], row["ssid"], row["legal_last_name"], row["legal_first_name"], day(row["birth_date"]), row["gender"]]
        for row in district.tables["students"]
    ]


def staff_cells(district: District, words: tuple[str, str], day: Callable[[str], str]) -> list[Cells]:
    """Return everybody of the staff: id, name, certificated and employed in the vendor's no and yes, last day of the credential."""
    return [
        [
            row["staff_id"],
            row["staff_name"],
            flag(row["certificated"], words),
            flag(row["lea_employee"], words),
            day(row["credential_expires"]),
        ]
        for row in district.tables["staff"]
    ]


def study_cells(district: District, day: Callable[[str], str]) -> list[Cells]:
    """Return the agreements on independent study: student number, first and last day."""
    numbers = local_ids(district)
    return [[numbers[row["ssid"]], day(row["start_date"]), day(row["end_date"])] for row in district.tables["independent_study"]]


def absence_codes(words: tuple[str, str], more: Iterable[Cells] = ()) -> list[Cells]:
    """Return every school's own table of absence codes: school, code, description, year, and whether it is for a whole day.

    ``words``: the vendor's no and yes. ``more``: codes of the vendor's that are no absence.
    """
    own = [[s.local, s.codes[name], code.description, YEAR, words[code.full_day]] for s in SCHOOLS for name, code in MEANINGS.items()]
    return [*own, *more]


def crosswalk(absences: Iterable[Cells] = ()) -> Sheet:
    """Return what the district says its letters mean, as `recoup codes` drafts it; ``absences``: more of it, from its second cell on."""
    rows = [["absence", *cells] for cells in absences]
    for s in SCHOOLS:
        for name, code in MEANINGS.items():
            rows.append(["absence", s.local, YEAR, s.codes[name], code.kind, code.description])
            if code.not_recoverable:
                rows.append(["not_recoverable", s.local, YEAR, s.codes[name], code.not_recoverable, code.description])
    return "list school year code means description", rows


def spoil(district: District, visits: list[Cells], student: int, day: int, absences: list[Cells]) -> None:
    """Add rows that must be refused, where the district has flaws: to the visits, and to the absences where flaws may go so far.

    ``student`` and ``day`` are the places of student number and date in a visit; an absence begins with its student number.
    """
    if not district.flaws:
        return
    visit = visits[0]
    visits += [list(visit), [*visit, "stray"], _changed(visit, student, "999999"), _changed(visit, day, "9/31/2025")]
    if any(flaw.table == "calendar" for flaw in district.flaws):
        absences += [["999999", *absences[0][1:]], [*absences[0], "stray"]]


def _changed(cells: Cells, place: int, cell: str) -> Cells:
    return [*cells[:place], cell, *cells[place + 1 :]]


def write_sheets(sheets: Mapping[str, Sheet], folder: Path, delimiter: str = ",", *, spaced: bool = False) -> list[Path]:
    """Write each sheet as ``<name>.csv`` below ``folder``, or as ``.txt`` where no comma parts it.

    ``spaced``: headers are words for people (``StudentID`` becomes ``Student ID``), as reports have them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for name, (header, rows) in sheets.items():
        mark = "," if name == "crosswalk" else delimiter
        out.append(folder / f"{name}.{'csv' if mark == ',' else 'txt'}")
        names = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column) if spaced else column for column in header.split()]
        write_csv(out[-1], names, rows, delimiter=mark)
    return out


def write_kept(district: District, folder: Path, tables: Iterable[str]) -> list[Path]:
    """Write the tables that a vendor's files cannot carry, as a district keeps them beside: a bundle of its own in ``kept/``."""
    out = []
    folder = folder / "kept"
    folder.mkdir(exist_ok=True)
    for table in tables:
        rows = district.tables[table]
        header = list(rows[0]) if rows else []
        if rows:
            write_csv(folder / f"{table}.csv", header, [[row[column] for column in header] for row in rows])
            out.append(folder / f"{table}.csv")
    return out
