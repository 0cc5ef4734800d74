"""Several LEAs in one set of tables: an independently reporting charter has its own cap and ledger, and days never cross.

Most students belong to one LEA alone, and for them the tables can be computed together. A student of two is
computed as two persons, each with the enrollments, absences, days and time of one LEA; then the rows get their
SSID back. Students in a room are counted from the same rows as before, so the ratios stay what they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.exporters.days import school_in_force
from recoup.schemas import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recoup.law import Law
    from recoup.ports import Lea

    Tables = Mapping[str, pl.DataFrame]
    Compute = Callable[[Tables], Mapping[str, pl.DataFrame]]

#: Between an SSID and the LEA's code; no SSID holds it.
_MARK = "@"
#: Columns of the ledger that are not sums over the LEAs of a student.
_LEAST = ("cap_left",)


def compute(tables: Tables, lea: Lea, law: Law, ledger: Compute) -> Mapping[str, pl.DataFrame]:
    """Run ``ledger`` over the tables so that no day crosses from one LEA to another, and return its results by SSID.

    A student of two LEAs has one row in ``ledger``: the sums over both, and the lesser of what is left of each cap.
    """
    owners = _owners(tables["schools"], lea)
    if owners.get_column("lea").n_unique() < 2:
        return ledger(tables)
    homes = tables["enrollments"].join(owners, on="school_code").select("ssid", "lea").unique().sort("ssid", "lea")
    crossing = homes.group_by("ssid").len().filter(pl.col("len") > 1).get_column("ssid").sort()
    persons = homes.filter(pl.col("lea") != lea.code).with_columns(person=pl.col("ssid") + _MARK + pl.col("lea"))
    if crossing.is_empty():
        return ledger(_as_seen_by_own_lea(tables, homes, lea))
    persons = persons.filter(pl.col("ssid").is_in(crossing.implode()))
    split = _split(tables, owners, persons, _time_by_school(tables, crossing, law))
    return {name: _joined(name, frame) for name, frame in ledger(_as_seen_by_own_lea(split, homes, lea)).items()}


def _owners(schools: pl.DataFrame, lea: Lea) -> pl.DataFrame:
    """Return ``school_code`` and the code of the LEA whose ledger it is in."""
    charter = pl.col("independently_reporting_charter").fill_null(value=False)
    return schools.select("school_code", lea=pl.when(charter).then("school_code").otherwise(pl.lit(lea.code)))


def _as_seen_by_own_lea(tables: Tables, homes: pl.DataFrame, lea: Lea) -> Tables:
    """Return the tables with ``applied_days.reporting_lea`` as if each student's own LEA were ``lea``."""
    applied = tables["applied_days"]
    if applied.is_empty():
        return tables
    single = homes.filter(pl.len().over("ssid") == 1).rename({"lea": "_own"})
    marked = pl.col("ssid").str.split_exact(_MARK, 1).struct.field("field_1")
    known = applied.join(single, on="ssid", how="left", maintain_order="left").with_columns(
        _own=pl.coalesce(marked, "_own", pl.lit(lea.code))
    )
    reported = pl.col("reporting_lea")
    swapped = pl.when(reported == pl.col("_own")).then(pl.lit(lea.code)).when(reported == lea.code).then("_own").otherwise(reported)
    return {**tables, "applied_days": known.with_columns(reporting_lea=swapped).drop("_own")}


def _time_by_school(tables: Tables, crossing: pl.Series, law: Law) -> pl.DataFrame:
    """Return, for students of two LEAs, the school of the enrollment in force for each of their rows of participation."""
    theirs = pl.col("ssid").is_in(crossing.implode())
    no_shows = pl.col("exit_reason").is_in(law.value("no_show_exits")).fill_null(value=False)
    spans = tables["enrollments"].filter(theirs & ~no_shows)
    dates = tables["sessions"].select("session_id", "date")
    return school_in_force(tables["participation"].filter(theirs).select("ssid", "session_id").join(dates, on="session_id"), spans).drop(
        "date"
    )


def _split(tables: Tables, owners: pl.DataFrame, persons: pl.DataFrame, time: pl.DataFrame) -> Tables:
    """Return the tables with the rows of each further person under a name of its own."""

    def renamed(frame: pl.DataFrame) -> pl.DataFrame:
        """Give a row the name of the person whose LEA its school belongs to."""
        found = frame.join(owners.rename({"lea": "_lea"}), on="school_code", how="left", maintain_order="left")
        named = persons.select("ssid", pl.col("lea").alias("_lea"), "person")
        found = found.join(named, on=["ssid", "_lea"], how="left", maintain_order="left")
        return found.with_columns(ssid=pl.coalesce("person", "ssid")).drop("_lea", "person")

    def doubled(frame: pl.DataFrame) -> pl.DataFrame:
        """Add each row again for every further person."""
        again = frame.join(persons.select("ssid", "person"), on="ssid", maintain_order="left").with_columns(ssid="person").drop("person")
        return pl.concat([frame, again.select(frame.columns)])

    participation = tables["participation"].join(time, on=["ssid", "session_id"], how="left", maintain_order="left")
    split = {**tables, "participation": renamed(participation).drop("school_code")}
    for name, frame in tables.items():
        if "ssid" in frame.columns and name != "participation":
            split[name] = renamed(frame) if "school_code" in frame.columns else doubled(frame)
    return split


def _joined(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a result under the students' own SSIDs, in the order of its key."""
    frame = frame.with_columns(pl.col("ssid").str.split_exact(_MARK, 1).struct.field("field_0").alias("ssid"))
    if name == "ledger":
        figures = [column for column in frame.columns if column not in ("ssid", *_LEAST)]
        frame = frame.group_by("ssid").agg(pl.col(figures).sum(), pl.col(_LEAST).min()).select(frame.columns)
    if name == "holds":
        frame = frame.unique(maintain_order=True)
    return frame.sort(RESULTS[name].key, nulls_last=False, maintain_order=True)
