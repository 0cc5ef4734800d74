"""One Aeries extract while it is read: its live rows, and who is who by Aeries's keys."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.adapters.joining import known as known_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.adapters.base import Job

#: The district's own record in LOC has this in place of a school.
_NO_SCHOOL = "0000000"


class Extract:
    """The feeds of one source, deleted rows gone (and counted), and the look-ups that several tables need."""

    def __init__(self, frames: Mapping[str, pl.DataFrame], job: Job) -> None:
        self.job = job
        self.desk = job.desk
        self._frames = {feed: self._live(feed, frame) for feed, frame in frames.items()}

    def frame(self, feed: str) -> pl.DataFrame | None:
        """Return the live rows of a feed, or None when the district exports none."""
        return self._frames.get(feed)

    def needed(self, feed: str) -> pl.DataFrame:
        """Return the live rows of a feed that is required."""
        return self._frames[feed]

    def _live(self, feed: str, frame: pl.DataFrame) -> pl.DataFrame:
        if "DEL" not in frame.columns:
            return frame
        deleted = pl.col("DEL").is_not_null() & (pl.col("DEL") != "false")
        self.leave_out(feed, "LEFT_DELETED", frame.filter(deleted), "deleted in Aeries (DEL)")
        return frame.filter(~deleted).drop("DEL")

    def leave_out(self, feed: str, code: str, rows: pl.DataFrame, reason: str) -> None:
        """Count rows that are rightly not read."""
        self.desk.note(self.job.request.source, code, rows.height, f"{feed}: {rows.height} rows left out: {reason}")

    def known(
        self, frame: pl.DataFrame, known: pl.DataFrame, on: Sequence[str], keys: Sequence[str], refusal: tuple[str, str, str]
    ) -> pl.DataFrame:
        """Join what is known of a row by its Aeries keys; rows of no known key are refused.

        ``on``: columns of ``frame``; ``keys``: of ``known``; ``refusal``: code, canonical table and the feed's column.
        """
        return known_of(self.desk, frame, known, on, keys, refusal)

    def with_school(self, frame: pl.DataFrame, feed: str, table: str, key: str = "SC") -> pl.DataFrame:
        """Add ``school_code`` by Aeries's school number. Rows of a place without a CDS school are left out, those of none are refused."""
        joined = self.known(frame, self.locations, [key], ["CD"], ("SCHOOL_UNKNOWN", table, f"{feed}.{key}"))
        self.leave_out(feed, "LEFT_NO_SCHOOL", joined.filter(pl.col("school_code").is_null()), "their place in LOC has no CDS school")
        return joined.filter(pl.col("school_code").is_not_null())

    def with_ssid(self, frame: pl.DataFrame, feed: str, table: str) -> pl.DataFrame:
        """Add ``ssid`` by the district-wide student id; rows of an unknown student are refused."""
        return self.known(frame, self.people.select("ID", "ssid"), ["ID"], ["ID"], ("STUDENT_UNKNOWN", table, f"{feed}.ID"))

    @cached_property
    def locations(self) -> pl.DataFrame:
        """Aeries's school numbers (CD) with ``school_code``, null for the district office and the like."""
        school = pl.col("SC")
        if self.job.options["pad_cds"]:
            school = school.str.zfill(7)
        real = pl.when(school != _NO_SCHOOL).then(school)
        return self.needed("LOC").unique("CD", keep="first", maintain_order=True).select("CD", real.alias("school_code"))

    @cached_property
    def people(self) -> pl.DataFrame:
        """One STU row a student: an active one before an inactive one, then the first; ``ssid`` may be null.

        A student whose rows (the active ones, where there are any) tell two SSIDs is refused: nobody can say which is right.
        """
        stu = self.needed("STU")
        stu = stu.with_columns(pl.col("CID").alias("ssid"), column(stu, "TG").is_not_null().alias("_inactive"))
        stu = stu.filter(pl.col("_inactive") == pl.col("_inactive").min().over("ID"))
        torn = pl.col("CID").drop_nulls().n_unique().over("ID") > 1
        self.desk.refuse(stu.filter(torn), "SSID_TWO", "students", "STU.CID", "CID")
        return stu.filter(~torn).unique("ID", keep="first", maintain_order=True)

    @cached_property
    def numbers(self) -> pl.DataFrame:
        """School and student number (SC, SN) with the student's ``ID`` and ``ssid``: a number means nothing outside its school.

        A number that two students share leads to neither.
        """
        pairs = self.needed("STU").select("SC", "SN", "ID").unique(maintain_order=True)
        pairs = pairs.filter(pl.len().over("SC", "SN") == 1)
        return pairs.join(self.people.select("ID", "ssid"), on="ID", how="inner", maintain_order="left")
