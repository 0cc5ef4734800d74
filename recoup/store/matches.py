"""The review list: persons of a sheet whom no student number leads to a student, for a person to say who they are.

It lies in the workspace, for its owner alone, and is a CSV file that is filled in with a spreadsheet. Lines that are confirmed stay as
they are for good; the others are written anew by each run.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.store.platform import storing
from recoup.store.private import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE = "matches.csv"
COLUMNS = (
    "person", "source", "local_student_id", "name", "birth_date", "rows", "why", "ssid", "student_number", "student_name",
    "student_birth_date", "confirmed_by", "confirmed_on",
)  # fmt: skip
Line = dict[str, str]


def read(folder: Path) -> tuple[bytes, list[Line]]:
    """Return the review list of a workspace, its bytes and its lines; nothing where there is none.

    Raises ``MATCHES_UNREADABLE`` (2) when a column was taken out, so that nothing that was confirmed is lost.
    """
    path = folder / FILE
    with storing(path):
        data = path.read_bytes() if path.exists() else b""
    if not data.strip():
        return b"", []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Spreadsheets save plain CSV in the encoding of Windows.
        text = data.decode("cp1252", "replace")
    found = csv.DictReader(io.StringIO(text, newline=""), restval="")
    if missing := [name for name in COLUMNS if name not in (found.fieldnames or ())]:
        raise RecoupError("MATCHES_UNREADABLE", str(path), fault=f"it has no column {', '.join(missing)}")
    return data, [{name: _plain((line[name] or "").strip()) for name in COLUMNS} for line in found]


def is_confirmed(line: Mapping[str, str]) -> bool:
    """Tell whether a line says who the student is, who confirms it, and on which day (2026-01-06 or 1/6/2026)."""
    return bool(line["ssid"] and line["confirmed_by"] and _day(line["confirmed_on"]))


def write(folder: Path, lines: Sequence[Line], before: bytes) -> None:
    """Write the review list; a list that says the same as ``before`` is left alone."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(line[name]) for name in COLUMNS] for line in lines)
    # The mark tells spreadsheets that it is UTF-8.
    content = text.getvalue().encode("utf-8-sig")
    if content != before:
        write_private(folder / FILE, content)


def _day(text: str) -> date | None:
    try:
        if us := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
            return date(int(us[3]), int(us[1]), int(us[2]))
        return date.fromisoformat(text)
    except ValueError:
        return None


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell[:2] in {"'=", "'+", "'-", "'@"} else cell
