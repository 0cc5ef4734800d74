"""The synthetic district as Ed-Fi resources: references, descriptors with namespaces, and the codes of one district."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recoup.synthetic.infinite_campus import MADE_UP, WORDS
from recoup.synthetic.places import LEA, LEA_NAME, MEANINGS, SCHOOLS
from recoup.synthetic.retold import day_after, group, local, local_ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row, School

Resource = dict[str, Any]

YEAR = 2026
OWN = "cvusd.example"
_GRADES = dict(
    zip(
        ("TK", "KN", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"),
        ("Transitional Kindergarten", "Kindergarten", "First grade", "Second grade", "Third grade", "Fourth grade", "Fifth grade",
         "Sixth grade", "Seventh grade", "Eighth grade", "Ninth grade", "Tenth grade", "Eleventh grade", "Twelfth grade"),
        strict=True,
    )
)  # fmt: skip
_CATEGORIES = {"elementary": "Elementary School", "middle": "Middle School", "span": "All Levels", "charter_classroom": "All Levels"}
_SEX = {"F": "Female", "M": "Male", "X": "Non-binary"}
#: Few categories for many codes: the code itself stands in the reason.
_EVENTS = {"late": "Tardy", "left_early": "Early departure"}


def descriptor(name: str, code: str, namespace: str = "ed-fi.org") -> str:
    """Return ``uri://ed-fi.org/GradeLevelDescriptor#First grade``."""
    return f"uri://{namespace}/{name}Descriptor#{code}"


def make_resources(district: District) -> dict[str, list[Resource]]:
    """Return every resource by name, without the keys that a server gives."""
    made = {**_places(district), **_calendars(district), **_people(district), **_attendance(district), **_recovery(district)}
    if district.flaws:
        _spoil(made, everywhere=any(flaw.table == "calendar" for flaw in district.flaws))
    return made


def _school(number: str) -> Resource:
    return {"schoolId": int(number), "link": {"rel": "School", "href": f"/ed-fi/schools/{int(number):032x}"}}


def _student(number: str) -> Resource:
    return {"studentUniqueId": number}


def _places(district: District) -> dict[str, list[Resource]]:
    category, system = "EducationOrganizationCategory", "educationOrganizationIdentificationSystemDescriptor"

    def codes(*pairs: tuple[str, str]) -> list[Resource]:
        return [{system: descriptor("EducationOrganizationIdentificationSystem", name), "identificationCode": code} for name, code in pairs]

    def of(school: School) -> Resource:
        return {
            "schoolId": int(school.local),
            "nameOfInstitution": school.name,
            "categories": [{"educationOrganizationCategoryDescriptor": descriptor(category, "School")}],
            "identificationCodes": codes(("NCES", f"06{school.local}"), ("SEA", f"{LEA}{school.code}")),
            "gradeLevels": [{"gradeLevelDescriptor": descriptor("GradeLevel", _GRADES[grade])} for grade in school.grades],
            "localEducationAgencyReference": {"localEducationAgencyId": int(LEA)},
            "schoolCategories": [{"schoolCategoryDescriptor": descriptor("SchoolCategory", _CATEGORIES.get(school.type, "High School"))}],
            "charterStatusDescriptor": descriptor("CharterStatus", "School Charter" if school.charter else "Not a Charter School"),
        }

    agency = {
        "localEducationAgencyId": int(LEA),
        "nameOfInstitution": LEA_NAME,
        "categories": [{"educationOrganizationCategoryDescriptor": descriptor(category, "Local Education Agency")}],
        "identificationCodes": codes(("SEA", LEA), ("NCES", "0601234")),
        "localEducationAgencyCategoryDescriptor": descriptor("LocalEducationAgencyCategory", "Independent"),
    }
    terms = [
        {
            "sessionName": row["term"],
            "schoolReference": _school(local(row["school_code"])),
            "schoolYearTypeReference": {"schoolYear": YEAR},
            "beginDate": row["start"],
            "endDate": row["end"],
            "termDescriptor": descriptor("Term", "Other"),
            "totalInstructionalDays": 0,
        }
        for row in district.tables["terms"]
        if row["start"] <= row["end"]
    ]
    return {"localEducationAgencies": [agency], "schools": [of(school) for school in SCHOOLS], "sessions": terms}


def _code(track: str) -> str:
    return f"{YEAR}-{track}" if track else str(YEAR)


