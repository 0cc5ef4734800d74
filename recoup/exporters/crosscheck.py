"""What the vendor itself says, beside the ledger: agree, higher, lower, and the likely cause where it can be told.

``reported_totals`` gives a vendor's minutes earned, days earned and days applied; ``applied_days`` the days it has applied, one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import crosscheck_causes as causes
from recoup.exporters import days
from recoup.exporters.findings import Findings
from recoup.exporters.tables import write_csv
from recoup.ports import Export, Written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.ports import Option, Run

FILE = "crosscheck.csv"
AGREE, HIGHER, LOWER, UNEXPLAINED = "agree", "vendor_higher", "vendor_lower", "unexplained"
#: A figure of ``reported_totals`` with the columns of the wide row that hold the vendor's and the ledger's.
_FIGURES = {
    "minutes_earned": ("v_minutes", "minutes_counted"),
    "days_earned": ("v_earned", "days_earned"),
    "days_applied": ("v_applied", "supported"),
}
#: The figure of ``applied_days``: how many days are listed, and how many of them nothing speaks against.
LISTED = "applied_days"
_AGAINST = {"applied_over_cap": "cap_not_applied", "applied_without_time": "time_missing", "applied_ineligible": "not_recoverable"}
_COLUMNS = ("ssid", "source", "as_of", "figure", "vendor", "ledger", "difference", "result", "causes", "explanation", "citation")
_WHO = ("ssid", "source")
#: What is told of the causes: our column, and the catalogue's.
_TOLD = {"causes": "id", "explanation": "sentence", "citation": "citation"}


def totals(run: Run) -> pl.DataFrame:
    """Return the vendor's newest totals not after the run's as-of date, added up over schools: ssid, source, as_of and its figures.

    Totals without a date are taken for those of the as-of date. A student's ``as_of`` is the oldest of the schools'.
    """
    told = run.tables["reported_totals"].with_columns(pl.col("as_of").fill_null(run.as_of), pl.col("source").fill_null(""))
    newest = (
        told.filter(pl.col("as_of") <= run.as_of).sort("as_of").unique(["ssid", "school_code", "source"], keep="last", maintain_order=True)
    )
    # A sum of unknown figures is unknown, not zero.
    sums = {"v_minutes": "minutes_earned", "v_earned": "days_earned", "v_applied": "days_applied"}
    return newest.group_by(_WHO).agg(
        pl.col("as_of").min(), *(pl.when(pl.col(own).count() > 0).then(pl.col(own).sum()).alias(name) for name, own in sums.items())
    )


def _against(run: Run) -> pl.DataFrame:
    """Return the applied days that something speaks against: ssid, absence_date, and ``cause``."""
    listed = run.results["holds"].filter(pl.col("scope") == "applied_day", pl.col("code").is_in(list(_AGAINST)))
    return listed.select("ssid", pl.col("date").alias("absence_date"), pl.col("code").replace_strict(_AGAINST).alias("cause")).unique()


def _absences(run: Run) -> pl.DataFrame:
    """Return every full-day absence up to as-of with the cause for which a recovered day on it would be told; null where none."""
    statutory, kind = law.load(run.year.name).value("recoverable_kinds"), pl.col("kind")
    cause = (
        pl.when(kind == "suspension_out")
        .then(pl.lit("suspension_counted"))
        .when(kind == "independent_study_non_ada")
        .then(pl.lit("study_counted"))
        .when(kind.is_in(statutory) & (pl.col("made_up_by").is_not_null() | pl.col("not_recoverable").is_not_null()))
        .then(pl.lit("made_up_counted"))
    )
    whole = run.tables["attendance"].filter(pl.col("full_day"), pl.col("date") <= run.as_of)
    return whole.select("ssid", "school_code", "date", cause.alias("cause"))


def _wide(run: Run) -> pl.DataFrame:
    """Lay out what the causes ask for, a row a student and source (see ``crosscheck_causes``)."""
    told, year = totals(run), law.load(run.year.name)
    hour = days.dated(run, "increment_minutes")
    held, raw = pl.col("outcome") == "held", pl.col("minutes_raw")
    rows, day = run.results["time_entries"].sort("date", "session_id"), pl.col("minimum_schoolday")
    hours = pl.when(raw >= day).then(pl.max_horizontal(raw // hour * hour, day)).otherwise(raw // hour * hour)
    time = rows.group_by("ssid").agg(
        day.drop_nulls().last().alias("day"), hours.filter(held).sum().alias("held_hours"), hours.filter(~held).sum().alias("uncut_hours")
    )
    dated = told.select(*_WHO, "as_of")
    counted, kept = pl.col("minutes_counted"), pl.col("minutes_counted") - pl.col("minutes_forfeited")
    then = rows.join(dated, on="ssid").filter(pl.col("date") <= pl.col("as_of"))
    credits_then = run.results["credits"].join(dated, on="ssid")
    both = pl.max_horizontal("absence_date", "earned_on") <= pl.col("as_of")
    kinds = {"suspension_counted": "suspensions", "made_up_counted": "made_up", "study_counted": "studies"}
    missed = _absences(run).group_by("ssid").agg((pl.col("cause") == cause).sum().cast(pl.Int64).alias(n) for cause, n in kinds.items())
    cause, days_of = pl.col("cause"), pl.col("absence_date")
    against = ("time_missing", "not_recoverable")
    doubted = (
        _against(run)
        .group_by("ssid")
        .agg(
            days_of.n_unique().cast(pl.Int64).alias("doubted"),
            days_of.filter(cause == "cap_not_applied").n_unique().cast(pl.Int64).alias("over_cap"),
            *((cause == name).any().alias(name) for name in against),
        )
    )
    zero = ("held_hours", "uncut_hours", "then_minutes", "then_kept", "then_days", "doubted", "over_cap", *kinds.values())
    annual = pl.lit(year.value("annual_cap"), pl.Int64)
    room = pl.min_horizontal(pl.col("cap_left") + pl.col("days_credited") - pl.col("over_cap"), annual)
    known = (pl.lit(year.value(name), pl.Int64).alias(name) for name in ("vendor_short_day", "vendor_long_day"))
    return (
        told.join(run.results["ledger"], on="ssid")
        .join(time, on="ssid", how="left")
        .join(then.group_by(_WHO).agg(counted.sum().alias("then_minutes"), kept.sum().alias("then_kept")), on=_WHO, how="left")
        .join(credits_then.group_by(_WHO).agg(both.sum().cast(pl.Int64).alias("then_days")), on=_WHO, how="left")
        .join(missed, on="ssid", how="left")
        .join(doubted, on="ssid", how="left")
        .with_columns(pl.col(zero).fill_null(0), pl.col(against).fill_null(value=False), *known)
        .with_columns(
            (pl.col("as_of") < run.as_of).alias("older"),
            (pl.col("days_credited") - pl.col("doubted")).alias("supported"),
            (pl.col("days_applied") - pl.col("doubted")).alias("listed"),
        )
        # A student of two LEAs may have more than the ten of one.
        .with_columns(pl.max_horizontal(room, "supported").alias("cap"))
    )


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``difference`` and ``result``; a difference without a cause is called unexplained, and agreement needs none."""
    apart = pl.col("vendor") - pl.col("ledger")
    result = pl.when(apart > 0).then(pl.lit(HIGHER)).when(apart < 0).then(pl.lit(LOWER)).otherwise(pl.lit(AGREE))
    named = pl.when(pl.col("causes") == "").then(pl.lit(UNEXPLAINED)).otherwise("causes").alias("causes")
    differs = pl.col("result") != AGREE
    return (
        rows.with_columns(apart.alias("difference"), result.alias("result"), named)
        .with_columns(pl.when(differs).then(name).alias(name) for name in ("causes", "explanation", "citation"))
        .select(_COLUMNS)
    )


