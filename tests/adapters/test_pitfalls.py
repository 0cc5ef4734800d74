"""Pitfalls of the vendor sheet (section 10), each by its number: the file or answer that shows it, and what the user is told."""

from __future__ import annotations

import json
import tomllib
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from recoup.adapters.aeries_api import ADAPTER as AERIES
from recoup.adapters.powerschool_api import ADAPTER as POWERSCHOOL
from recoup.errors import Exit, RecoupError
from recoup.synthetic.aeries_api import write_aeries_api
from recoup.synthetic.district import make_district
from recoup.synthetic.powerschool_api import write_powerschool_api
from tests.servers import aeries, powerschool
from tests.servers.fetching import asking, beside, fetched, rows
from tests.servers.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recoup.ports import Reading

NOVEMBER = date(2025, 11, 14)


class Vendor:
    """A vendor's server with a district of sixteen students, and what our adapter makes of it."""

    def __init__(self, name: str, folder: Path) -> None:
        source = tomllib.loads((files("recoup.synthetic") / f"{name}.toml").read_text(encoding="utf-8"))["sources"][0]
        self.adapter: Any = {"aeries": AERIES, "powerschool": POWERSCHOOL}[name]
        self.request = asking(source["options"] | ({"schools": ["101", "301"]} if name == "aeries" else {}), source["mapping"])
        server = {"aeries": aeries.Aeries, "powerschool": powerschool.PowerSchool}[name]
        self.system: Any = server(folder / "server")
        self.folder = folder
        self.base = {"aeries": aeries.BASE, "powerschool": ""}[name]
        self.secrets = {
            "aeries": {"token": aeries.CERTIFICATE},
            "powerschool": {"client_id": powerschool.CLIENT, "client_secret": powerschool.SECRET},
        }[name]

    def read(self, until: date = NOVEMBER) -> Reading:
        pages = fetched(self.adapter, self.system, self.base, self.request, until, 25 if self.base else 500, **self.secrets)
        found: Reading = self.adapter.read([*pages, *beside(self.adapter, self.folder / "beside")], self.request)
        return found

    def refusal(self) -> RecoupError:
        with pytest.raises(RecoupError) as caught:
            self.read()
        assert caught.value.status == Exit.SOURCE
        return caught.value

    @contextmanager
    def answer(self, name: str) -> Iterator[list[dict[str, Any]]]:
        """Change what the server has in one of its files."""
        path = self.system.folder / f"{name}.json"
        value = json.loads(path.read_text(encoding="utf-8"))
        yield value
        path.write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture
def sis(tmp_path: Path) -> Iterator[Vendor]:
    write_aeries_api(make_district(students=16), tmp_path)
    vendor = Vendor("aeries", tmp_path)
    with serving(vendor.system):
        yield vendor


@pytest.fixture
def ps(tmp_path: Path) -> Iterator[Vendor]:
    write_powerschool_api(make_district(students=16), tmp_path)
    vendor = Vendor("powerschool", tmp_path)
    with serving(vendor.system):
        yield vendor


def told(reading: Reading) -> dict[str, str]:
    return {finding.code: finding.message for finding in reading.left_out}


def test_pitfall_10_an_exit_date_that_is_the_first_day_out_becomes_the_last_day_in(ps: Vendor) -> None:
    with ps.answer("table/students") as students:
        students[0] |= {"entrydate": "2025-08-13", "exitdate": "2025-10-04"}
    ssid = students[0]["state_studentnumber"]
    found = [row for row in rows(ps.read(), "enrollments") if row["ssid"] == ssid and row["entry_date"] == "2025-08-13"]
    assert [row["exit_date"] for row in found] == ["2025-10-03"]


def test_pitfall_12_a_day_without_a_row_is_a_day_attended(sis: Vendor) -> None:
    for school in ("101", "301"):
        with sis.answer(f"schools/{school}/attendance") as students:
            students.clear()
    reading = sis.read()
    assert rows(reading, "attendance") == []
    assert len(rows(reading, "enrollments")) > 2


def test_pitfall_13_a_present_row_with_a_blank_code_or_the_text_null_is_no_absence(ps: Vendor) -> None:
    before = len(rows(ps.read(), "attendance"))
    with ps.answer("query/org.recoup.attendance.codes") as codes:
        present = next(code for code in codes if code["att_code"] is None and code["yearid"] == "35" and code["schoolid"] == "101")
        present["att_code"] = "Null"
    assert len(rows(ps.read(), "attendance")) == before


def test_pitfall_14_absent_periods_without_an_all_day_code_are_parts_of_a_day_and_said(sis: Vendor) -> None:
    with sis.answer("schools/301/attendance") as students:
        day = {"CalendarDate": "2025-09-09T00:00:00", "AllDayAttendanceCode": ""}
        student = students[0]
        student["AttendanceDays"] = [
            day | {"Classes": [{"Period": str(p), "AttendanceCode": "U", "SectionNumber": 7} for p in range(1, 7)]}
        ]
    reading = sis.read()
    (row,) = (row for row in rows(reading, "attendance") if row["date"] == "2025-09-09" and row["full_day"] == "false")
    assert (row["kind"], row["source_code"]) == ("unexcused", "U")
    assert "they count as parts of a day" in told(reading)["PERIODS_ONLY"]


def test_pitfall_15_a_day_in_several_modes_is_one_absence(ps: Vendor) -> None:
    reading = ps.read(date(2026, 6, 30))
    days = [(row["ssid"], row["school_code"], row["date"]) for row in rows(reading, "attendance")]
    assert len(days) == len(set(days))
    assert "ATT_ModeDaily counts" in told(reading)["SEVERAL_MODES"]


