"""The synthetic district as a district's own Aeries queries would give it: Aeries's tables, keys and codes, in all kinds of files."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.places import BY_CODE, GRADES, LEA, MEANINGS, SATURDAY, SCHOOLS, WEDNESDAY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.places import Row

Cells = list[str]
Sheet = tuple[str, list[Cells]]

#: The make-up codes of ``ATT.ADA``: attendance recovery, Saturday School, and work made up with a teacher.
RECOVERED, MADE_UP = "R", {"saturday_school": "S", "other": "W", "": ""}
#: Type codes of ``ATP.TY`` and the first session numbers of programs that are not attendance recovery.
AR_TYPE, OTHER_PROGRAMS = "AR", (("EL", "Expanded Learning (ELO-P)", "501"), ("SS", "Saturday School", "601"))
_TYPES = {"elementary": "E", "span": "K8", "middle": "M", "high": "H", "continuation": "C", "community_day": "CD", "early_college": "EC",
          "charter_classroom": "CH"}  # fmt: skip
_EXITS = {"T160": "160", "E140": "140", "N470": "470", "": ""}
#: Marks beside absences that are none: tardy and verified present.
_TARDY, _PRESENT = "8", "7"


def _us(day: str) -> str:
    """Return an ISO date as Aeries shows it, with nothing before the month but its zero."""
    return f"{date.fromisoformat(day):%m/%d/%Y}" if day else ""


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%m/%d/%Y %H:%M}" if text else ""


def _clock(text: str) -> str:
    return f"{time.fromisoformat(text):%I:%M %p}" if text else ""


def _flag(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text, text)


def _grade(grade: str) -> str:
    return str(GRADES.index(grade) - 1)


class _Keys:
    """Aeries's own keys: student ids for SSIDs, and a student number that is unique within a school only."""

    def __init__(self, district: District) -> None:
        self.local = {row["ssid"]: row["local_student_id"] for row in district.tables["students"]}
        self.number: dict[tuple[str, str], str] = {}
        count: dict[str, int] = {}
        for row in sorted(district.tables["enrollments"], key=lambda row: (row["school_code"], row["entry_date"], row["ssid"])):
            if (row["school_code"], row["ssid"]) not in self.number:
                count[row["school_code"]] = count.get(row["school_code"], 0) + 1
                self.number[row["school_code"], row["ssid"]] = str(count[row["school_code"]])


def _sc(school_code: str) -> str:
    return BY_CODE[school_code].local


def _loc() -> Sheet:
    rows = [["0", "District Office", LEA[:2], LEA[2:], "0000000", "", "0", "0"]]
    rows += [[s.local, s.name, LEA[:2], LEA[2:], s.code, _TYPES[s.type], "1" if s.charter else "0", "0"] for s in SCHOOLS]
    return "CD NM CC DC SC TY IRC DEL", rows


def _day(district: District) -> Sheet:
    """Every weekday with the school's holiday code and, at the year-round school, one for each track; DY counts weekdays."""
    marks: dict[tuple[str, str], dict[str, str]] = {}
    for row in district.tables["calendar"]:
        if row["grades"] == "":
            school_of = BY_CODE[row["school_code"]]
            wednesday = date.fromisoformat(row["date"]).weekday() == WEDNESDAY
            short = "%" if wednesday and school_of.short_day != school_of.closes else ""
            marks.setdefault((row["school_code"], row["date"]), {})[row["track"]] = short if row["is_instructional"] == "true" else "#"
    rows, number = [], dict.fromkeys(BY_CODE, 0)
    for (school, day_text), by_track in sorted(marks.items()):
        number[school] += 1
        tracks = [by_track.get(track, "@") for track in ("A", "B")] if "" not in by_track else ["", ""]
        whole = by_track.get("", "#" if all(mark == "#" for mark in by_track.values()) else next(m for m in by_track.values() if m != "#"))
        rows.append([_sc(school), _us(day_text), str(number[school]), whole, *tracks])
    return "SC DT DY HO T1 T2", rows


def _bel() -> Sheet:
    rows = []
    for school in SCHOOLS:
        for holiday, closes in (("", school.closes), ("%", school.short_day)):
            rows.append([school.local, holiday, "", "", _clock(school.opens), _clock(closes)])
            if school.early_grades:
                low, high = _grade(school.early_grades[0]), _grade(school.early_grades[-1])
                rows.append([school.local, holiday, low, high, _clock(school.opens), _clock(school.early_close)])
    return "SC HO LG HG ST ET", rows


