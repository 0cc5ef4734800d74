"""Pitfalls of the vendor sheet (section 10) that files show, each by its number: the file, and what the user is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from recoup.adapters import registry
from recoup.adapters.values import canonical
from recoup.conformance import request_of
from recoup.errors import RecoupError
from tests.adapters.test_conformance import TestTemplate as Template

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import RawFile, Reading

    Files = Callable[..., Reading]

HEAD = "Student_ID,Site,Date,Code\n"


@pytest.fixture
def read(raw: Callable[..., RawFile]) -> Files:
    """Read the template's small district with some of its files changed; what is told of it is in ``refused`` and ``left_out``."""
    adapter = registry.get(Template.adapter)

    def reading(**changed: bytes | str) -> Reading:
        plain = {path.stem: path.read_bytes() for path in sorted(Template.fixtures.iterdir())}
        given = [raw(f"{name}.csv", content) for name, content in (plain | changed).items()]
        return adapter.read(given, request_of(Template.fixtures))

    return reading


def column(reading: Reading, table: str, name: str) -> list[str | None]:
    return reading.tables[table].collect()[name].to_list()


def fixture(name: str) -> str:
    return (Template.fixtures / f"{name}.csv").read_text(encoding="utf-8")


def codes(reading: Reading) -> list[str]:
    return reading.refused["code"].to_list()


