"""Average daily attendance by period: Section A where the LEA's regular days are given, and B-8, which is part of it (EC 41601)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from recoup.exporters import periods

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.ports import Run

Line = tuple[str, str, str, str]

NO_DAYS = Decimal(0)
#: What makes a line of the report.
LINE = ("lea", "period", "ada_line", "grade_span")


@dataclass(frozen=True, slots=True)
class Group:
    """The days of a line that are divided by the same number; ``divisor`` None: nobody said by how many."""

    divisor: int | None
    regular: Decimal
    recovered: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of one LEA's report. ``why``: the reason for which Section A is not available; empty when it is."""

    lea: str
    period: str
    ada_line: str
    grade_span: str
    groups: tuple[Group, ...]
    why: str

    @property
    def recovered(self) -> int:
        """Return the days of attendance recovery."""
        return sum(group.recovered for group in self.groups)

    @property
    def regular(self) -> Decimal | None:
        """Return the regular days of attendance; None where Section A is not available."""
        return None if self.why else sum((group.regular for group in self.groups), Decimal(0))

    @property
    def b8(self) -> Fraction | None:
        """Return B-8, the ADA of the recovered days alone, exactly; None where they have no divisor."""
        return _over([(group.recovered, group.divisor) for group in self.groups])

    @property
    def section_a(self) -> Fraction | None:
        """Return Section A, the ADA of regular and recovered days together, exactly; None where it is not available."""
        return None if self.why else _over([(group.regular + group.recovered, group.divisor) for group in self.groups])


def _over(parts: list[tuple[Decimal, int | None]] | list[tuple[int, int | None]]) -> Fraction | None:
    """Return the sum of days / divisor; None where days have no divisor. Decimals would lose a half to rounding, fractions do not."""
    if any(days and not divisor for days, divisor in parts):
        return None
    return sum((Fraction(days) / divisor for days, divisor in parts if divisor), Fraction(0))


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Return a fraction with so many decimals, rounded half up."""
    return Decimal((2 * value * 10**decimals + 1) // 2).scaleb(-decimals)


def _enrolled(run: Run, known: pl.DataFrame) -> pl.DataFrame:
    """Return where students of each line are enrolled in its period: LINE, ``school_code``, ``divisor``, each once.

    Also at a school that lacks the period although its LEA has it: its days belong to the line, and cannot be divided.
    """
    begin, end = pl.col("first_date"), pl.col("last_date")
    inside = (pl.col("entry_date") <= end) & (pl.col("exit_date") >= begin).fill_null(value=True)
    return (
        periods.pupils(run)
        .join(known.select("lea", "period").unique(), on="lea")
        .join(known, on=["lea", "period", "school_code", "track"], how="left")
        .filter(inside.fill_null(value=True))
        .select(*LINE, "school_code", "divisor")
        .unique()
    )


def _regular(run: Run, known: pl.DataFrame, enrolled: pl.DataFrame) -> pl.DataFrame:
    """Return the regular days by LINE and school, with their ``divisor``, and ``why`` they cannot be used, where they cannot.

    ``apportionment`` knows no tracks: the school's tracks that have students must agree on the divisor.
    """
    taught = periods.pupils(run).select("school_code", "track").unique()
    without = known.filter(pl.col("track") == "").join(taught, on="school_code", how="anti").select("school_code", "track").unique()
    divisors = (
        known.join(pl.concat([taught, without]), on=["school_code", "track"], how="semi")
        .group_by("period", "school_code")
        .agg(divisors=pl.col("divisor").n_unique(), divisor=pl.col("divisor").first())
    )
    schools = known.select("lea", "school_code").unique()
    given = (
        run.tables["apportionment"]
        .with_columns(pl.col("ada_line").fill_null(periods.ONE_LINE))
        .join(schools, on="school_code")
        .group_by(*LINE, "school_code")
        .agg(pl.col("days_of_attendance").sum())
    )
    several = pl.col("divisors") > 1
    why = (
        pl.when(pl.col("days_of_attendance").is_null())
        .then(pl.lit("no regular days in apportionment"))
        .when(several)
        .then(pl.lit("its tracks are divided by different numbers"))
        .when(pl.col("divisor").is_null())
        .then(pl.lit("no divisor"))
    )
    return (
        given.join(enrolled.select(*LINE, "school_code").unique(), on=[*LINE, "school_code"], how="full", coalesce=True)
        .join(divisors, on=["period", "school_code"], how="left")
        .with_columns(why.alias("why"))
        .sort(*LINE, "school_code")
    )


def figures(run: Run) -> list[Figure]:
    """Return the lines of every LEA's report, in order of LEA (the district first), period, line and grade span.

    A line exists where students are enrolled for it, days are credited on it, or ``apportionment`` names it. Section A is available
    where every school with students on the line has its regular days in ``apportionment``, and a divisor for them. Days are days of
    attendance, divisors days; ADA is days / divisor, added up over the divisors.
    """
    known = periods.periods(run)
    enrolled = _enrolled(run, known)
    regular = _regular(run, known, enrolled)
    recovered = periods.counted(run).group_by(*LINE, "divisor").agg(days=pl.len())
    sums: dict[Line, dict[int | None, list[Decimal]]] = defaultdict(lambda: defaultdict(lambda: [Decimal(0), Decimal(0)]))
    ready = regular.filter(pl.col("why").is_null()).select(*LINE, "divisor", days="days_of_attendance")
    for place, rows in enumerate((ready, recovered, enrolled.select(*LINE, "divisor", days=pl.lit(0)))):
        for *line, divisor, days in rows.iter_rows():
            sums[_line(line)][divisor][place % 2] += days
    told = {_line(line): list[str]() for line in regular.select(LINE).unique().iter_rows()}
    for *line, school, why in regular.filter(pl.col("why").is_not_null()).select(*LINE, "school_code", "why").iter_rows():
        told[_line(line)].append(f"{school}: {why}")
    nothing = [] if run.tables["apportionment"].height else ["no source gives the table apportionment"]
    found = [
        Figure(
            *line,
            groups=tuple(Group(divisor, days[0], int(days[1])) for divisor, days in sorted(by.items(), key=lambda one: one[0] or 0)),
            why="; ".join(nothing or told.get(line, ["no regular days in apportionment"])),
        )
        for line, by in sums.items()
    ]
    spans = periods.spans(run)

    def order(one: Figure) -> tuple[bool, str, int, str, int]:
        return one.lea != run.lea.code, one.lea, periods.PERIODS.index(one.period), one.ada_line, spans.get(one.grade_span, len(spans))

    return sorted(found, key=order)


def _line(cells: Sequence[str]) -> Line:
    lea, period, ada_line, grade_span = cells
    return lea, period, ada_line, grade_span