def _of_totals(run: Run) -> list[pl.DataFrame]:
    wide, parts = _wide(run), []
    for figure, (theirs, ours) in _FIGURES.items():
        vendor, ledger = pl.col(theirs), pl.col(ours)
        told = causes.when(figure, vendor, ledger)
        parts.append(
            wide.filter(vendor.is_not_null()).select(
                *(*_WHO, "as_of"),
                pl.lit(figure).alias("figure"),
                vendor.cast(pl.Decimal(18, 4)).alias("vendor"),
                ledger.alias("ledger"),
                *(causes.told(told, column).alias(name) for name, column in _TOLD.items()),
            )
        )
    return parts


def _of_applied(run: Run) -> pl.DataFrame:
    """Compare the days that each system has applied with those of them that nothing speaks against; other LEAs' days aside."""
    ours = pl.col("reporting_lea").fill_null(run.lea.code).is_in([run.lea.code, *days.reporting_leas(run)["lea"]])
    listed = run.tables["applied_days"].filter(ours, pl.col("absence_date") <= run.as_of)
    absent = _absences(run).with_columns(pl.lit(value=True).alias("absent"))
    kind = pl.coalesce("own_cause", pl.when(pl.col("absent").is_null()).then(pl.lit("no_absence")), "cause")
    rows = (
        listed.join(_against(run), on=["ssid", "absence_date"], how="left")
        .join(
            absent.rename({"cause": "own_cause"}),
            left_on=["ssid", "school_code", "absence_date"],
            right_on=["ssid", "school_code", "date"],
            how="left",
        )
        .with_columns(
            pl.col("source").fill_null(""), pl.when(pl.col("cause") == "not_recoverable").then(kind).otherwise("cause").alias("cause")
        )
    )
    day = pl.struct("absence_date", "school_code")
    counted = rows.group_by(_WHO).agg(
        day.n_unique().cast(pl.Int64).alias("vendor"),
        day.filter(pl.col("cause").is_null()).n_unique().cast(pl.Int64).alias("ledger"),
        "cause",
    )
    told = {name: pl.col("cause").list.contains(name) for name in causes.catalogue()}
    return counted.select(
        *_WHO,
        pl.lit(run.as_of).alias("as_of"),
        pl.lit(LISTED).alias("figure"),
        pl.col("vendor").cast(pl.Decimal(18, 4)),
        "ledger",
        *(causes.told(told, column).alias(name) for name, column in _TOLD.items()),
    )


