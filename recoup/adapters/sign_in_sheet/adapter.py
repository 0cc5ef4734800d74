"""Visits of a sign-in sheet as participation, and the sessions and staff that the sheet names, each once.

A student without an SSID is handed on by number, name and birth date (``ports.PERSON``): only the district's own students can tell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters import values
from recoup.adapters.base import FileAdapter, Job
from recoup.adapters.joining import column
from recoup.adapters.mapping import make_tables
from recoup.adapters.reading import read_records
from recoup.errors import RecoupError
from recoup.ports import LINEAGE, PERSON
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recoup.adapters.reading import Records
    from recoup.ports import RawFile, Reading, ReadRequest

_VISITS, _COLUMNS = "visits", "columns"
#: Of each group one column, at least, must be there.
_NEEDED = (
    ("SSID", "Student_ID", "Name", "Last_Name"),
    ("Session_ID", "Date", "In_At"),
    ("Minutes", "Hours", "Duration", "Sign_In", "In_At"),
)
#: What a sheet may say of a session in each of its rows.
_OF_A_SESSION = (
    "Site", "_date", "_start", "_end", "_program", "Room", "Break_Minutes", "Delivery", "Cancelled", "Other_Students",
    "Session_Verified_By", "Session_Verified_At",
)  # fmt: skip
_ISO_MOMENT = r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)"
_CLOCK = r"^\d{1,2}:[0-5]\d$"
_DAY_MINUTES = 24 * 60


class SignInSheet(FileAdapter):
    """The adapter for sign-in sheets."""

    spoken = True

    def read(self, files: Sequence[RawFile], request: ReadRequest) -> Reading:
        """Read as every adapter of files; what a file ``columns.csv`` says of headers counts where ``recoup.toml`` says nothing."""
        columns = request.mapping.get("columns", {})
        told = {**dict(_told(files)), **columns.get(_VISITS, {})}
        return super().read(files, replace(request, mapping={**request.mapping, "columns": {**columns, _VISITS: told}}))

    def _match(self, file: RawFile, records: Records, names: Mapping[str, Sequence[str]]) -> dict[str, str]:
        found = super()._match(file, records, names)
        lacking = [" or ".join(group) for group in _NEEDED if file.feed == _VISITS and not found.keys() & set(group)]
        if lacking:
            raise RecoupError("SHEET_COLUMNS", file.name, missing="; ".join(lacking))
        return found

    def prepared(self, frames: Mapping[str, pl.DataFrame], job: Job) -> Mapping[str, pl.DataFrame]:
        """Work out the session and the minutes of each visit. Raises ``SHEET_COLUMNS`` (4) when no session can be told."""
        visits = _moments(frames[_VISITS])
        visits = _with_options(visits, job)
        if "Session_ID" not in visits.columns and not {"_start", "_end"} <= set(visits.columns):
            raise RecoupError("SHEET_COLUMNS", job.request.source, missing="Session_ID, or Start and End")
        parts = [pl.col(name) for name in ("Site", "Room", "_date", "_start", "_program") if name in visits.columns]
        made = pl.concat_str(parts, separator="-", ignore_nulls=True) if "_start" in visits.columns else pl.lit(None, pl.String)
        told = column(visits, "_start").is_not_null() & column(visits, "_date").is_not_null()
        visits = visits.with_columns(pl.coalesce(column(visits, "Session_ID"), pl.when(told).then(made)).alias("_session"))
        return {_VISITS: _agreeing(_minutes(visits, job), job)}

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Make the tables, the students of ``participation`` by SSID or as a person."""
        visits = self.prepared(frames, job)[_VISITS]
        if "Site" in visits.columns:
            codes = visits["Site"].drop_nulls().unique()
            own = {code: code for code in codes.filter(codes.str.contains(r"^\d{7}$"))}
            job = replace(job, codes={**job.codes, "site": {**own, **job.codes["site"]}})
        made = make_tables(self.declaration, {_VISITS: visits}, job)
        if not {"_start", "_end"} <= set(visits.columns):
            made.pop("sessions", None)
        name = pl.concat_str(column(visits, "Last_Name"), column(visits, "First_Name"), separator=", ", ignore_nulls=True)
        told = visits.select(
            *LINEAGE[1:],
            column(visits, "Student_ID").alias(PERSON[0]),
            pl.coalesce(column(visits, "Name"), pl.when(name != "").then(name)).alias(PERSON[1]),
            column(visits, "Birth_Date").alias(PERSON[2]),
        )
        made["participation"] = made["participation"].join(told, on=list(LINEAGE[1:]), how="left", maintain_order="left")
        staff = pl.concat([_posts(visits, "Staff_ID", "teacher", job), _posts(visits, "Aide_ID", "aide", job)])
        if {"Staff_ID", "Aide_ID"} & set(visits.columns):
            made["session_staff"] = staff.unique(["session_id", "staff_id", "role"], keep="first", maintain_order=True)
        return {table: _whole(frame, table, job) for table, frame in made.items()}


