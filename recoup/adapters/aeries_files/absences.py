"""ABS and ATT: the code crosswalk by school and year, absences with what made them up, and days already applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.adapters.mapping import keyed, refuse_unmapped
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from recoup.adapters.aeries_files.extract import Extract

_PERIODS = tuple(f"A{number}" for number in range(10))
_DISTRICT = "0"
_PRESENT = "present"


def tables(extract: Extract) -> dict[str, pl.DataFrame]:
    """Make ``codes``, ``attendance`` and ``applied_days``."""
    crosswalk = _crosswalk(extract)
    att = extract.with_school(extract.needed("ATT"), "ATT", "attendance")
    att = extract.known(att, extract.numbers, ["SC", "SN"], ["SC", "SN"], ("STUDENT_UNKNOWN", "attendance", "ATT.SN"))
    att = _with_kind(extract, att, crosswalk)
    return {"codes": _codes(extract, crosswalk), "attendance": _attendance(extract, att), "applied_days": _applied(extract, att)}


def _crosswalk(extract: Extract) -> pl.DataFrame:
    """Each code of each school (SC, CD) with its ``kind``: by the district's mapping, else by the flags, else by the type.

    ``kind`` is null where a flag or type has no meaning yet.
    """
    codes = extract.job.codes
    abs_ = extract.needed("ABS").unique(["SC", "CD"], keep="first", maintain_order=True)
    suspended = (column(abs_, "SU") == "true").fill_null(value=False)
    study = column(abs_, "IS")
    # A flag says no: zero or false is no independent study.
    studies = (study.is_not_null() & ~study.is_in(["0", "false", "N"])).fill_null(value=False)
    away = (column(abs_, "NE") == "true").fill_null(value=False)
    mapped = keyed(codes["absence"], pl.col("SC"), pl.col("CD"))
    kind = (
        pl.when(mapped.is_not_null())
        .then(mapped)
        .when(away)
        .then(pl.lit(_PRESENT))
        .when(suspended)
        .then(keyed(codes["suspension"], pl.col("SC"), pl.col("CD")))
        .when(studies)
        .then(study.replace_strict(codes["independent_study"], default=None, return_dtype=pl.String))
        .otherwise(pl.col("TY").replace_strict(codes["absence_type"], default=None, return_dtype=pl.String))
    )
    found = abs_.select("SC", "CD", column(abs_, "TI"), kind.alias("kind"), *LINEAGE)
    listed = {(row[0], row[1]) for row in found.select("SC", "CD").iter_rows()}
    own = [(*_place(key), value) for key, value in codes["absence"].items() if _place(key) not in listed]
    more = pl.DataFrame(own, schema={"SC": pl.String, "CD": pl.String, "kind": pl.String}, orient="row")
    return pl.concat([found, more], how="diagonal")


def _place(key: str) -> tuple[str, str]:
    """``"101/A"`` is code A of school 101, ``"A"`` of all; a code may itself be a slash."""
    school, mark, code = key.partition("/")
    return (school, code) if mark and code and school else (_DISTRICT, key)


def _find(att: pl.DataFrame, crosswalk: pl.DataFrame, code: str) -> pl.DataFrame:
    """Add ``_kind`` of the code in a column: the school's own meaning, else the district's."""
    own = crosswalk.select("SC", pl.col("CD").alias(code), pl.col("kind").alias("_own"), pl.lit(value=True).alias("_listed"))
    district = crosswalk.filter(pl.col("SC") == _DISTRICT).select(pl.col("CD").alias(code), pl.col("kind").alias("_all"))
    joined = att.join(own, on=["SC", code], how="left", maintain_order="left").join(district, on=code, how="left", maintain_order="left")
    return joined.with_columns(pl.when("_listed").then("_own").otherwise("_all").alias("_kind")).drop("_own", "_all", "_listed")


def _with_kind(extract: Extract, att: pl.DataFrame, crosswalk: pl.DataFrame) -> pl.DataFrame:
    """Add ``kind``, ``full_day`` and the code that said so; refuse rows whose all-day code has no meaning."""
    whole = _find(att.filter(pl.col("AL").is_not_null()), crosswalk, "AL")
    lost = pl.col("_kind").is_null()
    more = '; a code with the suspension flag: suspension."{0}/<code>"'
    refuse_unmapped(extract.job, whole.filter(lost), "absence", "SC", ("attendance", "ATT.AL", "AL"), more)
    whole = whole.filter(~lost).with_columns(pl.lit("true").alias("full_day"), pl.col("AL").alias("source_code"))
    part = att.filter(pl.col("AL").is_null()).with_columns(
        pl.lit(None, pl.String).alias("_kind"), pl.lit(None, pl.String).alias("source_code")
    )
    for period in (name for name in _PERIODS if name in att.columns):
        found = _find(part.drop("_kind"), crosswalk, period)["_kind"]
        strange = part.filter(found.is_null() & part[period].is_not_null())
        refuse_unmapped(extract.job, strange, "absence", "SC", ("attendance", f"ATT.{period}", period), more, "CODE_UNMAPPED_WARN")
        takes = part["_kind"].is_null() & found.is_not_null() & (found != _PRESENT)
        part = part.with_columns(
            pl.when(takes).then(found).otherwise("_kind").alias("_kind"),
            pl.when(takes).then(period).otherwise("source_code").alias("source_code"),
        )
    part = part.with_columns(pl.lit("false").alias("full_day"))
    return pl.concat([whole, part], how="diagonal").rename({"_kind": "kind"})


def _attendance(extract: Extract, att: pl.DataFrame) -> pl.DataFrame:
    none = pl.col("kind").is_null() | (pl.col("kind") == _PRESENT)
    extract.leave_out("ATT", "LEFT_NO_ABSENCE", att.filter(none), "no absence: present, tardy, entry or leave rows")
    absent = att.filter(~none)
    parts = absent.filter(pl.col("full_day") == "false").height
    extract.desk.note(
        extract.job.request.source,
        "PERIODS_ONLY",
        parts,
        f"ATT: {parts} days have absent periods and no all-day code; they count as parts of a day",
    )
    saturday, recovery = extract.job.listed("saturday_makeup_codes"), _recovery(extract)
    made_up = (
        pl.when(pl.col("ADA").is_null() | pl.col("ADA").is_in(recovery))
        .then(pl.lit(None, pl.String))
        .when(pl.col("ADA").is_in(saturday))
        .then(pl.lit("saturday_school"))
        .otherwise(pl.lit("other"))
    )
    reasons = extract.job.codes["not_recoverable"]
    reason = [keyed(reasons, pl.col("SC"), pl.col("source_code")).alias("not_recoverable")] if reasons else []
    return absent.select(
        "ssid", "school_code", pl.col("DT").alias("date"), "kind", "full_day", "source_code", made_up.alias("made_up_by"), *reason, *LINEAGE
    )


def _recovery(extract: Extract) -> list[str]:
    return extract.job.listed("ar_makeup_codes") + extract.job.listed("ar_makeup_external_codes")


def _applied(extract: Extract, att: pl.DataFrame) -> pl.DataFrame:
    """Absences with a make-up code of attendance recovery are days that Aeries has already applied."""
    outside = extract.job.listed("ar_makeup_external_codes")
    elsewhere = pl.when(pl.col("ADA").is_in(outside)).then(pl.lit("true")).otherwise(pl.lit("false"))
    return att.filter(pl.col("ADA").is_in(_recovery(extract))).select(
        "ssid",
        pl.col("DT").alias("absence_date"),
        "school_code",
        column(att, "ADT").alias("recovered_on"),
        pl.lit("Aeries").alias("source"),
        *([elsewhere.alias("paid_elsewhere")] if outside else []),
        *LINEAGE,
    )


def _codes(extract: Extract, crosswalk: pl.DataFrame) -> pl.DataFrame:
    """The crosswalk in force, one row a school and code; the district's codes stand at every school that has none of its own."""
    everywhere = (
        crosswalk.filter(pl.col("SC") == _DISTRICT).drop("SC").join(extract.locations.select(pl.col("CD").alias("SC")), how="cross")
    )
    own = crosswalk.filter(pl.col("SC") != _DISTRICT)
    both = pl.concat([own, everywhere.select(own.columns)]).unique(["SC", "CD"], keep="first", maintain_order=True)
    both = both.join(extract.locations, left_on="SC", right_on="CD", how="inner", maintain_order="left").filter(
        pl.col("school_code").is_not_null()
    )
    reasons = extract.job.codes["not_recoverable"]
    first = extract.needed("ABS").select(pl.col(name).first() for name in LINEAGE)
    # A code that only the mapping has is laid to the first line of ABS, where it should stand.
    lineage = [pl.col(name).fill_null(first[name][0] if first.height else None) for name in LINEAGE]
    return both.select(
        "school_code",
        pl.lit(extract.job.request.year.name).alias("school_year"),
        pl.col("CD").alias("code"),
        pl.when(pl.col("kind") != _PRESENT).then("kind").alias("kind"),
        pl.lit("true").alias("full_day"),
        keyed(reasons, pl.col("SC"), pl.col("CD")).alias("not_recoverable"),
        pl.col("TI").alias("description"),
        *lineage,
    )
