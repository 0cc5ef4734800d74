"""A district of two schools as its Aeries queries give it: small enough to hold in the head."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recoup.adapters import data
from recoup.adapters.aeries_files import ADAPTER
from recoup.errors import RecoupError
from recoup.schemas import CODES, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import RawFile, Reading, ReadRequest

OPTIONS: dict[str, object] = {"ar_type_codes": ["AR"], "ar_makeup_codes": ["R"], "saturday_makeup_codes": ["S"]}
CODES_GIVEN = {"school_type": {"10": "elementary", "H": "high"}}

#: Lee (1001) moves from school 10 to 20 and has another number there, the one that Ana (1002) has at school 10.
DISTRICT = {
    "LOC": """CD,NM,CC,DC,SC,TY
0,District Office,19,64733,0000000,
10,Oak,19,64733,6010001,E
20,High,19,64733,1930002,H
""",
    "DAY": """SC,DT,HO
10,09/08/2025,
10,09/09/2025,%
10,09/10/2025,#
10,09/11/2025,+
20,09/08/2025,
0,09/08/2025,
""",
    "STU": """SC,SN,ID,CID,LN,FN,BD,GN,TG,DEL
10,7,1001,9000000001,Lee,Bo,2015-05-02T00:00:00,M,I,0
10,8,1002,9000000002,Null,Ana,2014-03-11T00:00:00,F,,0
20,8,1001,9000000001,Lee,Bo,2015-05-02T00:00:00,M,,0
20,9,1003,9000000003,Gone,X,2014-03-11T00:00:00,N,,1
""",
    "ENR": """ID,SC,YR,ED,LD,GR,PR,ES
1001,10,2025,08/18/2025,10/03/2025,0,,
1001,20,2025,10/06/2025,,-1,,30
1002,10,2025,08/18/2025,,5,,
1002,10,2024,08/18/2024,06/05/2025,4,,
""",
    "ABS": """SC,CD,TI,TY,SU,IS,NE
0,A,Ill,2,0,,0
0,U,Unverified,1,0,,0
0,T,Tardy,5,0,,0
0,I,Study,2,0,C,0
10,U,Excused here,2,0,,0
10,S,Suspended,2,1,,0
20,a,Truant,3,0,,0
20,W,Away,3,0,,1
""",
    "ATT": """SC,SN,DT,AL,ADA,ADT
10,7,09/08/2025,A,,
""",
    "ATP": """CD,NM,TY
1,Recovery,AR
2,Expanded learning,EL
3,Saturday,SS
""",
    "ATS": """SC,SE,NM,PG,ST,ET
10,5,After school,1,03:00 PM,05:00 PM
10,6,ELO-P,2,03:00 PM,06:00 PM
""",
    "ATC": """SC,SE,DT
10,5,09/15/2025
10,5,09/16/2025
10,6,09/15/2025
""",
    "ATD": """ID,SCL,SE,SQ,DT,TM,VB