def _stu(district: District, keys: _Keys) -> Sheet:
    known = {row["ssid"]: row for row in district.tables["students"]}
    rows = []
    for (school, ssid), number in keys.number.items():
        student = known[ssid]
        names = [student["legal_last_name"], student["legal_first_name"], _us(student["birth_date"]), student["gender"]]
        rows.append([_sc(school), number, keys.local[ssid], ssid, *names, "0"])
    rows.append(["101", "9901", "299901", "9000995001", "Test", "Deleted", "01/01/2015", "X", "1"])
    return "SC SN ID CID LN FN BD GN DEL", rows


def _enr(district: District, keys: _Keys) -> Sheet:
    rows = [
        [keys.local[row["ssid"]], _sc(row["school_code"]), "2025", _us(row["entry_date"]), _us(row["exit_date"]), _grade(row["grade"]),
         "" if row["enrollment_status"] == "10" else row["enrollment_status"], "N" if row["instruction_mode"] == "nonclassroom" else "",
         _EXITS[row["exit_reason"]], row["track"], _flag(row["absence_exempt"])]
        for row in district.tables["enrollments"]
    ]  # fmt: skip
    last_year = [
        [rows[n][0], rows[n][1], "2024", "08/14/2024", "06/05/2025", rows[n][5], "", "", "", "", "0"] for n in range(0, len(rows), 50)
    ]
    return "ID SC YR ED LD GR ES PR ER TR AX", rows + last_year


def _cse(district: District, keys: _Keys) -> Sheet:
    """Special education: an alternate minimum day for some, none for others."""
    minimum = {row["ssid"]: row["alternate_minimum_minutes"] for row in district.tables["enrollments"] if row["alternate_minimum_minutes"]}
    others = [row["ssid"] for n, row in enumerate(district.tables["students"]) if n % 9 == 4 and row["ssid"] not in minimum]
    return "ID AMD", [[keys.local[ssid], minutes] for ssid, minutes in minimum.items()] + [[keys.local[ssid], ""] for ssid in others]


def _abs() -> Sheet:
    rows = [["0", _TARDY, "Tardy", "5", "0", ""], ["0", _PRESENT, "Verified present", "4", "0", ""]]
    for school in SCHOOLS:
        for meaning, letter in school.codes.items():
            code = MEANINGS[meaning]
            kind = "3" if code.kind == "unexcused" else "2"
            study = {"independent_study_ada": "C", "independent_study_non_ada": "I"}.get(code.kind, "")
            rows.append([school.local, letter, code.description, kind, "1" if code.kind.startswith("suspension") else "0", study])
    return "SC CD TI TY SU IS", rows


def _att(district: District, keys: _Keys) -> Sheet:
    """Absences with their make-up codes; parts of a day as period codes; and rows that are no absence: tardy, present, entry, deleted."""
    applied = {(row["ssid"], row["school_code"], row["absence_date"]): row["recovered_on"] for row in district.tables["applied_days"]}
    rows, taken = [], set()
    for n, row in enumerate(district.tables["attendance"]):
        school, ssid = row["school_code"], row["ssid"]
        recovered = applied.get((ssid, school, row["date"]), "")
        makeup = RECOVERED if recovered else MADE_UP[row["made_up_by"]]
        codes = [row["source_code"], "", ""] if row["full_day"] == "true" else ["", row["source_code"], row["source_code"]]
        comment = "" if n % 25 else 'Mother called: "flu",\nback on Monday'
        minutes = "240" if recovered else ""
        rows.append([_sc(school), keys.number[school, ssid], _us(row["date"]), *codes, makeup, _us(recovered), comment, minutes, "0"])
        taken.add((school, ssid, row["date"]))
    days: dict[str, list[str]] = {}
    for row in district.tables["calendar"]:
        if row["is_instructional"] == "true" and not row["track"]:
            days.setdefault(row["school_code"], []).append(row["date"])
    letters = {school.code: school.codes["ill"] for school in SCHOOLS}
    for n, row in enumerate(district.tables["enrollments"]):
        school, ssid = row["school_code"], row["ssid"]
        for m, mark in enumerate((_TARDY, _PRESENT, letters[school], "")):
            day = days[school][(7 * n + 31 * m) % len(days[school])] if school in days else ""
            if day and day >= row["entry_date"] and (school, ssid, day) not in taken:
                taken.add((school, ssid, day))
                deleted = "1" if mark == letters[school] else "0"
                rows.append([_sc(school), keys.number[school, ssid], _us(day), mark, "", "", "", "", "", "", deleted])
    return "SC SN DT AL A1 A2 ADA ADT ACO AMU DEL", rows


