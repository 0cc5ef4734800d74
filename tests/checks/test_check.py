"""Each rule by a case a person can read: what stands in the file, and what the quarantine says of it."""

from __future__ import annotations

import random
from datetime import date, datetime
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import polars as pl
import pytest

from recoup.errors import Exit, RecoupError
from recoup.ports import LINEAGE, QUARANTINE, Finding, SchoolYear
from recoup.schemas import RULES, TABLES, frame_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.checks.conftest import District


def test_clean_tables_leave_typed_and_whole(district: District) -> None:
    done = district.check()
    assert done.quarantine.is_empty()
    assert tuple(done.quarantine.columns) == QUARANTINE
    assert not done.findings
    assert {name: dict(frame.schema) for name, frame in done.tables.items()} == {
        name: frame_schema(table) for name, table in TABLES.items()
    }
    row = done.tables["participation"].row(1, named=True)
    assert row["sign_in"] == 9 * 60
    assert row["verified_at"] == datetime(2025, 9, 13, 14, 0, 30)  # noqa: DTZ001 - local time without an offset
    assert [row[name] for name in LINEAGE] == ["sis", "sha-participation", 3]
    assert done.tables["participation"]["verified_at"][0] == datetime(2025, 9, 13, 14, 0)  # noqa: DTZ001
    assert done.tables["enrollments"]["exit_date"].to_list() == [None, date(2026, 6, 5)]


def test_what_no_source_had_is_absent_and_still_there_as_nulls(district: District) -> None:
    done = district.check()
    assert ("staff", "") in done.absent
    assert ("calendar", "track") in done.absent
    assert ("calendar", "day_start") not in done.absent
    assert done.tables["staff"].is_empty()
    assert done.tables["calendar"]["track"].to_list() == [None]


CELLS = [
    ("students", "9.0E+09,000003,Ada,Ng,2014-01-01,F", "ssid", "ID_SCIENTIFIC"),
    ("students", "9000000003.0,000003,Ada,Ng,2014-01-01,F", "ssid", "ID_DECIMAL"),
    ("students", "900000003,000003,Ada,Ng,2014-01-01,F", "ssid", "ID_ZERO_LOST"),
    ("students", "90000000O3,000003,Ada,Ng,2014-01-01,F", "ssid", "SSID_FORMAT"),
    ("students", ",000003,Ada,Ng,2014-01-01,F", "ssid", "REQUIRED_EMPTY"),
    ("students", "9000000003,1.2E+11,Ada,Ng,2014-01-01,F", "local_student_id", "ID_SCIENTIFIC"),
    ("students", "9000000003,1234567890123456,Ada,Ng,2014-01-01,F", "local_student_id", "TOO_LONG"),
    ("students", "9000000003,000003,Ada,Ng,2014-02-30,F", "birth_date", "DATE_INVALID"),
    ("students", "9000000003,000003,Ada,Ng,2014-2-3,F", "birth_date", "DATE_INVALID"),
    ("students", "9000000003,000003,Ada,Ng,41640,F", "birth_date", "DATE_SERIAL"),
    ("students", "9000000003,000003,Ada,Ng,2026-07-01,F", "birth_date", "BIRTH_DATE_FUTURE"),
    ("students", "9000000003,000003,Ada,Ng,2014-01-01,f", "gender", "CODE_UNKNOWN"),
    ("schools", "601001,Oak,high,1964733,2", "school_code", "ID_ZERO_LOST"),
    ("schools", "19647336010012,Oak,high,1964733,2", "school_code", "SCHOOL_CODE_FORMAT"),
    ("schools", "6010012,Oak,high,19-64733,2", "county_district_code", "COUNTY_DISTRICT_FORMAT"),
    ("schools", "6010012,Oak,lyceum,1964733,2", "school_type", "CODE_UNKNOWN"),
    ("calendar", "6010000,2025-06-30,true,08:00,14:30", "date", "DATE_OUTSIDE_YEAR"),
    ("calendar", "6010000,2025-09-09,yes,08:00,14:30", "is_instructional", "BOOL_INVALID"),
    ("calendar", "6010000,2025-09-09,,08:00,14:30", "is_instructional", "REQUIRED_EMPTY"),
    ("calendar", "6010000,2025-09-09,true,8:00 AM,14:30", "day_start", "TIME_INVALID"),
    ("calendar", "6010000,2025-09-09,true,08:00,24:00", "day_end", "TIME_INVALID"),
    ("calendar", "6010000,2025-09-09,true,14:30,08:00", "day_end", "DAY_REVERSED"),
    ("enrollments", "9000000001,6010000,2025-09-08,,5,10,classroom", "grade", "GRADE_UNKNOWN"),
    ("enrollments", "9000000001,6010000,2025-09-08,2025-09-01,05,10,classroom", "exit_date", "SPAN_REVERSED"),
    ("enrollments", "9000000001,6010000,2025-09-08,,05,11,classroom", "enrollment_status", "CODE_UNKNOWN"),
    ("attendance", "9000000002,6010000,2026-07-01,excused,true,A,", "date", "DATE_OUTSIDE_YEAR"),
    ("attendance", "9000000002,6010000,2025-09-08,tardy,true,A,", "kind", "CODE_UNKNOWN"),
    ("attendance", "9000000003,6010000,2025-09-08,excused,true,A,", "ssid", "REF_MISSING"),
    ("sessions", "S2,AR,6010000,2025-09-14,09:00,,0", "end_time", "REQUIRED_EMPTY"),
    ("sessions", "S2,AR,6010000,2025-09-14,09:00,10:00,half", "break_minutes", "INT_INVALID"),
    ("participation", "S1,9000000001,60.0,,,T1,,", "minutes", "INT_INVALID"),
    ("participation", "S1,9000000001,-60,,,T1,,", "minutes", "NUMBER_NEGATIVE"),
    ("participation", "S1,9000000001,,09:00,,T1,,", "minutes", "MINUTES_AND_TIMES_EMPTY"),
    ("participation", "S1,9000000001,60,,,T1,2025-09-13T14:00Z,", "verified_at", "DATE_TIME_INVALID"),
    ("participation", "S9,9000000001,60,,,T1,,", "session_id", "REF_MISSING"),
]


