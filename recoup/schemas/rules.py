"""The rules that look at one row, as Polars expressions, made from ``columns.csv`` and ``checks.csv``.

The same expressions find the rows to refuse and, inside Pandera, prove that none is left. They read either a text frame
(every column String, as an adapter gives it) or a checked frame (typed, as it leaves the checks).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from recoup.schemas import RULES, Column, Rule, Table, frame_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recoup.ports import Lea, SchoolYear

    Value = Callable[[str], pl.Expr]

# Polars' own parsers are kinder than the contract (2025-9-4, +60, 1e3), so the form of the text is asked for first.
_FORMS = {
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "time": r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "date-time": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
    "bool": r"^(true|True|TRUE|false|False|FALSE)$",
    "int": r"^-?[0-9]{1,18}$",
    "decimal": r"^-?[0-9]{1,13}(\.[0-9]{1,4})?$",
}
_INVALID = {kind: f"{kind.upper().replace('-', '_')}_INVALID" for kind in _FORMS}
_SERIAL = r"^[1-9][0-9]{4}([.][0-9]+)?$"
_SCIENTIFIC = r"^[0-9]+([.][0-9]+)?[eE][+][0-9]+$"
_DECIMAL_POINT = r"^[0-9]+[.]0*$"


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule of the catalogue bound to a column: ``bad`` is true where the row fails it, and never null.

    ``message`` and ``mend`` are filled in; only a table-level rule keeps the brace of its count.
    """

    rule: Rule
    column: str
    bad: pl.Expr
    message: str
    mend: str


def parse(column: Column) -> pl.Expr:
    """Return the typed value of a text column; null where it is empty or not of its type."""
    text = pl.col(column.name)
    if column.type == "text":
        return text
    formed = pl.when(text.str.contains(_FORMS[column.type])).then(text)
    match column.type:
        case "date":
            return formed.str.to_date("%Y-%m-%d", strict=False)
        case "time":
            hours, minutes = formed.str.slice(0, 2), formed.str.slice(3, 2)
            return hours.cast(pl.Int32, strict=False) * 60 + minutes.cast(pl.Int32, strict=False)
        case "date-time":
            return pl.concat_str(formed.str.slice(0, 16), formed.str.slice(16).replace("", ":00")).str.to_datetime(
                "%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False
            )
        case "bool":
            return formed.str.to_lowercase() == "true"
        case "int":
            return formed.cast(pl.Int64, strict=False)
        case _:
            return formed.cast(pl.Decimal(18, 4), strict=False)


def typed(table: Table) -> list[pl.Expr]:
    """Return the expressions that turn a text frame of ``table``, lineage included, into a checked frame."""
    schema = frame_schema(table)
    lineage = [pl.col(name).cast(schema[name]) for name in schema if name not in table.names]
    return [*(parse(column).alias(column.name) for column in table.columns), *lineage]


def row_rules(table: Table, year: SchoolYear, lea: Lea, *, text: bool) -> list[RowRule]:
    """Return every rule that looks at single rows of ``table``, in order of the columns.

    ``text``: the frame is as an adapter gave it; otherwise it is a checked frame, where nothing can be malformed any more.
    """

    def value(name: str) -> pl.Expr:
        return parse(table.column(name)) if text else pl.col(name)

    found: list[RowRule] = []
    for column in table.columns:
        rules = {**_cell_rules(column, year, value, text=text), **_row_rules(table, column, year, lea, value)}
        found += [_bind(table, column, year, lea, name, bad) for name, bad in rules.items()]
    return found


def _bind(table: Table, column: Column, year: SchoolYear, lea: Lea, name: str, bad: pl.Expr) -> RowRule:
    rule = RULES[name]
    words = {
        "table": table.name,
        "column": column.name,
        "description": column.description,
        "max_length": column.max_length,
        "values": ", ".join(column.values),
        "minimum": column.minimum,
        "not_before": column.not_before,
        "year": year.name,
        "lea": lea.code,
        "rows": "{rows}",
    }
    return RowRule(rule, column.name, bad.fill_null(value=False), rule.message.format(**words), rule.mend.format(**words))


def _cell_rules(column: Column, year: SchoolYear, value: Value, *, text: bool) -> dict[str, pl.Expr]:
    cell = pl.col(column.name)
    rules: dict[str, pl.Expr] = {}
    if not column.nullable:
        rules["REQUIRED_EMPTY"] = cell.is_null()
    if column.type == "text":
        rules |= _text_rules(column)
    elif text:
        rules |= _form_rules(column)
    if column.minimum is not None:
        rules["NUMBER_NEGATIVE"] = value(column.name) < column.minimum
    if column.in_year:
        rules["DATE_OUTSIDE_YEAR"] = ~value(column.name).is_between(year.first, year.last)
    return rules