def _whole(frame: pl.DataFrame, table: str, job: Job) -> pl.DataFrame:
    """Add, empty and told of, what the model asks for and may be unknown: few sheets have it all, and the ledger holds what it misses."""
    lacking = [one.name for one in TABLES[table].columns if one.nullable and not one.may_be_missing and one.name not in frame.columns]
    told = f"{table}: no sheet says {', '.join(lacking)}; it is unknown in every row"
    job.desk.note(job.request.source, "COLUMN_EMPTY", frame.height if lacking else 0, told, "warn")
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)


def _told(files: Sequence[RawFile]) -> Iterator[tuple[str, str]]:
    """Yield column and header from the file that says what a sheet calls its columns."""
    for file in files:
        if file.feed == _COLUMNS:
            frame = read_records(file.path.read_bytes(), file.name, {"column", "header"}).frame
            if {"column", "header"} <= set(frame.columns):
                yield from frame.select("column", "header").drop_nulls().iter_rows()


def _moments(visits: pl.DataFrame) -> pl.DataFrame:
    """Add ``_date``, and take date and times out of cells that hold both where there are no cells of their own."""

    def part(name: str, group: int) -> pl.Expr:
        return column(visits, name).str.extract(_ISO_MOMENT, group)

    return visits.with_columns(
        pl.coalesce(column(visits, "Date"), part("In_At", 1)).alias("_date"),
        pl.coalesce(column(visits, "Sign_In"), part("In_At", 2)).alias("Sign_In"),
        pl.coalesce(column(visits, "Sign_Out"), part("Out_At", 2)).alias("Sign_Out"),
    )


def _with_options(visits: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Add ``_start``, ``_end`` and ``_program``: what the sheet says, else what the option says; neither leaves the column out."""
    for name, place, option in (("_start", "Start", "session_start"), ("_end", "End", "session_end"), ("_program", "Program", "program")):
        given = str(job.options.get(option) or "") or None
        if place in visits.columns or given:
            visits = visits.with_columns(column(visits, place).fill_null(pl.lit(given, pl.String)).alias(name))
    return visits


def _agreeing(visits: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Refuse a row that says something else of its session than most rows of the sheet do: one slip must not undo a session.

    Where no half of the rows agrees, all of them stay, for the checks to refuse.
    """
    told = [name for name in _OF_A_SESSION if name in visits.columns]
    if not told:
        return visits
    alike, rows = pl.len().over("_file", "_session", *told), pl.len().over("_file", "_session")
    counted = visits.with_columns(alike.alias("_alike"), rows.alias("_rows"))
    most = pl.col("_alike").max().over("_file", "_session")
    odd = pl.col("_session").is_not_null() & (most * 2 > pl.col("_rows")) & (pl.col("_alike") < most)
    job.desk.refuse(counted.filter(odd), "SESSION_DIFFERS", "participation", f"{_VISITS}.Session_ID", "_session")
    return counted.filter(~odd).drop("_alike", "_rows")


def _minutes(visits: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Add ``_minutes``; a plain number in ``Duration`` whose unit nobody says, and more than a day, are refused."""
    unit = job.options.get("duration_unit")
    duration = column(visits, "Duration")
    clock = duration.str.contains(_CLOCK).fill_null(value=False)
    if not unit:
        bare = duration.is_not_null() & ~clock
        job.desk.refuse(visits.filter(bare), "DURATION_UNIT", "participation", f"{_VISITS}.Duration", "Duration")
        visits = visits.filter(~bare)
    minutes, hours = (
        (_as_minutes(visits, name, in_hours=in_hours)) for name, in_hours in (("Minutes", False), ("Duration", unit == "hours"))
    )
    visits = visits.with_columns(pl.coalesce(minutes, column(visits, "Hours"), hours).alias("_minutes"))
    much = (pl.col("_minutes").cast(pl.Int64, strict=False) > _DAY_MINUTES).fill_null(value=False)
    job.desk.refuse(visits.filter(much), "MORE_THAN_A_DAY", "participation", f"{_VISITS}.Minutes", "_minutes")
    return visits.filter(~much)


def _as_minutes(visits: pl.DataFrame, name: str, *, in_hours: bool) -> pl.Series:
    """Return a column in minutes: ``1:15`` is hours and minutes whatever the unit."""
    if name not in visits.columns:
        return pl.Series(name, [None] * visits.height, dtype=pl.String)
    cells = visits[name]
    as_hours = values.canonical(cells, "hours", (), serials=False)
    if in_hours:
        return as_hours
    clock = cells.str.contains(_CLOCK).fill_null(value=False)
    return as_hours.zip_with(clock, values.canonical(cells, "int", (), serials=False))


def _posts(visits: pl.DataFrame, place: str, role: str, job: Job) -> pl.DataFrame:
    """Return who is named in a column as staff of the session, one row each."""
    who = pl.col("staff_id").str.strip_chars()
    return (
        visits.select(pl.col("_session").alias("session_id"), column(visits, place).str.split(";").alias("staff_id"), *LINEAGE)
        .explode("staff_id")
        .with_columns(who.replace(dict(job.codes["staff"])).alias("staff_id"), pl.lit(role).alias("role"))
        .filter(pl.col("session_id").is_not_null() & (pl.col("staff_id") != ""))
        .select("session_id", "staff_id", "role", *LINEAGE)
    )


ADAPTER = SignInSheet.from_folder("sign_in_sheet", "recoup.adapters.sign_in_sheet")
