"""STAS: the counts of ledger.md 8, CALPADS's own codes, and when the file is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recoup.exporters import calpads_stas, days, layout
from recoup.testing import load_run

CASE = Path(__file__).parents[2] / "fixtures" / "exporters" / "cedar"

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import Export, Run

    More = Callable[..., Run]
    Write = Callable[..., Export]

FILE = "STAS_1964733_2025-2026.txt"
SPAN = {"grade": "05", "enrollment_status": "10", "instruction_mode": "classroom", "absence_exempt": False}
CREDIT = {"absence_kind": "excused", "origin": "applied", "minutes_used": 240, "minimum_schoolday": 240, "paid_elsewhere": False}


def applied(ssid: str, school: str, count: int, since: date = date(2025, 8, 18)) -> list[dict[str, Any]]:
    return [CREDIT | {"ssid": ssid, "absence_school_code": school, "absence_date": since + timedelta(day)} for day in range(count)]


def codes(done: Export) -> dict[str, str]:
    return {finding.code: finding.severity for finding in done.findings}


def row(run: Run, school: str, ssid: str) -> dict[str, Any]:
    return calpads_stas.rows(run).filter(pl.col("school_code") == school, pl.col("ssid") == ssid).row(0, named=True)


def test_eleven_days_at_one_school_withhold_the_file(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    done = export(more(cedar, "credits", *applied("9000000009", "6102223", 11)), "calpads_stas")
    assert {"STAS0739", "STAS0740E1", "AR_OVER_ABSENCES"} <= codes(done).keys()
    assert done.withheld.startswith(f"{FILE}: ")
    assert not (tmp_path / FILE).exists()
    # The charter is an LEA of its own: its file is written.
    assert (tmp_path / "STAS_6102230_2025-2026.txt").exists()
    told = next(finding for finding in done.findings if finding.code == "STAS0740E1")
    assert "students.csv line 10" in told.message
    assert "9000000009" not in "".join(finding.message for finding in done.findings)


def test_seven_and_four_over_two_schools_are_too_many_for_the_lea(cedar: Run, more: More, export: Write) -> None:
    run = more(cedar, "credits", *applied("9000000003", "6102222", 6), *applied("9000000003", "6102223", 3, date(2025, 9, 2)))
    done = export(run, "calpads_stas")
    assert "STAS0740E1" in codes(done)
    assert "STAS0739" not in codes(done)


def test_a_credit_without_a_row_withholds_the_file(cedar: Run, more: More, export: Write) -> None:
    for ssid, school in (("9000000001", "6102223"), ("9000000006", "6102247"), ("9000000002", "6102223")):
        done = export(more(cedar, "credits", *applied(ssid, school, 1)), "calpads_stas")
        assert "AR_NO_ROW" in codes(done), (ssid, school)
        assert FILE in done.withheld


def test_a_credit_at_an_hourly_school_counts_in_the_cap_and_holds_nothing_back(cedar: Run, more: More, export: Write) -> None:
    absent = {"school_code": "1930015", "ssid": "9000000007", "kind": "excused", "full_day": True, "date": date(2025, 8, 19)}
    done = export(more(more(cedar, "attendance", absent), "credits", *applied("9000000007", "1930015", 1)), "calpads_stas")
    assert done.withheld == ""
    done = export(more(cedar, "credits", *applied("9000000007", "1930015", 11)), "calpads_stas")
    assert "STAS0740E1" in codes(done)


@pytest.mark.parametrize(
    ("table", "code", "severity", "held"),
    [
        ("attendance", "KIND_UNKNOWN", "error", True),
        ("calendar", "DATE", "error", True),
        ("students", "SSID_FORMAT", "error", True),
        ("enrollments", "PARENT_REFUSED", "error", True),
        ("attendance", "DUPLICATE_SAME", "error", False),
        ("attendance", "REPLACED", "info", False),
        ("participation", "MINUTES", "error", False),
    ],
)
def test_a_refused_day_is_unknown(cedar: Run, export: Write, table: str, code: str, severity: str, held: bool) -> None:
    refused = {"source": "sis", "file": f"{table}.csv", "line": 12, "table": table, "code": code, "severity": severity}
    grown = pl.concat([cedar.quarantine, pl.DataFrame([refused])], how="diagonal")
    done = export(replace(cedar, quarantine=grown), "calpads_stas")
    assert ("UNKNOWN_DAYS" in done.withheld) == held
    if held:
        assert f"{table}.csv line 12" in next(finding.message for finding in done.findings if finding.code == "UNKNOWN_DAYS")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"local_student_id": "000"}, "GERR0001"),
        ({"birth_date": None}, "GERR0001"),
        ({"legal_last_name": "_*_"}, "GERR0001"),
        ({"gender": "Q"}, "GERR0002"),
        ({"legal_first_name": "A" * 31}, "FRMT0001"),
        ({"local_student_id": "12^3"}, "FRMT0004"),
    ],
)
def test_what_calpads_would_refuse_is_found_here_first(cedar: Run, export: Write, change: dict[str, Any], code: str) -> None:
    frame = cedar.tables["students"]
    first = pl.col("ssid") == "9000000001"
    bad = frame.with_columns(
        pl.when(first).then(pl.lit(value, frame.schema[name])).otherwise(name).alias(name) for name, value in change.items()
    )
    done = export(replace(cedar, tables={**cedar.tables, "students": bad}), "calpads_stas")
    assert code in done.withheld
    assert "students.csv line 2" in next(finding.message for finding in done.findings if finding.code == code)


def test_immunization_absences_are_a_warning_only(cedar: Run, export: Write) -> None:
    frame = cedar.tables["attendance"].with_columns(
        pl.when(pl.col("ssid") == "9000000003").then(pl.lit("immunization")).alias("not_recoverable")
    )
    done = export(replace(cedar, tables={**cedar.tables, "attendance": frame}), "calpads_stas")
    assert codes(done)["AR_OVER_RECOVERABLE"] == "warn"
    assert done.withheld == ""


def test_more_expected_days_than_enrolled_ones_is_certs_warning(cedar: Run, more: More) -> None:
    counted = row(
        more(cedar, "enrollments", SPAN | {"ssid": "9000000009", "school_code": "6102222", "entry_date": date(2025, 9, 2)}),
        "6102222",
        "9000000009",
    )
    # September 2 to May 15, where CALPADS lets an open enrollment end.
    assert counted["enrolled_days"] == 256
    assert counted["expected"] == 9


def test_counts_stop_at_as_of_and_at_the_span(cedar: Run) -> None:
    early = replace(cedar, as_of=date(2025, 8, 22))
    assert row(early, "6102222", "9000000001")["expected"] == 5
    assert row(early, "6102222", "9000000001")["excused"] == 2
    assert calpads_stas.rows(replace(cedar, as_of=date(2025, 8, 29))).filter(pl.col("ssid") == "9000000003").height == 1


def test_overlapping_spans_at_a_school_count_each_day_once(cedar: Run, more: More) -> None:
    again = SPAN | {"ssid": "9000000001", "school_code": "6102222", "entry_date": date(2025, 8, 25)}
    assert row(more(cedar, "enrollments", again), "6102222", "9000000001")["expected"] == 19


def test_exempt_only_when_every_span_at_the_school_is(cedar: Run, more: More) -> None:
    again = SPAN | {"ssid": "9000000002", "school_code": "6102223", "entry_date": date(2025, 9, 8), "grade": "08"}
    told = row(more(cedar, "enrollments", again), "6102223", "9000000002")
    assert (told["exempt"], told["expected"]) == (False, 19)


def test_the_most_specific_calendar_row_wins() -> None:
    day = date(2025, 9, 2)
    calendar = pl.DataFrame(
        [
            {"school_code": "1", "date": day, "is_instructional": True, "track": None, "grades": None},
            {"school_code": "1", "date": day, "is_instructional": False, "track": None, "grades": "TK;KN"},
            {"school_code": "1", "date": day, "is_instructional": False, "track": "A", "grades": None},
            {"school_code": "1", "date": day, "is_instructional": True, "track": "A", "grades": "KN"},
        ]
    )
    groups = pl.DataFrame([("1", track, grade) for track in ("", "A") for grade in ("KN", "05")], days.GROUP, orient="row")
    taught = days.taught_days(calendar, groups)
    assert sorted(taught.select("track", "grade").rows()) == [("", "05"), ("A", "KN")]


def test_of_two_calendar_rows_with_grades_the_one_with_fewer_wins_as_in_the_ledger() -> None:
    day = date(2025, 9, 2)
    told = [("04;05;06", False), ("05;06", True), ("06;07", False), ("07;08", True)]
    calendar = pl.DataFrame(
        [{"school_code": "1", "date": day, "is_instructional": taught, "track": None, "grades": grades} for grades, taught in told]
    )
    groups = pl.DataFrame([("1", "", grade) for grade in ("04", "05", "06", "07", "08")], days.GROUP, orient="row")
    assert days.taught_days(calendar, groups)["grade"].sort().to_list() == ["05", "06", "08"]


def test_a_year_without_its_own_layout_says_so(cedar: Run, export: Write) -> None:
    year = replace(cedar.year, name="2026-2027")
    assert codes(export(replace(cedar, year=year), "calpads_stas"))["LAYOUT_ASSUMED"] == "warn"


def test_the_written_file_ties_to_the_applied(cedar: Run, export: Write, tmp_path: Path) -> None:
    files = export(cedar, "calpads_stas").files
    read = [layout.read(tmp_path / file.name, layout.load("stas", "2025-2026"), calpads_stas.DIALECT) for file in files]
    assert pl.concat(read)["recovery_days"].cast(pl.Int64).sum() == cedar.results["credits"].height


# --- ledger.md section 8 read plainly, day by day, against the same words in Polars ------------------------

FIRST = date(2025, 8, 18)
SCHOOLS = ("6102222", "6102223")
spans = st.lists(
    st.fixed_dictionaries(
        {
            "school_code": st.sampled_from(SCHOOLS),
            "entry_date": st.integers(0, 25).map(lambda day: FIRST + timedelta(day)),
            "days": st.none() | st.integers(0, 20),
            "enrollment_status": st.sampled_from(["10", "10", "20", "30"]),
            "grade": st.sampled_from(["KN", "05"]),
        }
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda span: (span["school_code"], span["entry_date"]),
)


KINDS = ("excused", "unexcused", "suspension_out", "suspension_in", "independent_study_ada", "independent_study_non_ada")
absences = st.lists(
    st.fixed_dictionaries(
        {
            "school_code": st.sampled_from(SCHOOLS),
            "date": st.integers(0, 45).map(lambda day: FIRST + timedelta(day)),
            "kind": st.sampled_from(KINDS),
            "full_day": st.booleans(),
        }
    ),
    max_size=12,
    unique_by=lambda row: (row["school_code"], row["date"]),
)


def plain_days(calendar: pl.DataFrame, enrolled: list[dict[str, Any]], school: str, as_of: date) -> set[date]:
    taught: dict[tuple[str, date, str], bool] = {}
    for grade in ("KN", "05"):
        for one, day, instructional, grades in calendar.select("school_code", "date", "is_instructional", "grades").rows():
            if grades and grade in grades.split(";"):
                taught[one, day, grade] = instructional
            elif not grades:
                taught.setdefault((one, day, grade), instructional)

    def holds(span: dict[str, Any], day: date) -> bool:
        return span["enrollment_status"] in ("10", "30") and span["entry_date"] <= day <= (span["exit_date"] or day)

    counted = set()
    for offset in range((as_of - FIRST).days + 1):
        day = FIRST + timedelta(offset)
        holding = [span for span in enrolled if holds(span, day)]
        here = [span for span in holding if span["school_code"] == school]
        here.sort(key=lambda span: (span["enrollment_status"] != "30", -span["entry_date"].toordinal()))
        elsewhere = any(span["enrollment_status"] == "30" and span["school_code"] != school for span in holding)
        if here and (here[0]["enrollment_status"] == "30" or not elsewhere) and taught.get((school, day, here[0]["grade"])):
            counted.add(day)
    return counted


@settings(max_examples=60, deadline=None)
@given(drawn=spans, absent=absences)
def test_days_are_those_of_a_plain_reading(drawn: list[dict[str, Any]], absent: list[dict[str, Any]]) -> None:
    base = load_run(CASE)
    for span in drawn:
        span["exit_date"] = None if span["days"] is None else span["entry_date"] + timedelta(span["days"])

    def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
        schema = base.tables[name].schema
        return pl.DataFrame([{column: ({"ssid": "9000000001"} | row).get(column) for column in schema} for row in rows], schema=schema)

    changed = {"enrollments": table("enrollments", drawn), "attendance": table("attendance", absent)}
    counted = calpads_stas.rows(replace(base, tables={**base.tables, **changed}))
    for school in SCHOOLS:
        days_here = plain_days(base.tables["calendar"], drawn, school, base.as_of)
        gone = [row["kind"] for row in absent if row["full_day"] and row["school_code"] == school and row["date"] in days_here]
        wanted = {"expected": len(days_here), **{kind: gone.count(kind) for kind in KINDS}, "attended": len(days_here) - len(gone)}
        found = counted.filter(pl.col("school_code") == school).select(wanted.keys())
        assert (found.row(0, named=True) if found.height else dict.fromkeys(wanted, 0)) == wanted


@pytest.mark.parametrize("district", ["1964733", "1964999"], ids=["the same LEA", "another LEA"])
def test_a_short_term_span_takes_its_days_whichever_lea_has_it(cedar: Run, more: More, district: str) -> None:
    """Two weeks at a county office's school are not days attended at the district's, nor is an absence on one of them its absence."""
    code = (
        pl.when(pl.col("school_code") == "6102223").then(pl.lit(district)).otherwise("county_district_code").alias("county_district_code")
    )
    run = replace(cedar, tables={**cedar.tables, "schools": cedar.tables["schools"].with_columns(code)})
    primary, first, last = "6102222", date(2025, 9, 1), date(2025, 9, 12)
    ssid = "9000000001"
    days = run.tables["calendar"].filter(
        pl.col("school_code") == primary, pl.col("is_instructional"), pl.col("date").is_between(first, last)
    )
    absent = {"ssid": ssid, "school_code": primary, "date": days["date"][0], "kind": "excused", "full_day": True, "source_code": "E"}
    run = more(run, "attendance", absent)

    def counts(one: Run) -> dict[str, int]:
        mine = (pl.col("ssid") == ssid) & (pl.col("school_code") == primary)
        return calpads_stas.rows(one).filter(mine).select("expected", "excused").row(0, named=True)

    span = {"ssid": ssid, "school_code": "6102223", "entry_date": first, "exit_date": last, "grade": "05", "enrollment_status": "30",
            "instruction_mode": "classroom"}  # fmt: skip
    before, after = counts(run), counts(more(run, "enrollments", span))
    assert {name: before[name] - after[name] for name in before} == {"expected": days.height, "excused": 1}
    assert days.height
