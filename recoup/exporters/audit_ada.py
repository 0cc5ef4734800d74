"""B-8 against Section A in the audit workbook: every figure from days and divisor, and the days from the matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.exporters import ada, padc, periods

if TYPE_CHECKING:
    from recoup.exporters.sheets import Placed
    from recoup.ports import Run

SHEET = "B-8 and Section A"
#: The row of a grade span that counts its days whatever the period.
YEAR = "YEAR"
_KEY = ["ssid", "absence_date", "absence_school_code"]
_COLUMNS = {
    "lea": pl.String,
    "period": pl.String,
    "ada_line": pl.String,
    "grade_span": pl.String,
    "divisor": pl.Int64,
    "regular": pl.Float64,
    "days": pl.Int64,
    "section_a": pl.Float64,
    "b8": pl.Float64,
    "section_a_line": pl.String,
    "b8_line": pl.String,
    "why": pl.String,
}


def _line(name: str) -> str:
    """Return the name of a line as it is shown: a formula does not tell an empty cell from an empty text."""
    return name or "-"


def with_periods(run: Run, matches: pl.DataFrame) -> pl.DataFrame:
    """Add to each match its ``lea``, ``ada_line``, and by period what it is divided by: 0 without a divisor, empty outside."""
    places = periods.credited(run).select(*_KEY, "lea", pl.col("ada_line").replace({"": _line("")})).unique(_KEY, maintain_order=True)
    counted = periods.counted(run).with_columns(pl.col("divisor").fill_null(0))
    for name in periods.PERIODS:
        of_period = counted.filter(pl.col("period") == name).select(*_KEY, pl.col("divisor").alias(name)).unique(_KEY, maintain_order=True)
        places = places.join(of_period, on=_KEY, how="left")
    return matches.join(places, on=_KEY, how="left", maintain_order="left")


def table(run: Run) -> pl.DataFrame:
    """Return the days by grade span over the whole year, then a row for each LEA, period, line, span and divisor, as the sheet shows them.

    ADA stands unrounded (shown with two decimals), and beside it as it is printed for the whole line.
    """
    days = run.results["credits"].group_by("grade_span").agg(pl.len())
    of_span = {span or "": count for span, count in days.iter_rows()}
    nothing = "" if run.tables["periods"].height else "no reporting periods are given: neither B-8 nor Section A is guessed"
    spans = [*periods.spans(run), *([""] if "" in of_span else [])]
    said = padc.NOT_AVAILABLE if nothing else ""
    rows: list[tuple[object, ...]] = [
        ("", YEAR, "", span, None, None, of_span.get(span, 0), None, None, said, said, nothing) for span in spans
    ]
    printed = padc.figures(run).select("section_a_ada", "b8_ada").iter_rows()
    for one, (section_a, b8) in zip(ada.figures(run), printed, strict=True):
        for group in one.groups or (ada.Group(None, ada.NO_DAYS, 0),):
            regular = None if one.why else float(group.regular)
            parts = [None if days is None or not group.divisor else float(days) / group.divisor for days in (regular, group.recovered)]
            whole = None if parts[0] is None or parts[1] is None else parts[0] + parts[1]
            line = (one.lea, one.period, _line(one.ada_line), one.grade_span, group.divisor or 0)
            rows.append((*line, regular, group.recovered, whole, parts[1], section_a, b8, f"Section A: {one.why}" if one.why else ""))
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def live(matches: Placed) -> str:
    """Return the formula of a row's days: the matches of its line that the period divides by the row's divisor."""
    line = {name: f"{{{name}}}" for name in ("lea", "ada_line", "grade_span")}
    whole = matches.matching(("grade_span", "{grade_span}"))
    for name in reversed(periods.PERIODS):
        here = matches.matching(*line.items(), (name, "{divisor}"), filled=name)
        whole = f'IF({{period}}="{name}",{here},{whole})'
    return whole
