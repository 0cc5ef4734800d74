"""Ed-Fi resources to canonical tables, from the pages of an ODS/API or from interchange XML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.base import inner_file
from recoup.adapters.data import rows
from recoup.adapters.declaration import Declaration, load_options
from recoup.adapters.edfi import attendance, calendar, recovery, roster
from recoup.adapters.edfi.fetching import DELETES, Ods, resources, sets
from recoup.adapters.edfi.interchange import LINE, read_interchange, required
from recoup.adapters.edfi.naming import cells, json_leaves
from recoup.adapters.paged import PagedAdapter, is_page, listed, tabled
from recoup.adapters.reading import Records, members, normal
from recoup.errors import RecoupError
from recoup.ports import FileCount, SignIn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from recoup.adapters.base import Job
    from recoup.ports import FetchRequest, HttpClient, PageSet, RawFile, Reading, ReadRequest

INTERCHANGE = "interchange"
_HERE = "recoup.adapters.edfi"
_ZIP = b"PK\x03\x04"
#: Whose rows show that a student is of this year.
_NAMING_STUDENTS = ("studentSchoolAssociations", attendance.DAYS, attendance.SECTIONS, recovery.EVENTS)
_DATE = re.compile(r"\d{4}([-_.]?)\d\d\1\d\d")


class EdFi(PagedAdapter):
    """The adapter for Ed-Fi."""

    files_alone = True

    def probe(self, client: HttpClient, request: FetchRequest) -> str:
        """Count the resources that there must be, and say what the interface is."""
        ods = self._ods(client, request)
        counted = {feed: ods.count(feed) for feed, optional in resources() if not optional}
        known = ods.versions()
        changes = f"change queries on (newest {known.newest})" if known else "change queries off: all is fetched each time"
        pages = "pages by cursor" if ods.cursor else "pages by offset"
        told = f"ODS/API {ods.version or 'of unknown version'}, data standard {ods.standard or 'unknown'}"
        return f"{told}, {counted['students']} students, {changes}, {pages}"

    def fetch(self, client: HttpClient, request: FetchRequest) -> Iterator[PageSet]:
        """Name every set of pages to bring."""
        return sets(self._ods(client, request), request)

    def _ods(self, client: HttpClient, request: FetchRequest) -> Ods:
        return Ods(client, self.settle(request.read)[0], request.read.year.last.year)

    def read(self, files: Sequence[RawFile], request: ReadRequest) -> Reading:
        """Read pages or interchange files; of a file with records of several kinds the counts are put together.

        An interchange is sent whole: of files whose names differ by a date alone, the one that came last counts.
        """
        last = {_DATE.sub("", file.name): file for file in files if file.feed == INTERCHANGE}
        reading = super().read([file for file in files if file.feed != INTERCHANGE or file in last.values()], request)
        counts: dict[str, FileCount] = {}
        for count in reading.files:
            before = counts.get(count.file.sha256)
            counts[count.file.sha256] = replace(before, rows_read=before.rows_read + count.rows_read) if before else count
        return replace(reading, files=list(counts.values()))

    def opened(self, file: RawFile) -> Iterator[tuple[RawFile, bytes]]:
        """Yield of an interchange file, or of each in a zip file, the records of every resource; of others the bytes."""
        if file.feed != INTERCHANGE:
            yield from super().opened(file)
            return
        whole = file.path.read_bytes()
        zipped = members(file.path, file.name) if whole.startswith(_ZIP) else ()
        inner = ((inner_file(file, label, file.feed, data), data) for label, data in zipped if label.casefold().endswith(".xml"))
        for one, data in inner if zipped else ((file, whole),):
            found, others = read_interchange(data, one.name)
            yield one, json.dumps(others).encode()
            for feed, records in found.items():
                yield replace(one, feed=feed), records

    def records(self, file: RawFile, data: bytes, expected: Collection[str], job: Job) -> Records:
        """Read a page, or what ``opened`` made of interchange XML."""
        if file.feed not in self.paged and file.feed != INTERCHANGE:
            return super().records(file, data, expected, job)
        try:
            value = json.loads(data)
        except ValueError:
            raise RecoupError("READ_NOT_JSON", file.name) from None
        if file.feed == INTERCHANGE:
            message = f"{file.name}: {value} elements are not read: no resource that is needed is made of them"
            job.desk.note(job.request.source, "LEFT_OTHER_ELEMENTS", value, message)
            return Records(("none",), pl.DataFrame(schema={"none": pl.String, LINE: pl.Int64}), ())
        if is_page(file):
            return tabled([(line, cells(json_leaves(row), expected)) for line, row in enumerate(listed(value, file.feed), 1)], expected)
        known = {name for row in value for name in row if normal(name) in expected}
        return tabled([(row[LINE], {name: cell for name, cell in row.items() if name in known}) for row in value], expected)

    def _together(self, feed: str, parts: Sequence[pl.DataFrame], job: Job) -> pl.DataFrame:
        """Put pages together: of several states of a resource the last one counts."""
        if not any(is_page(file) for file in job.files if file.feed == feed):
            return super()._together(feed, parts, job)
        whole = pl.concat(parts, how="diagonal")
        if "id" not in whole.columns:
            return whole
        return whole.filter(pl.col("id").is_null() | pl.col("id").is_last_distinct())

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Leave out what was deleted, make the resources ready, and read on as their columns say."""
        ready = {feed: frame for feed, frame in frames.items() if feed not in {INTERCHANGE, DELETES}}
        for row in rows(_HERE, "resources.csv"):
            if row["feed"] in required() and row["feed"] not in ready:
                raise RecoupError("EDFI_RESOURCE_MISSING", job.request.source, **row)
        gone = frames[DELETES]["id"].drop_nulls() if DELETES in frames else pl.Series(dtype=pl.String)
        for feed, frame in ready.items():
            if "id" in frame.columns:
                kept = frame.filter(~pl.col("id").is_in(gone.implode()).fill_null(value=False))
                job.desk.note(job.request.source, "LEFT_DELETED", frame.height - kept.height, f"{feed}: deleted since it was fetched")
                ready[feed] = kept
        made = super().tables(ready, job)
        return made | attendance.codes_of(made, job)

    def prepared(self, frames: Mapping[str, pl.DataFrame], job: Job) -> Mapping[str, pl.DataFrame]:
        """Work out what the columns with an underscore say."""
        ready = roster.prepared(frames, job)
        ready |= calendar.prepared(ready, job)
        ready |= attendance.prepared(ready, job)
        ready = recovery.prepared(ready, job)
        ready["students"] = roster.of_this_year(ready, _NAMING_STUDENTS, job)
        return recovery.of_students(ready, job)


ADAPTER = EdFi(
    "edfi",
    "Ed-Fi: an ODS/API by its REST interface, or interchange XML in files",
    Declaration.load(_HERE),
    load_options(_HERE),
    (DELETES, *(row["feed"] for row in rows(_HERE, "resources.csv"))),
    SignIn("oauth2", token_path="oauth/token"),  # noqa: S106 a path
)
