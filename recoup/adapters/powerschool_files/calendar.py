"""Calendar_Day and the bell schedules to ``calendar``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column, known
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_TRACKS = tuple("ABCDEF")
_KEY = "Bell_Schedule_ID"


def calendar(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Make the school calendar: a row a school and day, more where tracks or grades have days or hours of their own."""
    schools = frames["Schools"].select("School_Number", pl.col("Alternate_School_Number").alias("school_code")).unique("School_Number")
    days = known(
        job.desk, frames["Calendar_Day"], schools, ["SchoolID"], ["School_Number"], ("SCHOOL_UNKNOWN", "calendar", "Calendar_Day.SchoolID")
    )
    days = _with_tracks(days).with_columns(column(days, _KEY).alias(_KEY))
    hours = _hours(frames, job)
    plain = days.join(hours.filter(pl.col("grades").is_null()), on=_KEY, how="left", maintain_order="left")
    special = days.filter(pl.col("is_instructional") == "true").join(hours.filter(pl.col("grades").is_not_null()), on=_KEY, how="inner")
    in_session = pl.col("is_instructional") == "true"
    return (
        pl.concat([plain, special], how="diagonal")
        .with_columns(pl.when(in_session).then(pl.col("day_start", "day_end")))
        .select("school_code", pl.col("Date_Value").alias("date"), "is_instructional", "day_start", "day_end", "track", "grades", *LINEAGE)
    )


def _with_tracks(days: pl.DataFrame) -> pl.DataFrame:
    """Add ``is_instructional`` and ``track``: a row for all, and at a school that uses tracks one for each track that it has."""
    whole = days.with_columns(pl.col("InSession").alias("is_instructional"), pl.lit(None, pl.String).alias("track"))
    parts = [whole]
    for track in (name for name in _TRACKS if name in days.columns):
        used = (pl.col(track) == "true").any().over("SchoolID")
        own = days.filter(used.fill_null(value=False))
        both = pl.when((pl.col("InSession") == "true") & (pl.col(track) == "true")).then(pl.lit("true")).otherwise(pl.lit("false"))
        parts.append(own.with_columns(both.alias("is_instructional"), pl.lit(track).alias("track")))
    return pl.concat(parts)


def _hours(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """By bell schedule the first and the last bell; with ``grades`` where some have hours of their own."""
    shape = dict.fromkeys((_KEY, "day_start", "day_end", "grades"), pl.String)
    parts = [pl.DataFrame(schema=shape)]
    if "Bell_Schedule_Items" in frames:
        bells = frames["Bell_Schedule_Items"].group_by(_KEY).agg(pl.col("Start_Time").min(), pl.col("End_Time").max())
        named = bells.rename({"Start_Time": "day_start", "End_Time": "day_end"})
        parts.append(named.with_columns(pl.lit(None, pl.String).alias("grades")).select(*shape))
    if "Grade_Hours" in frames:
        grades = (
            pl.col("Grades").str.split(";").list.eval(pl.element().replace_strict(job.codes["grade"], default="?", return_dtype=pl.String))
        )
        parts.append(
            frames["Grade_Hours"]
            .with_columns(
                grades.list.join(";").alias("grades"), pl.col("Start_Time").alias("day_start"), pl.col("End_Time").alias("day_end")
            )
            .select(*shape)
        )
    return pl.concat(parts)
