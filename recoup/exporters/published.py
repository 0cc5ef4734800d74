"""Our rates of chronic absenteeism beside those that the state has published (table ``published_absenteeism``), by school and grade span.

What stands beside each other is of two years: the year is named in every row, and no rate is worked out of a suppressed one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters.tables import write_csv
from recoup.ports import Written

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.exporters.findings import Findings
    from recoup.ports import Run

FILE = "absenteeism_published.csv"
#: The span that holds every grade.
ALL = "all"
_KEY = ("lea", "school_code", "grades")
_PUBLISHED = ("students_counted", "students_chronic", "chronic_rate")


def percent(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return ``part`` of ``whole`` in percent with two decimals, rounded half up from whole numbers; null of nothing."""
    hundredths = (part * 20_000 + whole) // (whole * 2)
    return hundredths.cast(pl.Decimal(18, 2)) / 100


def newest(run: Run) -> str:
    """Return the newest school year that is published, up to the run's own; empty where none is."""
    years = run.tables["published_absenteeism"]["school_year"]
    return str(years.filter(years <= run.year.name).max() or "")


def grades_of(run: Run, span: str) -> list[str]:
    """Return the grades from the first to the last of a span (``01-03``), all for ``all``, none for one that nobody knows."""
    known = list(law.load(run.year.name).grade_minutes)
    first, _, last = span.partition("-")
    if span == ALL:
        return known
    return known[known.index(first) : known.index(last) + 1] if first in known and last in known else []


def beside(run: Run, people: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each LEA (no ``school_code``), school and published span of grades; empty where nothing is published.

    ``people`` is what ``absenteeism.students`` returns. Columns: lea, school_code, school_name, grades, students_counted, students_chronic,
    chronic_rate, published_year, published (``yes``, ``suppressed`` or ``no``), published_students_counted, published_students_chronic,
    published_rate, difference (percentage points, ours less the published). A charter that reports itself stands as a school alone.
    """
    year, table = newest(run), run.tables["published_absenteeism"]
    # Of a district the row without charters, whose students are counted at their schools; of a school its only kind.
    wanted = pl.when(pl.col("school_code").is_null()).then(pl.lit("no")).otherwise(pl.lit("all"))
    told = table.filter(pl.col("school_year") == year, pl.col("charters") == wanted)
    spans = [
        people.filter(pl.col("grade").is_in(grades_of(run, span))).with_columns(grades=pl.lit(span)) for span in told["grades"].unique()
    ]
    schools = run.tables["schools"].select("school_code", "school_name", "county_district_code")
    alone = pl.col("school_code").is_null() & pl.col("lea").is_in(schools["school_code"].implode())
    ours = (
        pl.concat([people.with_columns(grades=pl.lit("")).clear(), *spans])
        .filter(~alone)
        .group_by(_KEY)
        .agg(
            pl.col("counted").sum().cast(pl.Int64).alias("students_counted"),
            pl.col("chronic").sum().cast(pl.Int64).alias("students_chronic"),
        )
        .with_columns(percent(pl.col("students_chronic"), pl.col("students_counted")).alias("chronic_rate"))
        .join(schools, on="school_code", how="left")
        .with_columns(pl.coalesce("county_district_code", "lea").alias("county_district_code"))
    )
    on = ["county_district_code", "school_code", "grades"]
    theirs = told.select(*on, *_PUBLISHED, pl.lit(value=True).alias("listed"))
    rate = pl.col("chronic_rate_published")
    return (
        ours.join(theirs, on=on, how="left", nulls_equal=True, suffix="_published")
        .select(
            *("lea", "school_code", "school_name", "grades", "students_counted", "students_chronic", "chronic_rate"),
            pl.lit(year).alias("published_year"),
            pl.when(rate.is_not_null())
            .then(pl.lit("yes"))
            .when("listed")
            .then(pl.lit("suppressed"))
            .otherwise(pl.lit("no"))
            .alias("published"),
            pl.col("students_counted_published").alias("published_students_counted"),
            pl.col("students_chronic_published").alias("published_students_chronic"),
            rate.cast(pl.Decimal(18, 2)).alias("published_rate"),
            (pl.col("chronic_rate") - rate.cast(pl.Decimal(18, 2))).cast(pl.Decimal(18, 2)).alias("difference"),
        )
        .sort(_KEY, nulls_last=False)
    )


def write(run: Run, people: pl.DataFrame, out: Path, found: Findings) -> list[Written]:
    """Write ``absenteeism_published.csv``, where a source gives what the state has published, and say what stands beside what."""
    if run.tables["published_absenteeism"].is_empty():
        return []
    year = newest(run)
    if not year:
        found.add("PUBLISHED_LATER", run.tables["published_absenteeism"].height)
        return []
    table = beside(run, people)
    write_csv(table, out / FILE)
    counts = dict(table["published"].value_counts().iter_rows())
    found.add("PUBLISHED", counts.get("yes", 0), year=year)
    last = f"{run.year.first.year - 1}-{run.year.first.year}"
    if year != last:
        found.add("PUBLISHED_YEAR", table.height, year=year, last=last)
    for code, word in (("PUBLISHED_SUPPRESSED", "suppressed"), ("PUBLISHED_NONE", "no")):
        if counts.get(word):
            found.add(code, counts[word], year=year)
    return [Written(FILE, table.height)]
