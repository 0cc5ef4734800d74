"""The synthetic district as OneRoster: orgs, users, classes and who is in them; everything else lies in a bundle of its own beside."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

from recoup.synthetic.bundle import write_bundle, write_csv
from recoup.synthetic.places import BY_CODE, LEA, SCHOOLS
from recoup.synthetic.retold import Cells

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.synthetic.district import District

Sheets = dict[str, tuple[str, list[Cells]]]
CHANGED = "2025-08-20T17:05:00.000Z"
#: The last day of the first term: the two weeks after it belong to no term.
_FALL_ENDS, _SPRING_BEGINS = "2025-12-19", "2026-01-05"
_STAYS = "9999"
_YEAR = "schoolyear-2026"
_SEXES = {"M": "male", "F": "female", "X": "other"}
_GRADES = {"KN": "KG"}
#: What OneRoster does not carry of an enrollment.
_KEPT = (
    "enrollment_status", "instruction_mode", "alternate_minimum_minutes", "alternate_minimum_basis", "absence_exempt", "exit_reason",
    "track",
)  # fmt: skip
#: Tables that another source has, whole.
_ELSEWHERE = frozenset({"students", "schools", "enrollments", "staff"})
_ENROLLMENTS = "sourcedId status dateLastModified classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate"
_USERS = (
    "sourcedId status dateLastModified enabledUser{} username userIds givenName familyName middleName identifier email sms phone"
    " agentSourcedIds grades password"
)
_CLASSES = (
    "sourcedId status dateLastModified title grades courseSourcedId classCode classType location schoolSourcedId termSourcedIds"
    " subjects subjectCodes periods"
)


def school_key(code: str) -> str:
    """Return the key of a school's org."""
    return f"school-{BY_CODE[code].local}"


def _terms(district: District) -> dict[str, tuple[str, str]]:
    """Return the first and last day of school by school."""
    found: dict[str, tuple[str, str]] = {}
    for row in district.tables["terms"]:
        first, last = found.get(row["school_code"], ("", ""))
        if row["term"] == "FALL":
            first = row["start"]
        if row["term"] == "SPRING":
            last = row["end"]
        found[row["school_code"]] = (first, last)
    return found


def make_sheets(district: District, version: str = "1.1") -> Sheets:
    """Return the files by name, each with its header and rows. In 1.2 roles are a file of their own."""
    terms = _terms(district)
    classes, enrollments = _classes(district, terms)
    sheets: Sheets = {
        "orgs": ("sourcedId status dateLastModified name type identifier parentSourcedId", _orgs()),
        "academicSessions": ("sourcedId status dateLastModified title type startDate endDate parentSourcedId schoolYear", _sessions(terms)),
        "courses": (
            "sourcedId status dateLastModified schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes",
            [["course-1", "", "", _YEAR, "Homeroom", "HR", "", "district", "", ""]],
        ),
        "classes": (_CLASSES, classes),
        "enrollments": (_ENROLLMENTS, enrollments),
        "demographics": (
            "sourcedId status dateLastModified birthDate sex",
            [
                [f"S{row['local_student_id']}", "", "", row["birth_date"], _SEXES.get(row["gender"], "")]
                for row in district.tables["students"]
            ],
        ),
        **_people(district, version),
    }
    return {"manifest": ("propertyName value", _manifest(sheets, version, {})), **sheets}


def _orgs() -> list[Cells]:
    schools = [[school_key(s.code), "", "", s.name, "school", f"{LEA}{s.code}", "district"] for s in SCHOOLS]
    return [["district", "", "", "Cedar Valley Unified", "district", LEA, ""], *schools]


def _sessions(terms: Mapping[str, tuple[str, str]]) -> list[Cells]:
    rows = [[_YEAR, "", "", "2025-2026", "schoolYear", "2025-07-21", "2026-06-12", "", "2026"]]
    for code, (first, last) in terms.items():
        local = BY_CODE[code].local
        rows.append([f"fall-{local}", "", "", f"Fall {local}", "semester", first, _FALL_ENDS, _YEAR, "2026"])
        rows.append([f"spring-{local}", "", "", f"Spring {local}", "semester", _SPRING_BEGINS, last, _YEAR, "2026"])
    return rows


