"""Aeries's answers as its tables, completed by what lies beside, and then read as the query exports are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from recoup.adapters.aeries_api import fetching
from recoup.adapters.aeries_files.adapter import ADAPTER as FILES
from recoup.adapters.aeries_files.adapter import AeriesFiles
from recoup.adapters.base import Declaration
from recoup.adapters.joining import column
from recoup.adapters.paged import PagedAdapter, Record, last_day, listed
from recoup.errors import RecoupError
from recoup.ports import LINEAGE, Option, SignIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recoup.adapters.base import Column, Job
    from recoup.ports import FetchRequest, HttpClient, PageSet

#: Which table of Aeries a feed of pages is.
_TABLES = {"schools": "LOC", "calendar": "DAY", "absence_codes": "ABS", "students": "STU", "enrollment": "ENR", "attendance": "ATT"}
#: By which of its columns a row of a file beside completes one of the pages.
_KEYS = {"LOC": ("CD",), "DAY": ("SC", "DT"), "ENR": ("ID", "SC", "ED"), "ATT": ("SC", "SN", "DT")}
#: Supplemental Attendance: together, or (where the time is kept elsewhere) not at all.
_RECOVERY = ("ATP", "ATS", "ATD")

_PERIODS = tuple(f"A{number}" for number in range(10))

OPTIONS = (
    *FILES.options,
    Option("schools", "list", (), "Only these schools, by Aeries's number; all with a CDS code where it is empty"),
)


def _declaration() -> Declaration:
    """The pages' own feeds, with the columns of their tables that the interface knows by a name; and the tables as files beside."""
    own = Declaration.load("recoup.adapters.aeries_api")
    tables = FILES.declaration
    columns: dict[str, tuple[Column, ...]] = {
        feed: own.columns[feed] or tuple(column for column in tables.columns[_TABLES[feed]] if column.aliases) for feed in own.columns
    }
    beside = tuple(replace(feed, required=False) for feed in tables.feeds if feed.name not in {"ABS", "STU"})
    lean = {name: tuple(replace(c, required=c.required and c.name in _KEYS[name]) for c in tables.columns[name]) for name in _KEYS}
    own_feeds = tuple(feed for feed in own.feeds if feed.name in own.keys)
    return replace(tables, feeds=(*own_feeds, *beside), columns={**tables.columns, **lean, **columns}, keys={**tables.keys, **own.keys})


class AeriesApi(PagedAdapter, AeriesFiles):
    """The adapter for Aeries's REST interface."""

    def probe(self, client: HttpClient, request: FetchRequest) -> str:
        """Look at the year's database and the schools."""
        year = fetching.year_of(client, request)
        rows = listed(client.get("schools", {"DatabaseYear": year}).value, "schools")
        return f"database of {request.read.year.name}, {len(fetching.schools_of(rows, self._only(request)))} schools"

    def fetch(self, client: HttpClient, request: FetchRequest) -> Iterator[PageSet]:
        """Name every set of pages to bring."""
        return fetching.sets(client, request, self._only(request))

    def _only(self, request: FetchRequest) -> Sequence[str]:
        given = self.settle(request.read)[0]["schools"]
        return [str(code) for code in given] if isinstance(given, (list, tuple)) else []

    def flatten(self, feed: str, place: str, value: Any) -> Iterator[tuple[int, Record]]:
        """Give each row its school, and each day of a student a row of its own."""
        for line, row in super().flatten(feed, place, value):
            named = {**row, "SchoolCode": row.get("SchoolCode") or place} if place else row
            if feed != "attendance":
                yield line, named
                continue
            for day in listed(row.get("AttendanceDays"), feed):
                whole = {name: day.get(name) for name in ("CalendarDate", "AllDayAttendanceCode")}
                yield line, {"SchoolCode": place, "StudentID": row.get("StudentID"), **whole, **_periods(listed(day.get("Classes"), feed))}

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Put the pages in the place of Aeries's tables and read on from there."""
        made = {name: frame for name, frame in frames.items() if name not in self.paged}
        for feed, table in _TABLES.items():
            frame = frames[feed]
            if table == "ATT":
                frame = _numbered(frame, made["STU"], job)
            made[table] = _completed(table, frame, made.get(table), job)
        if lacking := [feed for feed in self.feeds if feed.name in _RECOVERY and feed.name not in made]:
            if len(lacking) < len(_RECOVERY):
                told = {"feed": lacking[0].name, "help": lacking[0].help, "match": lacking[0].match}
                raise RecoupError("READ_FEED_MISSING", job.request.source, **told)
            job.desk.note(job.request.source, "NO_SESSIONS", 1, "No file of sessions lies beside: another source has them", "info")
        tables = super().tables(made, job) | _terms(frames, made["LOC"])
        if "history" in frames:
            _hold_against_totals(frames["history"], tables, job)
        return tables


