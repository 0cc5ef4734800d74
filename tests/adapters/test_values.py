"""Cell forms: what is read, what is empty, and what is left for the checks to refuse."""

from __future__ import annotations

import polars as pl
import pytest

from recoup.adapters.values import canonical


def made(kind: str, cell: str, *forms: str, serials: bool = False) -> str | None:
    return canonical(pl.Series(["x-other", cell, cell], dtype=pl.String), kind, forms or ("iso", "us", "compact"), serials=serials)[2]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-01-05", "2026-01-05"),
        ("2026-01-05T00:00:00", "2026-01-05"),
        ("2026-01-05 00:00:00.000", "2026-01-05"),
        ("01/05/2026", "2026-01-05"),
        ("1/5/2026", "2026-01-05"),
        ("1/5/2026 12:00:00 AM", "2026-01-05"),
        ("20260105", "2026-01-05"),
        ("0/0/0", None),
        ("0000-00-00", None),
        ("1899-12-30", None),
        ("1900-01-01 00:00:00", None),
        ("1/1/1905", None),
        ("0001-01-01T00:00:00", None),
        ("NULL", None),
        # The month cannot be 13, and it is not the tool's to turn day and month round.
        ("13/01/2026", "13/01/2026"),
        ("09/31/2025", "09/31/2025"),
        ("2026-01-05T16:00:00", "2026-01-05T16:00:00"),
        ("2026105", "2026105"),
        ("0026-01-05", "0026-01-05"),
        ("1/5/26", "1/5/26"),
        ("05-JAN-26", "05-JAN-26"),
        ("46027", "46027"),
        ("soon", "soon"),
    ],
)
def test_dates(cell: str, day: str | None) -> None:
    assert made("date", cell) == day


def test_forms_that_a_feed_must_declare() -> None:
    assert made("date", "1/5/26", "us_short") == "2026-01-05"
    assert made("date", "05-JAN-26", "oracle") == "2026-01-05"
    assert made("date", "01/05/2026", "iso") == "01/05/2026"
    assert made("date", "46027", serials=True) == "2026-01-05"


@pytest.mark.parametrize(
    ("cell", "clock"),
    [
        ("14:30", "14:30"),
        ("8:05", "08:05"),
        ("02:30 PM", "14:30"),
        ("2:30PM", "14:30"),
        ("12:00 AM", "00:00"),
        ("14:30:00", "14:30"),
        ("1899-12-30T14:30:00", "14:30"),
        ("1905-01-01 14:30:00.000", "14:30"),
        ("12/30/1899 2:30:00 PM", "14:30"),
        ("1430", "1430"),
        ("25:00", "25:00"),
    ],
)
def test_times(cell: str, clock: str) -> None:
    assert made("time", cell) == clock


def test_moments_flags_and_whole_numbers() -> None:
    assert made("datetime", "1/5/2026 4:15 PM") == "2026-01-05T16:15:00"
    assert made("datetime", "2026-01-05T16:15:00.123") == "2026-01-05T16:15:00"
    assert [made("bool", cell) for cell in ("1", "-1", "Y", "0", "False", "maybe")] == ["true", "true", "true", "false", "false", "maybe"]
    assert [made("int", cell) for cell in ("007", "-1", "60.0", "60.5", "KN")] == ["7", "-1", "60", "60.5", "KN"]


def test_null_is_a_word_of_databases_and_a_name_of_people() -> None:
    assert made("text", "NULL") is None
    assert made("name", "NULL") == "NULL"