def _classes(district: District, terms: Mapping[str, tuple[str, str]]) -> tuple[list[Cells], list[Cells]]:
    """Return classes and enrollments: a homeroom all year in the lower grades, two classes a semester above."""
    numbers = {row["ssid"]: row["local_student_id"] for row in district.tables["students"]}
    classes: dict[str, Cells] = {}
    enrollments: list[Cells] = []
    for row in district.tables["enrollments"]:
        local, grade = BY_CODE[row["school_code"]].local, _GRADES.get(row["grade"], row["grade"])
        first, last = terms[row["school_code"]]
        ends = row["exit_date"] or _STAYS
        upper = row["grade"] >= "06" and row["grade"].isdecimal()
        halves = (
            [("fall", first, _FALL_ENDS, n) for n in "12"] + [("spring", _SPRING_BEGINS, last, n) for n in "12"]
            if upper
            else [("year", first, last, "1")]
        )
        for half, begin, end, number in halves:
            # Who comes between the terms has the day of entry in the classes of the second.
            entry = row["entry_date"] if half == "spring" and row["entry_date"] > _FALL_ENDS else max(row["entry_date"], begin)
            if entry > end or ends < entry:
                continue
            key = f"class-{local}-{grade}-{half}-{number}"
            held = f"fall-{local},spring-{local}" if half == "year" else f"{half}-{local}"
            title = f"Grade {grade} {half} {number}"
            classes.setdefault(
                key, [key, "", "", title, grade, "course-1", "", "scheduled", "", f"school-{local}", held, "", "", number]
            )  # fmt: skip
            # What is as the term's is left empty in the lower grades, and the end of whoever stays in all.
            left = end if half == "fall" and ends >= _SPRING_BEGINS else ends if ends != _STAYS else ""
            began = "" if entry == begin and not upper else entry
            user = f"S{numbers[row['ssid']]}"
            enrollments.append([f"enr-{len(enrollments) + 1}", "", "", key, f"school-{local}", user, "student", "", began, left])
    teachers = [row["staff_id"] for row in district.tables["staff"]]
    for place, key in enumerate(classes):
        where, teacher = classes[key][9], f"T{teachers[place % len(teachers)]}"
        enrollments.append([f"enr-t{place}", "", "", key, where, teacher, "teacher", "true", "", ""])
    return list(classes.values()), enrollments


def _people(district: District, version: str) -> Sheets:
    """Return users, and in 1.2 their roles; with a parent, and a student who was taken off the roster again."""
    at: dict[str, str] = {}
    grades: dict[str, str] = {}
    for row in district.tables["enrollments"]:
        at.setdefault(row["ssid"], school_key(row["school_code"]))
        grades[row["ssid"]] = _GRADES.get(row["grade"], row["grade"])
    found = [
        (f"S{r['local_student_id']}", at[r["ssid"]], "student", r["legal_first_name"], r["legal_last_name"], r["local_student_id"],
         f"{{SSID:{r['ssid']}}}", grades[r["ssid"]], "")
        for r in district.tables["students"]
    ]  # fmt: skip
    for row in district.tables["staff"]:
        last, _, first = row["staff_name"].partition(", ")
        found.append((f"T{row['staff_id']}", "school-101", "teacher", first, last, row["staff_id"], "", "", ""))
    found.append(("P1", "school-101", "parent", "Rosa", "Ibarra", "", "", "", ""))
    found.append(("S299999", "school-101", "student", "Nobody", "Anymore", "299999", "{SSID:9000099999}", "01", "tobedeleted"))
    users, roles = [], []
    for key, org, role, first, last, identifier, ids, grade, status in found:
        place = [org, role] if version == "1.1" else []
        when = CHANGED if status else ""
        users.append([key, status, when, "true", *place, key.lower(), ids, first, last, "", identifier, "", "", "", "", grade, ""])
        roles.append([f"role-{key}", status, when, key, "primary", role, "", "", org, ""])
    header = _USERS.format(" orgSourcedIds role" if version == "1.1" else "")
    sheets: Sheets = {"users": (header, users)}
    if version != "1.1":
        sheets["roles"] = (
            "sourcedId status dateLastModified userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId", roles
        )  # fmt: skip
    return sheets