def _terms(frames: Mapping[str, pl.DataFrame], schools: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Make ``terms``; nothing where the interface gives none."""
    if "terms" not in frames:
        return {}
    places = schools.select(pl.col("CD").alias("SC"), pl.col("SC").alias("school_code"))
    terms = frames["terms"].join(places, on="SC", how="inner", maintain_order="left")
    return {
        "terms": terms.select("school_code", pl.col("TC").alias("term"), pl.col("SD").alias("start"), pl.col("ED").alias("end"), *LINEAGE)
    }


def _hold_against_totals(history: pl.DataFrame, tables: Mapping[str, pl.DataFrame], job: Job) -> None:
    """Say how many of Aeries's year totals tell another number of days than its day rows, which count; some run on to June."""
    last = last_day(job.files, "attendance")
    days = tables["calendar"].filter((pl.col("is_instructional") == "true") & (pl.col("date") <= last))
    taught = days.group_by("school_code").agg(pl.col("date").n_unique().alias("_taught"))
    absent = tables["attendance"].filter((pl.col("full_day") == "true") & (pl.col("date") <= last))
    counted = absent.group_by("ssid", "school_code").agg(pl.len().alias("_absent"))
    people = tables["students"].select(pl.col("local_student_id").alias("ID"), "ssid")
    places = tables["schools"].select(pl.col("local_school_id").alias("SC"), "school_code")
    totals = history.unique(["SC", "ID"]).join(people, on="ID").join(places, on="SC").join(taught, on="school_code", how="left")
    projected = pl.col("EN").cast(pl.Int64, strict=False) > pl.col("_taught").fill_null(0)
    source, ahead = job.request.source, totals.filter(projected).height
    told = f"history: {ahead} year totals have more days enrolled than school was held up to {last}: they run on to June. Day rows count"
    job.desk.note(source, "TOTALS_PROJECTED", ahead, told, "warn")
    rest = totals.filter(~projected).join(counted, on=["ssid", "school_code"], how="left")
    differ = rest.filter(column(rest, "AB").cast(pl.Int64, strict=False) != pl.col("_absent").fill_null(0)).height
    told = f"history: {differ} year totals tell another number of days absent than the day rows, which count"
    job.desk.note(source, "TOTALS_DIFFER", differ, told)


def _periods(classes: Sequence[Record]) -> dict[str, Any]:
    """The codes of a day by period: 0 to 9 by their number, periods of other names in the places that are left."""
    codes = {f"A{one.get('Period')}": one.get("AttendanceCode") for one in classes}
    found = {name: code for name, code in codes.items() if name in _PERIODS}
    free = (name for name in _PERIODS if name not in found)
    others = (code for name, code in codes.items() if name not in _PERIODS)
    return found | dict(zip(free, others, strict=False))


def _numbered(attendance: pl.DataFrame, students: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Add the school's own number of each student (SN), by which ATT is kept; rows of an unknown student are refused."""
    pairs = students.select("SC", "ID", "SN").unique(["SC", "ID"], keep="first", maintain_order=True)
    joined = attendance.join(pairs, on=["SC", "ID"], how="left", maintain_order="left")
    lost = pl.col("SN").is_null()
    job.desk.refuse(joined.filter(lost), "STUDENT_UNKNOWN", "attendance", "attendance.StudentID", "ID")
    return joined.filter(~lost)


def _completed(table: str, pages: pl.DataFrame, beside: pl.DataFrame | None, job: Job) -> pl.DataFrame:
    """Add the columns that only the file beside has. The pages have the rows; where both have a cell, theirs counts and a word is said."""
    source = job.request.source
    if beside is None:
        if table == "ATT":
            told = "ATT: no file beside tells make-up codes (ATT.ADA), so no day is known to be made up already"
            job.desk.note(source, "MAKEUPS_UNKNOWN", pages.height, told, "warn")
            return pages.with_columns(pl.lit(None, pl.String).alias("ADA"))
        return pages
    key = list(_KEYS[table])
    more = [name for name in beside.columns if name not in pages.columns]
    both = [name for name in beside.columns if name in pages.columns and name not in (*key, *LINEAGE)]
    single = beside.unique(key, keep="last", maintain_order=True)
    joined = pages.join(single.drop(*LINEAGE).rename({name: f"{name}_beside" for name in both}), on=key, how="left", maintain_order="left")
    differ = joined.filter(pl.any_horizontal(False, *(pl.col(name) != pl.col(f"{name}_beside") for name in both))).height
    job.desk.note(source, "BESIDE_DIFFERS", differ, f"{table}: {differ} rows differ from the file beside; the pages count", "warn")
    alone = single.join(pages, on=key, how="anti").height
    job.desk.note(source, "BESIDE_ALONE", alone, f"{table}: {alone} rows of the file beside are in no page and are not read", "warn")
    return joined.select(*pages.columns, *more)


ADAPTER = AeriesApi(
    "aeries_api",
    "Aeries REST interface v5, with query exports beside it",
    _declaration(),
    OPTIONS,
    ("schools", "terms", "calendar", "absence_codes", "students", "enrollment", "attendance", "history"),
    SignIn("header", header="AERIES-CERT"),
)
