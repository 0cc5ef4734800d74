"""OneRoster, from files or from the REST interface, to canonical tables: schools, terms, students, enrollments and staff."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from recoup.adapters.base import DATE_FORMS
from recoup.adapters.declaration import Declaration, load_options
from recoup.adapters.joining import column
from recoup.adapters.mapping import completed
from recoup.adapters.oneroster import fetching, people, stays
from recoup.adapters.oneroster.answers import flattened, with_roles
from recoup.adapters.oneroster.package import MANIFEST, PACKAGE, Member, is_empty, modes, unpacked
from recoup.adapters.paged import PagedAdapter, is_page
from recoup.errors import RecoupError
from recoup.ports import LINEAGE, Finding, SignIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recoup.adapters.base import Job
    from recoup.adapters.paged import Record
    from recoup.ports import FetchRequest, HttpClient, PageSet, RawFile, Reading, ReadRequest

_HERE = "recoup.adapters.oneroster"
#: Words of ``status`` that take a row away; with any other, and with none, it holds.
_GONE = ("tobedeleted", "inactive")
_WHOLE_CDS, _SEVEN = r"^\d{14}$", r"^\d{7}$"
#: What the option ``sign_in`` may be: the kind, and where the credentials go or what a request is signed with.
_WAYS = {
    "oauth2": ("oauth2", "basic"), "oauth2_body": ("oauth2", "body"), "oauth1": ("oauth1", "sha256"), "oauth1_sha1": ("oauth1", "sha1"),
}  # fmt: skip


class OneRoster(PagedAdapter):
    """The adapter for OneRoster: the REST interface where the location is https://, CSV elsewhere."""

    files_alone = True

    def signs_in(self, request: ReadRequest) -> SignIn:
        """Return the way that the option names."""
        options = self.settle(request)[0]
        kind, style = _WAYS[str(options["sign_in"])]
        return SignIn(kind, style=style, scope=str(options["scope"]))

    def probe(self, client: HttpClient, request: FetchRequest) -> str:  # noqa: ARG002 a server has one year
        """Look at the orgs."""
        rows = fetching.records(client.get("orgs", {"limit": str(client.page_size)}).value, "orgs")
        return f"{sum(row.get('type') == 'school' for row in rows)} schools on the first page of orgs"

    def fetch(self, client: HttpClient, request: FetchRequest) -> Iterator[PageSet]:
        """Name every collection."""
        return fetching.sets(client, self.settle(request.read)[0])

    def flatten(self, feed: str, place: str, value: Any) -> Iterator[tuple[int, Record]]:
        """Lay a record out as its file would have it, and a user once for each role."""
        return flattened(feed, place, value)

    def read(self, files: Sequence[RawFile], request: ReadRequest) -> Reading:
        """Unpack zips first: of several, a bulk file replaces what came before it, and deltas come on top.

        Raises besides what every adapter does ``ONEROSTER_NO_BULK``, ``ONEROSTER_DELTA_FOLDER`` (4), ``ONEROSTER_SSID`` and
        ``ONEROSTER_TWO_FORMS`` (2).
        """
        names = [feed for feed in self.declaration.keys if feed not in {PACKAGE, MANIFEST}]
        inside = unpacked([file for file in files if file.feed == PACKAGE], names)
        plain = [file for file in files if file.feed != PACKAGE]
        if inside.members and any(file.feed in names for file in plain):
            raise RecoupError("ONEROSTER_TWO_FORMS", f"[[sources]] {request.source}", file=plain[0].name)
        for file in (file for file in plain if file.feed == MANIFEST):
            delta = [feed for feed, mode in modes(file.path.read_bytes(), file.name, names).items() if mode == "delta"]
            if delta:
                raise RecoupError("ONEROSTER_DELTA_FOLDER", file.name, files=", ".join(f"{feed}.csv" for feed in delta))
        empty = [file for file in plain if is_empty(file.path.read_bytes())]
        notes = [*inside.notes, *(("FILE_EMPTY", f"{file.name} is empty and not read.") for file in empty)]
        reading = super().read([*(file for file in plain if file not in empty), *inside.members], request)
        found = [Finding(request.source, code, "info", 1, message) for code, message in notes]
        return replace(reading, left_out=[*found, *reading.left_out])

    def opened(self, file: RawFile) -> Iterator[tuple[RawFile, bytes]]:
        """Yield the file, or of a zip's member what was unpacked."""
        if isinstance(file, Member):
            yield file.bare, file.data
        else:
            yield from super().opened(file)

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Make the canonical tables of what holds; the users of pages are parted from their roles first."""
        paged = any(is_page(file) for file in job.files)
        gone, held = {}, {}
        for feed, frame in (dict(frames) | (with_roles(frames["users"]) if paged else {})).items():
            if feed in self.declaration.keys and feed != MANIFEST:
                held[feed], gone[feed] = _current(frame, feed, job)
        schools, places = _schools(held["orgs"], job)
        roles = people.roles_of(held, job)
        students, pupils = people.students(held, roles, job)
        workers = people.staff(held, roles, job)
        _tell_others(held["users"], roles, job)
        classes = stays.class_terms(held)
        spans = self._spans(held, roles, classes, pupils, places, gone["users"], job)
        made = {
            "schools": schools,
            "students": students,
            "enrollments": _enrollments(spans, job),
            "staff": completed(workers, "staff", job),
        }
        terms = _terms(classes, places, job)
        return made | ({"terms": terms} if terms.height else {})

    def _spans(
        self,
        held: Mapping[str, pl.DataFrame],
        roles: pl.DataFrame,
        classes: pl.DataFrame,
        pupils: pl.DataFrame,
        places: pl.DataFrame,
        gone: pl.Series,
        job: Job,
    ) -> pl.DataFrame:
        """Return the stays of students at schools, from where the option says; those of deleted users and of orgs left out are not read."""
        feed = "enrollments" if job.options["enrollment_from"] == "classes" else "roles"
        if feed not in held:
            known = next(one for one in self.feeds if one.name == feed)
            raise RecoupError("READ_FEED_MISSING", job.request.source, feed=feed, help=known.help, match=known.match)
        rows = held[feed] if feed == "enrollments" else roles.rename({"orgSourcedId": "schoolSourcedId"})
        lost = pl.col("userSourcedId").is_in(gone.implode()).fill_null(value=False)
        elsewhere = pl.col("schoolSourcedId").is_in(_elsewhere(held["orgs"], job)).fill_null(value=False)
        for flag, why in ((lost, "of users that are deleted"), (elsewhere, "of orgs that are no schools here")):
            left = rows.filter(flag).height
            job.desk.note(job.request.source, "LEFT_BY_RULE", left, f"{feed}: {left} rows left out: {why}")
            rows = rows.filter(~flag)
        if feed == "roles":
            return stays.from_roles(rows, pupils, places, job)
        spans = stays.from_classes(rows, classes, pupils, places, job)
        status = job.options["enrollment_status"]
        return spans.with_columns(pl.lit(None if status == "unknown" else str(status), pl.String).alias("enrollment_status"))

    def _settings(self, request: ReadRequest) -> dict[str, object]:
        given = super()._settings(request)
        for name in ("ssid", "local_id", "staff_id"):
            people.check_place(name, str(given[name]), f"[[sources]] {request.source}")
        return given


def _current(frame: pl.DataFrame, feed: str, job: Job) -> tuple[pl.DataFrame, pl.Series]:
    """Return the rows that hold, one for each key, and the keys of those that are deleted; of two with one key the later change counts."""
    dated = frame.with_columns(column(frame, "dateLastModified")).with_row_index("_row")
    aged = dated.sort("dateLastModified", "_row", nulls_last=False).with_row_index("_age").sort("_row")
    older = (pl.col("_age") < pl.col("_age").max().over("sourcedId")) & pl.col("sourcedId").is_not_null()
    rows = aged.with_columns(older.alias("_older"))
    table = next(one.tables[0] for one in ADAPTER.feeds if one.name == feed)
    job.desk.refuse(rows.filter("_older"), "REPLACED", table, f"{feed}.sourcedId", "sourcedId")
    rows = rows.filter(~pl.col("_older")).drop("_row", "_age", "_older")
    deleted = column(rows, "status").str.to_lowercase().is_in(_GONE).fill_null(value=False)
    out = rows.filter(deleted)
    job.desk.note(
        job.request.source, "LEFT_DELETED", out.height, f"{feed}: {out.height} rows left out: their status is {' or '.join(_GONE)}"
    )
    return rows.filter(~deleted), out["sourcedId"]


def _schools(orgs: pl.DataFrame, job: Job) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the table ``schools``, and school codes by org: the last seven of a CDS code of 14 digits, or the seven that stand there."""
    named = orgs.with_columns(column(orgs, "identifier"), column(orgs, "parentSourcedId"), pl.col("type").str.to_lowercase())
    parents = named.select(pl.col("sourcedId").alias("parentSourcedId"), pl.col("identifier").alias("_above")).unique("parentSourcedId")
    schools = named.filter((pl.col("type") == "school") & ~pl.col("sourcedId").is_in(job.listed("leave_orgs")))
    schools = schools.join(parents, on="parentSourcedId", how="left", maintain_order="left")
    own, above = pl.col("identifier"), pl.col("_above")
    code = pl.when(own.str.contains(_WHOLE_CDS)).then(own.str.slice(7)).otherwise(own)
    lea = (
        pl.when(own.str.contains(_WHOLE_CDS))
        .then(own.str.slice(0, 7))
        .when(above.str.contains(_WHOLE_CDS) | above.str.contains(_SEVEN))
        .then(above.str.slice(0, 7))
    )
    kinds = {key: kind for key, kind in job.codes["school_type"].items() if kind}
    known = [
        pl.col(name).replace_strict(kinds, default=None, return_dtype=pl.String) for name in ("sourcedId", "identifier", "school_code")
    ]
    schools = schools.with_columns(code.alias("school_code"), lea.alias("_lea")).with_columns(pl.coalesce(known).alias("school_type"))
    source, guessed, untyped = job.request.source, schools["_lea"].null_count(), schools["school_type"].null_count()
    told = f"orgs: {guessed} schools do not say their district: they are taken as schools of {job.request.lea.code}"
    job.desk.note(source, "DEFAULT_TAKEN", guessed, told, "warn")
    told = f"orgs: {untyped} schools have no type: say it in codes.school_type, or fill it from another source"
    job.desk.note(source, "SCHOOL_TYPE_UNKNOWN", untyped, told, "warn")
    table = schools.select(
        "school_code",
        pl.col("name").alias("school_name"),
        "school_type",
        pl.col("_lea").fill_null(job.request.lea.code).alias("county_district_code"),
        pl.col("sourcedId").alias("local_school_id"),
        *LINEAGE,
    )
    return table, schools.select(pl.col("sourcedId").alias("schoolSourcedId"), "school_code").drop_nulls()


