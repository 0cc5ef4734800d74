"""The Program Updater: formats and options, how records and services are made, and every hand-over check under its number."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from recoup.errors import RecoupError
from recoup.exporters import layout, program_updater

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.ports import Export, Run

    More = Callable[..., Run]
    Write = Callable[..., Export]

CREDIT = {"absence_kind": "excused", "origin": "applied", "minutes_used": 240, "minimum_schoolday": 240, "paid_elsewhere": False}


def lines(folder: Path, name: str = "updater_records.csv") -> list[str]:
    return (folder / name).read_bytes().decode("ascii").splitlines()


def found(done: Export, code: str) -> list[tuple[str, int]]:
    return [(finding.severity, finding.rows) for finding in done.findings if finding.code == code]


def edit(run: Run, table: str, ssid: str, **values: Any) -> Run:
    held = run.tables if table in run.tables else run.results
    frame = held[table]
    changed = frame.with_columns(
        pl.when(pl.col("ssid") == ssid).then(pl.lit(value, frame.schema[name])).otherwise(name).alias(name)
        for name, value in values.items()
    )
    return replace(run, tables={**held, table: changed}) if table in run.tables else replace(run, results={**held, table: changed})


def test_tab_and_its_quotes(cedar: Run, export: Write, tmp_path: Path) -> None:
    run = edit(cedar, "program_records", "9000000001", comment='The "big" room\tA')
    done = export(run, "program_updater", format="tab", line_end="lf", date_format="YYYY-MM-DD")
    raw = (tmp_path / "updater_records.csv").read_bytes()
    assert b"\r" not in raw
    assert lines(tmp_path)[1] == "9000000001\t100045\t1964733\t2025-08-18\t2025-12-19\tThe 'big' room A"
    assert found(done, "ICU16") == [("warn", 2)]


def test_fixed_width_lines_are_all_of_one_length(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "program_updater", format="fixed")
    assert {len(line) for line in lines(tmp_path)} == {307}
    assert lines(tmp_path)[1].startswith("9000000001100045         196473301/12/2026          Saturday Academy, spring")
    sheet = (tmp_path / "updater_mapping.md").read_text(encoding="utf-8")
    assert "| 33, 10 | startDate |" in sheet
    assert "header row: no" in sheet


def test_columns_types_and_header_are_the_districts_own(cedar: Run, export: Write, tmp_path: Path) -> None:
    columns = {"services": ["studentNumber", "serviceType", "daysUsed", "timeEarned"]}
    export(cedar, "program_updater", identifier="student_number", header=False, columns=columns, type_values={"Earned": "E"})
    assert lines(tmp_path, "updater_services.csv")[:2] == ["100045,E,,8", "100045,Used,2,"]


def test_person_id_comes_from_the_crosswalk(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    run = more(cedar, "student_ids", {"ssid": "9000000001", "system": "campus_person_id", "local_student_id": "55"})
    done = export(run, "program_updater", identifier="person_id")
    assert lines(tmp_path)[1:] == [
        '55,1964733,08/18/2025,12/19/2025,"Saturday Academy, fall"',
        '55,1964733,01/12/2026,,"Saturday Academy, spring"',
    ]
    # Two records and four services of the students without one.
    assert found(done, "ICU01") == [("error", 2), ("error", 4)]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"columns": {"record": []}}, "OPTION_VALUE"),
        ({"columns": {"records": ["startDate"]}}, "UPDATER_NO_IDENTIFIER"),
        ({"columns": {"records": ["stateID", "start"]}}, "EXPORT_COLUMN_UNKNOWN"),
        ({"type_values": {"Erned": "E"}}, "OPTION_VALUE"),
        ({"district_id": "123"}, "UPDATER_DISTRICT_ID"),
        ({"format": "xlsx"}, "OPTION_VALUE"),
        ({"formt": "csv"}, "OPTION_UNKNOWN"),
        ({"header": "yes"}, "OPTION_TYPE"),
    ],
)
def test_a_wrong_option_is_named(cedar: Run, export: Write, options: dict[str, object], code: str) -> None:
    with pytest.raises(RecoupError) as caught:
        export(cedar, "program_updater", **options)
    assert caught.value.code == code
    assert caught.value.status == 2


def test_the_sheet_gives_counts_and_checksum(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "program_updater")
    sheet = (tmp_path / "updater_mapping.md").read_text(encoding="utf-8")
    for name, counts in (("updater_records.csv", "4 rows, 3 students"), ("updater_services.csv", "6 rows, 3 students")):
        assert f"{counts}, SHA-256 `{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}`" in sheet
    assert sheet.count("\n| ") == 37 + 1 + 6 + 1 + 11 + 1
    assert "18 hours earned, 4 days used." in sheet


def test_a_formula_is_left_as_it_is(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(edit(cedar, "program_records", "9000000001", comment="=1+1"), "program_updater")
    assert lines(tmp_path)[1].endswith(",=1+1")


def test_nothing_to_send_writes_no_empty_file(cedar: Run, export: Write, tmp_path: Path) -> None:
    empty = {name: cedar.results[name].clear() for name in ("time_entries", "credits")}
    run = replace(
        cedar,
        results={**cedar.results, **empty},
        tables={**cedar.tables, "program_records": cedar.tables["program_records"].clear()},
    )
    done = export(run, "program_updater")
    assert [file.name for file in done.files] == ["updater_mapping.md"]
    assert found(done, "ICU22") == [("info", 0), ("info", 0)]
    assert done.withheld == ""
    assert not (tmp_path / "updater_records.csv").exists()


def test_only_new_records_on_wish(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "program_updater", records="derived")
    assert [line[:10] for line in lines(tmp_path)[1:]] == ["9000000003", "9000000009"]
    assert len(lines(tmp_path, "updater_services.csv")) == 7


def test_time_and_days_are_spread_over_records_and_told_once(cedar: Run, export: Write, tmp_path: Path) -> None:
    frame = cedar.tables["program_records"].with_columns(
        pl.Series("start_date", [date(2025, 8, 18), date(2025, 9, 1)]), pl.Series("end_date", [date(2025, 8, 30), date(2025, 12, 19)])
    )
    export(replace(cedar, tables={**cedar.tables, "program_records": frame}), "program_updater")
    told = [line.split(",") for line in lines(tmp_path, "updater_services.csv") if line.startswith("9000000001")]
    assert [(row[3], row[6], row[8], row[9]) for row in told] == [
        ("Earned", "08/18/2025", "4", ""),
        ("Used", "08/18/2025", "", "1"),
        ("Earned", "09/01/2025", "4", ""),
        ("Used", "09/01/2025", "", "1"),
    ]


def test_days_paid_elsewhere_get_a_record_of_their_own_dates(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    absence = {"ssid": "9000000004", "school_code": "6102222", "date": date(2025, 8, 28), "kind": "excused", "full_day": True}
    paid = CREDIT | {
        "ssid": "9000000004",
        "absence_school_code": "6102222",
        "absence_date": date(2025, 8, 28),
        "earned_on": date(2025, 9, 6),
        "credited_on": date(2025, 9, 6),
        "minutes_used": 0,
        "paid_elsewhere": True,
    }
    export(more(more(cedar, "attendance", absence), "credits", paid), "program_updater")
    assert "9000000004,100048,1964733,09/06/2025,09/06/2025," in lines(tmp_path)
    used = "9000000004,1964733,6102222,Used,07/01/2025,06/30/2026,09/06/2025,09/06/2025,,1,"
    assert used in lines(tmp_path, "updater_services.csv")


# --- the checks, by number ------------------------------------------------------------------------------------


def test_icu02_and_03_ids(cedar: Run, export: Write) -> None:
    run = edit(cedar, "students", "9000000003", local_student_id="1" * 16)
    assert found(export(run, "program_updater"), "ICU03") == [("error", 1)]
    for table in ("students", "program_records"):
        cedar = replace(
            cedar,
            tables={**cedar.tables, table: cedar.tables[table].with_columns(pl.col("ssid").replace("9000000001", "900000001"))},
        )
    assert found(export(cedar, "program_updater"), "ICU02") == [("error", 2)]


def test_icu04_two_students_of_one_number(cedar: Run, export: Write, tmp_path: Path) -> None:
    run = edit(cedar, "students", "9000000003", local_student_id="100045")
    done = export(run, "program_updater", identifier="student_number")
    assert found(done, "ICU04") == [("error", 3), ("error", 5)]
    assert len(lines(tmp_path)) == 2
    assert "students.csv line 2, 4" in next(finding.message for finding in done.findings[1:] if finding.code == "ICU04")


def test_icu05_and_09_records_of_another_district(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    theirs = {"ssid": "9000000003", "start_date": date(2025, 9, 10), "end_date": None, "owner_district": "1910199"}
    done = export(more(cedar, "program_records", theirs), "program_updater")
    assert found(done, "ICU05") == [("error", 1)]
    assert found(done, "ICU09") == [("error", 1)]
    assert found(done, "ICU23") == [("error", 3)]
    assert not [line for line in lines(tmp_path) if line.startswith("9000000003")]


def test_icu07_08_10_dates_of_records(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    backward = {"ssid": "9000000003", "start_date": date(2025, 9, 6), "end_date": date(2025, 9, 5)}
    assert found(export(more(cedar, "program_records", backward), "program_updater"), "ICU07") == [("error", 1)]
    touching = {"ssid": "9000000001", "start_date": date(2025, 12, 19), "end_date": date(2025, 12, 20)}
    assert found(export(more(cedar, "program_records", touching), "program_updater"), "ICU08") == [("error", 1)]
    after_open = {"ssid": "9000000001", "start_date": date(2026, 3, 1), "end_date": None}
    assert found(export(more(cedar, "program_records", after_open), "program_updater"), "ICU10") == [("error", 1)]
    assert lines(tmp_path)[2].startswith("9000000001,100045,1964733,01/12/2026")
    twice = {"ssid": "9000000001", "start_date": date(2026, 1, 12), "end_date": date(2026, 2, 1)}
    assert found(export(more(cedar, "program_records", twice), "program_updater"), "ICU21") == [("error", 2)]


def test_icu09_without_stored_records_is_not_checked(cedar: Run, export: Write) -> None:
    bare = replace(
        cedar,
        absent=cedar.absent | {("program_records", "")},
        tables={**cedar.tables, "program_records": cedar.tables["program_records"].clear()},
    )
    assert found(export(bare, "program_updater"), "ICU09") == [("warn", 0)]


def test_icu11_a_record_that_meets_no_enrollment(cedar: Run, export: Write) -> None:
    run = edit(cedar, "enrollments", "9000000003", exit_date=date(2025, 8, 31))
    done = export(run, "program_updater")
    assert found(done, "ICU11") == [("error", 1)]
    assert found(done, "ICU23") == [("error", 3)]


def test_icu12_13_15_17_18_what_a_record_says(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    early = {"ssid": "9000000003", "start_date": date(2025, 6, 20), "end_date": date(2025, 9, 30), "comment": "Año Nuevo, hospital class"}
    done = export(more(cedar, "program_records", early), "program_updater")
    assert [found(done, code) for code in ("ICU12", "ICU13", "ICU17", "ICU18")] == [[("warn", 1)]] * 4
    assert '9000000003,100047,1964733,06/20/2025,09/30/2025,"Ano Nuevo, hospital class"' in lines(tmp_path)
    done = export(edit(cedar, "program_records", "9000000001", comment="x" * 256), "program_updater")
    assert found(done, "ICU15") == [("error", 2)]


def test_icu19_a_value_wider_than_its_column(cedar: Run, export: Write) -> None:
    done = export(cedar, "program_updater", type_values={"Used": "U" * 21})
    assert found(done, "ICU19") == [("error", 3)]


def of_two_districts(cedar: Run) -> Run:
    """Let Cedar's second school be another district's."""
    schools = cedar.tables["schools"].with_columns(
        pl.when(pl.col("school_code") == "6102223").then(pl.lit("1910199")).otherwise("county_district_code").alias("county_district_code")
    )
    return replace(cedar, tables={**cedar.tables, "schools": schools})


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


def test_icu25_the_files_are_for_one_district(cedar: Run, export: Write, tmp_path: Path) -> None:
    run = of_two_districts(cedar)
    elsewhere = cedar.results["credits"].filter(pl.col("absence_school_code") == "6102223").height
    assert found(export(run, "program_updater"), "ICU25") == [("warn", elsewhere)]
    assert {row["schoolNumber"] for row in rows_of(tmp_path, "updater_services.csv")} == {"6102222"}
    here = set(cedar.tables["enrollments"].filter(pl.col("school_code") == "6102222")["ssid"])
    assert {row["stateID"] for row in rows_of(tmp_path, "updater_records.csv")} <= here


def test_each_district_that_is_named_has_files_of_its_own(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "program_updater")
    one = rows_of(tmp_path, "updater_services.csv")
    done = export(of_two_districts(cedar), "program_updater", districts=["1964733", "1910199"])
    assert found(done, "ICU25") == []
    named = [f"updater_{name}{of}" for of in ("", "_1910199") for name in ("records", "services", "mapping")]
    assert [file.name.split(".")[0] for file in done.files] == named
    mine, theirs = (rows_of(tmp_path, f"updater_services{of}.csv") for of in ("", "_1910199"))
    assert ({row["districtID"] for row in mine}, {row["districtID"] for row in theirs}) == ({"1964733"}, {"1910199"})
    assert {row["schoolNumber"] for row in theirs} == {"6102223"}
    used = [sum(int(row["daysUsed"] or 0) for row in rows) for rows in (mine, theirs, one)]
    # Where the ledger knows two LEAs no day is paid by the other's time; here one is, and it has no record to hang on.
    assert (used, found(done, "ICU23")) == ([2, 1, 4], [("error", 1)])
    with pytest.raises(RecoupError, match="OPTION_VALUE"):
        export(cedar, "program_updater", districts=["1910199"])


def test_a_school_without_a_district_code_is_the_leas_own(cedar: Run, export: Write, tmp_path: Path) -> None:
    export(cedar, "program_updater")
    before = lines(tmp_path, "updater_services.csv")
    schools = cedar.tables["schools"].with_columns(county_district_code=pl.lit(None, pl.String))
    assert found(export(replace(cedar, tables={**cedar.tables, "schools": schools}), "program_updater"), "ICU25") == []
    assert lines(tmp_path, "updater_services.csv") == before


def test_icu28_29_too_many_days(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    days = [
        CREDIT
        | {
            "ssid": "9000000001",
            "absence_school_code": "6102222",
            "absence_date": date(2025, 8, 28) + timedelta(day),
            "earned_on": date(2025, 9, 6),
            "credited_on": date(2025, 9, 6),
        }
        for day in range(9)
    ]
    done = export(more(cedar, "credits", *days), "program_updater")
    assert found(done, "ICU28") == [("error", 1)]
    done = export(more(cedar, "credits", *days[:2]), "program_updater")
    assert found(done, "ICU29") == [("error", 1)]
    kept = [line for line in lines(tmp_path, "updater_services.csv") if line.startswith("9000000001")]
    assert len(kept) == 1
    assert ",Earned," in kept[0]


def test_icu30_days_that_no_time_pays_for(cedar: Run, export: Write) -> None:
    assert found(export(edit(cedar, "credits", "9000000003", minutes_used=0), "program_updater"), "ICU30") == [("error", 2)]
    elsewhere = edit(cedar, "credits", "9000000003", minutes_used=0, paid_elsewhere=True)
    assert found(export(elsewhere, "program_updater"), "ICU30") == []
    assert found(export(edit(cedar, "ledger", "9000000001", minutes_used=481), "program_updater"), "ICU30") == [("error", 1)]


def test_icu31_hours_that_campus_computes(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    held = {
        "ssid": "9000000003",
        "school_code": "6102222",
        "service_type": "earned",
        "auto_calculated": True,
        "start_date": date(2025, 7, 1),
    }
    run = replace(more(cedar, "program_services", held), absent=frozenset())
    assert found(export(run, "program_updater"), "ICU31") == [("error", 1)]
    assert not [line for line in lines(tmp_path, "updater_services.csv") if line.startswith("9000000003") and ",Earned," in line]
    assert found(export(run, "program_updater", automatic_hours="ignore"), "ICU31") == []
    assert found(export(run, "program_updater", automatic_hours="all"), "ICU31") == [("error", 3)]


def test_icu35_services_to_delete_by_hand(cedar: Run, more: More, export: Write) -> None:
    gone = {"ssid": "9000000001", "school_code": "6102223", "service_type": "used", "start_date": date(2025, 7, 1)}
    last_year = {"ssid": "9000000001", "school_code": "6102223", "service_type": "used", "start_date": date(2024, 7, 1)}
    last_year["end_date"] = date(2025, 6, 30)
    done = export(replace(more(cedar, "program_services", gone, last_year), absent=frozenset()), "program_updater")
    assert found(done, "ICU35") == [("warn", 1)]


def test_the_fact_sheets_own_sample_is_read(tmp_path: Path) -> None:
    sample = (
        "stateID,studentNumber,districtID,startDate,endDate,comment\r\n"
        '9000000001,123456,0561564,08/18/2025,12/19/2025,"Saturday Academy, fall"\r\n'
        "9000000002,000789,0561564,10/06/2025,10/10/2025,Fall intersession\r\n"
    )
    (tmp_path / "x").write_bytes(sample.encode())
    form = layout.load("updater_records", "2025-2026").pick(sample.splitlines()[0].split(","), "")
    dialect = layout.Dialect(",", header=True, line_end="\r\n", dates=program_updater.DATES["MM/DD/YYYY"], quotes=True)
    assert layout.read(tmp_path / "x", form, dialect)["studentNumber"].to_list() == ["123456", "000789"]


def test_icu23_days_that_nothing_pays_for_make_no_record(cedar: Run, more: More, export: Write, tmp_path: Path) -> None:
    absence = {"ssid": "9000000004", "school_code": "6102222", "date": date(2025, 8, 28), "kind": "excused", "full_day": True}
    unpaid = CREDIT | {"ssid": "9000000004", "absence_school_code": "6102222", "absence_date": date(2025, 8, 28), "minutes_used": 0}
    unpaid |= {"earned_on": date(2025, 9, 6), "credited_on": date(2025, 9, 6)}
    done = export(more(more(cedar, "attendance", absence), "credits", unpaid), "program_updater")
    assert found(done, "ICU30") == [("error", 1)]
    assert not [line for name in ("updater_records.csv", "updater_services.csv") for line in lines(tmp_path, name) if "9000000004" in line]
    paid_by_another = edit(more(more(cedar, "attendance", absence), "credits", unpaid), "credits", "9000000004", minutes_used=240)
    assert found(export(paid_by_another, "program_updater"), "ICU23") == [("error", 1)]