def _manifest(sheets: Sheets, version: str, modes: Mapping[str, str]) -> list[Cells]:
    """Return the manifest's rows; one key is misspelt, as some producers do."""
    head = [["manifest.version", "1.0"], ["oneroster.version", version]]
    files = [[f"file.{name.replace('academicSessions', 'academicSession')}", modes.get(name, "bulk")] for name in sheets]
    tail = [["file.catagories", "absent"], ["source.systemName", "Synthetic SIS"], ["source.systemCode", "1"]]
    return [*head, *files, *tail]


def write_kept(district: District, folder: Path) -> list[Path]:
    """Write what OneRoster does not carry, as another system has it: all other tables, and columns of those that OneRoster has."""
    tables = dict(district.tables)
    tables["enrollments"] = [
        {"ssid": row["ssid"], "school_code": row["school_code"], "entry_date": row["entry_date"], "exit_date": "", "grade": "",
         **{name: row[name] for name in _KEPT}}
        for row in tables["enrollments"]
    ]  # fmt: skip
    tables["schools"] = [{**row, "school_name": "", "local_school_id": ""} for row in tables["schools"]]
    flaws = [flaw for flaw in district.flaws if flaw.table not in _ELSEWHERE]
    kept = replace(district, tables={name: rows for name, rows in tables.items() if name != "students"}, flaws=flaws)
    return write_bundle(kept, folder)


def write_oneroster(district: District, folder: Path) -> list[Path]:
    """Write the district as OneRoster 1.1 in a folder, and ``kept/``, a bundle of what another system has to give."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = make_sheets(district)
    if district.flaws:
        header, users = sheets["users"]
        users += [list(users[5])]
        if any(flaw.table == "calendar" for flaw in district.flaws):
            rows = sheets["enrollments"][1]
            rows += [["enr-x1", *rows[0][1:5], "S999999", *rows[0][6:]], ["enr-x2", *rows[0][1:4], "school-999", *rows[0][5:]]]
            rows += [["enr-x3", *rows[0][1:8], "2025-09-31", ""], [*rows[0], "stray"]]
    out = []
    for name, (header, rows) in sheets.items():
        write_csv(folder / f"{name}.csv", header.split(), rows)
        out.append(folder / f"{name}.csv")
    return out + write_kept(district, folder / "kept")


def write_zips(district: District, folder: Path) -> list[Path]:
    """Write the district as OneRoster 1.2 zips: a bulk of September that is wrong in some rows, and the delta that mends it."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = make_sheets(district, "1.2")
    before = {name: (header, [list(row) for row in rows]) for name, (header, rows) in sheets.items()}
    users, enrollments = before["users"][1], before["enrollments"][1]
    users[0][7] = "Misspelt"
    wrong = ["enr-dropped", "", "", *enrollments[0][3:]]
    moved = next(number for number, row in enumerate(enrollments) if row[9])
    last = enrollments.pop(moved)
    delta: Sheets = {
        "users": (before["users"][0], [_dated(sheets["users"][1][0])]),
        "enrollments": (_ENROLLMENTS, [_dated(last), _dated(wrong, "tobedeleted")]),
    }
    enrollments.append(wrong)
    _zip(folder / "roster-2025-09-02.zip", before)
    _zip(
        folder / "roster-2025-10-15.zip",
        {"manifest": ("propertyName propertyValue", _manifest(delta, "1.2", dict.fromkeys(delta, "delta"))), **delta},
    )
    return [folder / "roster-2025-09-02.zip", folder / "roster-2025-10-15.zip", *write_kept(district, folder / "kept")]


def _dated(row: Cells, status: str = "active") -> Cells:
    return [row[0], status, CHANGED, *row[3:]]


def _zip(path: Path, sheets: Sheets) -> None:
    """Write a zip with every cell in quotes and CR LF, the same bytes on every day."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, (header, rows) in sheets.items():
            lines = [",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in (header.split(), *rows)]
            info = zipfile.ZipInfo(f"{name}.csv", (2025, 9, 2, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, "\r\n".join((*lines, "")).encode())
        archive.writestr(zipfile.ZipInfo("lineItems.csv", (2025, 9, 2, 0, 0, 0)), b"")
