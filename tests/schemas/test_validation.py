"""Pandera's data checks truly run: on frames read lazily too, and each failure carries the id of its rule."""

from __future__ import annotations

from datetime import date
from pathlib import Path  # noqa: TC003 - pytest reads the annotation

import polars as pl
import pytest

from recoup.errors import Exit, RecoupError
from recoup.ports import Lea, SchoolYear
from recoup.schemas import TABLES, frame_schema
from recoup.schemas.rules import row_rules
from recoup.schemas.validation import checked_schema, failure_cases, text_schema, validate

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))
LEA = Lea("1964733", "Cedar Valley Unified")
STUDENTS = TABLES["students"]
DIRTY = """ssid,local_student_id,legal_first_name,legal_last_name,birth_date,gender
9000000001,000001,Ana,Lopez,2014-03-11,F
9.0E+09,000002,Li,Nguyen,2015-05-02,X
9000000003,000003,Ada,Ng,2015-02-30,Q
"""


def lazily(path: Path) -> pl.LazyFrame:
    path.write_text(DIRTY, encoding="utf-8")
    raw = pl.scan_csv(path, infer_schema=False).with_row_index("_line", offset=2).with_columns(pl.col("_line").cast(pl.Int64))
    return raw.with_columns(_source=pl.lit("sis"), _file=pl.lit("f"))


def checked() -> pl.DataFrame:
    row = ("9000000001", "000001", "Ana", "Lopez", date(2014, 3, 11), "F", "sis", "f", 2)
    return pl.DataFrame([row, ("9000000002", *row[1:-1], 3)], schema=frame_schema(STUDENTS), orient="row")


def test_data_checks_run_on_a_lazily_read_file(tmp_path: Path) -> None:
    cases = failure_cases(text_schema(STUDENTS, YEAR, LEA), lazily(tmp_path / "students.csv"))
    assert set(cases.iter_rows()) == {(1, "ID_SCIENTIFIC"), (2, "DATE_INVALID"), (2, "CODE_UNKNOWN")}


def test_a_checked_frame_passes_as_it_is() -> None:
    assert validate(STUDENTS, checked(), YEAR, LEA).equals(checked())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"ssid": pl.lit("9000000001")}, "KEY_CONFLICT"),
        ({"ssid": pl.lit("900000001")}, "ID_ZERO_LOST"),
        ({"ssid": pl.lit(None, pl.String)}, "REQUIRED_EMPTY"),
        ({"gender": pl.lit("Q")}, "CODE_UNKNOWN"),
        ({"birth_date": pl.lit(date(2027, 1, 1))}, "BIRTH_DATE_FUTURE"),
    ],
)
def test_a_checked_frame_that_breaks_a_rule_is_a_fault_that_names_no_value(change: dict[str, pl.Expr], rule: str) -> None:
    with pytest.raises(RecoupError) as caught:
        validate(STUDENTS, checked().with_columns(**change), YEAR, LEA)
    assert caught.value.code == "CHECK_DISAGREES"
    assert caught.value.status is Exit.FAULT
    assert rule in str(caught.value)
    assert "Lopez" not in str(caught.value)
    assert "900000001" not in str(caught.value)


@pytest.mark.parametrize("change", [pl.col("birth_date").cast(pl.String), pl.lit(1).alias("extra")])
def test_a_checked_frame_of_another_shape_is_a_fault(change: pl.Expr) -> None:
    with pytest.raises(RecoupError, match="CHECK_DISAGREES"):
        validate(STUDENTS, checked().with_columns(change), YEAR, LEA)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_both_schemas_hold_every_rule_that_refuses(table: object) -> None:
    found = TABLES[table.name]  # type: ignore[attr-defined]
    for schema, text in ((text_schema(found, YEAR, LEA), True), (checked_schema(found, YEAR, LEA), False)):
        told = {check.error for check in schema.checks}
        assert {rule.rule.id for rule in row_rules(found, YEAR, LEA, text=text) if rule.rule.severity == "error"} <= told
