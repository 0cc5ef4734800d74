"""Where each student stands on the as-of date: the enrollment in force, its grade, and the minimum schoolday it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import days

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def follows(run: Run, knob: str, *values: str) -> pl.Expr:
    """Say whether the policy of the row's ``lea`` gives a knob one of the values; an LEA without one follows the run's."""
    own = {rules.lea.code: rules.policy.get(knob) in values for rules in run.leas}
    return pl.col("lea").replace_strict(own, default=run.policy.get(knob) in values, return_dtype=pl.Boolean)


def _charter_minutes(run: Run) -> dict[str, int]:
    """Return the minutes of a charter's day by ``lea|grade`` where K13 gives them by grade span."""
    spans = law.load(run.year.name).grade_spans
    policies = dict.fromkeys(days.reporting_leas(run)["lea"], run.policy) | run.policies
    given = {lea: policy.get("charter_minimum", "") for lea, policy in policies.items()}
    own = {lea: dict(part.split("=") for part in text.split(";")) for lea, text in given.items() if "=" in text}
    return {f"{lea}|{grade}": int(minutes[span]) for lea, minutes in own.items() for grade, span in spans.items()}


def _minimum_schoolday(run: Run, placed: pl.DataFrame) -> pl.DataFrame:
    """Add ``minimum_schoolday`` on the as-of date (ledger.md 4; knobs K12, K13, K18): a school's type before the grade, then the lesser."""
    year, day = law.load(run.year.name), run.as_of

    def minutes(of: pl.Expr, table: Mapping[str, int]) -> pl.Expr:
        return of.replace_strict(table, default=None, return_dtype=pl.Int64)

    by_type, by_table, by_grade = (
        minutes(pl.col(of), {name: fact.on(day) for name, fact in table.items()})
        for of, table in (("school_type", year.type_minutes), ("school_type", year.table_minutes), ("grade", year.grade_minutes))
    )
    by_span = minutes(pl.concat_str("lea", "grade", separator="|"), _charter_minutes(run))
    special, charter = follows(run, "special_minutes", "table"), pl.col("school_type").is_in(year.charter_types)
    base = pl.coalesce(by_type, pl.when(special).then(by_table), pl.when(charter).then(by_span), by_grade)
    part, full = (pl.lit(year.value(name), pl.Int64) for name in ("three_quarter_part", "three_quarter_full"))
    three_quarter = pl.when(follows(run, "three_quarter_day", "use_180_as_day")).then(part).otherwise(full)
    based = pl.col("alternate_minimum_basis").is_in(list(year.bases)) & (pl.col("alternate_minimum_minutes") > 0)
    alternate = pl.when(based).then("alternate_minimum_minutes")
    other = pl.when(pl.col("alternate_minimum_basis") == "sec_46146").then(three_quarter).otherwise(alternate)
    return placed.with_columns(pl.min_horizontal(base, other).alias("minimum_schoolday"))
