"""Who a row of a sheet is: by number, unless name or birth date speak against it; else only what a person has confirmed."""

from __future__ import annotations

import polars as pl
import pytest

from recoup.checks.people import Identified, identify, key_of
from recoup.ports import PERSON

ANA, LUZ, TWIN, OTHER = "9000000001", "9000000002", "9000000003", "9000000004"
STUDENTS = [
    (ANA, "000123", "Ana", "O’Brien-Peña", "2014-05-02"),
    (LUZ, "000124", "Luz", "Rivera", "2013-01-09"),
    (TWIN, "000125", "Sol", "Rivera", "2013-01-09"),
    (OTHER, "000125", "Max", "Ito", "2012-03-04"),
    (ANA, "000123", "Ana", "O’Brien-Peña", "2014-05-02"),
]
Person = tuple[str | None, str | None, str | None]


def found(*persons: Person, confirmed: dict[str, list[str]] | None = None) -> Identified:
    columns = ("ssid", "local_student_id", "legal_first_name", "legal_last_name", "birth_date")
    students = pl.LazyFrame(STUDENTS, schema=dict.fromkeys(columns, pl.String), orient="row")
    rows = [(f"S{place}", *person, "tool", "f", place + 2) for place, person in enumerate(persons)]
    schema = dict.fromkeys(("session_id", *PERSON, "_source", "_file"), pl.String) | {"_line": pl.Int64}
    visits = pl.LazyFrame(rows, schema=schema, orient="row")
    return identify({"students": students, "participation": visits}, confirmed or {}, {"f": "sheet.csv"})


def outcome(*persons: Person, confirmed: dict[str, list[str]] | None = None) -> str:
    """Return the SSID of the one row, or the code that refuses it."""
    made = found(*persons, confirmed=confirmed)
    assert made.refused is not None
    return str((made.tables["participation"].collect()["ssid"].to_list() + made.refused["code"].to_list())[0])


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (("000123", None, None), ANA),
        (("000123", "ANA OBRIEN PENA", None), ANA),
        (("000123", "Annie Smith", "2014-05-02"), "STUDENT_TO_CONFIRM"),
        (("000123", "Annie Pena", "2014-05-02"), ANA),
        (("000123", "Peña, Ana", "2014-05-03"), "STUDENT_TO_CONFIRM"),
        (("123", None, None), "STUDENT_UNMATCHED"),
        (("123", "Pena O'Brien, Ana", "2014-05-02"), "STUDENT_TO_CONFIRM"),
        ((None, "Ana O'Brien-Pena", "2014-05-02"), "STUDENT_TO_CONFIRM"),
        ((None, "Ana O'Brien-Pena", None), "STUDENT_UNMATCHED"),
        (("000125", None, None), "STUDENT_AMBIGUOUS"),
        ((None, None, None), "STUDENT_UNMATCHED"),
    ],
)
def test_the_number_counts_unless_something_speaks_against_it(person: Person, expected: str) -> None:
    assert outcome(person) == expected


def test_a_wrong_digit_that_leads_to_another_child_asks_about_both() -> None:
    made = found(("000123", "Rivera, Luz", "2013-01-09"))
    assert [(one.why, one.candidate and one.candidate.ssid) for one in made.questions] == [
        ("the number fits, name or birth date do not", ANA),
        ("several students fit", LUZ),
    ]


def test_only_one_confirmed_student_counts() -> None:
    person = (None, "Ana Pena", "2014-05-02")
    key = key_of("tool", *person)
    assert outcome(person, confirmed={key: [ANA]}) == ANA
    assert outcome(person, confirmed={key: [ANA, LUZ]}) == "STUDENT_AMBIGUOUS"
    assert outcome(person, confirmed={key_of("another", *person): [ANA]}) == "STUDENT_UNMATCHED"
    assert outcome(("000124", "Luz Rivera", None), confirmed={key_of("tool", "000124", "Luz Rivera", None): [ANA]}) == LUZ


def test_refused_rows_have_their_line_and_a_row_with_an_ssid_is_left_alone() -> None:
    made = found(("000123", None, None), ("9", "No Body", "2014-05-02"), ("9", "BODY, no", "2014-05-02"))
    assert made.refused is not None
    assert made.refused.select("source", "file", "line", "column", "code").rows() == [
        ("tool", "sheet.csv", line, "local_student_id;name;birth_date", "STUDENT_UNMATCHED") for line in (3, 4)
    ]
    assert len(made.questions) == 1, "one person, however the name is written"
    given = made.tables["participation"].with_columns(*(pl.lit(None, pl.String).alias(name) for name in PERSON))
    again = identify({"participation": given}, {}, {})
    assert again.tables["participation"].collect()["ssid"].to_list() == [ANA]