@pytest.mark.parametrize(("table", "row", "column", "code"), CELLS, ids=lambda text: text if text in RULES else "")
def test_a_bad_cell_is_refused_with_its_rule(district: District, table: str, row: str, column: str, code: str) -> None:
    keep_first = {"participation": ["S1,9000000002,240,09:00,13:30,T1,2025-09-13T14:00:30,"]}
    done = (district.put(table, *keep_first[table], row) if table in keep_first else district.add(table, row)).check()
    lines = done.quarantine.filter(table=table)
    assert lines.select("table", "column", "code", "severity").rows() == [(table, column, code, "error")]
    line = lines.row(0, named=True)
    header = dict(zip(district.tables[table].collect_schema().names()[1:], row.split(","), strict=False))
    assert line["value"] == header[column]
    assert line["file"] == f"{table}.csv"
    assert done.tables[table].filter(_line=line["line"]).is_empty()
    if len(header[column]) > 2:
        assert header[column] not in line["message"] + line["mend"]


def test_every_failed_check_of_a_row_has_its_own_line(district: District) -> None:
    told = district.add("students", "9E+9,000003,,Ng,2014-13-01,q").told()
    assert told == {
        ("students", 4, "ssid", "ID_SCIENTIFIC"),
        ("students", 4, "legal_first_name", "STATE_FIELD_EMPTY"),
        ("students", 4, "birth_date", "DATE_INVALID"),
        ("students", 4, "gender", "CODE_UNKNOWN"),
    }


def test_a_name_that_only_the_state_needs_does_not_cost_a_child_its_time(district: District) -> None:
    done = district.put("students", "9000000001,000001,,Lopez,2014-03-11,F", "9000000002,000002,Li,Nguyen,2015-05-02,X").check()
    assert done.quarantine.select("column", "code", "severity").rows() == [("legal_first_name", "STATE_FIELD_EMPTY", "warn")]
    assert done.tables["students"].height == 2
    assert done.tables["participation"].height == 2


