"""The synthetic district as a PowerSchool server would hold it for a plugin: rows of tables and queries, and what the plugin opens."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.powerschool import make_sheets, write_sheet
from recoup.synthetic.retold import write_kept

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District
    from recoup.synthetic.powerschool import Sheet

#: The tables that only a PowerQuery of the plugin gives, joined.
QUERIES = {
    "Attendance_Code": "org.recoup.attendance.codes",
    "Attendance_Time": "org.recoup.attendance.times",
    "Sections": "org.recoup.recovery.sections",
    "AR_Meetings": "org.recoup.recovery.meetings",
    "Teachers": "org.recoup.staff",
}
#: Kept by hand: no table of PowerSchool.
_BESIDE = "Grade_Hours"
SOURCES = (
    ("table/*.json", "vendors.md 5.1: record[].tables.<table>; 5.2: names of tables and columns; dates CCYY-MM-DD, all values text"),
    ("table/*.metadata.json", "vendors.md 5.1: /metadata; fields that the plugin does not open are missing"),
    ("query/*.json", "vendors.md 5.1: flat rows, all values text"),
    ("metadata.json", "vendors.md 5.1: schema_table_query_max_page_size is the district's"),
)
_DATES = frozenset({
    "Date_Value", "EntryDate", "ExitDate", "Enter_Date", "Exit_Date", "DOB", "Att_Date", "Meeting_Date", "Start_Date", "End_Date",
    "Credential_Expires",
})  # fmt: skip


def write_powerschool_api(district: District, folder: Path) -> list[Path]:
    """Write ``server/`` (rows; ``sources.csv`` tells what each was written after), ``beside/`` and ``kept/`` below ``folder``."""
    out = []
    sheets = make_sheets(district)
    sheets["S_CA_STU_ATTDRECOVER_C"] = _totals(district, sheets["Students"])
    for name, (header, rows) in sheets.items():
        columns = header.split()
        if name == _BESIDE:
            (folder / "beside").mkdir(parents=True, exist_ok=True)
            out.append(write_sheet(folder / "beside" / f"{name}.txt", name, columns, rows))
            continue
        found = [{c.lower(): _cell(c, cell) for c, cell in zip(columns, row, strict=False)} for row in rows]
        if name in QUERIES:
            out.append(_write(folder / "server" / "query" / f"{QUERIES[name]}.json", found))
        else:
            place = folder / "server" / "table"
            out.append(_write(place / f"{name.lower()}.json", found))
            fields = [{"name": column.lower(), "access": "ViewOnly"} for column in columns]
            out.append(_write(place / f"{name.lower()}.metadata.json", {"name": name.lower(), "columns": fields}))
    out.append(_write(folder / "server" / "metadata.json", {"metadata": {"schema_table_query_max_page_size": 100}}))
    write_csv(folder / "server" / "sources.csv", ["answer", "after"], SOURCES)
    return [*out, folder / "server" / "sources.csv", *write_kept(district, folder, ["applied_days"])]


def _totals(district: District, students: Sheet) -> Sheet:
    """The attendance recovery page of each student with time: what PowerSchool worked out, and what somebody typed."""
    dcid = {row[3]: row[0] for row in students[1]}
    header = "StudentsDCID MinutesAttendedCalculated MinutesAttendedOverride RecoveryDaysOverride"
    return header, [[dcid[row["ssid"]], row["minutes_earned"], "", row["days_applied"]] for row in district.tables["reported_totals"]]


def _cell(column: str, text: str) -> str | None:
    """A cell as the interface gives it: dates as CCYY-MM-DD, an empty one as null."""
    if column in _DATES and text:
        for form in ("%m/%d/%Y", "%m/%d/%y", "%d-%b-%y"):
            try:
                return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 a local date
            except ValueError:
                continue
    return text or None


def _write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n")
    return path