def _programs(district: District) -> dict[str, str]:
    return {name: str(n + 1) for n, name in enumerate(sorted({row["program_name"] for row in district.tables["sessions"]}))}


def _atp(district: District) -> Sheet:
    rows = [[number, name, AR_TYPE] for name, number in _programs(district).items()]
    return "CD NM TY", rows + [[str(90 + n), name, kind] for n, (kind, name, _) in enumerate(OTHER_PROGRAMS)]


def _key(session: Row) -> tuple[str, str]:
    """Return SC and SE of a meeting: its session id is school, group and date."""
    school, number, *_ = session["session_id"].split("-")
    return school, number


def _ats(district: District) -> Sheet:
    groups = {_key(session): session for session in district.tables["sessions"]}
    number = _programs(district)
    rows = [
        [*key, f"{s['program_name']} {key[1]}", number[s["program_name"]], s["room"], _clock(s["start_time"]), _clock(s["end_time"]),
         s["break_minutes"], s["delivery"], "0"]
        for key, s in groups.items()
    ]  # fmt: skip
    for n, (_, name, first) in enumerate(OTHER_PROGRAMS):
        rows.append(["101", first, name, str(90 + n), "MPR", "02:45 PM", "05:45 PM", "0", "in_person", "0"])
    rows.append(["101", "701", "AR planned and dropped", "1", "R1", "03:00 PM", "04:00 PM", "0", "in_person", "1"])
    return "SC SE NM PG RM ST ET BM DL DEL", rows


def _atc(district: District) -> Sheet:
    rows = [
        [*_key(s), _us(s["date"]), _flag(s["cancelled"]), s["other_students_present"], s["verified_by"], _moment(s["verified_at"])]
        for s in district.tables["sessions"]
    ]
    rows += [["101", first, day, "0", "0", "", ""] for _, _, first in OTHER_PROGRAMS for day in _other_days()]
    return "SC SE DT CX OS VB VD", rows


def _other_days() -> tuple[str, ...]:
    return tuple(f"10/{day:02d}/2025" for day in range(6, 18) if date(2025, 10, day).weekday() < SATURDAY)


def _atd(district: District, keys: _Keys) -> Sheet:
    day = {row["session_id"]: row["date"] for row in district.tables["sessions"]}
    rows = [
        [keys.local[v["ssid"]], *_key(v), "1", _us(day[v["session_id"]]), v["minutes"], _clock(v["sign_in"]), _clock(v["sign_out"]),
         v["verified_by"], _moment(v["verified_at"]), v["evidence_ref"]]
        for v in district.tables["participation"]
    ]  # fmt: skip
    first = [row["local_student_id"] for row in district.tables["students"][:12]]
    for _, _, number in OTHER_PROGRAMS:
        rows += [[student, "101", number, "1", when, "180", "", "", "", "", ""] for student in first for when in _other_days()]
    return "ID SCL SE SQ DT TM TI TO VB VD ER", rows


def _atr(district: District) -> Sheet:
    day = {row["session_id"]: _us(row["date"]) for row in district.tables["sessions"]}
    rows = [
        [*_key(post), post["staff_id"], post["role"], day[post["session_id"]], day[post["session_id"]], _clock(post["start_time"]),
         _clock(post["end_time"])]
        for post in district.tables["session_staff"]
    ]  # fmt: skip
    return "SC SE ID RL SD ED ST ET", rows


def _ind(district: District, keys: _Keys) -> Sheet:
    return "ID SD ED", [[keys.local[r["ssid"]], _us(r["start_date"]), _us(r["end_date"])] for r in district.tables["independent_study"]]