1001,10,5,1,09/15/2025,120,T1
1001,10,6,1,09/15/2025,180,
""",
}


@pytest.fixture
def district(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> Callable[..., Reading]:
    """Read the district with some files changed or added, some options, and a mapping."""

    def read(options: dict[str, object] | None = None, codes: dict[str, dict[str, str]] | None = None, **changed: str | None) -> Reading:
        files = [raw(f"{feed}.csv", text, feed) for feed, text in {**DISTRICT, **changed}.items() if text is not None]
        return ADAPTER.read(files, ask({**OPTIONS, **(options or {})}, codes={**CODES_GIVEN, **(codes or {})}))

    return read


def rows(reading: Reading, table: str, *columns: str) -> list[tuple[object, ...]]:
    return reading.tables[table].select(columns).collect().rows()


def refusals(reading: Reading) -> list[tuple[object, ...]]:
    return reading.refused.select("file", "line", "column", "value", "code", "severity").rows()


def left(reading: Reading) -> dict[str, int]:
    return {finding.code: finding.rows for finding in reading.left_out}


def test_the_plain_district(district: Callable[..., Reading]) -> None:
    reading = district()
    assert refusals(reading) == []
    assert rows(reading, "schools", "school_code", "school_type", "county_district_code", "local_school_id") == [
        ("6010001", "elementary", "1964733", "10"),
        ("1930002", "high", "1964733", "20"),
    ]
    for name, frame in reading.tables.items():
        lacking = set(TABLES[name].required_columns) - set(frame.collect_schema())
        assert not lacking, f"{name} lacks {lacking}"
    assert [(count.file.feed, count.rows_read) for count in reading.files][:2] == [("LOC", 3), ("DAY", 6)]


def test_students_are_followed_through_schools(district: Callable[..., Reading]) -> None:
    reading = district(
        ATT="SC,SN,DT,AL,ADA\n10,8,09/08/2025,A,\n20,8,10/06/2025,A,\n10,7,09/08/2025,A,\n20,7,10/06/2025,A,\n20,9,10/06/2025,A,\n"
    )
    assert rows(reading, "students", "ssid", "local_student_id", "legal_last_name", "gender") == [
        ("9000000002", "1002", "Null", "F"),
        ("9000000001", "1001", "Lee", "M"),
    ]
    assert rows(
        reading, "enrollments", "ssid", "school_code", "entry_date", "exit_date", "grade", "enrollment_status", "instruction_mode"
    ) == [
        ("9000000001", "6010001", "2025-08-18", "2025-10-03", "KN", "10", "classroom"),
        ("9000000001", "1930002", "2025-10-06", None, "TK", "30", "classroom"),
        ("9000000002", "6010001", "2025-08-18", None, "05", "10", "classroom"),
    ]
    assert rows(reading, "attendance", "ssid", "school_code") == [
        ("9000000002", "6010001"),
        ("9000000001", "1930002"),
        ("9000000001", "6010001"),
    ]
    assert refusals(reading) == [
        ("ATT.csv", 5, "ATT.SN", "7", "STUDENT_UNKNOWN", "error"),
        ("ATT.csv", 6, "ATT.SN", "9", "STUDENT_UNKNOWN", "error"),
    ]
    assert left(reading)["LEFT_SAME_STUDENT"] == 1
    assert left(reading)["LEFT_OTHER_YEAR"] == 1
    assert left(reading)["LEFT_DELETED"] == 1


def test_a_number_or_an_id_that_two_students_share_leads_to_nobody(district: Callable[..., Reading]) -> None:
    twins = "10,7,1004,9000000004,Twin,A,2015-05-02,M,,0\n20,5,1002,9000000005,Other,Ana,2014-03-11,F,,0\n"
    reading = district(STU=DISTRICT["STU"] + twins, ATT="SC,SN,DT,AL,ADA\n10,7,09/08/2025,A,\n")
    assert refusals(reading) == [
        ("STU.csv", 3, "STU.CID", "9000000002", "SSID_TWO", "error"),
        ("STU.csv", 7, "STU.CID", "9000000005", "SSID_TWO", "error"),
        ("ENR.csv", 4, "ENR.ID", "1002", "STUDENT_UNKNOWN", "error"),
        ("ATT.csv", 2, "ATT.SN", "7", "STUDENT_UNKNOWN", "error"),
    ]
    assert rows(reading, "students", "ssid") == [("9000000001",), ("9000000004",)]


@pytest.mark.parametrize("gone", [("ar_type_codes",), ("ar_makeup_codes",), ("ar_type_codes", "ar_makeup_codes")])
def test_without_the_codes_of_attendance_recovery_nothing_is_read(gone: tuple[str, ...], ask: Callable[..., ReadRequest]) -> None:
    for options in ({name: value for name, value in OPTIONS.items() if name not in gone}, {**OPTIONS, **dict.fromkeys(gone, ())}):
        with pytest.raises(RecoupError) as caught:
            ADAPTER.settle(ask(options))
        assert (caught.value.code, caught.value.status) == ("AERIES_AR_CODES", 2)
        assert " and ".join(gone) in caught.value.what
        assert "District Settings" in caught.value.mend


def test_recovery_is_told_from_other_programs_by_type_code(district: Callable[..., Reading]) -> None:
    reading = district()
    assert rows(reading, "sessions", "session_id", "program_name", "school_code", "date", "start_time", "end_time", "break_minutes") == [
        ("10-5-2025-09-15", "Recovery", "6010001", "2025-09-15", "15:00", "17:00", "0"),
        ("10-5-2025-09-16", "Recovery", "6010001", "2025-09-16", "15:00", "17:00", "0"),
    ]
    assert rows(reading, "participation", "session_id", "ssid", "minutes", "verified_by") == [
        ("10-5-2025-09-15", "9000000001", "120", "T1")
    ]
    assert left(reading)["LEFT_OTHER_PROGRAM"] == 1


def test_without_a_session_calendar_the_dates_of_the_students_count(district: Callable[..., Reading]) -> None:
    assert rows(district(ATC=None), "sessions", "session_id") == [("10-5-2025-09-15",)]


def test_sessions_and_programs_that_nobody_knows(district: Callable[..., Reading]) -> None:
    reading = district(
        ATS=DISTRICT["ATS"] + "10,8,Lost,9,03:00 PM,04:00 PM\n",
        ATC=DISTRICT["ATC"] + "10,99,09/15/2025\n",
        ATD=DISTRICT["ATD"] + "1001,10,99,1,09/15/2025,60,\n9.94E+07,10,5,1,09/15/2025,60,\n7777,10,5,1,09/15/2025,60,\n",
    )
    assert refusals(reading) == [
        ("ATD.csv", 5, "ATD.ID", "9.94E+07", "ID_SCIENTIFIC", "error"),
        ("ATS.csv", 4, "ATS.PG", "9", "PROGRAM_UNKNOWN", "error"),
        ("ATC.csv", 5, "ATC.SE", "99", "SESSION_UNKNOWN", "error"),
        ("ATD.csv", 6, "ATD.ID", "7777", "STUDENT_UNKNOWN", "error"),
    ]
    # Time in a session that does not exist is not lost here: the checks refuse it, with the session it names.
    assert rows(reading, "participation", "session_id")[1:] == [("10-99-2025-09-15",)]


def test_make_up_codes(district: Callable[..., Reading]) -> None:
    att = "SC,SN,DT,AL,ADA,ADT,AMU\n" + "".join(
        f"10,7,09/{day}/2025,A,{code},10/01/2025,180\n" for day, code in enumerate(("", "R", "S", "W", "X"), start=10)
    )
    reading = district({"ar_makeup_external_codes": ["X"]}, ATT=att)
    assert rows(reading, "attendance", "date", "made_up_by") == [
        ("2025-09-10", None),
        ("2025-09-11", None),
        ("2025-09-12", "saturday_school"),
        ("2025-09-13", "other"),
        ("2025-09-14", None),
    ]
    assert rows(reading, "applied_days", "ssid", "absence_date", "school_code", "recovered_on", "source", "paid_elsewhere") == [
        ("9000000001", "2025-09-11", "6010001", "2025-10-01", "Aeries", "false"),
        ("9000000001", "2025-09-14", "6010001", "2025-10-01", "Aeries", "true"),
    ]


def absences(district: Callable[..., Reading], codes: dict[str, dict[str, str]], *cells: tuple[str, str]) -> Reading:
    """Read absences of Lee, each (school, code) on a day of its own."""
    number = {"10": "7", "20": "8"}
    lines = (f"{school},{number[school]},09/{day}/2025,{code},\n" for day, (school, code) in enumerate(cells, start=10))
    return district(codes=codes, ATT="SC,SN,DT,AL,ADA\n" + "".join(lines))


def test_absence_codes_mean_what_their_school_says(district: Callable[..., Reading]) -> None:
    reading = absences(
        district, {}, ("10", "A"), ("10", "U"), ("20", "U"), ("20", "a"), ("20", "A"), ("10", "I"), ("10", "T"), ("20", "W"), ("10", "")
    )
    assert rows(reading, "attendance", "school_code", "source_code", "kind", "full_day") == [
        ("6010001", "A", "excused", "true"),
        ("6010001", "U", "excused", "true"),
        ("1930002", "U", "unexcused", "true"),
        ("1930002", "a", "unexcused", "true"),
        ("1930002", "A", "excused", "true"),
        ("6010001", "I", "independent_study_ada", "true"),
    ]
    assert left(reading)["LEFT_NO_ABSENCE"] == 3


def test_codes_without_a_meaning_are_refused_and_never_guessed(district: Callable[..., Reading]) -> None:
    reading = absences(district, {}, ("10", "S"), ("10", "a"), ("20", "?"))
    assert refusals(reading) == [
        ("ATT.csv", 2, "ATT.AL", "S", "CODE_UNMAPPED", "error"),
        ("ATT.csv", 3, "ATT.AL", "a", "CODE_UNMAPPED", "error"),
        ("ATT.csv", 4, "ATT.AL", "?", "CODE_UNMAPPED", "error"),
    ]
    assert 'codes.absence."10/<code>" = "excused"' in reading.refused["mend"][0]
    assert 'codes.absence."20/<code>" = "excused"' in reading.refused["mend"][2]


def test_a_district_says_what_codes_mean(district: Callable[..., Reading]) -> None:
    codes = {
        "suspension": {"10/S": "suspension_out"},
        "absence": {"20/?": "unexcused", "A": "unexcused", "10/A": "present"},
        "not_recoverable": {"20/a": "immunization"},
    }
    reading = absences(district, codes, ("10", "S"), ("20", "?"), ("20", "A"), ("10", "A"), ("20", "a"))
    assert refusals(reading) == []
    assert rows(reading, "attendance", "source_code", "kind", "not_recoverable") == [
        ("S", "suspension_out", None),
        ("?", "unexcused", None),
        ("A", "unexcused", None),
        ("a", "unexcused", "immunization"),
    ]
    crosswalk = {(school, code): kind for school, code, kind in rows(reading, "codes", "school_code", "code", "kind")}
    assert crosswalk["6010001", "S"] == "suspension_out"
    assert crosswalk["1930002", "?"] == "unexcused"
    assert crosswalk["6010001", "T"] is None
    assert set(rows(reading, "codes", "school_year")) == {("2025-2026",)}


def test_absent_periods_without_an_all_day_code_are_part_of_a_day(district: Callable[..., Reading]) -> None:
    reading = district(ATT="SC,SN,DT,AL,A1,A2,ADA\n10,7,09/10/2025,,T,A,\n10,7,09/11/2025,,T,,\n10,7,09/12/2025,,?,,\n")
    assert rows(reading, "attendance", "date", "kind", "full_day", "source_code") == [("2025-09-10", "excused", "false", "A")]
    assert refusals(reading) == [("ATT.csv", 4, "ATT.A1", "?", "CODE_UNMAPPED", "warn")]
    assert left(reading)["PERIODS_ONLY"] == 1


def test_holiday_codes_and_hours(district: Callable[..., Reading]) -> None:
    bel = """SC,HO,DT,LG,HG,ST,ET