def test_pitfall_01_leading_zeros_stay_and_a_shortened_number_is_refused(read: Files) -> None:
    reading = read()
    assert column(reading, "students", "local_student_id") == ["000123", "000124"]
    reading = read(absences=HEAD + "1.23E+05,12,10/06/2025,X\n")
    (row,) = reading.refused.to_dicts()
    assert (row["code"], row["line"]) == ("ID_SCIENTIFIC", 2)
    assert "spreadsheet" in row["message"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_pitfall_02_and_03_a_byte_order_mark_is_no_part_of_the_first_header(encoding: str, read: Files) -> None:
    reading = read(pupils=fixture("pupils").encode(encoding), absences=fixture("absences").replace(",", "\t").encode(encoding))
    assert column(reading, "students", "legal_last_name") == ["Nguyen", "Reyes"]
    assert len(column(reading, "attendance", "ssid")) == 2


def test_pitfall_04_windows_1252_is_read_and_said(read: Files) -> None:
    reading = read(pupils=fixture("pupils").replace("Nguyen", "Peña").encode("cp1252"))
    assert column(reading, "students", "legal_last_name") == ["Peña", "Reyes"]
    (note,) = [finding for finding in reading.left_out if finding.code == "ENCODING_1252"]
    assert (note.rows, note.severity) == (1, "warn")


@pytest.mark.parametrize("mark", ["\t", "|", ";", "^"])
@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_pitfall_05_any_delimiter_and_line_end(mark: str, end: str, read: Files) -> None:
    text = fixture("absences").replace(",", mark).replace("\n", end)
    assert column(read(absences=text), "attendance", "source_code") == ["X", "XS"]


def test_pitfall_06_a_line_break_in_quotes_is_read_and_a_stray_delimiter_is_refused(read: Files) -> None:
    events = fixture("events").replace("binder 3", '"binder 3,\nback page"')
    assert column(read(events=events), "participation", "evidence_ref")[0] == "binder 3,\nback page"
    reading = read(absences=HEAD + "000123,12,10/06/2025,X,a note, unquoted\n000124,12,10/06/2025,X\n")
    assert codes(reading) == ["ROW_RAGGED"]
    assert column(reading, "attendance", "ssid") == ["9000000034"]


def test_pitfall_07_of_a_repeated_header_the_first_counts_and_it_is_said(read: Files) -> None:
    reading = read(absences="Student_ID,Site,Date,Code,Code\n000123,12,10/06/2025,X,U\n")
    assert column(reading, "attendance", "kind") == ["excused"]
    assert "HEADER_REPEATED" in {finding.code for finding in reading.left_out}


@pytest.mark.parametrize("prefix", ["absences.", "absences_", "[absences]", "[01]", "detail."])
def test_pitfall_08_headers_may_carry_the_table(prefix: str, read: Files) -> None:
    text = ",".join(prefix + name for name in HEAD.strip().split(",")) + "\n000123,12,10/06/2025,X\n"
    assert column(read(absences=text), "attendance", "kind") == ["excused"]


def test_pitfall_09_dates_have_the_forms_of_their_feed_and_no_other(read: Files) -> None:
    days = ["10/06/2025", "10/6/2025", "2025-10-06", "2025-10-06 00:00:00", "0/0/0", "06-OCT-25", "13/06/2025"]
    reading = read(absences=HEAD + "".join(f"000123,12,{day},X\n" for day in days))
    assert column(reading, "attendance", "date") == ["2025-10-06"] * 4 + [None, "06-OCT-25", "13/06/2025"]


def test_pitfall_10_the_first_day_out_becomes_the_last_day_in(read: Files) -> None:
    assert column(read(), "enrollments", "exit_date") == [None, "2025-10-07"]


def test_pitfall_16_a_code_means_what_its_school_and_year_say(raw: Callable[..., RawFile]) -> None:
    adapter, told = registry.get(Template.adapter), request_of(Template.fixtures)
    files = [raw(path.name, path.read_bytes()) for path in sorted(Template.fixtures.iterdir())]
    crosswalk = (
        "list,school,year,code,means\nabsence,12,2025-2026,X,unexcused\nabsence,12,2024-2025,X,suspension_out\nabsence,13,,X,present\n"
    )
    reading = adapter.read([*files, raw("crosswalk.csv", crosswalk)], told)
    assert column(reading, "attendance", "kind")[0] == "unexcused"


def test_pitfall_17_codes_differ_by_case_and_zero_is_not_the_letter(read: Files) -> None:
    reading = read(absences=HEAD + "000123,12,10/06/2025,X\n000123,12,10/07/2025,x\n000123,12,10/08/2025,0\n")
    assert column(reading, "attendance", "source_code") == ["X"]
    assert reading.refused["value"].to_list() == ["x", "0"]


@pytest.mark.parametrize("grade", ["-1", "13", "UE", "AD"])
def test_pitfall_19_a_grade_that_nobody_has_explained_is_refused(grade: str, read: Files) -> None:
    reading = read(pupils=fixture("pupils").replace(",4,P,C", f",{grade},P,C"))
    (row,) = [row for row in reading.refused.to_dicts() if row["table"] == "enrollments"]
    assert (row["code"], row["value"]) == ("CODE_UNMAPPED", grade)
    assert "codes.grade" in row["mend"]
    assert column(reading, "enrollments", "grade") == ["KN"]


def test_pitfall_20_a_number_that_two_students_have_leads_to_neither(read: Files) -> None:
    reading = read(pupils=fixture("pupils").replace("000124", "000123"))
    assert "STUDENT_UNKNOWN" in codes(reading)
    assert column(reading, "attendance", "ssid") == []


def test_pitfall_31_a_session_told_twice_is_one_session_and_the_visit_is_left_to_the_checks(read: Files) -> None:
    text = fixture("events")
    reading = read(events=text + text.splitlines(keepends=True)[1])
    assert len(column(reading, "sessions", "session_id")) == 1
    assert len(column(reading, "participation", "session_id")) == 3


@pytest.mark.parametrize(
    ("hours", "minutes"), [("1:30", "90"), ("1.5", "90"), ("1.33", "80"), ("2", "120"), ("0:59", "59"), ("1:75", "1:75")]
)
def test_pitfall_32_hours_become_whole_minutes(hours: str, minutes: str, read: Files) -> None:
    assert column(read(events=fixture("events").replace("3:00,8:58", f"{hours},8:58")), "participation", "minutes")[0] == minutes


def test_pitfall_33_time_of_other_programs_is_left_out_and_counted(read: Files) -> None:
    reading = read()
    assert column(reading, "sessions", "program_name") == ["Saturday Academy"]
    (note,) = [finding for finding in reading.left_out if finding.code == "LEFT_BY_RULE"]
    assert (note.rows, note.message) == (1, "events: 1 rows left out: programs that are not attendance recovery (Program)")


def test_no_message_holds_a_value(read: Files) -> None:
    with pytest.raises(RecoupError) as caught:
        read(pupils="000123,9000000017,Nguyen,Mai\n000124,9000000034,Reyes,Diego\n")
    assert "Nguyen" not in str(caught.value)


OFFSET = ("iso", "offset")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2025-08-18", "2025-08-18"),
        ("2025-08-18T07:00:00.000Z", "2025-08-18"),  # midnight in summer
        ("2026-01-05T08:00:00Z", "2026-01-05"),  # midnight in winter
        ("2025-11-02T07:00:00Z", "2025-11-02"),  # the day on which the clocks go back begins in summer time
        ("2025-11-03T08:00:00Z", "2025-11-03"),
        ("2026-03-08T08:00:00Z", "2026-03-08"),  # the day on which they go forward begins in winter time
        ("2026-03-09T07:00:00Z", "2026-03-09"),
        ("2025-08-18T00:00:00.000Z", "2025-08-18"),  # a day that a program has written out as a time
        ("2025-08-18T00:00:00-07:00", "2025-08-18"),
        ("2025-11-03T07:00:00Z", "2025-11-03T07:00:00Z"),  # 23:00 of the day before: no date, and not guessed to be one
        ("2025-08-18T23:30:00Z", "2025-08-18T23:30:00Z"),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_pitfall_11_a_day_told_as_a_moment_in_utc_is_the_local_day(written: str, day: str | None) -> None:
    assert canonical(pl.Series([written]), "date", OFFSET, serials=False).to_list() == [day]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2025-10-07T22:30:00Z", "2025-10-07T15:30:00"),  # summer time
        ("2026-01-06T23:30:00.000Z", "2026-01-06T15:30:00"),  # winter time
        ("2025-11-02T08:30:00Z", "2025-11-02T01:30:00"),  # the hour that comes twice: first in summer time
        ("2025-11-02T09:30:00Z", "2025-11-02T01:30:00"),  # and again in winter time
        ("2026-03-08T10:00:00Z", "2026-03-08T03:00:00"),  # the hour from two to three does not come
        ("2026-01-07T01:00:00+02:00", "2026-01-06T15:00:00"),
        ("2025-10-07T15:30:00", "2025-10-07T15:30:00"),  # no offset: the wall's clock, as it stands
    ],
)
def test_pitfall_11_only_a_moment_with_an_offset_is_converted(written: str, moment: str) -> None:
    assert canonical(pl.Series([written]), "datetime", OFFSET, serials=False).to_list() == [moment]