@pytest.mark.parametrize(("birth", "warned"), [("1900-01-01", True), ("2024-05-01", True), ("2002-07-01", True), ("2021-09-01", False)])
def test_an_unlikely_age_is_a_warning(district: District, birth: str, warned: bool) -> None:
    told = district.add("students", f"9000000003,000003,Ada,Ng,{birth},F").told()
    assert told == ({("students", 4, "birth_date", "BIRTH_DATE_UNLIKELY")} if warned else set())


def test_grades_of_a_calendar_row_are_a_list_of_grades(district: District) -> None:
    header = "school_code,date,is_instructional,day_start,day_end,grades"
    rows = ("6010000,2025-09-08,true,08:00,14:30,TK;KN", "6010000,2025-09-08,true,08:00,14:30,01;2", "6010000,2025-09-08,true,08:00,14:30,")
    assert district.put("calendar", *rows, header=header).told() == {("calendar", 3, "grades", "GRADE_UNKNOWN")}


def test_an_enrollment_that_only_touches_the_year_is_in_order_and_one_outside_is_kept_and_told(district: District) -> None:
    done = district.add(
        "enrollments",
        "9000000001,6010000,2024-08-15,2025-07-01,04,10,classroom",
        "9000000001,6010000,2023-08-15,2024-06-01,03,10,classroom",
    ).check()
    assert done.quarantine.is_empty()
    assert done.tables["enrollments"].height == 4
    assert [(finding.code, finding.rows) for finding in done.findings] == [("SPAN_OUTSIDE_YEAR", 1)]


def test_a_student_who_never_came_may_have_left_before_the_first_day(district: District) -> None:
    header = "ssid,school_code,entry_date,exit_date,grade,enrollment_status,instruction_mode,exit_reason"
    district.put("enrollments", "9000000001,6010000,2025-08-18,2025-08-17,05,10,classroom,N470", header=header)
    assert district.told() == set()


def test_sessions_of_another_year_or_over_midnight_are_the_ledgers_to_hold(district: District) -> None:
    told = district.add("sessions", "S2,AR,6010000,2024-09-14,09:00,10:00,0", "S3,AR,6010000,2025-09-14,23:00,01:00,0").told()
    assert told == set()


def test_empty_minutes_are_the_time_between_less_the_break_and_marked(district: District) -> None:
    done = district.put("participation", "S1,9000000001,,09:00,12:00,T1,,", "S1,9000000002,,09:00,09:20,T1,,").check()
    assert done.tables["participation"]["minutes"].to_list() == [150, 0]
    assert done.quarantine.select("line", "code", "severity").rows() == [(2, "MINUTES_DERIVED", "info"), (3, "MINUTES_DERIVED", "info")]


def test_times_that_run_backward_give_no_minutes_but_do_not_undo_given_ones(district: District) -> None:
    done = district.put("participation", "S1,9000000001,,13:00,12:00,T1,,", "S1,9000000002,60,13:00,12:00,T1,,").check()
    assert done.quarantine.select("line", "code", "severity").rows() == [
        (2, "MINUTES_NOT_DERIVABLE", "error"),
        (2, "SIGN_REVERSED", "warn"),
        (3, "SIGN_REVERSED", "warn"),
    ]
    assert done.tables["participation"]["ssid"].to_list() == ["9000000002"]


def test_of_exact_duplicates_the_first_is_kept(district: District) -> None:
    row = "9000000001,6010000,2025-09-08,excused,true,A,"
    done = district.add("attendance", row, row).check()
    assert done.tables["attendance"]["_line"].to_list() == [2]
    assert done.quarantine.select("line", "code", "column", "value").rows() == [
        (3, "DUPLICATE_SAME", "ssid;school_code;date", "9000000001;6010000;2025-09-08"),
        (4, "DUPLICATE_SAME", "ssid;school_code;date", "9000000001;6010000;2025-09-08"),
    ]
    assert "attendance.csv, line 2" in done.quarantine["message"][0]


def test_rows_of_one_key_that_differ_are_all_refused_each_pointing_to_another(district: District) -> None:
    other = "9000000001,6010000,2025-09-08,unexcused,true,A,"
    done = district.add("attendance", "9000000001,6010000,2025-09-08,excused,true,A,", other).check()
    assert done.tables["attendance"].is_empty()
    assert done.quarantine.select("line", "code").rows() == [(2, "KEY_CONFLICT"), (3, "KEY_CONFLICT"), (4, "KEY_CONFLICT")]
    assert [message.partition("line ")[2] for message in done.quarantine["message"]] == ["4.", "4.", "2."]


