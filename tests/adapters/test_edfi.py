"""Ed-Fi's resources as pages and as interchange XML: names, descriptors, what a day, a session and a credential is."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from recoup.adapters.edfi import ADAPTER
from recoup.adapters.edfi.naming import SEVERAL, cells, json_leaves, xml_leaves
from recoup.conformance import as_csv
from recoup.errors import Exit, RecoupError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recoup.ports import RawFile, Reading, ReadRequest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "edfi" / "small"
INSTRUCTION = "uri://ed-fi.org/CalendarEventDescriptor#Instructional day"


class Files:
    """Pages and interchange files made up in a test, and what the adapter makes of them."""

    def __init__(self, raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> None:
        self.raw = raw
        self.ask = ask

    def xml(self, options: Mapping[str, object] | None = None, changed: Mapping[str, str] | None = None, **mapping: Any) -> Reading:
        """Read the fixture with some texts of it changed."""
        files = []
        for path in sorted((FIXTURES / "in").iterdir()):
            data = path.read_bytes()
            for old, new in (changed or {}).items():
                data = data.replace(old.encode(), new.encode())
            files.append(self.raw(path.name, data, "interchange"))
        return ADAPTER.read(files, self.ask({"recovery_courses": ["ATT-REC"], **(options or {})}, **mapping))

    def pages(self, *rows: tuple[str, Mapping[str, Any]], options: Mapping[str, object] | None = None, **mapping: Any) -> Reading:
        """Read one page for each resource: those of a small school, and rows laid over them."""
        resources: dict[str, list[Mapping[str, Any]]] = {feed: [row] for feed, row in SMALL}
        for feed, row in rows:
            resources.setdefault(feed, []).append(row)
        files = [self.raw(f"pages/{feed}/0-9/0001.json", json.dumps(found), feed) for feed, found in resources.items()]
        return ADAPTER.read(files, self.ask(options or {}, **mapping))


@pytest.fixture
def files(raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> Files:
    return Files(raw, ask)


def rows(reading: Reading, table: str, *columns: str) -> list[tuple[object, ...]]:
    return reading.tables[table].collect().select(*columns).rows()


def event(day: str, category: str = "Excused Absence", **more: Any) -> dict[str, Any]:
    """An attendance event as the interface gives it."""
    return {
        "id": f"{day}{category}{more}",
        "schoolReference": {"schoolId": 255901001, "link": {"rel": "School", "href": "/ed-fi/schools/80e1"}},
        "sessionReference": {"schoolId": 255901001, "schoolYear": 2026, "sessionName": "2025-2026 Fall Semester"},
        "studentReference": {"studentUniqueId": "604822", "link": {"rel": "Student", "href": "/ed-fi/students/6a2f"}},
        "attendanceEventCategoryDescriptor": f"uri://ed-fi.org/AttendanceEventCategoryDescriptor#{category}",
        "eventDate": day,
        "_etag": "5250171482138512112",
        **more,
    }


SYSTEM = "uri://ed-fi.org/EducationOrganizationIdentificationSystemDescriptor#"
#: The shapes of the interface's own description.
SMALL: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "schools",
        {
            "id": "80e1",
            "localEducationAgencyReference": {"localEducationAgencyId": 255901},
            "schoolId": 255901001,
            "nameOfInstitution": "Grand Bend High School",
            "educationOrganizationCategories": [{"educationOrganizationCategoryDescriptor": "uri://ed-fi.org/x#School"}],
            "addresses": [{"city": "Grand Bend", "periods": [{"beginDate": "2011-01-01"}]}],
            "identificationCodes": [
                {"educationOrganizationIdentificationSystemDescriptor": SYSTEM + "NCES", "identificationCode": "480001"},
                {"educationOrganizationIdentificationSystemDescriptor": SYSTEM + "SEA", "identificationCode": "19647331930001"},
            ],
            "schoolCategories": [{"schoolCategoryDescriptor": "uri://ed-fi.org/SchoolCategoryDescriptor#High School"}],
            "_ext": {"tpdm": {"federalLocaleCodeDescriptor": "uri://tpdm.ed-fi.org/FederalLocaleCodeDescriptor#City-Large"}},
        },
    ),
    (
        "calendarDates",
        {
            "id": "c1",
            "calendarReference": {"calendarCode": "2025", "schoolId": 255901001, "schoolYear": 2026},
            "date": "2025-10-06",
            "calendarEvents": [{"calendarEventDescriptor": INSTRUCTION}],
        },
    ),
    (
        "students",
        {
            "id": "6a2f",
            "studentUniqueId": "604822",
            "birthDate": "2010-09-13",
            "firstName": "Lisa",
            "lastSurname": "Woods",
            "otherNames": [{"otherNameTypeDescriptor": "uri://ed-fi.org/x#Nickname", "firstName": "Lisarae", "lastSurname": "Woodlock"}],
        },
    ),
    (
        "studentEducationOrganizationAssociations",
        {
            "id": "s1",
            "educationOrganizationReference": {"educationOrganizationId": 255901},
            "studentReference": {"studentUniqueId": "604822"},
            "sexDescriptor": "uri://ed-fi.org/SexDescriptor#Female",
            "studentIdentificationCodes": [
                {
                    "assigningOrganizationIdentificationCode": "State",
                    "studentIdentificationSystemDescriptor": "uri://ed-fi.org/StudentIdentificationSystemDescriptor#State",
                    "identificationCode": "9000000034",
                }
            ],
        },
    ),
    (
        "studentSchoolAssociations",
        {
            "id": "e1",
            "schoolReference": {"schoolId": 255901001},
            "studentReference": {"studentUniqueId": "604822"},
            "entryDate": "2025-08-18",
            "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Tenth grade",
            "exitWithdrawDate": "2026-02-02",
            "_ext": {"cvusd": {"instructionMode": "nonclassroom", "alternateMinimumMinutes": 180}},
        },
    ),
    ("studentSchoolAttendanceEvents", event("2025-10-06", attendanceEventReason="Ill", eventDuration=1.0)),
)


@pytest.mark.parametrize(
    ("told", "resource", "element"),
    [
        (
            {"studentReference.studentUniqueId": "604822"},
            {"studentReference": {"studentUniqueId": "604822"}},
            "<StudentReference><StudentIdentity><StudentUniqueId>604822</StudentUniqueId></StudentIdentity></StudentReference>",
        ),
        (
            {"sectionReference.schoolId": "301"},
            {"sectionReference": {"localCourseCode": "ALG-1", "schoolId": 301}},
            (
                "<SectionReference><SectionIdentity><CourseOfferingReference><CourseOfferingIdentity><SchoolReference><SchoolIdentity>"
                "<SchoolId>301</SchoolId></SchoolIdentity></SchoolReference></CourseOfferingIdentity></CourseOfferingReference>"
                "</SectionIdentity></SectionReference>"
            ),
        ),
        (
            {"calendarEventDescriptor": f"Instructional day{SEVERAL}Make-up day"},
            {
                "calendarEvents": [
                    {"calendarEventDescriptor": INSTRUCTION},
                    {"calendarEventDescriptor": "uri://cvusd.example/X#Make-up day"},
                ]
            },
            f"<CalendarEvent>{INSTRUCTION}</CalendarEvent><CalendarEvent>uri://cvusd.example/X#Make-up day</CalendarEvent>",
        ),
        (
            {"firstName": "Ana"},
            {"firstName": "Ana", "otherNames": [{"firstName": "Anita"}]},
            "<OtherName><FirstName>Anita</FirstName></OtherName><Name><FirstName>Ana</FirstName></Name>",
        ),
        ({"primarySchool": "false"}, {"primarySchool": False}, "<PrimarySchool>false</PrimarySchool>"),
        (
            {"attendanceEventCategoryDescriptor": "Tardy"},
            {"attendanceEventCategoryDescriptor": "Tardy"},
            "<AttendanceEvent><AttendanceEventCategory><CodeValue>Tardy</CodeValue></AttendanceEventCategory></AttendanceEvent>",
        ),
    ],
)
def test_a_field_has_one_name_in_json_and_in_xml(told: dict[str, str], resource: dict[str, Any], element: str) -> None:
    expected = {name.casefold() for name in told}
    root = etree.fromstring(f'<R xmlns="http://ed-fi.org/5.1.0">{element}</R>')
    for leaves in (json_leaves(resource), xml_leaves(root)):
        assert {name.casefold(): value for name, value in cells(leaves, expected).items()} == {
            name.casefold(): value for name, value in told.items()
        }


def test_pages_in_the_shapes_of_the_interfaces_own_description_are_read(files: Files) -> None:
    reading = files.pages()
    assert rows(reading, "schools", "school_code", "county_district_code", "school_type", "local_school_id") == [
        ("1930001", "1964733", "high", "255901001")
    ]
    assert rows(reading, "students", "ssid", "local_student_id", "legal_first_name", "legal_last_name", "gender") == [
        ("9000000034", "604822", "Lisa", "Woods", "F")
    ]
    assert rows(reading, "enrollments", "entry_date", "exit_date", "grade", "enrollment_status") == [
        ("2025-08-18", "2026-02-01", "10", "10")
    ]
    assert rows(reading, "attendance", "ssid", "date", "kind", "full_day", "source_code") == [
        ("9000000034", "2025-10-06", "excused", "true", "Excused Absence")
    ]
    assert not reading.refused.height


def test_a_districts_extension_is_read_by_the_names_that_it_has(files: Files) -> None:
    assert rows(files.pages(), "enrollments", "instruction_mode", "alternate_minimum_minutes") == [("nonclassroom", "180")]


def test_a_district_may_have_another_name_for_a_field_in_pages_and_in_elements(files: Files) -> None:
    named = {"columns": {"studentSchoolAssociations": {"instructionMode": "modeOfTeaching"}}}
    enrolled = {**dict(SMALL)["studentSchoolAssociations"], "_ext": {"cvusd": {"modeOfTeaching": "Nonclassroom"}}}
    assert rows(files.pages(("studentSchoolAssociations", enrolled), **named), "enrollments", "instruction_mode") == [("nonclassroom",)]
    extended = {"<FullTimeEquivalency>1.00<": "<ModeOfTeaching>Classroom<", "</FullTimeEquivalency>": "</ModeOfTeaching>"}
    assert set(rows(files.xml(changed=extended, **named), "enrollments", "instruction_mode")) == {("classroom",)}


def test_the_ssid_may_be_the_unique_id_and_the_local_number_a_code(files: Files) -> None:
    reading = files.pages(options={"ssid_from": "student_unique_id", "local_id_system": "State"})
    assert rows(reading, "students", "ssid", "local_student_id") == [("604822", "9000000034")]


def test_codes_and_sex_may_be_resources_of_their_own(files: Files) -> None:
    own = {"id": "i1", "studentReference": {"studentUniqueId": "604822"}, "identificationCode": "9000000051"}
    own["studentIdentificationSystemDescriptor"] = "uri://ed-fi.org/StudentIdentificationSystemDescriptor#State"
    sex = {"id": "d1", "studentReference": {"studentUniqueId": "604822"}, "sexDescriptor": "uri://ed-fi.org/SexDescriptor#Male"}
    assert rows(files.pages(("studentIdentificationCodes", own), ("studentDemographics", sex)), "students", "ssid", "gender") == [
        ("9000000051", "M")
    ]


def test_pitfall_10_an_exit_date_is_the_first_day_out_unless_the_district_says_otherwise(files: Files) -> None:
    assert rows(files.pages(options={"exit_date": "last_day"}), "enrollments", "exit_date") == [("2026-02-02",)]


def test_students_of_other_years_are_left_out_and_counted(files: Files) -> None:
    """Also where a program of theirs was never closed."""
    program = {"educationOrganizationId": 255901, "programName": "Independent Study", "programTypeDescriptor": "uri://ed-fi.org/x#Other"}
    studies = [
        {"id": number, "studentReference": {"studentUniqueId": number}, "programReference": program, "beginDate": "2023-09-01"}
        for number in ("1", "604822")
    ]
    reading = files.pages(
        ("students", {"id": "x", "studentUniqueId": "1", "firstName": "Old", "lastSurname": "Pupil"}),
        *(("studentProgramAssociations", study) for study in studies),
    )
    assert len(rows(reading, "students", "ssid")) == 1
    assert rows(reading, "independent_study", "ssid", "end_date") == [("9000000034", None)]
    assert not reading.refused.height
    assert [(found.code, found.rows) for found in reading.left_out if found.message.startswith("students")] == [("LEFT_OTHER_YEAR", 1)]


@pytest.mark.parametrize(
    ("events", "absences"),
    [
        ([event("2025-10-07", "In Attendance")], []),
        ([event("2025-10-07", "Tardy", attendanceEventReason="Overslept")], []),
        ([event("2025-10-07", "Unexcused Absence", eventDuration=0.5)], [("2025-10-07", "unexcused", "false")]),
        ([event("2025-10-07", eventDuration=0.5), event("2025-10-07", "Unexcused Absence")], [("2025-10-07", "unexcused", "true")]),
        ([event("2024-10-07")], []),
    ],
)
def test_pitfall_13_a_day_is_what_its_events_mean_and_presence_is_no_absence(
    events: list[dict[str, Any]], absences: list[tuple[str, ...]], files: Files
) -> None:
    reading = files.pages(*(("studentSchoolAttendanceEvents", one) for one in events))
    assert rows(reading, "attendance", "date", "kind", "full_day")[1:] == absences
    assert not reading.refused.height


def test_pitfall_16_a_reason_means_what_its_school_says_and_an_unknown_one_is_refused(files: Files) -> None:
    codes = {"absence": {"Ill": "excused", "255901001/OSS": "suspension_out"}, "made_up": {"OSS": "other"}}
    told = (("OSS", "Excused Absence"), ("XYZ", "Excused Absence"), ("Bus", "Tardy"))
    events = [event(f"2025-10-{7 + n:02d}", category, attendanceEventReason=reason) for n, (reason, category) in enumerate(told)]
    reading = files.pages(*(("studentSchoolAttendanceEvents", one) for one in events), options={"absence_code": "reason"}, codes=codes)
    assert rows(reading, "attendance", "date", "kind", "source_code", "made_up_by")[1:] == [
        ("2025-10-07", "suspension_out", "OSS", "other")
    ]
    assert reading.refused.select("code", "value").rows() == [("CODE_UNMAPPED", "XYZ")]


def section_event(section: str, day: str, category: str = "Unexcused Absence") -> dict[str, Any]:
    reference = {"localCourseCode": "X", "schoolId": 255901001, "schoolYear": 2026, "sectionIdentifier": section, "sessionName": "Fall"}
    made = {**event(day, category), "sectionReference": reference, "id": f"{section}{day}"}
    return {name: value for name, value in made.items() if name not in {"schoolReference", "sessionReference"}}


def test_sections_tell_days_where_nothing_else_does(files: Files) -> None:
    marks = [section_event(str(n), day) for day, many in (("2025-10-06", 6), ("2025-10-07", 5), ("2025-10-08", 2)) for n in range(many)]
    given = [("studentSectionAttendanceEvents", mark) for mark in marks]
    assert len(rows(files.pages(*given), "attendance", "date")) == 1
    reading = files.pages(*given, options={"day_periods": 5})
    assert sorted(rows(reading, "attendance", "date", "kind", "full_day")) == [
        ("2025-10-06", "excused", "true"),
        ("2025-10-07", "unexcused", "true"),
        ("2025-10-08", "unexcused", "false"),
    ]
    own = files.pages(*given, options={"day_periods": 5, "recovery_courses": ["X"]})
    assert len(rows(own, "attendance", "date")) == 1, "sections of attendance recovery are no part of the school day"


@pytest.mark.parametrize(
    ("events", "school_day"),
    [
        (["Instructional day"], ["true"]),
        (["Holiday"], ["false"]),
        (["Weather day", "Make-up day"], ["true"]),
        (["Other", "Instructional day"], ["true"]),
        (["Holiday", "Other"], []),
    ],
)
def test_a_day_with_any_instruction_is_a_school_day(events: list[str], school_day: list[str], files: Files) -> None:
    told = [{"calendarEventDescriptor": f"uri://ed-fi.org/CalendarEventDescriptor#{name}"} for name in events]
    day = {**dict(SMALL)["calendarDates"], "id": "c2", "date": "2025-10-09", "calendarEvents": told}
    reading = files.pages(("calendarDates", day))
    assert [value for date, value in rows(reading, "calendar", "date", "is_instructional") if date == "2025-10-09"] == school_day
    assert reading.refused["code"].to_list() == ([] if school_day else ["CODE_UNMAPPED"])


def test_pitfall_27_of_several_states_of_a_resource_the_last_counts_and_a_deleted_one_is_gone(
    files: Files, raw: Callable[..., RawFile]
) -> None:
    given = [raw(f"pages/{feed}/0-9/0001.json", json.dumps([row]), feed) for feed, row in SMALL]
    feed, day = SMALL[-1]
    given.append(raw("pages/x/9-10/0001.json", json.dumps([{**day, "eventDate": "2025-10-07"}, event("2025-10-08")]), feed))
    reading = ADAPTER.read(given, files.ask())
    assert rows(reading, "attendance", "date") == [("2025-10-07",), ("2025-10-08",)]
    gone = [{"id": day["id"], "changeVersion": 11, "keyValues": {"eventDate": "2025-10-07"}}]
    given.append(raw(f"pages/deletes/{feed}/10-11/0001.json", json.dumps(gone), "deletes"))
    reading = ADAPTER.read(given, files.ask())
    assert rows(reading, "attendance", "date") == [("2025-10-08",)]
    assert ("LEFT_DELETED", 1) in [(found.code, found.rows) for found in reading.left_out]


def test_a_zip_of_interchanges_is_read_as_its_files_are(files: Files, raw: Callable[..., RawFile]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("read me.txt", "Schemas lie beside.")
        for path in sorted((FIXTURES / "in").iterdir()):
            archive.write(path, path.name)
    options = {"recovery_courses": ["ATT-REC"]}
    reading = ADAPTER.read([raw("bulk-2026-01-10.zip", packed.getvalue(), "interchange")], files.ask(options))
    plain = as_csv(files.xml())
    found = as_csv(reading)
    assert found.keys() == plain.keys()
    for name, text in plain.items():
        cut = [line.rsplit(",", 3)[0] for line in sorted(found[name].splitlines()) if name != "quarantine.csv"]
        assert cut == [line.rsplit(",", 3)[0] for line in sorted(text.splitlines()) if name != "quarantine.csv"], name


def test_pitfall_30_of_an_interchange_that_is_sent_every_night_the_last_one_counts(files: Files, raw: Callable[..., RawFile]) -> None:
    given = {path.name: path.read_bytes() for path in sorted((FIXTURES / "in").iterdir())}
    old = given.pop("StudentSchoolAttendance.xml")
    sent = {
        "StudentSchoolAttendance-2026-01-09.xml": old,
        "StudentSchoolAttendance-2026-01-10.xml": old.replace(b"2025-10-06", b"2025-10-20"),
    }
    reading = ADAPTER.read([raw(name, data, "interchange") for name, data in {**given, **sent}.items()], files.ask())
    assert {date for (date,) in rows(reading, "attendance", "date")} == {"2025-10-08", "2025-10-20"}


def test_elements_that_no_resource_is_made_of_are_counted(files: Files) -> None:
    said = [(found.code, found.rows) for found in files.xml().left_out if found.code == "LEFT_OTHER_ELEMENTS"]
    assert sorted(said) == [("LEFT_OTHER_ELEMENTS", 1), ("LEFT_OTHER_ELEMENTS", 1), ("LEFT_OTHER_ELEMENTS", 2)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<InterchangeStudent><Student>", "READ_XML"),
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><InterchangeStudent>&e;</InterchangeStudent>', "READ_XML_UNSAFE"),
        (
            "<InterchangeDescriptors><SexDescriptor><CodeValue>Male</CodeValue></SexDescriptor></InterchangeDescriptors>",
            "EDFI_RESOURCE_MISSING",
        ),
    ],
)
def test_what_is_no_interchange_is_refused(text: str, code: str, files: Files, raw: Callable[..., RawFile]) -> None:
    with pytest.raises(RecoupError) as caught:
        ADAPTER.read([raw("Student.xml", text, "interchange")], files.ask())
    assert (caught.value.code, caught.value.status) == (code, Exit.REFUSED)


def test_without_recovery_courses_no_section_becomes_a_session(files: Files) -> None:
    reading = files.xml({"recovery_courses": []})
    assert not {"sessions", "session_staff"} & reading.tables.keys()
    assert rows(reading, "participation", "session_id") == [("101-12-2025-10-11",)]


def test_a_program_is_known_by_its_name_before_its_type(files: Files) -> None:
    reading = files.xml(codes={"program": {"Bilingual": "recovery", "Saturday Academy": "other"}})
    assert ("1964733-1-2025-10-11",) in rows(reading, "participation", "session_id")
    assert ("101-12-2025-10-11",) not in rows(reading, "participation", "session_id")


def test_without_employment_and_credentials_nothing_is_claimed_of_staff(files: Files) -> None:
    reading = files.xml(changed={"EmploymentAssociation>": "EmploymentOther>", "<Credential>": "<Other>", "</Credential>": "</Other>"})
    assert set(rows(reading, "staff", "certificated", "lea_employee")) == {(None, None)}
