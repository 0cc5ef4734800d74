"""A day in two halves to one row: what its reasons mean, which of them counts, and whether the whole day was missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.adapters.mapping import keyed, refuse_unmapped

if TYPE_CHECKING:
    from recoup.adapters.base import Job

_PRESENT = "present"


def reasons(codes: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Add ``_means`` and ``_kind`` to the reasons: by the district's mapping, else by type; null where nobody says."""
    own = keyed(job.codes["absence"], pl.col("SCHOOL_CODE"), pl.col("ABBREVIATION"))
    kind = pl.coalesce(own, pl.col("TYPE").replace_strict(job.codes["reason_type"], default=None, return_dtype=pl.String))
    return codes.with_columns(
        kind.alias("_means"),
        pl.when(kind != _PRESENT).then(kind).alias("_kind"),
        pl.lit(job.request.year.name).alias("_year"),
        pl.lit("true").alias("_full"),
    )


def absences(days: pl.DataFrame, codes: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return one row a student and day with ``_reason``, ``_kind`` and ``_full``; reasons without a meaning are refused."""
    known = codes.select("SCHOOL_CODE", pl.col("ABBREVIATION"), "_means").unique(["SCHOOL_CODE", "ABBREVIATION"], keep="first")
    for half in ("1", "2"):
        days = days.with_columns(column(days, f"ABS_REASON{half}").alias(f"_code{half}"))
        meaning = known.rename({"ABBREVIATION": f"_code{half}", "_means": f"_means{half}"})
        days = days.join(meaning, on=["SCHOOL_CODE", f"_code{half}"], how="left", maintain_order="left")
        own = keyed(job.codes["absence"], pl.col("SCHOOL_CODE"), pl.col(f"_code{half}"))
        days = days.with_columns(pl.coalesce(own, f"_means{half}").alias(f"_means{half}"))
        lost = pl.col(f"_code{half}").is_not_null() & pl.col(f"_means{half}").is_null()
        refuse_unmapped(job, days.filter(lost), "absence", "SCHOOL_CODE", ("attendance", f"daily.ABS_REASON{half}", f"_code{half}"))
        days = days.filter(~lost)
        missed = (pl.col(f"_means{half}") != _PRESENT).fill_null(value=False)
        days = days.with_columns(missed.alias(f"_missed{half}"))
    none = ~pl.col("_missed1") & ~pl.col("_missed2")
    left = days.filter(none).height
    job.desk.note(job.request.source, "LEFT_BY_CODE", left, f"daily: {left} rows left out: their reasons mean no absence")
    days = days.filter(~none)
    mixed = pl.col("_missed1") & pl.col("_missed2") & (pl.col("_means1") != pl.col("_means2"))
    both = days.filter(mixed).height
    told = f"daily: {both} days are missed for two reasons; that of the {job.options['mixed_day']} half counts (option mixed_day)"
    job.desk.note(job.request.source, "CODES_MIXED", both, told, "warn")
    second = ~pl.col("_missed1") | (pl.col("_missed2") & pl.lit(job.options["mixed_day"] == "second"))
    return days.with_columns(
        pl.when(second).then(pl.col("_code2")).otherwise(pl.col("_code1")).alias("_reason"),
        pl.when(second).then(pl.col("_means2")).otherwise(pl.col("_means1")).alias("_kind"),
        pl.when(_part(days) >= 1).then(pl.lit("true")).otherwise(pl.lit("false")).alias("_full"),
    )


def _part(days: pl.DataFrame) -> pl.Expr:
    """How much of the day was missed: what the halves stand for, a half each where that is not said."""
    halves = [
        pl.when(f"_missed{half}").then(column(days, f"ABS_FTE{half}").cast(pl.Float64, strict=False).fill_null(0.5)).otherwise(0.0)
        for half in ("1", "2")
    ]
    return pl.sum_horizontal(halves)
