"""The synthetic district as a OneRoster 1.2 server would hold it: records of its collections, moments in UTC, extensions as metadata."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.oneroster import make_sheets

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District

#: Collections by the sheet that they are made of.
_FROM = ("orgs", "academicSessions", "classes", "enrollments", "demographics")
#: Cells that are references, by the name that the record has for them.
_REFERENCES = {
    "parentSourcedId": "parent",
    "courseSourcedId": "course",
    "schoolSourcedId": "school",
    "classSourcedId": "class",
    "userSourcedId": "user",
}
_DAYS = ("beginDate", "endDate")
SOURCES = (
    (
        "*.json",
        "vendors.md 9.1; infinite-campus.md 4.4: collections, collection keys, nested references and userIds, status, dateLastModified",
    ),
    ("enrollments.json", "vendors.md pitfall 11: days told as the moment at which they begin, in UTC"),
)


def write_oneroster_rest(district: District, folder: Path) -> list[Path]:
    """Write ``server/``, a list of records a collection; ``sources.csv`` tells what each was written after."""
    sheets = make_sheets(district, "1.2")
    server = folder / "server"
    server.mkdir(parents=True, exist_ok=True)
    rows = {name: [dict(zip(header.split(), row, strict=True)) for row in cells] for name, (header, cells) in sheets.items()}
    found = {name: [_record(row) for row in rows[name]] for name in _FROM}
    found["users"] = _users(rows["users"], rows["roles"])
    out = []
    for name, records in found.items():
        path = server / f"{name}.json"
        path.write_text(json.dumps(records, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n")
        out.append(path)
    write_csv(server / "sources.csv", ["answer", "after"], SOURCES)
    return [*out, server / "sources.csv"]


def _record(row: dict[str, str]) -> dict[str, Any]:
    """Return a row as a record: references as objects, lists as lists, and without what is empty."""
    record: dict[str, Any] = {
        "sourcedId": row["sourcedId"],
        "status": row["status"] or "active",
        "dateLastModified": "2025-08-20T17:05:00.000Z",
    }
    for name, cell in row.items():
        if name in record or not cell:
            continue
        if name in _REFERENCES:
            record[_REFERENCES[name]] = {"href": f"…/{cell}", "sourcedId": cell, "type": _REFERENCES[name]}
        elif name == "termSourcedIds":
            record["terms"] = [{"href": f"…/{one}", "sourcedId": one, "type": "term"} for one in cell.split(",")]
        elif name == "grades":
            record[name] = cell.split(",")
        else:
            record[name] = _moment(cell) if name in _DAYS else cell
    return record


def _moment(day: str) -> str:
    """Return the moment at which a day begins in California, in UTC."""
    begins = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)
    return f"{begins:%Y-%m-%dT%H:%M:%S}.000Z"


def _users(users: list[dict[str, str]], roles: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return users with their roles inside; the SSID stands in an extension."""
    held = {role["userSourcedId"]: role for role in roles}
    found = []
    for row in users:
        ids, role = row.pop("userIds"), held[row["sourcedId"]]
        record = _record(row)
        org = {"href": f"…/{role['orgSourcedId']}", "sourcedId": role["orgSourcedId"], "type": "org"}
        record["roles"] = [{"roleType": role["roleType"], "role": role["role"], "org": org}]
        record["userIds"] = [{"type": "LDAP", "identifier": row["username"]}]
        if ids:
            record["metadata"] = {"stateStudentId": ids.strip("{}").partition(":")[2]}
        found.append(record)
    return found