def test_an_empty_part_of_a_key_is_a_value_where_the_model_lets_it_be_empty(district: District) -> None:
    header = "school_code,date,is_instructional,day_start,day_end,track"
    rows = [f"6010000,2025-09-08,true,08:00,{end},{track}" for end, track in (("14:30", ""), ("13:00", "A"), ("12:00", ""))]
    assert {(line, code) for _, line, _, code in district.put("calendar", *rows, header=header).told()} == {
        (2, "KEY_CONFLICT"),
        (4, "KEY_CONFLICT"),
    }


def test_rows_below_a_refused_row_say_where_it_stands(district: District) -> None:
    done = district.put("students", "9000000001,000001,Ana,Lopez,2014-03-11,F", "9000000002,000002,Li,Nguyen,2015-05-32,X").check()
    below = done.quarantine.filter(code="PARENT_REFUSED")
    assert below.select("table", "line", "column").rows() == [("enrollments", 3, "ssid"), ("participation", 3, "ssid")]
    assert set(below["message"]) == {"The row of students that ssid names was refused: students.csv, line 3."}
    assert done.tables["participation"]["ssid"].to_list() == ["9000000001"]


def test_a_refused_school_takes_everything_below_it_and_nothing_else(district: District) -> None:
    district.add("schools", "6010012,Oak,lyceum,1964733,2").add("sessions", "S2,AR,6010012,2025-09-14,09:00,10:00,0")
    district.add("participation", "S2,9000000001,60,,,T1,,")
    assert district.told() == {
        ("schools", 3, "school_type", "CODE_UNKNOWN"),
        ("sessions", 3, "school_code", "PARENT_REFUSED"),
        ("participation", 4, "session_id", "PARENT_REFUSED"),
    }


def test_a_parent_that_was_only_repeated_is_there(district: District) -> None:
    district.add("students", "9000000001,000001,Ana,Lopez,2014-03-11,F")
    assert district.told() == {("students", 4, "ssid", "DUPLICATE_SAME")}


def test_staff_that_nobody_listed_is_no_reason_to_refuse(district: District) -> None:
    district.put("staff", header="staff_id,staff_name,certificated,lea_employee,credential_expires")
    district.put("session_staff", "S1,T7,teacher", header="session_id,staff_id,role")
    assert district.told() == set()


def test_a_day_applied_by_another_lea_may_be_at_a_school_of_its_own(district: District) -> None:
    header = "ssid,absence_date,school_code,recovered_on,source,reporting_lea"
    rows = (
        "9000000001,2025-09-08,0101010,,SIS,0161119",
        "9000000001,2025-09-09,0101010,,SIS,",
        "9000000001,2025-09-10,0101010,,SIS,1964733",
    )
    told = district.put("applied_days", *rows, header=header).told()
    assert told == {("applied_days", 3, "school_code", "REF_MISSING"), ("applied_days", 4, "school_code", "REF_MISSING")}


def appended(district: District, *files: str) -> dict[str, int]:
    """Hand attendance over in files ``day-1``, ``day-2``…, and return their order."""
    header = CLEAN_ATTENDANCE
    parts = [
        pl.read_csv(f"{header}\n{rows}".encode(), infer_schema=False)
        .with_row_index("_line", offset=2)
        .with_columns(_file=pl.lit(f"day-{number}"))
        for number, rows in enumerate(files, start=1)
    ]
    district.tables["attendance"] = pl.concat(parts).with_columns(pl.col("_line").cast(pl.Int64), _source=pl.lit("sis")).lazy()
    order = {f"day-{number}": number for number in range(1, len(files) + 1)}
    district.names |= {name: f"ATT-{number}.csv" for name, number in order.items()}
    return order


CLEAN_ATTENDANCE = "ssid,school_code,date,kind,full_day,source_code,made_up_by"