def _calendars(district: District) -> dict[str, list[Resource]]:
    calendars: dict[tuple[str, str], Resource] = {}
    days: list[Resource] = []
    hours: dict[tuple[str, str, str, str], list[str]] = {}
    for row in district.tables["calendar"]:
        school, taught = local(row["school_code"]), row["is_instructional"] == "true"
        if taught:
            hours.setdefault((school, row["day_start"], row["day_end"], row["grades"]), []).append(row["date"])
        if row["grades"]:
            continue
        reference = {"calendarCode": _code(row["track"]), "schoolId": int(school), "schoolYear": YEAR}
        calendars.setdefault(
            (school, row["track"]),
            {
                "calendarCode": reference["calendarCode"],
                "schoolReference": _school(school),
                "schoolYearTypeReference": {"schoolYear": YEAR},
                "calendarTypeDescriptor": descriptor("CalendarType", "School"),
            },
        )
        events = ["Instructional day" if taught else "Holiday"]
        if taught and row["day_end"] != max(end for place, _, end, grades in hours if place == school and not grades):
            events.insert(0, "Student late arrival/early dismissal")
        days.append(
            {
                "calendarReference": reference,
                "date": row["date"],
                "calendarEvents": [{"calendarEventDescriptor": descriptor("CalendarEvent", event)} for event in events],
            }
        )
    # A calendar of one student, and last year's first day: neither is the school's.
    own = {**calendars["101", ""], "calendarCode": "IEP-7", "calendarTypeDescriptor": descriptor("CalendarType", "Student Specific")}
    days.append({**days[0], "calendarReference": {"calendarCode": "IEP-7", "schoolId": 101, "schoolYear": YEAR}, "date": "2026-06-20"})
    days.append({**days[0], "calendarReference": {"calendarCode": "2025", "schoolId": 101, "schoolYear": YEAR - 1}, "date": "2024-08-14"})
    return {"calendars": [*calendars.values(), own], "calendarDates": days, "bellSchedules": _bells(hours)}


def _bells(hours: dict[tuple[str, str, str, str], list[str]]) -> list[Resource]:
    """The schedule in use on most days is the rule of its school and grades, without dates; the others name theirs."""
    usual: dict[tuple[str, str], tuple[int, tuple[str, str, str, str]]] = {}
    for key, dates in hours.items():
        usual[key[0], key[3]] = max(usual.get((key[0], key[3]), (0, key)), (len(dates), key))
    out = []
    for number, (key, dates) in enumerate(hours.items()):
        school, start, end, grades = key
        dated = usual[school, grades][1] != key
        out.append(
            {
                "bellScheduleName": f"Schedule {number + 1}",
                "schoolReference": _school(school),
                "startTime": f"{start}:00",
                "endTime": f"{end}:00",
                "classPeriods": [{"classPeriodReference": {"classPeriodName": "01", "schoolId": int(school)}}],
                "dates": [{"date": day} for day in sorted(set(dates))] if dated else [],
                "gradeLevels": [{"gradeLevelDescriptor": descriptor("GradeLevel", _GRADES[grade])} for grade in grades.split(";") if grade],
            }
        )
    return out


def _people(district: District) -> dict[str, list[Resource]]:
    numbers = local_ids(district)
    system, students, associations = "studentIdentificationSystemDescriptor", [], []
    for row in district.tables["students"]:
        number = row["local_student_id"]
        students.append(
            {
                "studentUniqueId": number,
                "firstName": row["legal_first_name"],
                "lastSurname": row["legal_last_name"],
                "birthDate": row["birth_date"],
                "otherNames": [{"firstName": "Known", "lastSurname": "Otherwise"}],
            }
        )
        codes = [("District", f"D{number}"), ("State", row["ssid"])]
        associations.append(
            {
                "educationOrganizationReference": {"educationOrganizationId": int(LEA)},
                "studentReference": _student(number),
                "sexDescriptor": descriptor("Sex", _SEX[row["gender"]]),
                "studentIdentificationCodes": [
                    {
                        "assigningOrganizationIdentificationCode": name,
                        system: descriptor("StudentIdentificationSystem", name),
                        "identificationCode": code,
                    }
                    for name, code in codes
                ],
            }
        )
    return {
        "students": students,
        "studentEducationOrganizationAssociations": associations,
        "studentSchoolAssociations": [_enrollment(row, numbers) for row in district.tables["enrollments"]],
    }