def compare(run: Run) -> pl.DataFrame:
    """Return a row for each student, source and figure that a vendor gives, in that order.

    Columns: ssid, source, as_of (the vendor's date), figure (``minutes_earned``, ``days_earned``, ``days_applied`` of
    ``reported_totals``; ``applied_days``, the days listed there), vendor, ledger, difference (vendor less ledger), result (``agree``,
    ``vendor_higher``, ``vendor_lower``), causes (ids joined by ``;``, ``unexplained`` where none gives the vendor's figure),
    explanation and citation. The ledger's days applied are the credited ones that nothing speaks against.
    """
    figures = pl.Enum([*_FIGURES, LISTED])
    return _judged(pl.concat([*_of_totals(run), _of_applied(run)])).sort(*_WHO, pl.col("figure").cast(figures))


class Crosscheck:
    """Writes ``crosscheck.csv``: the vendor's own figures beside the ledger's."""

    name = "crosscheck"
    summary = "The vendor's own totals and applied days against the ledger: agree, higher, lower, and the likely cause"
    options: tuple[Option, ...] = ()

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:  # noqa: ARG002 - the port; there are none
        """Write the file and say how many students agree, and why others do not."""
        table = compare(run)
        write_csv(table.with_columns(pl.col("vendor", "difference").map_batches(_plain, return_dtype=pl.String)), out / FILE)
        found = Findings(self.name, run)
        for name, code in (("reported_totals", "NO_TOTALS"), (LISTED, "NO_APPLIED")):
            if (name, "") in run.absent:
                found.add(code)
        _say(found, run, table)
        return Export([Written(FILE, table.height)], found.found)


def _plain(figures: pl.Series) -> pl.Series:
    """Write decimals without the zeros behind the point."""
    return figures.cast(pl.String).str.replace(r"\.?0+$", "")


def _say(found: Findings, run: Run, table: pl.DataFrame) -> None:
    """Count students, not rows: those who agree in everything, and under each result those with a figure in it."""
    result, cause = pl.col("result"), pl.col("causes")
    of_student = table.group_by("ssid").agg((result == AGREE).all().alias("agrees"))
    found.add("AGREE", of_student.filter("agrees"), of=of_student.height)
    for name, code in ((HIGHER, "VENDOR_HIGHER"), (LOWER, "VENDOR_LOWER")):
        rows = table.filter(result == name)
        why = (
            rows.select("ssid", cause.str.split(";")).explode("causes").group_by("causes").agg(pl.col("ssid").n_unique().alias("students"))
        )
        likely = ", ".join(f"{one} {count}" for one, count in why.sort(["students", "causes"], descending=[True, False]).iter_rows())
        found.add(code, rows.select("ssid").unique(), likely=likely)
    found.add("UNEXPLAINED", table.filter(cause == UNEXPLAINED).select("ssid").unique())
    reported = run.tables["reported_totals"]
    found.add("NEWER", reported.filter(pl.col("as_of") > run.as_of))
    if reported.height:
        has_time = run.results["ledger"].filter((pl.col("minutes_counted") > 0) | (pl.col("days_credited") > 0))
        places = run.tables["students"].select("ssid", "_file", "_line")
        found.add("NOT_REPORTED", has_time.join(reported, on="ssid", how="anti").select("ssid").join(places, on="ssid", how="left"))


EXPORTER = Crosscheck()
