"""On random dirty data three readings agree, row for row and rule for rule: our quarantine, Pandera, and a plain one in Python."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recoup.ports import LINEAGE, Lea, SchoolYear
from recoup.schemas import RULES, TABLES, Column, Table
from recoup.schemas.validation import checked_schema, failure_cases, text_schema

if TYPE_CHECKING:
    from tests.checks.conftest import District

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))
LEA = Lea("1964733", "Cedar Valley Unified")
DATES = [
    "2025-09-08",
    "2026-06-30",
    "2026-07-01",
    "2025-06-30",
    "2013-05-05",
    "2025-02-30",
    "2025-9-08",
    "45908",
    "45908.5",
    "09/08/2025",
    " 2025-09-08",
]
TIMES = ["08:00", "14:30", "00:00", "23:59", "24:00", "8:00", "14:60", "14:30:00", "2:30 PM"]
NUMBERS = ["0", "60", "-1", "60.0", "+60", "1e3", "sixty", "007", "9" * 18, "9" * 19]
POOLS = {
    "date": DATES,
    "time": TIMES,
    "date-time": [
        "2025-09-13T14:00",
        "2025-09-13T14:00:59",
        "2025-09-13T14:00:60",
        "2025-09-31T14:00",
        "2025-09-13 14:00",
        "2025-09-13T14:00Z",
        "2025-09-13",
    ],
    "bool": ["true", "false", "TRUE", "False", "yes", "1", "tRue"],
    "int": NUMBERS,
    "decimal": [*NUMBERS, "12.5", "-0.5", "12.34567", ".5"],
}
IDS = [
    "9000000001",
    "9000000002",
    "900000001",
    "90000001",
    "9.0E+09",
    "9000000001.0",
    "9000000001.",
    "90000000011",
    "x",
    "6010000",
    "601000",
    "60100",
    "٦010000",
]
TEXTS = ["", "a", "TK;KN", "01;1", "T1", "1.5E+10", "x" * 15, "x" * 16, "1234567890123456", "N470"]


def cells(column: Column) -> st.SearchStrategy[str | None]:
    pool = [*POOLS.get(column.type, [])]
    if column.type == "text":
        pool = [*(IDS if column.identifier else []), *column.values, *(["zzz", "1"] if column.values else []), *TEXTS[1:]]
    return st.one_of(st.none(), st.sampled_from(pool))


@st.composite
def dirty(draw: st.DrawFn) -> tuple[Table, list[dict[str, str | None]]]:
    table = TABLES[
        draw(
            st.sampled_from(["schools", "calendar", "students", "enrollments", "attendance", "sessions", "participation", "apportionment"])
        )
    ]
    # Most cells of a row are sound, so that many rows fail by one check only.
    sound = {column.name: draw(cells(column)) for column in table.columns}
    rows = draw(st.lists(st.fixed_dictionaries({column.name: cells(column) for column in table.columns}), min_size=1, max_size=6))
    keep = draw(st.lists(st.sets(st.sampled_from(list(table.names))), min_size=len(rows), max_size=len(rows)))
    return table, [
        {name: sound[name] if name in kept else value for name, value in row.items()} for row, kept in zip(rows, keep, strict=True)
    ]


def as_read(column: Column, text: str | None) -> object:
    """The typed value by the words of the contract, or None where it has none."""
    if text is None:
        return None
    forms = {
        "date": (r"\d{4}-\d{2}-\d{2}", date.fromisoformat),
        "time": (r"([01]\d|2[0-3]):[0-5]\d", str),
        "date-time": (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", datetime.fromisoformat),
        "bool": (r"true|True|TRUE|false|False|FALSE", lambda word: word.lower() == "true"),
        "int": (r"-?\d{1,18}", int),
        "decimal": (r"-?\d{1,13}(\.\d{1,4})?", float),
    }
    form, read = forms[column.type]
    try:
        return read(text) if re.fullmatch(form, text, re.ASCII) else None  # type: ignore[operator]
    except ValueError:
        return None


def cell_faults(column: Column, text: str | None) -> set[str]:
    if text is None:
        return set() if column.nullable else {"REQUIRED_EMPTY"}
    if column.type != "text":
        value = as_read(column, text)
        if value is None:
            serial = column.type == "date" and re.fullmatch(r"[1-9]\d{4}(\.\d+)?", text, re.ASCII)
            return {"DATE_SERIAL" if serial else f"{column.type.upper().replace('-', '_')}_INVALID"}
        found = {"NUMBER_NEGATIVE"} if column.minimum is not None and value < column.minimum else set()  # type: ignore[operator]
        return found | ({"DATE_OUTSIDE_YEAR"} if column.in_year and not YEAR.first <= value <= YEAR.last else set())  # type: ignore[operator]
    found = set()
    size = column.max_length
    if column.identifier and re.fullmatch(r"\d+(\.\d+)?[eE]\+\d+", text, re.ASCII):
        found.add("ID_SCIENTIFIC")
    if column.identifier and size and re.fullmatch(r"\d+\.0*", text, re.ASCII):
        found.add("ID_DECIMAL")
    if column.identifier and size and column.pattern and re.fullmatch(r"\d+", text, re.ASCII) and size - 2 <= len(text) < size:
        found.add("ID_ZERO_LOST")
    if column.pattern and not found and not re.fullmatch(column.pattern, text):
        found.add(column.rule)
    if size and not column.pattern and len(text) > size:
        found.add("TOO_LONG")
    if column.values and text not in column.values:
        found.add(column.rule or "CODE_UNKNOWN")
    return found


def row_faults(table: Table, row: dict[str, str | None]) -> set[str]:
    value = {column.name: None if column.type == "text" else as_read(column, row[column.name]) for column in table.columns}
    found = set()
    for column in table.columns:
        first, last = (value[column.not_before], value[column.name]) if column.not_before else (None, None)
        if first and last and last < first and row.get("exit_reason") != "N470":  # type: ignore[operator]
            found.add("SPAN_REVERSED")
    if table.name == "calendar" and value["is_instructional"] and value["day_start"] and value["day_end"]:
        found |= {"DAY_REVERSED"} if value["day_end"] <= value["day_start"] else set()  # type: ignore[operator]
    if table.name == "students" and value["birth_date"] and value["birth_date"] > YEAR.last:  # type: ignore[operator]
        found.add("BIRTH_DATE_FUTURE")
    if table.name == "participation" and row["minutes"] is None:
        if row["sign_in"] is None or row["sign_out"] is None:
            found.add("MINUTES_AND_TIMES_EMPTY")
        elif value["sign_in"] and value["sign_out"] and value["sign_out"] < value["sign_in"]:  # type: ignore[operator]
            found.add("MINUTES_NOT_DERIVABLE")
    return found


def agree(district: District, case: tuple[Table, list[dict[str, str | None]]]) -> None:
    table, rows = case
    district.__init__()  # type: ignore[misc]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(table.names, pl.String)).with_row_index("_line", offset=2)
    frame = frame.with_columns(pl.col("_line").cast(pl.Int64), _source=pl.lit("sis"), _file=pl.lit("f")).select(*table.names, *LINEAGE)
    district.tables[table.name] = frame.lazy()

    plain = {
        (line, rule)
        for line, row in enumerate(rows, start=2)
        for rule in row_faults(table, row).union(*(cell_faults(column, row[column.name]) for column in table.columns))
    }
    done = district.check()
    lines = done.quarantine.filter(pl.col("table") == table.name, pl.col("severity") == "error")
    ours = {(line, code) for line, code in lines.select("line", "code").iter_rows() if RULES[code].level in {"cell", "row"}}
    cases = failure_cases(text_schema(table, YEAR, LEA), frame.lazy())
    pandera = {(frame["_line"][row], rule) for row, rule in cases.iter_rows()}
    assert ours == plain
    assert pandera == plain
    # A row is kept if, and only if, no line refuses it, and what is kept passes its schema.
    assert set(done.tables[table.name]["_line"]) == set(frame["_line"]) - set(lines["line"])
    assert failure_cases(checked_schema(table, YEAR, LEA), done.tables[table.name].lazy()).is_empty()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=dirty())
def test_quarantine_pandera_and_a_plain_reading_agree(district: District, case: tuple[Table, list[dict[str, str | None]]]) -> None:
    agree(district, case)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=dirty())
def test_quarantine_pandera_and_a_plain_reading_agree_at_length(
    district: District, case: tuple[Table, list[dict[str, str | None]]]
) -> None:
    agree(district, case)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("12"), st.sampled_from(["excused", "unexcused", "tardy"]), st.sampled_from(["A", ""])),
        min_size=1,
        max_size=8,
    )
)
def test_repeated_keys_agree_with_a_plain_reading(district: District, rows: list[tuple[str, str, str]]) -> None:
    district.__init__()  # type: ignore[misc]
    district.put("attendance", *(f"900000000{ssid},6010000,2025-09-08,{kind},true,{code}," for ssid, kind, code in rows))
    expected = set()
    for place, row in enumerate(rows):
        same_key = [other for other in rows if other[0] == row[0]]
        if len(set(same_key)) > 1:
            expected.add((place + 2, "KEY_CONFLICT"))
        elif row in rows[:place]:
            expected.add((place + 2, "DUPLICATE_SAME"))
        if row[1] == "tardy":
            expected.add((place + 2, "CODE_UNKNOWN"))
    done = district.check()
    assert set(done.quarantine.select("line", "code").iter_rows()) == expected
    assert set(done.tables["attendance"]["_line"]) == {place + 2 for place in range(len(rows))} - {line for line, _ in expected}
