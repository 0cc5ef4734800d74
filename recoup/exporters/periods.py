"""Reporting periods by school and track, and which credited days count in which of them (ledger.md section 7, EC 41601)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import days

if TYPE_CHECKING:
    from recoup.ports import Run

#: In the order of the year.
PERIODS = ("P1", "P2", "ANNUAL")
#: The LEA has one line only where nothing names another.
ONE_LINE = ""


def in_order() -> pl.Expr:
    """Return the place of ``period`` in the year, to sort by."""
    return pl.col("period").replace_strict({name: place for place, name in enumerate(PERIODS)}, return_dtype=pl.Int64)


def spans(run: Run) -> dict[str, int]:
    """Return the grade spans of the report, each with its place among them."""
    return {name: place for place, name in enumerate(dict.fromkeys(law.load(run.year.name).grade_spans.values()))}


def pupils(run: Run) -> pl.DataFrame:
    """Return the enrollments whose days are reported: ``lea``, ``ssid``, school, ``track``, ``ada_line``, ``grade_span``, entry and exit.

    Of status 10 or 30, at a school of a type that takes part; a no-show counts for nothing.
    """
    rules = law.load(run.year.name)
    rows = days.enrollments(run).filter(pl.col("enrollment_status").is_in(rules.value("absence_statuses")))
    taking_part = ~pl.col("school_type").is_in(rules.value("not_eligible_school_types")).fill_null(value=False)
    return (
        rows.join(days.reporting_leas(run), on="school_code")
        .filter(taking_part)
        .select(
            "lea",
            "ssid",
            "school_code",
            "track",
            pl.col("ada_line").fill_null(ONE_LINE),
            pl.col("grade").replace_strict(dict(rules.grade_spans), default="", return_dtype=pl.String).alias("grade_span"),
            "entry_date",
            "exit_date",
        )
    )


def periods(run: Run) -> pl.DataFrame:
    """Return for every school and track its periods: ``lea``, ``school_code``, ``track``, ``period``, ``first_date``, ``last_date``,
    ``kind`` and ``divisor`` (days; null where the days taught are not given).

    Of several rows that fit the most specific one wins: school and track, then school, then track, then neither. An empty divisor is
    that of the school's type: the fixed one for a community day school (EC 48660(b)), else the days taught (EC 41601).
    """
    rules = law.load(run.year.name)
    schools = days.reporting_leas(run)
    tracks = pl.concat([days.enrollments(run).select("school_code", "track"), schools.select("school_code", track=pl.lit(""))]).unique()
    rows = run.tables["periods"].rename({"school_code": "row_school", "track": "row_track"})
    school, track = pl.col("row_school").fill_null(""), pl.col("row_track").fill_null("")
    fixed = {name: rules.value(name) for name in rules.facts if name.startswith(("cds_70_135_180", "sped_175"))}
    by_type = pl.when(pl.col("school_type").is_in(rules.value("cds_divisor_types"))).then(pl.lit("cds_70_135_180"))
    kind = pl.coalesce("divisor", by_type.otherwise(pl.lit("days_taught")))
    by_law = pl.coalesce(
        named.replace_strict(fixed, default=None, return_dtype=pl.Int64) for named in (pl.col("kind"), pl.format("{}_{}", "kind", "period"))
    )
    taught = pl.when(pl.col("days_taught") > 0).then("days_taught")
    return (
        tracks.join(schools, on="school_code")
        .join(rows, how="cross")
        .filter((school == "") | (school == pl.col("school_code")), (track == "") | (track == pl.col("track")))
        .with_columns(((school != "").cast(pl.Int8) * 2 + (track != "").cast(pl.Int8)).alias("specificity"))
        .sort("school_code", "track", in_order(), "specificity")
        .unique(["school_code", "track", "period"], keep="last", maintain_order=True)
        .with_columns(kind.alias("kind"))
        .with_columns(pl.when(pl.col("kind") == "days_taught").then(taught).otherwise(by_law).alias("divisor"))
        .select("lea", "school_code", "track", "period", "first_date", "last_date", "kind", "divisor")
    )


def credited(run: Run) -> pl.DataFrame:
    """Return the ledger's credits in their order, each with ``lea``, ``track`` and ``ada_line`` of the absence.

    Track and line are those of the enrollment at the absence's school on its date; without one, no track and the LEA's one line.
    """
    spans = days.enrollments(run).select(
        "ssid",
        pl.col("school_code").alias("absence_school_code"),
        "entry_date",
        "exit_date",
        pl.col("enrollment_status").replace_strict(days.STATUS_ORDER, default=9, return_dtype=pl.Int64).alias("rank"),
        "track",
        "ada_line",
    )
    rows = run.results["credits"].with_row_index("credit")
    held = (
        rows.select("credit", "ssid", "absence_school_code", "absence_date")
        .join(spans, on=["ssid", "absence_school_code"])
        .filter(pl.col("entry_date") <= pl.col("absence_date"), (pl.col("absence_date") <= pl.col("exit_date")).fill_null(value=True))
        .sort("credit", "rank", "entry_date", descending=[False, False, True])
        .unique("credit", keep="first", maintain_order=True)
        .select("credit", "track", "ada_line")
    )
    schools = days.reporting_leas(run).select("lea", absence_school_code="school_code")
    return (
        rows.join(schools, on="absence_school_code", how="left", maintain_order="left")
        .join(held, on="credit", how="left", maintain_order="left")
        .with_columns(pl.col("lea").fill_null(run.lea.code), pl.col("track", "ada_line").fill_null(""), pl.col("grade_span").fill_null(""))
        .drop("credit")
    )


def counted(run: Run) -> pl.DataFrame:
    """Return every credit once for each period in which it counts, as ``credited`` has it, with ``period`` and ``divisor``.

    It counts when ``credited_on`` lies within the period of the absence's school and track; periods are cumulative, so one of autumn
    counts in P-1, P-2 and Annual.
    """
    known = periods(run).rename({"school_code": "absence_school_code"}).drop("lea", "kind")
    return (
        credited(run)
        .join(known, on=["absence_school_code", "track"])
        .filter(pl.col("credited_on").is_between("first_date", "last_date"))
        .drop("first_date", "last_date")
        .sort("ssid", "absence_date", "lea", in_order())
    )