def test_in_append_mode_the_later_file_replaces_by_key_even_a_row_that_was_bad(district: District) -> None:
    order = appended(
        district,
        "9000000001,6010000,2025-09-08,tardy,true,A,\n9000000002,6010000,2025-09-08,excused,true,A,",
        "9000000001,6010000,2025-09-08,excused,true,A,",
    )
    done = district.check(order, append=set(order))
    assert done.tables["attendance"].select("ssid", "_file", "kind").sort("ssid").rows() == [
        ("9000000001", "day-2", "excused"),
        ("9000000002", "day-1", "excused"),
    ]
    assert done.quarantine.select("file", "line", "code", "severity").rows() == [("ATT-1.csv", 2, "REPLACED", "info")]
    assert "ATT-2.csv, line 2" in done.quarantine["message"][0]


def test_an_earlier_row_never_stands_in_for_a_later_one_that_is_refused(district: District) -> None:
    order = appended(district, "9000000001,6010000,2025-09-08,excused,true,A,", "9000000001,6010000,2025-09-08,tardy,true,A,")
    done = district.check(order, append=set(order))
    assert done.tables["attendance"].is_empty()
    assert done.quarantine.select("file", "code").rows() == [("ATT-1.csv", "REPLACED"), ("ATT-2.csv", "CODE_UNKNOWN")]


def test_two_rows_of_one_append_file_still_contradict_each_other(district: District) -> None:
    twice = "9000000001,6010000,2025-09-08,excused,true,A,\n9000000001,6010000,2025-09-08,unexcused,true,A,"
    order = appended(district, "9000000001,6010000,2025-09-08,excused,true,A,", twice)
    assert district.check(order, append=set(order)).quarantine["code"].to_list() == ["REPLACED", "KEY_CONFLICT", "KEY_CONFLICT"]


def test_without_append_files_contradict_each_other(district: District) -> None:
    order = appended(district, "9000000001,6010000,2025-09-08,excused,true,A,", "9000000001,6010000,2025-09-08,unexcused,true,A,")
    assert district.check(order).quarantine["code"].to_list() == ["KEY_CONFLICT", "KEY_CONFLICT"]


def test_the_order_of_rows_changes_nothing(district: District) -> None:
    row = "9000000001,6010000,2025-09-08,excused,true,A,"
    district.add("attendance", row, "9000000002,6010000,2025-09-08,tardy,true,A,").add(
        "students", "9000000001,000009,Ana,Lopez,2014-03-11,F"
    )
    first = district.check()
    for name, lazy in district.tables.items():
        rows = lazy.collect()
        places = list(range(rows.height))
        random.Random(7).shuffle(places)
        district.tables[name] = rows[places].lazy()
    second = district.check()
    assert second.quarantine.equals(first.quarantine)
    for name, frame in first.tables.items():
        assert second.tables[name].sort("_file", "_line").equals(frame.sort("_file", "_line"))


def test_a_missing_column_names_the_file_and_the_header_that_comes_nearest(district: District) -> None:
    district.put(
        "students", "9000000001,1,A,B,2014-01-01,F", header="ssid,local_student_id,legal_first_name,legal_lastname,birth_date,gender"
    )
    with pytest.raises(RecoupError) as caught:
        district.check()
    assert caught.value.status is Exit.REFUSED
    assert str(caught.value).startswith(
        "students.csv: The table students lacks the column 'legal_last_name'. Did you mean 'legal_lastname'?"
    )


@pytest.mark.parametrize("table", [table.name for table in TABLES.values() if table.required])
def test_a_required_table_that_is_missing_closes_the_road(district: District, table: str) -> None:
    del district.tables[table]
    with pytest.raises(RecoupError, match="CHECK_TABLE_MISSING") as caught:
        district.check()
    assert caught.value.status is Exit.REFUSED


@pytest.mark.parametrize("table", ["students", "attendance"])
def test_only_some_required_tables_may_be_empty(district: District, table: str) -> None:
    district.put(table)
    if TABLES[table].may_be_empty:
        assert district.check().tables[table].is_empty()
    else:
        with pytest.raises(RecoupError, match="CHECK_TABLE_EMPTY"):
            district.check()