def _elsewhere(orgs: pl.DataFrame, job: Job) -> list[str]:
    """Return the keys of the orgs that are no schools, or none of this district's choice."""
    return [*orgs.filter(pl.col("type").str.to_lowercase() != "school")["sourcedId"].drop_nulls(), *job.listed("leave_orgs")]


def _tell_others(users: pl.DataFrame, roles: pl.DataFrame, job: Job) -> None:
    wanted = [people.STUDENT, *(role.lower() for role in job.listed("staff_roles"))]
    others = users.filter(~pl.col("sourcedId").is_in(roles.filter(pl.col("role").is_in(wanted))["userSourcedId"].implode())).height
    job.desk.note(job.request.source, "LEFT_BY_RULE", others, f"users: {others} rows left out: neither students nor staff")


def _enrollments(spans: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return the table ``enrollments``; a grade in no list is refused, and what OneRoster does not carry stays empty."""
    grades = job.codes["grade"]
    unmapped = pl.col("grades").is_not_null() & ~pl.col("grades").is_in(list(grades))
    job.desk.refuse(spans.filter(unmapped), "CODE_UNMAPPED", "enrollments", "users.grades", "grades", 'grade."<code>" = "…"')
    told = "enrollments: OneRoster does not carry instruction_mode, exit_reason, own minimum days and tracks; they are unknown in every row"
    job.desk.note(job.request.source, "COLUMN_EMPTY", spans.height, told)
    return spans.filter(~unmapped).select(
        "ssid",
        "school_code",
        pl.col("beginDate").alias("entry_date"),
        pl.col("endDate").alias("exit_date"),
        pl.col("grades").replace_strict(grades, default=None, return_dtype=pl.String).alias("grade"),
        "enrollment_status",
        pl.lit(None, pl.String).alias("instruction_mode"),
        *LINEAGE,
    )


def _terms(classes: pl.DataFrame, places: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return the table ``terms``: of each school the sessions that its classes name."""
    wanted = classes.filter(pl.col("type").is_in(job.listed("term_types"))).join(
        places, on="schoolSourcedId", how="inner", maintain_order="left"
    )
    found = wanted.select(
        "school_code", pl.col("title").alias("term"), pl.col("startDate").alias("start"), pl.col("endDate").alias("end"), *LINEAGE
    )
    return found.unique(["school_code", "term", "start", "end"], keep="first", maintain_order=True)


ADAPTER = OneRoster(
    "oneroster",
    "OneRoster 1.1 and 1.2: CSV in zips (bulk and delta) or a folder, or the REST interface; rosters only",
    Declaration.load(_HERE),
    (*load_options(_HERE), DATE_FORMS),
    fetching.FEEDS,
    SignIn("oauth2"),
)
