"""PowerSchool's tables to canonical ones: what ``columns.csv`` cannot say by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.base import FileAdapter
from recoup.adapters.mapping import with_defaults
from recoup.adapters.powerschool_files import attendance, calendar, sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_SPANS = {"Students": "EntryDate ExitDate", "ReEnrollments": "EntryDate ExitDate", "SpEnrollments": "Enter_Date Exit_Date"}
_DAY = r"^\d{4}-\d\d-\d\d$"
_TOTALS = "S_CA_STU_ATTDRECOVER_C"


class PowerSchoolFiles(FileAdapter):
    """The adapter for AutoSend and Data Export Manager files."""

    def prepared(self, frames: Mapping[str, pl.DataFrame], job: Job) -> Mapping[str, pl.DataFrame]:
        """Leave out spans that never were, and work out the columns that PowerSchool does not have."""
        ready = dict(frames)
        for feed, names in _SPANS.items():
            if feed in ready:
                ready[feed] = _of_the_year(ready[feed], feed, names.split(), job)
        for feed in ("Students", "ReEnrollments"):
            if feed in ready and "CA_Alternate_Minimum" in ready[feed].columns:
                given = pl.col("CA_Alternate_Minimum").is_not_null()
                ready[feed] = ready[feed].with_columns(pl.when(given).then(pl.lit("iep_46307")).alias("_basis"))
        if _TOTALS in ready:
            minutes = pl.coalesce("MinutesAttendedOverride", "MinutesAttendedCalculated")
            ready[_TOTALS] = ready[_TOTALS].with_columns(minutes.alias("_minutes"))
        return ready

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Make the roster by declaration, and join calendar, attendance and sessions."""
        made = super().tables(frames, job)
        whole = {feed: with_defaults(self.declaration, feed, frame, job) for feed, frame in frames.items()}
        made["calendar"] = calendar.calendar(whole, job)
        made |= attendance.tables(whole, job)
        made |= sessions.tables(whole, job)
        return made


def _of_the_year(frame: pl.DataFrame, feed: str, names: list[str], job: Job) -> pl.DataFrame:
    """Leave out spans of other years, and those that ended the day they began: with the first day out as exit date nobody was there.

    The row of Students stays, for the student's sake: without its first day it makes no enrollment.
    """
    first, last = (pl.col(name) for name in names)
    year = job.request.year
    plain = first.str.contains(_DAY) & (last.is_null() | last.str.contains(_DAY))
    other = (plain & ((last < year.first.isoformat()) | (first > year.last.isoformat()))).fill_null(value=False)
    never = (plain & (last < first)).fill_null(value=False) & ~other
    for code, rows, reason in (("LEFT_OTHER_YEAR", other, "spans of other school years"), ("LEFT_NEVER_THERE", never, "no day long")):
        left = frame.filter(rows).height
        job.desk.note(job.request.source, code, left, f"{feed}: {left} rows left out: {reason}")
    if feed == "Students":
        return frame.with_columns(pl.when(~other & ~never).then(first).alias(names[0]))
    return frame.filter(~other & ~never)


ADAPTER = PowerSchoolFiles.from_folder("powerschool_files", "recoup.adapters.powerschool_files")
