"""DAY and the bell times to ``calendar``: one row a school and date, more where tracks or grades differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.ports import LINEAGE
from recoup.schemas import CODES

if TYPE_CHECKING:
    from recoup.adapters.aeries_files.extract import Extract

_TRACKS = tuple(f"T{number}" for number in range(1, 27))

#: What makes a bell time more fitting than another, and how much: a school's own row beats the district's, a date beats a holiday code …
_WEIGHTS = {"_own": 8, "DT": 4, "HO": 2, "TR": 1}


def calendar(extract: Extract) -> pl.DataFrame:
    """Make the school calendar with the hours of each day where they are known."""
    days = _days(extract)
    codes = extract.job.codes["day"]
    days = days.with_columns(
        pl.col("HO").fill_null("").replace_strict(codes, default=None, return_dtype=pl.String).alias("is_instructional")
    )
    unmapped = pl.col("is_instructional").is_null()
    extract.desk.refuse(days.filter(unmapped), "CODE_UNMAPPED", "calendar", "DAY.HO", "HO", 'day."<code>" = "true" or "false"')
    return _with_hours(extract, days.filter(~unmapped)).select(
        "school_code", pl.col("DT").alias("date"), "is_instructional", "day_start", "day_end", "track", "grades", *LINEAGE
    )


def _days(extract: Extract) -> pl.DataFrame:
    """One row a school and date, and one more for each track that has a code of its own on it."""
    day = extract.with_school(extract.needed("DAY"), "DAY", "calendar")
    names = dict(zip(_TRACKS, extract.job.listed("track_names"), strict=False))
    own = [track for track in _TRACKS if track in day.columns and track in names]
    whole = day.select("SC", "school_code", "DT", "HO", pl.lit(None, pl.String).alias("track"), *LINEAGE)
    tracks = (
        day.filter(pl.col(track).is_not_null()).select(
            "SC", "school_code", "DT", pl.col(track).alias("HO"), pl.lit(names[track]).alias("track"), *LINEAGE
        )
        for track in own
    )
    return pl.concat([whole, *tracks])


def _bells(extract: Extract) -> pl.DataFrame:
    """Bell times from BEL and from the district's mapping, which comes first; school 0 stands for every school."""
    kinds = dict.fromkeys(("SC", "DT", "HO", "TR", "LG", "HG", "ST", "ET"), pl.String)
    bel = extract.frame("BEL")
    parts = [] if bel is None else [bel.select(column(bel, name) for name in kinds).with_columns(pl.lit(0).alias("_mapped"))]
    starts, ends = extract.job.codes["day_start"], extract.job.codes["day_end"]
    mapped = []
    for key in dict.fromkeys((*starts, *ends)):
        school, _, holiday = key.partition("/")
        mapped.append((school, None, holiday or None, None, None, None, starts.get(key), ends.get(key)))
    parts.append(pl.DataFrame(mapped, schema=kinds, orient="row").with_columns(pl.lit(16).alias("_mapped")))
    bells = pl.concat(parts).with_columns((pl.col("SC") != "0").alias("_own"))
    everywhere = bells.filter(~pl.col("_own")).drop("SC").join(extract.locations.select(pl.col("CD").alias("SC")), how="cross")
    bells = pl.concat([bells.filter("_own"), everywhere], how="diagonal")
    score = pl.col("_own").cast(pl.Int32) * _WEIGHTS["_own"]
    score = score + sum(
        (pl.col(name).is_not_null().cast(pl.Int32) * _WEIGHTS[name] for name in ("DT", "HO", "TR")), start=pl.col("_mapped")
    )
    return bells.with_columns(score.alias("_score"), _grades(extract).alias("grades"))


def _grades(extract: Extract) -> pl.Expr:
    """The grades from LG to HG, joined by ``;``; null for all."""
    numbers = {code: CODES["grade"].index(grade) for code, grade in extract.job.codes["grade"].items() if grade in CODES["grade"]}
    low = pl.col("LG").replace_strict(numbers, default=None, return_dtype=pl.Int64)
    high = pl.col("HG").replace_strict(numbers, default=None, return_dtype=pl.Int64)
    spans = {f"{a}-{b}": ";".join(CODES["grade"][a : b + 1]) for a in numbers.values() for b in numbers.values() if a <= b}
    either = pl.col("LG").is_not_null() | pl.col("HG").is_not_null()
    span = pl.concat_str(low.fill_null(0), pl.lit("-"), high.fill_null(len(CODES["grade"]) - 1))
    return pl.when(either).then(span.replace_strict(spans, default=None, return_dtype=pl.String))


def _with_hours(extract: Extract, days: pl.DataFrame) -> pl.DataFrame:
    """Add ``day_start`` and ``day_end`` by the most fitting bell time, and a row for every span of grades with hours of its own."""
    key = ["school_code", "DT", "track"]
    bells = _bells(extract)
    fits = (
        (pl.col("DT_right").is_null() | (pl.col("DT_right") == pl.col("DT")))
        & (pl.col("HO_right").is_null() | (pl.col("HO_right") == pl.col("HO")))
        & (pl.col("TR").is_null() | (pl.col("TR") == pl.col("track")))
    ).fill_null(value=False)
    numbered = days.with_row_index("_day")
    on_days = numbered.filter(pl.col("is_instructional") == "true").join(bells, on="SC", how="inner").filter(fits)
    best = on_days.sort("_score", descending=True, maintain_order=True).unique(["_day", "grades"], keep="first", maintain_order=True)
    hours = best.select("_day", "grades", pl.col("ST").alias("day_start"), pl.col("ET").alias("day_end"))
    plain = days.with_row_index("_day").join(hours.filter(pl.col("grades").is_null()), on="_day", how="left", maintain_order="left")
    by_grade = (
        days.with_row_index("_day")
        .filter(pl.col("is_instructional") == "true")
        .join(hours.filter(pl.col("grades").is_not_null()), on="_day")
    )
    return pl.concat([plain, by_grade], how="diagonal").sort(*key, "grades", nulls_last=False, maintain_order=True)
