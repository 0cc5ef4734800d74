"""What a person types into the Principal Apportionment Data Collection (PADC): Section A and B-8 by period; and the monthly site summary.

B-8 is part of Section A and never added to it (attendance-recovery-rules.md 12.3). Where a period is closed, what was reported
then stands beside what the data gives now.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import ada, days, periods
from recoup.exporters.amendments import amendments
from recoup.exporters.findings import Findings
from recoup.exporters.tables import write_csv
from recoup.ports import Export, Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction
    from pathlib import Path

    from recoup.ports import Option, Run

FILE, MONTHS_FILE = "padc_ar_ada.csv", "padc_by_school_month.csv"
#: What stands in the place of a figure that cannot be worked out; it is never guessed.
NOT_AVAILABLE = "not available"
KEY = ("reporting_lea", "period", "ada_line", "grade_span")
FIGURES = (
    "period",
    "ada_line",
    "grade_span",
    "regular_days",
    "ar_days",
    "total_days",
    "divisor",
    "section_a_ada",
    "b8_ada",
    "reporting_lea",
    "section_a_ada_unrounded",
    "b8_ada_unrounded",
)
#: The figures that are compared with what was reported when the period was closed.
COMPARED = ("ar_days", "section_a_ada", "b8_ada")
#: Decimals of an unrounded figure: more than any sum of ADA needs.
FULL = 12


def _number(value: Decimal | int | None) -> str:
    return "" if value is None else f"{Decimal(value).normalize():f}"


def _ada(value: Fraction | None, decimals: int) -> str:
    return NOT_AVAILABLE if value is None else str(ada.rounded(value, decimals))


def _full(value: Fraction | None) -> str:
    return "" if value is None else _number(ada.rounded(value, FULL))


def figures(run: Run) -> pl.DataFrame:
    """Return the lines of the report as they are printed, all text: FIGURES, in the report's order.

    ``divisor`` lists the divisors where a line has several, joined by ``;``. ADA is rounded once a line, and beside it stands unrounded.
    """
    decimals = law.load(run.year.name).value("ada_decimals")
    rows = [
        (
            one.period,
            one.ada_line,
            one.grade_span,
            _number(one.regular),
            _number(one.recovered),
            _number(None if one.regular is None else one.regular + one.recovered),
            ";".join(str(group.divisor) for group in one.groups if group.divisor),
            _ada(one.section_a, decimals),
            _ada(one.b8, decimals),
            one.lea,
            _full(one.section_a),
            _full(one.b8),
        )
        for one in ada.figures(run)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(FIGURES, pl.String), orient="row")


def _reported(run: Run) -> pl.DataFrame:
    """Return the lines of the periods that are closed by as-of, as they were reported."""
    nothing = pl.DataFrame(schema=dict.fromkeys(FIGURES, pl.String))
    return pl.concat([nothing, *(closing.figures for closing in run.closed if closing.ends <= run.as_of)])


def compared(run: Run, now: pl.DataFrame) -> pl.DataFrame:
    """Add to ``figures`` what was reported of a closed period, and the difference: ``reported_…`` and ``…_difference``, text.

    A line that was reported and is no more stands at the end, without figures of today.
    """
    reported = _reported(run).select(*KEY, pl.col(COMPARED).name.prefix("reported_"))
    both = now.join(reported, on=KEY, how="full", coalesce=True, maintain_order="left_right")
    pairs = [(name, f"reported_{name}") for name in COMPARED]
    differences = [
        pl.Series(f"{name}_difference", [_less(*pair) for pair in both.select(name, then).iter_rows()], pl.String) for name, then in pairs
    ]
    beside = [column for name, then in pairs for column in (then, f"{name}_difference")]
    return both.with_columns(differences).select(*FIGURES, *beside)


def _without_attestations(run: Run, report: pl.DataFrame) -> pl.DataFrame:
    """Add what would stand if no attestation held: ``ar_days_without_attestations`` and ``b8_ada_…``, empty where nothing rests on one."""
    names = {name: f"{name}_without_attestations" for name in ("ar_days", "b8_ada")}
    if run.fallen is None:
        return report.with_columns(pl.lit(None, pl.String).alias(name) for name in names.values())
    fallen = figures(replace(run, results={**run.results, "credits": run.fallen}))
    then = fallen.select(*KEY, *(pl.col(name).alias(title) for name, title in names.items()))
    return report.join(then, on=KEY, how="left", maintain_order="left").with_columns(pl.col(names["ar_days"]).fill_null("0"))


def _less(now: str | None, then: str | None) -> str:
    """Return now less then, empty where nothing was reported or one of them is not a number."""
    if then is None:
        return ""
    try:
        return str(Decimal(now or "0") - Decimal(then))
    except InvalidOperation:
        return ""


def by_month(run: Run) -> pl.DataFrame:
    """Return the monthly site summary: AR days by LEA, school and calendar month of ``credited_on``, by grade span and in all.

    The district comes first, then each charter that reports for itself. The days are those of ``credits``, each once.
    """
    spans = [*periods.spans(run), ""]
    span = pl.col("grade_span")
    return (
        periods.credited(run)
        .group_by(reporting_lea="lea", school_code="absence_school_code", month=pl.col("credited_on").dt.strftime("%Y-%m").fill_null(""))
        .agg(*((span == name).sum().alias(_column(name)) for name in spans), pl.len().alias("ar_days"))
        .sort(pl.col("reporting_lea") != run.lea.code, "reporting_lea", "school_code", "month")
    )


def _column(span: str) -> str:
    return "ar_days_" + (span.lower().replace("/", "_").replace("-", "_") or "no_grade")


class Padc:
    """Writes ``padc_ar_ada.csv`` and ``padc_by_school_month.csv``; several reporting LEAs stand apart, by ``reporting_lea``."""

    name = "padc"
    summary = "AR attendance for the Principal Apportionment Data Collection: Section A and B-8 by period, and days by school and month"
    options: tuple[Option, ...] = ()

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:  # noqa: ARG002 - the port; there are none
        """Write both files; without periods the first one has no lines, and a finding says so."""
        now = figures(run)
        report, months = _without_attestations(run, compared(run, now)), by_month(run)
        write_csv(report, out / FILE)
        write_csv(months, out / MONTHS_FILE)
        found = Findings(self.name, run)
        _tell(run, report, found)
        return Export([Written(FILE, report.height), Written(MONTHS_FILE, months.height)], found.found)


def _tell(run: Run, report: pl.DataFrame, found: Findings) -> None:
    """Say what a person must know before typing the figures in."""
    known = periods.periods(run)
    if not known.height:
        found.add("PERIODS_MISSING")
        return
    places = pl.concat(
        [
            periods.pupils(run).select("lea", "school_code", "track"),
            periods.credited(run).select("lea", "track", school_code="absence_school_code").select("lea", "school_code", "track"),
        ]
    ).unique()
    given = known.select("lea", "period").unique()
    lacking = places.join(given, on="lea").join(known, on=["school_code", "track", "period"], how="anti")
    for period, schools in _listed(lacking):
        found.add("SCHOOL_WITHOUT_PERIOD", len(schools), period=period, schools=", ".join(schools))
    for school in sorted(set(places.filter(~pl.col("lea").is_in(given["lea"].implode()))["school_code"])):
        found.add("SCHOOL_WITHOUT_PERIODS", 1, school=school)
    here = known.join(places, on=["school_code", "track"], how="semi")
    for period, schools in _listed(here.filter(pl.col("divisor").is_null())):
        found.add("DAYS_TAUGHT_MISSING", len(schools), period=period, schools=", ".join(schools))
    for period, schools in _listed(here.filter(pl.col("first_date") > run.year.first)):
        found.add("NOT_CUMULATIVE", len(schools), period=period, schools=", ".join(schools), first=run.year.first)
    fixed = here.join(days.reporting_leas(run).select("school_code", "school_type"), on="school_code")
    types = law.load(run.year.name).value("cds_divisor_types")
    for period, schools in _listed(fixed.filter(pl.col("school_type").is_in(types) & (pl.col("kind") != "cds_70_135_180"))):
        found.add("CDS_DIVISOR", len(schools), period=period, schools=", ".join(schools))
    for period, last in here.group_by("period").agg(pl.col("last_date").max()).sort(periods.in_order()).iter_rows():
        if run.as_of < last:
            found.add("PRELIMINARY", 0, period=period, last=last, as_of=run.as_of)
    credited = run.results["credits"].height
    inside = periods.counted(run).select("ssid", "absence_date", "lea").unique().height
    if inside < credited:
        found.add("OUTSIDE_PERIODS", credited - inside)
    nothing = report.filter(pl.col("section_a_ada") == NOT_AVAILABLE)
    if nothing.height and run.tables["apportionment"].is_empty():
        found.add("SECTION_A_MISSING", nothing.height)
    elif nothing.height:
        reasons = sorted({f"{one.period} {one.grade_span}: {one.why}" for one in ada.figures(run) if one.why})
        found.add("SECTION_A_INCOMPLETE", nothing.height, reasons="; ".join(reasons))
    no_grade = report.filter((pl.col("grade_span") == "") & (pl.col("ar_days") != "0"))
    if no_grade.height:
        found.add("NO_GRADE", no_grade.height)
    changed = report.filter(pl.any_horizontal(_differs(name) for name in COMPARED))
    amended = amendments(run)["period"] if changed.height else changed["period"]
    for period in [one for one in periods.PERIODS if one in changed["period"]]:
        lines = changed.filter(pl.col("period") == period)
        found.add("CLOSED_DIFFERS", lines.height, period=period, causes=_causes(run, amended, period, lines))
    if report.filter(pl.col("ar_days").cast(pl.Int64, strict=False) > 0).height:
        found.add("ROUNDING_UNCONFIRMED")


def _differs(name: str) -> pl.Expr:
    """Return whether a figure is another than was reported, or was reported and is not available now."""
    lost = (pl.col(name) == NOT_AVAILABLE) & (pl.col(f"reported_{name}") != NOT_AVAILABLE)
    return (~pl.col(f"{name}_difference").cast(pl.Float64, strict=False).fill_null(0).eq(0)) | lost.fill_null(value=False)


def _causes(run: Run, amended: pl.Series, period: str, lines: pl.DataFrame) -> str:
    """Return what makes the lines of a closed period differ; ``amended``: the periods with amended pairs."""
    reported = _reported(run).select(*KEY, pl.col("regular_days", "divisor").name.suffix("_then"))
    both = lines.drop_nulls("divisor").join(reported, on=KEY)
    told = {"divisor": "other divisors: see the periods and their days_taught", "regular_days": "other regular days: see apportionment"}
    causes = [text for name, text in told.items() if both[name].ne(both[f"{name}_then"]).any()]
    if period in amended:
        causes.append("other credited days: amendments.csv names every pair and its reason")
    return "; ".join(causes or ["other regular days or divisors of single schools"])


def _listed(rows: pl.DataFrame) -> list[tuple[str, Sequence[str]]]:
    """Return the schools of each period, in the order of the year."""
    told = rows.group_by("period").agg(pl.col("school_code").unique().sort()).sort(periods.in_order())
    return [(period, list(schools)) for period, schools in told.iter_rows()]


EXPORTER = Padc()