def _enrollment(row: Row, numbers: dict[str, str]) -> Resource:
    kind = {"30": "Short-term", "50": "Non-ADA"}.get(row["enrollment_status"])
    made: Resource = {
        "entryDate": row["entry_date"],
        "schoolReference": _school(local(row["school_code"])),
        "studentReference": _student(numbers[row["ssid"]]),
        "entryGradeLevelDescriptor": descriptor("GradeLevel", _GRADES[row["grade"]]),
        "primarySchool": row["enrollment_status"] != "20",
        "calendarReference": {"calendarCode": _code(row["track"]), "schoolId": int(local(row["school_code"])), "schoolYear": YEAR},
        "enrollmentTypeDescriptor": descriptor("EnrollmentType", kind, OWN) if kind else descriptor("EnrollmentType", "Current"),
        "schoolYearTypeReference": {"schoolYear": YEAR},
    }
    if row["exit_date"]:
        made["exitWithdrawDate"] = day_after(row["exit_date"])
    if row["exit_reason"]:
        made["exitWithdrawTypeDescriptor"] = descriptor("ExitWithdrawType", row["exit_reason"], OWN)
    return made


def _attendance(district: District) -> dict[str, list[Resource]]:
    numbers = local_ids(district)
    letters = {(school.local, letter): meaning for school in SCHOOLS for meaning, letter in school.codes.items()}
    events = []
    for n, row in enumerate(district.tables["attendance"]):
        school = local(row["school_code"])
        meaning = letters[school, row["source_code"]]
        category = _EVENTS.get(meaning) or ("Unexcused Absence" if MEANINGS[meaning].kind == "unexcused" else "Excused Absence")
        event = _event(numbers[row["ssid"]], school, row["date"], category, WORDS[meaning] + MADE_UP[row["made_up_by"]])
        if row["full_day"] != "true":
            event["eventDuration"] = 0.33
        elif n % 2:
            event["eventDuration"] = 1.0
        events.append(event)
    for n, row in enumerate(district.tables["students"][:30]):
        school = next(local(span["school_code"]) for span in district.tables["enrollments"] if span["ssid"] == row["ssid"])
        category, reason = (("In Attendance", ""), ("Tardy", "5 minutes"))[n % 2]
        events.append(_event(row["local_student_id"], school, "2025-10-14", category, reason))
    # The morning of a whole day.
    whole = next(event for event in events if event.get("eventDuration") == 1.0)
    events.append({**whole, "attendanceEventCategoryDescriptor": descriptor("AttendanceEventCategory", "Partial"), "eventDuration": 0.5})
    return {"studentSchoolAttendanceEvents": events}


def _event(student: str, school: str, day: str, category: str, reason: str) -> Resource:
    made: Resource = {
        "attendanceEventCategoryDescriptor": descriptor("AttendanceEventCategory", category),
        "eventDate": day,
        "schoolReference": _school(school),
        "sessionReference": {"schoolId": int(school), "schoolYear": YEAR, "sessionName": "FALL" if day < f"{YEAR}-01-05" else "SPRING"},
        "studentReference": _student(student),
    }
    return {**made, "attendanceEventReason": reason} if reason else made


def _recovery(district: District) -> dict[str, list[Resource]]:
    numbers = local_ids(district)
    sessions = {row["session_id"]: row for row in district.tables["sessions"]}
    kind = descriptor("ProgramType", "Attendance Recovery", OWN)
    programs: dict[tuple[str, str], Resource] = {}
    for row in sessions.values():
        school, number = group(row)
        named = f"{row['program_name']} {number}"
        programs[school, number] = _program(int(school), named, kind)
    study = _program(int(LEA), "Independent Study", descriptor("ProgramType", "Other"))
    club = _program(301, "Chess Club", descriptor("ProgramType", "After School"))
    events = []
    for n, row in enumerate(district.tables["participation"]):
        session = sessions[row["session_id"]]
        event = _visit(numbers[row["ssid"]], programs[group(session)], session["date"])
        if row["minutes"]:
            event["programAttendanceDuration"] = int(row["minutes"])
        events.append(event)
        if n % 40 == 7:
            events.append(
                {**_visit(district.tables["students"][0]["local_student_id"], club, session["date"]), "programAttendanceDuration": 60}
            )
    there = {(event["studentReference"]["studentUniqueId"], event["eventDate"]) for event in events}
    session = next(iter(sessions.values()))
    missed = next(row["local_student_id"] for row in district.tables["students"] if (row["local_student_id"], session["date"]) not in there)
    absent = descriptor("AttendanceEventCategory", "Unexcused Absence")
    events.append({**_visit(missed, programs[group(session)], session["date"]), "attendanceEventCategoryDescriptor": absent})
    belonging = [
        {
            "beginDate": row["start_date"],
            "educationOrganizationReference": {"educationOrganizationId": int(LEA)},
            "programReference": study,
            "studentReference": _student(numbers[row["ssid"]]),
            "endDate": row["end_date"],
        }
        for row in district.tables["independent_study"]
    ]
    ids = [*((number, program) for (_, number), program in programs.items()), ("IS", study), ("C", club)]
    return {
        "programs": [_as_program(number, program) for number, program in ids],
        "studentProgramAttendanceEvents": events,
        "studentProgramAssociations": belonging,
        **_staff(district.tables["staff"]),
    }


