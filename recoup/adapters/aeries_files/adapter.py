"""Joins Aeries's tables into canonical ones. Facts about Aeries: ``columns.csv``, ``codes/*.csv`` and this folder's README."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.adapters.aeries_files import absences, calendar, roster, sessions
from recoup.adapters.aeries_files.extract import Extract
from recoup.adapters.base import DATE_FORMS, Declaration, FileAdapter
from recoup.errors import RecoupError
from recoup.ports import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from recoup.adapters.base import Job
    from recoup.ports import ReadRequest

#: An extract without these cannot be read: recovery time and made-up days would be mixed with those of other programs.
_NEEDED = ("ar_type_codes", "ar_makeup_codes")

OPTIONS = (
    Option(
        "ar_type_codes",
        "list",
        (),
        "Supplemental Attendance type codes (ATP.TY) for attendance recovery only; see District Settings",
        required=True,
    ),
    Option("ar_makeup_codes", "list", (), "ADA make-up codes (ATT.ADA) for attendance recovery only; see District Settings", required=True),
    Option("ar_makeup_external_codes", "list", (), "Further attendance recovery make-up codes, for days whose time is not in Aeries"),
    Option("saturday_makeup_codes", "list", (), "ADA make-up codes for Saturday School; all others count as made up in another way"),
    Option("staff_role", "text", "teacher", "Role of session staff where ATR has no role", choices=("teacher", "aide")),
    Option("track_names", "list", tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "What ENR.TR calls the tracks of DAY.T1 to DAY.T26, in that order"),
    Option("pad_cds", "bool", default=False, help="Give CC, DC and SC their leading zeros back (2, 5 and 7 digits)"),
    DATE_FORMS,
)


class AeriesFiles(FileAdapter):
    """The adapter for Aeries query exports."""

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Join the feeds into the canonical tables; a table is left out when the district exports nothing for it."""
        extract = Extract(frames, job)
        made = {
            "schools": roster.schools(extract),
            "calendar": calendar.calendar(extract),
            "students": roster.students(extract),
            "enrollments": roster.enrollments(extract),
            **absences.tables(extract),
            **(sessions.tables(extract) if extract.frame("ATD") is not None else {}),
            "independent_study": roster.independent_study(extract),
            "staff": roster.staff(extract),
        }
        return {name: table for name, table in made.items() if table is not None}

    def _settings(self, request: ReadRequest) -> dict[str, object]:
        missing = [name for name in _NEEDED if not request.options.get(name)]
        if missing:
            raise RecoupError("AERIES_AR_CODES", f"[[sources]] {request.source}", missing=" and ".join(missing))
        return super()._settings(request)


ADAPTER = AeriesFiles(
    "aeries_files", "Aeries tables as CSV, TXT or XLSX from queries", Declaration.load("recoup.adapters.aeries_files"), OPTIONS
)