10,,,,,8:00 AM,2:30 PM
10,%,,,,8:00 AM,1:00 PM
10,,,-1,0,8:00 AM,12:00 PM
0,,,,,1899-12-30T08:30:00,15:00
"""
    reading = district(codes={"day_end": {"20": "15:30"}, "day_start": {"20": "08:45"}}, BEL=bel)
    assert rows(reading, "calendar", "school_code", "date", "is_instructional", "day_start", "day_end", "grades") == [
        ("1930002", "2025-09-08", "true", "08:45", "15:30", None),
        ("6010001", "2025-09-08", "true", "08:00", "14:30", None),
        ("6010001", "2025-09-08", "true", "08:00", "12:00", "TK;KN"),
        ("6010001", "2025-09-09", "true", "08:00", "13:00", None),
        ("6010001", "2025-09-09", "true", "08:00", "12:00", "TK;KN"),
        ("6010001", "2025-09-10", "false", None, None, None),
        ("6010001", "2025-09-11", "false", None, None, None),
    ]
    assert left(reading)["LEFT_NO_SCHOOL"] == 1
    unknown = district()
    assert set(rows(unknown, "calendar", "day_start", "day_end")) == {(None, None)}


def test_tracks(district: Callable[..., Reading]) -> None:
    day = "SC,DT,HO,T1,T2\n10,09/08/2025,,,@\n10,09/09/2025,,#,\n20,09/08/2025,,,\n20,09/09/2025,?,,\n"
    reading = district({"track_names": ["A", "Blue"]}, DAY=day)
    assert rows(reading, "calendar", "school_code", "date", "is_instructional", "track") == [
        ("1930002", "2025-09-08", "true", None),
        ("6010001", "2025-09-08", "true", None),
        ("6010001", "2025-09-08", "false", "Blue"),
        ("6010001", "2025-09-09", "true", None),
        ("6010001", "2025-09-09", "false", "A"),
    ]
    assert refusals(reading) == [("DAY.csv", 5, "DAY.HO", "?", "CODE_UNMAPPED", "error")]


def test_the_alternate_minimum_day_of_an_iep(district: Callable[..., Reading]) -> None:
    reading = district(CSE="ID,AMD\n1001,150\n1002,0\n1003,\n")
    assert rows(reading, "enrollments", "ssid", "alternate_minimum_minutes", "alternate_minimum_basis") == [
        ("9000000001", "150", "iep_46307"),
        ("9000000001", "150", "iep_46307"),
        ("9000000002", None, None),
    ]


def test_staff_by_id_and_by_teacher_number(district: Callable[..., Reading]) -> None:
    reading = district(
        STF="ID,LN,FN,CT,EM,CX\nT1,Diaz,Eva,1,1,06/30/2030\nT2,Park,Jo,,,\n",
        TCH="SC,TN,ID\n10,3,T2\n",
        ATR="SC,SE,ID,TN,SD,ED\n10,5,T1,,,\n10,5,,3,09/16/2025,\n10,5,,4,,\n10,6,T1,,,\n",
    )
    assert rows(reading, "staff", "staff_id", "staff_name", "certificated", "lea_employee", "credential_expires") == [
        ("T1", "Diaz, Eva", "true", "true", "2030-06-30"),
        ("T2", "Park, Jo", None, None, None),
    ]
    assert rows(reading, "session_staff", "session_id", "staff_id", "role") == [
        ("10-5-2025-09-15", "T1", "teacher"),
        ("10-5-2025-09-16", "T1", "teacher"),
        ("10-5-2025-09-16", "T2", "teacher"),
    ]
    assert refusals(reading) == [("ATR.csv", 4, "ATR.TN", "4", "STAFF_UNKNOWN", "error")]


def test_without_a_staff_id_somebody_must_tell(district: Callable[..., Reading]) -> None:
    with pytest.raises(RecoupError, match="AERIES_ATR_STAFF"):
        district(ATR="SC,SE,TN\n10,5,3\n")


def test_codes_of_enrollment_that_nobody_mapped(district: Callable[..., Reading]) -> None:
    enr = "ID,SC,ED,LD,GR,PR,ES,ER\n1001,10,08/18/2025,10/03/2025,15,N,,140\n1002,10,08/18/2025,,5,,77,\n1002,99,08/18/2025,,5,,,\n"
    reading = district(codes={"exit_reason": {"140": "E140"}}, ENR=enr)
    assert rows(reading, "enrollments", "grade", "instruction_mode", "exit_reason") == [("15", None, "E140")]
    assert refusals(reading) == [
        ("ENR.csv", 4, "ENR.SC", "99", "SCHOOL_UNKNOWN", "error"),
        ("ENR.csv", 3, "ENR.ES", "77", "CODE_UNMAPPED", "error"),
        ("ENR.csv", 2, "ENR.PR", "N", "CODE_UNMAPPED", "warn"),
    ]
    assert left(district(ENR="ID,SC,ED,LD,GR\n1001,10,08/18/2025,,5\n"))["STATUS_ASSUMED"] == 1


def test_a_school_type_is_never_assumed(district: Callable[..., Reading]) -> None:
    reading = district(codes={"school_type": {"10": "elementary"}})
    assert rows(reading, "schools", "school_code") == [("6010001",)]
    assert refusals(reading) == [("LOC.csv", 4, "LOC.CD", "20", "CODE_UNMAPPED", "error")]


def test_zeros_that_a_spreadsheet_took_come_back_only_when_asked(district: Callable[..., Reading]) -> None:
    loc = "CD,NM,CC,DC,SC\n10,Oak,1,64733,190001\n"
    assert rows(district(LOC=loc, DAY="SC,DT,HO\n"), "schools", "school_code", "county_district_code") == [("190001", "164733")]
    assert rows(district({"pad_cds": True}, LOC=loc, DAY="SC,DT,HO\n"), "schools", "school_code", "county_district_code") == [
        ("0190001", "0164733")
    ]


@pytest.mark.parametrize("header", ["{}", "STU.{}", "stu_{}", "[STU]{}", '"{}"'])
def test_headers_with_and_without_the_table(header: str, district: Callable[..., Reading]) -> None:
    names, *lines = DISTRICT["STU"].splitlines()
    turned = [",".join(reversed(line.split(","))) for line in lines]
    head = ",".join(header.format(name) for name in reversed(names.split(",")))
    assert rows(district(STU="\n".join([head, *turned])), "students", "ssid") == [("9000000002",), ("9000000001",)]


def test_columns_of_a_joined_query_are_taken_from_their_own_table(district: Callable[..., Reading]) -> None:
    att = "STU.ID,STU.SC,ATT.SC,ATT.SN,ATT.DT,ATT.AL,ATT.ADA\n1001,20,10,7,09/08/2025,A,\n"
    assert rows(district(ATT=att), "attendance", "ssid", "school_code") == [("9000000001", "6010001")]


def test_what_is_declared_is_whole() -> None:
    folder = Path(data.__file__).parent / "aeries_files"
    lists = {row["list"]: row["of"] for row in data.rows("recoup.adapters.aeries_files", "lists.csv")}
    assert set(lists) == {path.stem for path in (folder / "codes").glob("*.csv")}
    for name, of in lists.items():
        known = (*CODES.get(of, ()), *({"absence_type": ("present",), "day": ("true", "false")}.get(name, ())))
        for code in data.rows("recoup.adapters.aeries_files", f"codes/{name}.csv"):
            assert code["kind"] in known
            assert code["grade"] in {"V", "C", "K", "U"}
    for row in data.rows("recoup.adapters.aeries_files", "columns.csv"):
        assert row["grade"] in {"V", "C", "K", "U"}
        assert row["meaning"]


def test_pitfall_18_one_flag_for_both_suspensions_is_asked_about_and_never_guessed(district: Callable[..., Reading]) -> None:
    """ABS.SU says that S is a suspension, and not whether at home or at school: the two are counted in different ways."""
    reading = absences(district, {}, ("10", "S"))
    (line,) = reading.refused.to_dicts()
    assert (line["code"], line["line"], line["severity"]) == ("CODE_UNMAPPED", 2, "error")
    assert "suspension" in line["mend"]
    for kind in ("suspension_out", "suspension_in"):
        told = absences(district, {"suspension": {"10/S": kind}}, ("10", "S"))
        assert rows(told, "attendance", "kind") == [(kind,)]


def test_pitfall_27_a_row_marked_as_deleted_is_left_out_and_counted(district: Callable[..., Reading]) -> None:
    """DEL is not 0: the student, the absence and the visit are gone, and nobody is told that they are unknown."""
    before = district()
    gone = "10,9,1009,9000000009,Gone,Gil,2014-01-01,M,,1\n"
    reading = district(
        STU=DISTRICT["STU"] + gone,
        ATT="SC,SN,DT,AL,ADA,ADT,DEL\n10,7,09/08/2025,A,,,0\n10,7,09/09/2025,A,,,-1\n",
        ATD="ID,SCL,SE,SQ,DT,TM,VB,DEL\n1001,10,5,1,09/15/2025,120,T1,0\n1001,10,5,2,09/16/2025,120,T1,1\n",
    )
    for table in ("students", "attendance", "participation"):
        assert reading.tables[table].collect().height == before.tables[table].collect().height
    assert refusals(reading) == []

    def deleted(found: Reading) -> int:
        return sum(finding.rows for finding in found.left_out if finding.code == "LEFT_DELETED" and "deleted in Aeries" in finding.message)

    assert deleted(reading) == deleted(before) + 3