def _program(owner: int, name: str, kind: str) -> Resource:
    return {"educationOrganizationId": owner, "programName": name, "programTypeDescriptor": kind}


def _as_program(number: str, reference: Resource) -> Resource:
    return {
        "educationOrganizationReference": {"educationOrganizationId": reference["educationOrganizationId"]},
        "programName": reference["programName"],
        "programTypeDescriptor": reference["programTypeDescriptor"],
        "programId": number,
    }


def _visit(student: str, program: Resource, day: str) -> Resource:
    return {
        "attendanceEventCategoryDescriptor": descriptor("AttendanceEventCategory", "In Attendance"),
        "eventDate": day,
        "educationOrganizationReference": {"educationOrganizationId": program["educationOrganizationId"]},
        "programReference": program,
        "studentReference": _student(student),
    }


def _staff(rows: Iterable[Row]) -> dict[str, list[Resource]]:
    """Staff with credentials: who has a newer and an older one, and who has only one of a paraprofessional."""
    staffs: list[Resource] = []
    employed: list[Resource] = []
    credentials: list[Resource] = []
    for n, row in enumerate(rows):
        last, first = row["staff_name"].split(", ")
        kind = "Regular/Standard" if row["certificated"] == "true" else "Paraprofessional"
        held = [(f"2{row['staff_id']}", row["credential_expires"] or "2030-06-30")]
        if n % 3 == 0:
            held.insert(0, (f"1{row['staff_id']}", "2021-06-30"))
        for number, expires in held:
            credentials.append(
                {
                    "credentialIdentifier": number,
                    "stateOfIssueStateAbbreviationDescriptor": descriptor("StateAbbreviation", "CA"),
                    "credentialFieldDescriptor": descriptor("CredentialField", "Mathematics"),
                    "credentialTypeDescriptor": descriptor("CredentialType", "Certification"),
                    "teachingCredentialDescriptor": descriptor("TeachingCredential", kind),
                    "expirationDate": expires,
                    "issuanceDate": "2015-07-01",
                    "namespace": "uri://ctc.example",
                }
            )
        issued = descriptor("StateAbbreviation", "CA")
        staffs.append(
            {
                "staffUniqueId": row["staff_id"],
                "firstName": first,
                "lastSurname": last,
                "credentials": [
                    {"credentialReference": {"credentialIdentifier": number, "stateOfIssueStateAbbreviationDescriptor": issued}}
                    for number, _ in held
                ],
            }
        )
        status = "Tenured or permanent" if row["lea_employee"] == "true" else "Employed or affiliated with outside organization"
        employed.append(
            {
                "educationOrganizationReference": {"educationOrganizationId": int(LEA)},
                "staffReference": {"staffUniqueId": row["staff_id"]},
                "employmentStatusDescriptor": descriptor("EmploymentStatus", status),
                "hireDate": "2015-08-01",
            }
        )
    return {"staffs": staffs, "staffEducationOrganizationEmploymentAssociations": employed, "credentials": credentials}


def _spoil(made: dict[str, list[Resource]], *, everywhere: bool) -> None:
    visits = made["studentProgramAttendanceEvents"]
    visit = visits[0]
    unknown = descriptor("AttendanceEventCategory", "Excursion", OWN)
    visits += [{**visit}, {**visit, "studentReference": _student("999999")}, {**visit, "attendanceEventCategoryDescriptor": unknown}]
    if everywhere:
        days = made["studentSchoolAttendanceEvents"]
        days += [
            {**days[0], "eventDate": "2026-06-24", "attendanceEventCategoryDescriptor": unknown, "attendanceEventReason": "??"},
            {**days[0], "studentReference": _student("999999")},
        ]