def test_columns_outside_the_model_are_said_once(district: District) -> None:
    district.put(
        "schools",
        "6010000,Cedar,high,1964733,1,x,y",
        header="school_code,school_name,school_type,county_district_code,local_school_id,fax,mascot",
    )
    (finding,) = district.check().findings
    assert (finding.code, finding.rows, "fax, mascot" in finding.message) == ("EXTRA_COLUMNS", 2, True)


def test_a_school_of_another_lea_is_told_unless_it_is_a_charter_of_its_own(district: District) -> None:
    header = "school_code,school_name,school_type,county_district_code,local_school_id,independently_reporting_charter"
    district.put("schools", "6010000,C,high,0161119,1,false", "6010012,D,charter_classroom,0161119,2,true", header=header)
    assert [(finding.code, finding.rows) for finding in district.check().findings] == [("SCHOOL_OTHER_LEA", 1)]


def test_a_table_of_which_nothing_is_left_is_told(district: District) -> None:
    district.put("attendance", "9000000001,6010000,2025-09-08,tardy,true,A,")
    assert [(finding.code, finding.rows) for finding in district.check().findings] == [("TABLE_ALL_REFUSED", 1)]


# --- checks of other packages ------------------------------------------------------------------------


def no_saturdays(tables: Mapping[str, pl.DataFrame], year: SchoolYear) -> pl.DataFrame:
    """A district that holds no sessions on Saturdays refuses them."""
    found = tables["sessions"].filter(pl.col("date").dt.weekday() == 6)
    return found.select(
        source="_source",
        file="_file",
        line="_line",
        table=pl.lit("sessions"),
        column=pl.lit("date"),
        value=pl.col("date").cast(pl.String),
        code=pl.lit("NO_SATURDAYS"),
        severity=pl.lit("error"),
        message=pl.lit(f"No session of {year.name} is held on a Saturday."),
        mend=pl.lit("Correct the date."),
    )


def counts(tables: Mapping[str, pl.DataFrame], year: SchoolYear) -> list[Finding]:
    return [Finding("check", "STUDENTS", "info", tables["students"].height, "counted")]


def stumbles(tables: Mapping[str, pl.DataFrame], year: SchoolYear) -> list[Finding]:
    raise ValueError(str(tables["students"]["legal_last_name"][0]))


def misspeaks(tables: Mapping[str, pl.DataFrame], year: SchoolYear) -> str:
    return "all is well"


def speaks_halves(tables: Mapping[str, pl.DataFrame], year: SchoolYear) -> pl.DataFrame:
    return pl.DataFrame({"code": ["X"]})


def plugin(function: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> dict[str, EntryPoint]:
    point = EntryPoint("local", f"their_checks:{function.__name__}", "recoup.checks")
    monkeypatch.setattr(EntryPoint, "load", lambda _: function)
    return {"local": point}


def test_an_installed_check_refuses_a_row_and_the_rows_below_it(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    done = district.check(installed=plugin(no_saturdays, monkeypatch))
    assert done.quarantine.select("table", "file", "line", "code").rows() == [
        ("sessions", "sessions.csv", 2, "NO_SATURDAYS"),
        ("participation", "participation.csv", 2, "PARENT_REFUSED"),
        ("participation", "participation.csv", 3, "PARENT_REFUSED"),
    ]
    assert done.tables["sessions"].is_empty()
    assert done.tables["participation"].is_empty()


def test_an_installed_check_may_only_tell(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [finding.rows for finding in district.check(installed=plugin(counts, monkeypatch)).findings] == [2]


@pytest.mark.parametrize(
    ("function", "code"), [(stumbles, "CHECK_PLUGIN_FAILED"), (misspeaks, "CHECK_PLUGIN_SHAPE"), (speaks_halves, "CHECK_PLUGIN_SHAPE")]
)
def test_an_installed_check_that_fails_is_named_and_no_childs_data_escapes(
    district: District, monkeypatch: pytest.MonkeyPatch, function: Callable[..., object], code: str
) -> None:
    with pytest.raises(RecoupError) as caught:
        district.check(installed=plugin(function, monkeypatch))
    assert caught.value.code == code
    assert "'local' of their_checks" in str(caught.value)
    assert "Lopez" not in str(caught.value)
    assert caught.value.__context__ is None
