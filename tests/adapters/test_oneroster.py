"""OneRoster's CSV files: what producers really send, and what becomes of it."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from recoup.adapters import crosswalk
from recoup.adapters.oneroster import ADAPTER
from recoup.adapters.oneroster.package import modes
from recoup.errors import Exit, RecoupError
from recoup.ports import Lea, ReadRequest
from recoup.schemas import TABLES
from tests.adapters.conftest import YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recoup.ports import RawFile, Reading

    Raw = Callable[..., RawFile]
    Read = Callable[..., Reading]

FEEDS = ("orgs", "academicSessions", "users", "roles", "classes", "enrollments", "demographics")
ORGS = """sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId
D,,,Cedar Valley,district,1964733,
A,,,Cedar,school,19647336010000,D
"""
SESSIONS = """sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear
Y,,,2025-26,schoolYear,2025-08-13,2026-06-05,,2026
F,,,Fall,term,2025-08-13,2025-12-19,Y,2026
S,,,Spring,term,2026-01-05,2026-05-29,Y,2026
"""
USERS = """sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,identifier,grades
S1,,,true,A,student,ana,,Ana,Lopez,9000000001,05
T1,,,true,A,teacher,tea,,Tea,Cher,1001,
"""
CLASSES = """sourcedId,status,dateLastModified,title,schoolSourcedId,termSourcedIds
CF,,,Fall,A,F
CS,,,Spring,A,S
CY,,,Year,A,"F, S"
CW,,,Whole,A,Y
CN,,,None,A,
"""
ENROLL = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
PEOPLE = "sourcedId,status,dateLastModified,birthDate,sex\nS1,,,2015-03-11,Female\n"
SMALL = {
    "orgs": ORGS,
    "academicSessions": SESSIONS,
    "users": USERS,
    "classes": CLASSES,
    "enrollments": ENROLL + "E1,,,CY,A,S1,student,,,\nE2,,,CY,A,T1,teacher,true,,\n",
    "demographics": PEOPLE,
}


def request(**options: object) -> ReadRequest:
    return ReadRequest("rosters", YEAR, Lea("1964733", "Cedar Valley Unified"), options, {"codes": {"school_type": {"A": "elementary"}}})


@pytest.fixture
def read(raw: Raw) -> Read:
    """Read the small district with some of its files changed; an empty text leaves a file out."""

    def reading(options: Mapping[str, object] | None = None, **changed: str | bytes) -> Reading:
        given = [raw(f"{name}.csv", text, name) for name, text in {**SMALL, **changed}.items() if text]
        return ADAPTER.read(given, request(**(options or {})))

    return reading


def rows(reading: Reading, table: str, *names: str) -> list[tuple[object, ...]]:
    return reading.tables[table].collect().select(*names).rows()


def codes(reading: Reading) -> list[tuple[object, ...]]:
    return reading.refused.sort("line").select("file", "line", "code").rows()


def findings(reading: Reading) -> set[str]:
    return {finding.code for finding in reading.left_out}


def test_the_small_district(read: Read) -> None:
    reading = read()
    assert rows(reading, "schools", "school_code", "school_type", "county_district_code", "local_school_id") == [
        ("6010000", "elementary", "1964733", "A")
    ]
    assert rows(reading, "students", "ssid", "legal_first_name", "birth_date", "gender") == [("9000000001", "Ana", "2015-03-11", "F")]
    assert rows(reading, "students", "local_student_id") == [(None,)], "one place cannot hold both numbers"
    assert rows(reading, "enrollments", "ssid", "school_code", "entry_date", "exit_date", "grade", "enrollment_status") == [
        ("9000000001", "6010000", "2025-08-13", None, "05", "10")
    ]
    assert rows(reading, "staff", "staff_id", "staff_name", "certificated") == [("1001", "Cher, Tea", None)]
    assert sorted(rows(reading, "terms", "school_code", "term", "start", "end")) == [
        ("6010000", "Fall", "2025-08-13", "2025-12-19"),
        ("6010000", "Spring", "2026-01-05", "2026-05-29"),
    ]
    assert reading.refused.is_empty()
    assert findings(reading) == {"LEFT_BY_RULE", "TERM_DATES", "STAYS", "COLUMN_EMPTY", "LOCAL_ID_UNKNOWN"}


#: A set as the public tables and sample generators of 1.1 give it: all files of the standard, every cell in quotes, extensions, files
#: with headers alone or without a byte, CR LF, a mark before the first header.
PUBLIC = {
    "manifest": '"propertyName","value"\n"manifest.version","1.0"\n"oneroster.version","1.1"\n"file.orgs","bulk"\n"file.users","bulk"\n'
    '"file.categories","absent"\n"file.demographics","bulk"\n"source.systemName","Sample SIS"\n"source.systemCode",""\n',
    "orgs": '"sourcedId","status","dateLastModified","name","type","identifier","parentSourcedId","metadata.boarding"\n'
    '"1","","","Cedar Valley USD","district","1964733","",""\n"10","","","Cedar Middle","school","19647336010000","1","false"\n',
    "academicSessions": '"sourcedId","status","dateLastModified","title","type","startDate","endDate","parentSourcedId","schoolYear"\n'
    '"2026","","","2025-2026","schoolYear","2025-08-13","2026-05-29","","2026"\n'
    '"T1","","","Semester 1","semester","2025-08-13","2025-12-19","2026","2026"\n',
    "courses": '"sourcedId","status","dateLastModified","schoolYearSourcedId","title","courseCode","grades","orgSourcedId","subjects"\n',
    "classes": '"sourcedId","status","dateLastModified","title","grades","courseSourcedId","classCode","classType","location",'
    '"schoolSourcedId","termSourcedIds","subjects","subjectCodes","periods","metadata.room"\n'
    '"c1","","","Math 7, ""A""","07,08","k1","M7","scheduled","","10","T1","Math","","1,2","R9"\n',
    "users": '"sourcedId","status","dateLastModified","enabledUser","orgSourcedIds","role","username","userIds","givenName","familyName",'
    '"middleName","identifier","email","sms","phone","agentSourcedIds","grades","password","metadata.SSID"\n'
    '"u1","","","true","10","student","apeña","{LDAP:apena},{Fed:x9}","Ana","Peña","","104","","","","u3","07","","9000000001"\n'
    '"u2","","","true","10, 1","teacher","lee","","Jo","Lee","","T100","lee@example.org","","","","","",""\n'
    '"u3","","","true","10","guardian","","","Rosa","Peña","","","","","","u1","","",""\n',
    "enrollments": '"sourcedId","status","dateLastModified","classSourcedId","schoolSourcedId","userSourcedId","role","primary",'
    '"beginDate","endDate"\n"e1","","","c1","10","u1","student","false","2025-08-20","2025-12-19"\n"e2","","","c1","10","u2","teacher","true","",""\n',
    "demographics": '"sourcedId","status","dateLastModified","birthDate","sex","americanIndianOrAlaskaNative","asian",'
    '"blackOrAfricanAmerican","nativeHawaiianOrOtherPacificIslander","white","demographicRaceTwoOrMoreRaces","hispanicOrLatinoEthnicity",'
    '"countryOfBirthCode","stateOfBirthAbbreviation","cityOfBirth","publicSchoolResidenceStatus"\n'
    '"u1","","","2013-02-03","female","","","","","","","true","US","CA","",""\n',
    "lineItems": "",
    "resources": '"sourcedId","status"\n',
}


