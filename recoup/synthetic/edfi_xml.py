"""The synthetic district as interchange XML: the same resources, references nested as identities, more elements than anybody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from recoup.synthetic.edfi import make_resources
from recoup.synthetic.edfi_api import write_beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.edfi import Resource

_NAMESPACE = "http://ed-fi.org/5.2.0"
#: Files as a bulk export names them: the interchange, and the resources in it with their elements.
_FILES = {
    "EducationOrganization": (
        "EducationOrganization", {"localEducationAgencies": "LocalEducationAgency", "schools": "School", "programs": "Program"}
    ),
    "EducationOrgCalendar": (
        "EducationOrgCalendar", {"sessions": "Session", "calendars": "Calendar", "calendarDates": "CalendarDate"}
    ),
    "MasterSchedule": ("MasterSchedule", {"bellSchedules": "BellSchedule"}),
    "Student": ("Student", {"students": "Student"}),
    "StudentEnrollment": (
        "StudentEnrollment",
        {
            "studentSchoolAssociations": "StudentSchoolAssociation",
            "studentEducationOrganizationAssociations": "StudentEducationOrganizationAssociation",
        },
    ),
    "StudentSchoolAttendance": ("StudentAttendance", {"studentSchoolAttendanceEvents": "StudentSchoolAttendanceEvent"}),
    "StudentProgramAttendance": ("StudentAttendance", {"studentProgramAttendanceEvents": "StudentProgramAttendanceEvent"}),
    "StudentProgram": ("StudentProgram", {"studentProgramAssociations": "StudentProgramAssociation"}),
    "StaffAssociation": (
        "StaffAssociation",
        {
            "staffs": "Staff",
            "staffEducationOrganizationEmploymentAssociations": "StaffEducationOrganizationEmploymentAssociation",
            "credentials": "Credential",
        },
    ),
}  # fmt: skip
#: Fields that XML has in an element of their own, by the element of the record.
_WRAPPED = {
    "Student": {"firstName": "Name", "lastSurname": "Name", "birthDate": "BirthData"},
    "Staff": {"firstName": "Name", "lastSurname": "Name"},
    "StaffEducationOrganizationEmploymentAssociation": {"hireDate": "EmploymentPeriod"},
}
_OF_EVENTS = dict.fromkeys(("eventDate", "attendanceEventCategoryDescriptor", "attendanceEventReason", "eventDuration"), "AttendanceEvent")
#: What an entry of a list is called; the others are the list's own name.
_ENTRIES = {
    "schools.identificationCodes": "EducationOrganizationIdentificationCode",
    "localEducationAgencies.identificationCodes": "EducationOrganizationIdentificationCode",
    "studentIdentificationCodes": "StudentIdentificationCode",
    "otherNames": "OtherName",
}
#: Only the interface has these.
_NO_XML = frozenset({"link", "categories"})
_ADDRESS = (
    "\t\t<Address>\n\t\t\t<StreetNumberName>1 Oak Street</StreetNumberName>\n\t\t\t<City>Cedar Valley</City>\n"
    "\t\t\t<AddressType>uri://ed-fi.org/AddressTypeDescriptor#Physical</AddressType>\n\t\t</Address>\n"
)
_COURSE = "\t<Course>\n\t\t<CourseCode>ALG-1</CourseCode>\n\t\t<CourseTitle>Algebra &amp; more</CourseTitle>\n\t</Course>\n"


def write_edfi(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as interchange XML, and what Ed-Fi has no place for in ``kept/``.

    One file is UTF-16, agencies are referred to by id, and there are courses and addresses that nobody reads.
    """
    folder.mkdir(parents=True, exist_ok=True)
    resources = make_resources(district)
    out = []
    for name, (interchange, parts) in _FILES.items():
        body = "".join(_record(feed, element, row) for feed, element in parts.items() for row in resources[feed])
        if name == "EducationOrganization":
            body = body.replace("</LocalEducationAgency>", f"{_ADDRESS}\t</LocalEducationAgency>", 1) + _COURSE
        root = f'Interchange{interchange} xmlns="{_NAMESPACE}" xmlns:ann="http://ed-fi.org/annotation"'
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>\n{body}</Interchange{interchange}>\n'
        path = folder / f"{name}.xml"
        path.write_bytes(text.encode("utf-16" if name == "StaffAssociation" else "utf-8"))
        out.append(path)
    return out + write_beside(district, folder)


def _record(feed: str, element: str, row: Resource) -> str:
    wrapped = _OF_EVENTS if element.endswith("AttendanceEvent") else _WRAPPED.get(element, {})
    wrappings: dict[str, list[str]] = {}
    rest: list[str] = []
    for key, value in row.items():
        lines = list(_lines(feed, key, value))
        if key in wrapped:
            wrappings.setdefault(wrapped[key], []).extend(lines)
        else:
            rest += lines
    inside = [line for name, lines in wrappings.items() for line in (f"<{name}>", *lines, f"</{name}>")]
    mark = f' id="LEAG_{row["localEducationAgencyId"]}"' if element == "LocalEducationAgency" else ""
    return "".join(f"\t{line}\n" for line in (f"<{element}{mark}>", *(f"\t{line}" for line in (*inside, *rest)), f"</{element}>"))


def _lines(feed: str, key: str, value: Any) -> Iterator[str]:
    """Yield the lines of one field: a reference with its identity, an entry of a list for each, or a plain element."""
    if key in _NO_XML:
        return
    if key == "localEducationAgencyReference":
        yield f'<LocalEducationAgencyReference ref="LEAG_{value["localEducationAgencyId"]}"/>'
    elif key == "schoolYearTypeReference":
        yield "<SchoolYear>2025-2026</SchoolYear>"
    elif key.endswith("Reference"):
        yield from _reference(key.removesuffix("Reference"), value)
    elif isinstance(value, list):
        for entry in value:
            yield from _entry(feed, key, entry)
    else:
        name = _capital(key.removesuffix("Descriptor"))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield f"<{name}>{escape(text)}</{name}>"


def _entry(feed: str, key: str, entry: Resource) -> Iterator[str]:
    ((first, value), *more) = entry.items()
    if first.endswith("Reference"):
        yield from _lines(feed, first, value)
    elif more:
        name = _ENTRIES.get(f"{feed}.{key}") or _ENTRIES[key]
        yield f"<{name}>"
        for below, cell in entry.items():
            yield from _lines(feed, below, cell)
        yield f"</{name}>"
    else:
        yield from _lines(feed, first, value)


def _reference(name: str, value: Resource) -> Iterator[str]:
    """Nest the owner of what is referred to in a reference of its own, as identities do."""
    capital = _capital(name)
    yield f"<{capital}Reference>"
    yield f"<{capital}Identity>"
    for key, cell in value.items():
        owner = key.removesuffix("Id")
        if owner in {"school", "educationOrganization"} and owner != name:
            yield from _reference(owner, {key: cell})
        elif key == "schoolYear":
            yield "<SchoolYear>2025-2026</SchoolYear>"
        else:
            yield from _lines("", key, cell)
    yield f"</{capital}Identity>"
    yield f"</{capital}Reference>"


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