def test_pitfall_16_one_letter_means_what_its_school_says(sis: Vendor) -> None:
    for school, kind in (("101", "2"), ("301", "3")):
        with sis.answer(f"schools/{school}/AbsenceCodes") as codes:
            codes.append({"Code": "q", "Description": "Q", "TypeCode": kind, "IsSuspension": False, "IndependentStudyCode": ""})
        with sis.answer(f"schools/{school}/attendance") as students:
            days = [{"CalendarDate": "2025-09-10T00:00:00", "AllDayAttendanceCode": "q", "Classes": []}]
            students[0]["AttendanceDays"] = days
    found = {row["kind"] for row in rows(sis.read(), "attendance") if row["source_code"] == "q"}
    assert found == {"excused", "unexcused"}


def test_pitfall_17_upper_and_lower_case_are_two_codes_and_a_digit_stays_text(sis: Vendor) -> None:
    with sis.answer("schools/301/AbsenceCodes") as codes:
        for code, kind in (("x", "2"), ("X", "3"), (9, "2")):
            codes.append({"Code": code, "Description": "", "TypeCode": kind, "IsSuspension": False, "IndependentStudyCode": ""})
    with sis.answer("schools/301/attendance") as students:
        students[0]["AttendanceDays"] = [
            {"CalendarDate": f"2025-09-{day:02d}T00:00:00", "AllDayAttendanceCode": code, "Classes": []}
            for day, code in ((9, "x"), (10, "X"), (11, 9))
        ]
    days = {"2025-09-09", "2025-09-10", "2025-09-11"}
    found = [
        (row["source_code"], row["kind"]) for row in rows(sis.read(), "attendance") if row["date"] in days and row["full_day"] == "true"
    ]
    assert {("x", "excused"), ("X", "unexcused"), ("9", "excused")} <= set(found)


def test_pitfall_20_a_number_of_one_school_is_nobody_at_another(sis: Vendor) -> None:
    with sis.answer("schools/101/students") as here, sis.answer("schools/301/students") as there:
        here[0]["StudentNumber"] = there[0]["StudentNumber"] = 77
    with sis.answer("schools/301/attendance") as students:
        days = [{"CalendarDate": "2025-09-10T00:00:00", "AllDayAttendanceCode": "U", "Classes": []}]
        students.append({"StudentID": there[0]["StudentID"], "AttendanceDays": days})
    found = {row["ssid"] for row in rows(sis.read(), "attendance") if (row["date"], row["source_code"]) == ("2025-09-10", "U")}
    assert there[0]["StateStudentID"] in found
    assert here[0]["StateStudentID"] not in found


def test_pitfall_22_a_server_that_answers_for_another_year_is_refused(sis: Vendor) -> None:
    sis.system.year = 2024
    fault = sis.refusal()
    assert fault.code == "AERIES_YEAR"
    assert "answered for the school year 2024-2025, and not for 2025-2026" in str(fault)
    assert not [asked for asked in sis.system.asked if asked.path.endswith("/students")]


def test_pitfall_23_year_totals_that_run_on_to_june_are_not_used_and_said(sis: Vendor) -> None:
    reading = sis.read()
    assert "run on to June. Day rows count" in told(reading)["TOTALS_PROJECTED"]
    assert "reported_totals" not in reading.tables
    assert "TOTALS_PROJECTED" not in told(sis.read(date(2026, 6, 30)))


def test_pitfall_24_the_calendar_day_number_is_never_used(sis: Vendor) -> None:
    before = rows(sis.read(), "calendar")
    for school in ("101", "301"):
        with sis.answer(f"schools/{school}/calendar") as days:
            for day in days:
                day["CalendarDayNumber"] = 132
    assert rows(sis.read(), "calendar") == before


def test_pitfall_25_nothing_is_ever_written_so_a_locked_month_cannot_be_broken(sis: Vendor, ps: Vendor) -> None:
    for vendor in (sis, ps):
        vendor.read()
        wrote = [asked for asked in vendor.system.asked if asked.method != "GET"]
        assert all(asked.path == "/oauth/access_token/" or asked.path.startswith("/ws/schema/query/") for asked in wrote)


def test_pitfall_28_a_field_that_the_plugin_does_not_open_is_named_before_anything_is_fetched(ps: Vendor) -> None:
    ps.system.hidden = frozenset({"exitdate", "grade_level"})
    fault = ps.refusal()
    assert fault.code == "POWERSCHOOL_FIELDS"
    assert "does not open these fields: ExitDate, Grade_Level" in str(fault)
    assert not [asked for asked in ps.system.asked if "projection" in asked.query]


def test_pitfall_29_rows_that_move_between_pages_are_seen_and_a_districts_page_limit_is_kept(ps: Vendor) -> None:
    ps.read()
    assert {asked.query["pagesize"] for asked in ps.system.asked if "pagesize" in asked.query} == {"100"}
    path = ps.system.folder / "metadata.json"
    path.write_text('{"metadata": {"schema_table_query_max_page_size": "7"}}', encoding="utf-8")
    ps.system.moving = "students"
    assert ps.refusal().code in {"HTTP_PAGE_LOOP", "HTTP_COUNT"}
    assert {asked.query["pagesize"] for asked in ps.system.asked[-20:] if "pagesize" in asked.query} == {"7"}


def test_pitfall_29_a_server_that_knows_no_pages_is_not_read_for_ever(sis: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    with sis.answer("schools/101/students") as students:
        students *= 1 + 50 // len(students)
    assert sis.refusal().code == "HTTP_PAGE_LOOP"
