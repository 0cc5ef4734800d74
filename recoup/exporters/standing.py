"""Where each student stands on the as-of date: the enrollment in force, its grade, and the minimum schoolday it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import days

if TYPE_CHECKING:
    from recoup.ports import Run


def standing(run: Run) -> pl.DataFrame:
    """Return for each student with an enrollment: ssid, lea, school_code, school_name, grade, minimum_schoolday, eligible, left.

    ``eligible``: the enrollment lets the student take part (ledger.md 1). ``left``: no enrollment holds or follows the as-of date, and
    the last one ended before its school's last instructional day (ledger.md 4); time on that date would count for nobody.
    """
    year = law.load(run.year.name)
    enrolled = days.enrollments(run)
    who = enrolled.select("ssid", pl.lit(run.as_of).alias("date")).unique(maintain_order=True)
    carried = ("grade", "exit_date", "instruction_mode", "absence_exempt", "alternate_minimum_minutes", "alternate_minimum_basis")
    schools = days.reporting_leas(run).join(run.tables["schools"].select("school_code", "school_name"), on="school_code")
    last_taught = run.tables["calendar"].filter("is_instructional").group_by("school_code").agg(pl.col("date").max().alias("last_taught"))
    barred = (
        pl.col("school_type").is_in(year.value("not_eligible_school_types"))
        | pl.col("instruction_mode").is_in(year.value("not_eligible_instruction_modes"))
        | pl.col("absence_exempt")
    )
    ended = pl.col("exit_date") < run.as_of
    early = (pl.col("exit_date") < pl.col("last_taught")).fill_null(value=True)
    placed = (
        days.school_in_force(who, enrolled, carried)
        .join(schools, on="school_code", how="left")
        .join(last_taught, on="school_code", how="left")
    )
    return _minimum_schoolday(run, placed).select(
        *("ssid", "lea", "school_code", "school_name", "grade", "minimum_schoolday"),
        (~barred.fill_null(value=False)).alias("eligible"),
        (ended & early).fill_null(value=False).alias("left"),
    )


def _minimum_schoolday(run: Run, placed: pl.DataFrame) -> pl.DataFrame:
    """Add ``minimum_schoolday`` on the as-of date (ledger.md 4; knobs K12, K13, K18): a school's type before the grade, then the lesser."""
    year, day = law.load(run.year.name), run.as_of
    types = {**year.type_minutes, **(year.table_minutes if run.policy.get("special_minutes") == "table" else {})}
    own = dict(part.partition("=")[::2] for part in run.policy.get("charter_minimum", "").split(";") if "=" in part)
    charter = pl.col("school_type").is_in(year.charter_types)
    by_type = pl.col("school_type").replace_strict(
        {name: fact.on(day) for name, fact in types.items()}, default=None, return_dtype=pl.Int64
    )
    by_grade = pl.col("grade").replace_strict({g: f.on(day) for g, f in year.grade_minutes.items()}, default=None, return_dtype=pl.Int64)
    by_span = pl.col("grade").replace_strict(
        {grade: int(own[span]) for grade, span in year.grade_spans.items() if span in own}, default=None, return_dtype=pl.Int64
    )
    base = pl.coalesce(by_type, pl.when(charter).then(by_span), by_grade)
    part = "three_quarter_part" if run.policy.get("three_quarter_day") == "use_180_as_day" else "three_quarter_full"
    three_quarter = pl.col("alternate_minimum_basis") == "sec_46146"
    based = pl.col("alternate_minimum_basis").is_in(list(year.bases)) & (pl.col("alternate_minimum_minutes") > 0)
    other = pl.when(three_quarter).then(pl.lit(year.value(part), pl.Int64)).when(based).then("alternate_minimum_minutes")
    return placed.with_columns(pl.min_horizontal(base, other).alias("minimum_schoolday"))