def _text_rules(column: Column) -> dict[str, pl.Expr]:
    cell = pl.col(column.name)
    rules: dict[str, pl.Expr] = {}
    sized = column.max_length is not None
    if column.identifier:
        rules["ID_SCIENTIFIC"] = cell.str.contains(_SCIENTIFIC)
        if sized:
            # Only where a number of digits is expected: 'S1.0' or '2.0' may be the true name of a session.
            rules["ID_DECIMAL"] = cell.str.contains(_DECIMAL_POINT)
        if sized and column.pattern:
            rules["ID_ZERO_LOST"] = cell.str.contains(f"^[0-9]{{{column.max_length - 2},{column.max_length - 1}}}$")  # type: ignore[operator]
    if column.pattern:
        mangled = pl.any_horizontal(rules.values()) if rules else pl.lit(value=False)
        rules[column.rule] = ~cell.str.contains(f"^(?:{column.pattern})$") & ~mangled
    elif sized:
        rules["TOO_LONG"] = cell.str.len_chars() > column.max_length
    if column.values:
        rules[column.rule or "CODE_UNKNOWN"] = ~cell.is_in(column.values)
    return rules


def _form_rules(column: Column) -> dict[str, pl.Expr]:
    cell = pl.col(column.name)
    invalid = cell.is_not_null() & parse(column).is_null()
    if column.type != "date":
        return {_INVALID[column.type]: invalid}
    serial = cell.str.contains(_SERIAL)
    return {"DATE_SERIAL": serial, "DATE_INVALID": invalid & ~serial}


def _row_rules(table: Table, column: Column, year: SchoolYear, lea: Lea, value: Value) -> dict[str, pl.Expr]:
    rules = dict(_rules_of(table.name, column.name, year, lea, value))
    if column.not_before:
        reversed_span = value(column.name) < value(column.not_before)
        if table.name == "enrollments":
            # A student who never came (N470) has no day to be enrolled on; the ledger counts such a row for nothing.
            reversed_span &= pl.col("exit_reason").ne_missing("N470")
        rules["SPAN_REVERSED"] = reversed_span
    return rules


def _rules_of(table: str, column: str, year: SchoolYear, lea: Lea, value: Value) -> Iterator[tuple[str, pl.Expr]]:
    """Yield the rules that belong to one column of one table, by id."""
    match table, column:
        case "schools", "county_district_code":
            own = value("independently_reporting_charter").fill_null(value=False)
            yield "SCHOOL_OTHER_LEA", (pl.col(column) != lea.code) & ~own
        case "calendar", "day_end":
            yield "DAY_REVERSED", value("is_instructional") & (value("day_end") <= value("day_start"))
        case "students", "birth_date":
            yield "BIRTH_DATE_FUTURE", value("birth_date") > year.last
            yield "STATE_FIELD_EMPTY", pl.col(column).is_null()
            youngest, oldest = (int(age) for age in RULES["BIRTH_DATE_UNLIKELY"].threshold.split(" to "))
            eldest_birth, latest_birth = (date(year.first.year - age, year.first.month, 1) for age in (oldest + 1, youngest))
            yield (
                "BIRTH_DATE_UNLIKELY",
                (value("birth_date") <= eldest_birth) | value("birth_date").is_between(latest_birth, year.last, closed="right"),
            )
        case "students", "local_student_id" | "legal_first_name" | "legal_last_name" | "gender":
            yield "STATE_FIELD_EMPTY", pl.col(column).is_null()
        case "enrollments", "entry_date":
            yield "SPAN_OUTSIDE_YEAR", (value("entry_date") > year.last) | (value("exit_date") < year.first)
        case "participation", "minutes":
            both = value("sign_in").is_not_null() & value("sign_out").is_not_null()
            empty = pl.col("minutes").is_null()
            yield "MINUTES_AND_TIMES_EMPTY", empty & (pl.col("sign_in").is_null() | pl.col("sign_out").is_null())
            yield "MINUTES_NOT_DERIVABLE", empty & both & (value("sign_out") < value("sign_in"))
            yield "MINUTES_DERIVED", empty & both & (value("sign_out") >= value("sign_in"))
        case "participation", "sign_out":
            yield "SIGN_REVERSED", value("sign_out") < value("sign_in")
        case _:
            return


def derive_minutes(participation: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Fill empty ``minutes`` with sign_out less sign_in less the session's break, not below 0 (canonical model, Required tables).

    Both frames are checked ones; a session whose break is unknown has none.
    """
    if not participation["minutes"].null_count():
        return participation
    breaks = sessions.select("session_id", _break="break_minutes")
    span = (pl.col("sign_out") - pl.col("sign_in")).cast(pl.Int64) - pl.col("_break").fill_null(0)
    joined = participation.join(breaks, on="session_id", how="left", maintain_order="left")
    return joined.with_columns(minutes=pl.coalesce("minutes", span.clip(lower_bound=0))).select(participation.columns)