def packed(files: Mapping[str, str], mark: bytes = b"\xef\xbb\xbf") -> bytes:
    """Zip files as producers do: CR LF, a byte order mark, in a folder that an archive program has made or at the root."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", mark * bool(text) + text.replace("\n", "\r\n").encode())
    return content.getvalue()


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_a_set_as_public_samples_give_it_is_read_unchanged(form: str, raw: Raw) -> None:
    told = ReadRequest(
        "rosters",
        YEAR,
        Lea("1964733", "Cedar Valley Unified"),
        {"ssid": "mapped"},
        {"columns": {"users": {"ssid": "metadata.SSID"}}, "codes": {"school_type": {"19647336010000": "middle"}}},
    )
    if form == "zip":
        given = [raw("sample.zip", packed(PUBLIC), "package")]
    else:
        given = [raw(f"{name}.csv", PUBLIC[name], name) for name in (*FEEDS, "manifest") if name in PUBLIC]
    reading = ADAPTER.read(given, told)
    assert reading.refused.is_empty()
    assert rows(reading, "schools", "school_code", "school_name", "school_type") == [("6010000", "Cedar Middle", "middle")]
    assert rows(reading, "students", "ssid", "local_student_id", "legal_last_name", "gender") == [("9000000001", "104", "Peña", "F")]
    assert rows(reading, "enrollments", "entry_date", "exit_date", "grade") == [("2025-08-20", "2025-12-19", "07")]
    assert rows(reading, "staff", "staff_id") == [("T100",)]
    for table, lazy in reading.tables.items():
        assert set(lazy.collect_schema().names()) <= {*TABLES[table].names, "_source", "_file", "_line"}


def test_a_file_without_a_byte_is_not_read_and_said(read: Read) -> None:
    reading = read(demographics="\r\n")
    assert {"FILE_EMPTY", "NO_DEMOGRAPHICS"} <= findings(reading)
    assert rows(reading, "students", "birth_date", "gender") == [(None, None)]


@pytest.mark.parametrize(
    "text",
    [
        "propertyName,value\nfile.users,delta\nfile.academicSessions,bulk\n",
        "propertyName,propertyValue\nfile.users,Delta\nfile.academicsessions,bulk\n",
        "\ufeffpropertyname;value\n".replace(";", ",") + "FILE.USERS,delta\nfile.academicSession,bulk\n",
        '"propertyName","value"\r\n"file.user","delta"\r\n"file.acedemicSessions","bulk"\r\n"file.catagories","absent"\r\n',
    ],
)
def test_a_manifest_is_read_however_it_is_spelt(text: str) -> None:
    assert modes(text.encode(), "manifest.csv", FEEDS) == {"users": "delta", "academicSessions": "bulk"}


MANIFEST = "propertyName,value\noneroster.version,1.1\n"


def test_a_delta_lies_on_top_of_the_bulk_before_it(raw: Raw) -> None:
    """A row that changed, a new one and one that is deleted; what the delta does not tell of stays."""
    changed = USERS.splitlines()[0] + "\nS1,active,2025-10-01T08:00:00Z,true,A,student,ana,,Ana,Peña,9000000001,06\n"
    changed += (
        "S2,active,2025-10-01T08:00:00Z,true,A,student,li,,Li,Nguyen,9000000002,05\nT1,tobedeleted,2025-10-01T08:00:00Z,,,,,,Tea,Cher,,\n"
    )
    more = ENROLL + "E3,active,2025-10-01T08:00:00Z,CY,A,S2,student,,2025-10-01,\n"
    delta = {"manifest": MANIFEST + "file.users,delta\nfile.enrollments,delta\nfile.orgs,absent\n", "users": changed, "enrollments": more}
    bulk = raw("a.zip", packed({"manifest": MANIFEST, **SMALL}), "package")
    reading = ADAPTER.read([bulk, raw("b.zip", packed(delta), "package")], request())
    assert rows(reading, "students", "ssid", "legal_last_name") == [("9000000001", "Peña"), ("9000000002", "Nguyen")]
    assert sorted(rows(reading, "enrollments", "ssid", "entry_date", "grade")) == [
        ("9000000001", "2025-08-13", "06"),
        ("9000000002", "2025-10-01", "05"),
    ]
    assert rows(reading, "staff", "staff_id") == []
    assert codes(reading) == [("a.zip/users.csv", 2, "REPLACED"), ("a.zip/users.csv", 3, "REPLACED")]
    assert "LEFT_DELETED" in findings(reading)


def test_a_later_bulk_forgets_what_came_before(raw: Raw) -> None:
    later = SMALL | {"users": USERS.replace("Ana", "Anna")}
    files = [raw("a.zip", packed(SMALL), "package"), raw("b.zip", packed(later), "package")]
    reading = ADAPTER.read(files, request())
    assert rows(reading, "students", "legal_first_name") == [("Anna",)]
    assert {count.file.name.split("/")[0] for count in reading.files} == {"b.zip"}
    assert reading.refused.is_empty()


def test_a_delta_without_a_bulk_is_refused(raw: Raw) -> None:
    delta = {**SMALL, "manifest": MANIFEST + "file.users,delta\n"}
    with pytest.raises(RecoupError, match="ONEROSTER_NO_BULK") as caught:
        ADAPTER.read([raw("b.zip", packed(delta), "package")], request())
    assert caught.value.status == Exit.REFUSED


def test_a_delta_in_a_folder_is_refused_since_it_would_take_the_place_of_the_bulk(read: Read) -> None:
    with pytest.raises(RecoupError, match="ONEROSTER_DELTA_FOLDER") as caught:
        read(manifest=MANIFEST + "file.users,delta\n")
    assert "users.csv" in str(caught.value)


def test_a_zip_and_files_in_one_source_are_refused(raw: Raw) -> None:
    with pytest.raises(RecoupError, match="ONEROSTER_TWO_FORMS"):
        ADAPTER.read([raw("a.zip", packed(SMALL), "package"), raw("orgs.csv", ORGS, "orgs")], request())


@pytest.mark.parametrize(
    ("place", "ids"),
    [
        ("userIds:SSID", '"{LDAP:x},{SSID:9000000001}"'),
        ("userIds:ssid", "{SSID: 9000000001 }"),
        ("userIds:state", "state:9000000001"),
        ("userIds:State ID", '"{Fed:9},{State ID:9000000001},{Other:7}"'),
    ],
)
def test_the_ssid_may_stand_among_the_user_ids(place: str, ids: str, read: Read) -> None:
    users = USERS.replace("ana,,Ana,Lopez,9000000001", f"ana,{ids},Ana,Lopez,104")
    assert rows(read({"ssid": place}, users=users), "students", "ssid", "local_student_id") == [("9000000001", "104")]


def test_where_no_ssid_stands_the_places_that_have_ten_digits_are_told_and_no_value(read: Read) -> None:
    users = USERS.replace("ana,,Ana,Lopez,9000000001", 'ana,"{LDAP:ana},{State:9000000001}",Ana,Lopez,104')
    with pytest.raises(RecoupError, match="ONEROSTER_SSID") as caught:
        read(users=users)
    assert caught.value.status == Exit.USAGE
    assert "userIds:State (1 of 1 students)" in str(caught.value)
    assert "9000000001" not in str(caught.value)


def test_the_master_identifier_of_12_may_be_the_ssid(read: Read) -> None:
    users = USERS.replace("identifier,grades", "identifier,grades,userMasterIdentifier").replace("9000000001,05", "104,05,9000000001")
    with pytest.raises(RecoupError, match=r"userMasterIdentifier \(1 of 1 students\)"):
        read(users=users.replace("1001,", "1001,,"))
    told = read({"ssid": "userMasterIdentifier"}, users=users.replace("1001,", "1001,,"))
    assert rows(told, "students", "ssid", "local_student_id") == [("9000000001", "104")]


def test_ids_that_are_written_the_other_way_round_are_not_taken_for_types_and_told(read: Read) -> None:
    users = USERS.replace("ana,,Ana,Lopez,9000000001", "ana,{9000000001:SSID},Ana,Lopez,104")
    users += "".join(f"S{n},,,true,A,student,x{n},{{900000000{n}:SSID}},X,Y,10{n},05\n" for n in range(2, 6))
    with pytest.raises(RecoupError, match="ONEROSTER_SSID") as caught:
        read(users=users)
    assert "90000" not in str(caught.value)


def test_a_place_that_is_none_is_told_before_anything_is_read() -> None:
    with pytest.raises(RecoupError, match="OPTION_VALUE"):
        ADAPTER.settle(request(ssid="stateId"))


FALL, SPRING = ("CF", "", ""), ("CS", "", "")


@pytest.mark.parametrize(
    ("classes", "spans"),
    [
        # Days between the terms do not end a stay; no end in the last term is still there.
        ([FALL, SPRING], [("2025-08-13", None)]),
        ([FALL], [("2025-08-13", "2025-12-19")]),
        # Several classes, one stay: from the first begin to the last end.
        (
            [("CF", "2025-09-02", "2025-12-19"), ("CF", "2025-08-20", "2025-11-14"), ("CS", "2026-01-05", "2026-03-06")],
            [("2025-08-20", "2026-03-06")],
        ),
        # A class dropped and another taken the next day.
        ([("CY", "2025-08-13", "2025-10-03"), ("CY", "2025-10-04", "")], [("2025-08-13", None)]),
        # A weekend ends nothing: there may be a session on Saturday.
        ([("CY", "2025-08-13", "2025-10-03"), ("CY", "2025-10-06", "")], [("2025-08-13", None)]),
        # Away for a weekday of a term: two stays.
        ([("CY", "2025-08-13", "2025-10-03"), ("CY", "2025-10-07", "")], [("2025-08-13", "2025-10-03"), ("2025-10-07", None)]),
        ([("CF", "2025-08-13", "2025-12-11"), ("CS", "2026-01-05", "")], [("2025-08-13", "2025-12-11"), ("2026-01-05", None)]),
        # A class that runs on while another is dropped bridges what comes after.
        ([("CY", "2025-08-13", ""), ("CY", "2025-08-13", "2025-09-05"), ("CS", "2026-02-02", "2026-03-06")], [("2025-08-13", None)]),
        # A class of the whole year ends with it, and one of the last term with the term: both are still there.
        ([("CW", "", ""), SPRING], [("2025-08-13", None)]),
        ([("CW", "", "2025-11-14"), SPRING], [("2025-08-13", "2025-11-14"), ("2026-01-05", None)]),
        # A class in no term has its own dates alone.
        ([("CN", "2025-09-01", "")], [("2025-09-01", None)]),
    ],
)
def test_classes_become_stays_at_a_school(classes: Sequence[tuple[str, str, str]], spans: list[tuple[str, str | None]], read: Read) -> None:
    text = ENROLL + "".join(f"E{n},,,{held},A,S1,student,,{begin},{end}\n" for n, (held, begin, end) in enumerate(classes))
    assert sorted(rows(read(enrollments=text), "enrollments", "entry_date", "exit_date"), key=repr) == sorted(spans, key=repr)


def test_a_district_may_say_how_many_days_do_not_end_a_stay(read: Read) -> None:
    text = ENROLL + "E1,,,CY,A,S1,student,,2025-08-13,2025-10-03\nE2,,,CY,A,S1,student,,2025-10-08,\n"
    assert len(rows(read({"gap_days": 1}, enrollments=text), "enrollments", "ssid")) == 2
    assert rows(read({"gap_days": 2}, enrollments=text), "enrollments", "entry_date", "exit_date") == [("2025-08-13", None)]


def test_the_end_may_be_the_first_day_out(read: Read) -> None:
    text = ENROLL + "E1,,,CY,A,S1,student,,2025-08-13,2025-10-04\n"
    assert rows(read({"exit_date": "first_day_out"}, enrollments=text), "enrollments", "exit_date") == [("2025-10-03",)]


def test_pitfall_11_class_dates_in_utc_are_local_days(read: Read) -> None:
    """Midnight here, as a server tells it: 07:00 in summer, 08:00 in winter. 23:00 of the day before is no day."""
    text = ENROLL + "E1,,2025-11-02T09:30:00.000Z,CY,A,S1,student,,2025-08-18T07:00:00.000Z,2026-03-06T08:00:00.000Z\n"
    assert rows(read(enrollments=text), "enrollments", "entry_date", "exit_date") == [("2025-08-18", "2026-03-06")]
    odd = read(enrollments=text.replace("2026-03-06T08", "2026-03-06T07"))
    assert rows(odd, "enrollments", "exit_date") == [("2026-03-06T07:00:00.000Z",)], "left as it stands, for the checks to refuse"


def test_rows_that_lead_nowhere_are_refused_each_with_its_line(read: Read) -> None:
    text = SMALL["enrollments"] + "E3,,,CY,A,S9,student,,,\nE4,,,CY,Z,S1,student,,,\nE5,,,CN,A,S1,student,,,\n"
    assert codes(read(enrollments=text)) == [
        ("enrollments.csv", 4, "STUDENT_UNKNOWN"),
        ("enrollments.csv", 5, "SCHOOL_UNKNOWN"),
        ("enrollments.csv", 6, "ENROLLMENT_NO_DATE"),
    ]


def test_a_deleted_user_takes_the_enrollments_along(read: Read) -> None:
    users = USERS + "S2,tobedeleted,,,A,student,,,Li,Nguyen,9000000002,05\nP1,,,,A,parent,,,Rosa,Lopez,,\n"
    text = SMALL["enrollments"] + "E3,,,CY,A,S2,student,,,\n"
    reading = read(users=users, enrollments=text)
    assert rows(reading, "students", "ssid") == [("9000000001",)]
    assert reading.refused.is_empty()
    told = {finding.message for finding in reading.left_out}
    assert "users: 1 rows left out: neither students nor staff" in told
    assert "enrollments: 1 rows left out: of users that are deleted" in told


def test_of_two_rows_with_one_key_the_later_change_counts(read: Read) -> None:
    head, first, *rest = USERS.splitlines()
    lines = [
        head,
        first.replace("S1,,,", "S1,,2025-10-02T08:00:00Z,").replace("Ana", "Anna"),
        first.replace("S1,,,", "S1,,2025-10-01T20:00:00Z,"),
    ]
    reading = read(users="\n".join((*lines, *rest)) + "\n")
    assert rows(reading, "students", "legal_first_name") == [("Anna",)]
    assert codes(reading) == [("users.csv", 3, "REPLACED")]


def test_a_grade_in_no_list_is_refused_and_so_are_two(read: Read) -> None:
    for grades in ("PS", '"05,06"'):
        reading = read(users=USERS.replace("9000000001,05", f"9000000001,{grades}"))
        assert reading.refused.select("code", "column").rows() == [("CODE_UNMAPPED", "users.grades")]
        assert rows(reading, "enrollments", "ssid") == []


ROLES = """sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId
R1,,,S1,primary,student,2025-08-13,,A
R2,,,S1,secondary,student,2025-09-01,2025-10-03,A
R3,,,T1,primary,teacher,,,A
R4,,,S1,primary,student,2025-08-13,,D
"""
USERS_12 = "\n".join(
    ",".join(cell for place, cell in enumerate(line.split(",")) if place not in (4, 5)) for line in USERS.splitlines()
) + "\n"  # fmt: skip


def test_roles_of_12_say_who_is_a_student_and_may_be_the_enrollments(read: Read) -> None:
    reading = read({"enrollment_from": "roles"}, users=USERS_12, roles=ROLES, enrollments="", classes="")
    assert rows(reading, "enrollments", "entry_date", "exit_date", "enrollment_status") == [
        ("2025-08-13", None, "10"),
        ("2025-09-01", "2025-10-03", "20"),
    ]
    assert rows(reading, "staff", "staff_id") == [("1001",)]
    assert reading.refused.is_empty()


def test_users_of_12_without_their_roles_are_missed(read: Read) -> None:
    with pytest.raises(RecoupError, match="READ_FEED_MISSING") as caught:
        read(users=USERS_12)
    assert "roles.csv" in str(caught.value)


def test_without_enrollments_the_missing_file_is_named(read: Read) -> None:
    with pytest.raises(RecoupError, match="READ_FEED_MISSING") as caught:
        read(enrollments="")
    assert "enrollments.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("district", "school", "found"),
    [
        ("1964733", "19647336010000", ("6010000", "1964733")),
        ("1964741", "6010000", ("6010000", "1964741")),
        ("19647410000000", "6010000", ("6010000", "1964741")),
        ("", "6010000", ("6010000", "1964733")),
    ],
)
def test_where_the_cds_code_stands(district: str, school: str, found: tuple[str, str], read: Read) -> None:
    reading = read(orgs=ORGS.replace(",1964733,", f",{district},").replace("19647336010000", school))
    assert rows(reading, "schools", "school_code", "county_district_code") == [found]
    assert ("DEFAULT_TAKEN" in findings(reading)) is (district == "")


def test_an_org_that_is_no_school_of_the_state_is_left_with_all_that_lies_there(read: Read) -> None:
    orgs = ORGS + "X,,,Summer Camp,school,,D\n"
    text = SMALL["enrollments"] + "E3,,,CN,X,S1,student,,2025-07-01,2025-07-11\n"
    reading = read({"leave_orgs": ["X"]}, orgs=orgs, enrollments=text)
    assert rows(reading, "schools", "school_code") == [("6010000",)]
    assert reading.refused.is_empty()


def test_what_oneroster_does_not_carry_is_left_to_another_source(read: Read) -> None:
    reading = read({"enrollment_status": "unknown"})
    assert rows(reading, "enrollments", "enrollment_status", "instruction_mode") == [(None, None)]


def test_what_is_not_carried_is_no_code_without_a_meaning(read: Read) -> None:
    found = crosswalk.seen(ADAPTER, read({"enrollment_status": "unknown"}))
    assert [(one.list, one.code, one.means) for one in found] == [("grade", "05", "05"), ("school_type", "elementary", "elementary")]