def _stf(district: District) -> Sheet:
    rows = []
    for row in district.tables["staff"]:
        last, first = row["staff_name"].split(", ")
        rows.append([row["staff_id"], last, first, _flag(row["certificated"]), _flag(row["lea_employee"]), row["credential_expires"]])
    return "ID LN FN CT EM CX", rows


def make_sheets(district: District) -> dict[str, Sheet]:
    """Return the district as Aeries's tables: of each its header and its rows, as text.

    When the district has flaws, the tables have bad rows of Aeries's own kinds, which change nothing for the good ones.
    """
    keys = _Keys(district)
    sheets = {
        "LOC": _loc(), "DAY": _day(district), "BEL": _bel(), "STU": _stu(district, keys), "ENR": _enr(district, keys),
        "CSE": _cse(district, keys), "ABS": _abs(), "ATT": _att(district, keys), "ATP": _atp(district), "ATS": _ats(district),
        "ATC": _atc(district), "ATD": _atd(district, keys), "ATR": _atr(district), "IND": _ind(district, keys), "STF": _stf(district),
    }  # fmt: skip
    if district.flaws:
        _spoil(sheets, everywhere=any(flaw.table == "calendar" for flaw in district.flaws))
    return sheets


def write_aeries(district: District, folder: Path) -> list[Path]:
    """Write the district below ``folder`` as Aeries query results, and return the files.

    They differ as real ones do: ``STU`` is tab-separated Windows-1252, ``CSE`` UTF-16, ``STF`` a workbook, ``ATT`` and ``ENR``
    carry the table's name in each header; dates are ``MM/DD/YYYY`` and times ``03:15 PM``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [write_sheet(folder, name, header.split(), rows) for name, (header, rows) in make_sheets(district).items()]


def _spoil(sheets: dict[str, Sheet], *, everywhere: bool) -> None:
    """Add bad rows: to the recovery tables and, ``everywhere``, to the school record too."""

    def like(table: str, **cells: str) -> Cells:
        header, rows = sheets[table]
        return [cells.get(column, cell) for column, cell in zip(header.split(), rows[0], strict=True)]

    visits = sheets["ATD"][1]
    visits += [
        list(visits[0]),
        like("ATD", ID="999999"),
        like("ATD", SE="999"),
        like("ATD", SQ="2", DT="09/31/2025"),
        [*like("ATD", SQ="3"), "stray"],
    ]
    if everywhere:
        sheets["STU"][1].extend([like("STU", SN="9902", ID="299902", CID="9.00E+09"), like("STU", SN="9903", ID="299903", CID="900099999")])
        sheets["ENR"][1].extend([like("ENR", ED="06/15/2026", LD="06/16/2026", GR="15"), like("ENR", ID="999999")])
        sheets["ATT"][1].extend([like("ATT", SN="9999"), like("ATT", DT="06/25/2026", AL="?"), [*like("ATT", DT="06/24/2026"), "stray"]])


def write_sheet(folder: Path, table: str, header: Cells, rows: list[Cells]) -> Path:
    """Write one table in the kind of file that it has here, and return the file."""
    if table == "STF":
        return _write_workbook(folder / "STF.xlsx", header, rows)
    if table in ("ATT", "ENR"):
        header = [f"{table}.{column}" for column in header]
    if table == "STU":
        write_csv(folder / "STU.txt", header, rows, encoding="cp1252", delimiter="\t")
        return folder / "STU.txt"
    write_csv(folder / f"{table}.csv", header, rows, encoding="utf-16" if table == "CSE" else "utf-8")
    return folder / f"{table}.csv"


def _write_workbook(path: Path, header: Cells, rows: Iterable[Cells]) -> Path:
    """Write a workbook as a spreadsheet would: ids and flags as numbers, the last column as dates."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"created": datetime(2025, 7, 1)})  # noqa: DTZ001 (a fixed date makes the same bytes every time)
    sheet = book.add_worksheet(path.stem)
    shape = book.add_format({"num_format": "mm/dd/yyyy"})
    sheet.write_row(0, 0, header)
    for at, row in enumerate(rows, start=1):
        for column, cell in enumerate(row[:-1]):
            sheet.write(at, column, int(cell) if cell.isdecimal() else cell)
        if row[-1]:
            sheet.write_datetime(at, len(row) - 1, datetime.fromisoformat(row[-1]), shape)
    book.close()
    return path
