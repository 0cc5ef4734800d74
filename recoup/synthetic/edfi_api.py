"""The synthetic district's Ed-Fi resources as an ODS/API answers with them: keys, change versions, and what is kept beside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from recoup.synthetic.bundle import write_csv
from recoup.synthetic.edfi import make_resources
from recoup.synthetic.retold import write_kept

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.synthetic.district import District

#: What the standard has no place for, and a district keeps in a table of its own: which columns of which table.
KEPT = {
    "enrollments": (
        "ssid", "school_code", "entry_date", "instruction_mode", "alternate_minimum_minutes", "alternate_minimum_basis", "absence_exempt",
    ),
    "participation": ("session_id", "ssid", "sign_in", "sign_out", "verified_by", "verified_at", "evidence_ref"),
}  # fmt: skip
SOURCES = (
    ("*.json", "Ed-Fi Data Standard 5, resources of ODS/API 7: references flat, descriptors as uri://namespace/Name#code"),
    ("studentProgramAttendanceEvents.json", "vendors.md 9.2: programAttendanceDuration in minutes, also on days without school"),
    ("_version", "the change version of the row, which no answer shows"),
)


def write_edfi_api(district: District, folder: Path) -> list[Path]:
    """Write ``server/<resource>.json`` and ``kept/`` below ``folder``; the rows are numbered through as changes."""
    server = folder / "server"
    server.mkdir(parents=True, exist_ok=True)
    out, version = [], 100
    for name, rows in make_resources(district).items():
        keyed = []
        for number, row in enumerate(rows):
            version += 1
            key = uuid5(NAMESPACE_URL, f"{name} {number}").hex
            keyed.append({"id": key, **row, "_etag": f"52{version}", "_lastModifiedDate": "2026-06-30T12:00:00Z", "_version": version})
        path = server / f"{name}.json"
        text = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in keyed)
        path.write_text(f"[{text}]\n", encoding="utf-8", newline="\n")
        out.append(path)
    write_csv(server / "sources.csv", ["answer", "after"], SOURCES)
    return [*out, server / "sources.csv", *write_beside(district, folder)]


def write_beside(district: District, folder: Path) -> list[Path]:
    """Write what a district that runs Ed-Fi keeps in a bundle: sessions, their staff, days applied, and columns that Ed-Fi lacks."""
    out = write_kept(district, folder, ["applied_days", "sessions", "session_staff"])
    for table, columns in KEPT.items():
        # What Ed-Fi tells is left empty: the bundle's own columns must be there all the same.
        header = list(district.tables[table][0])
        rows = [[row[column] if column in columns else "" for column in header] for row in district.tables[table]]
        write_csv(folder / "kept" / f"{table}.csv", header, rows)
        out.append(folder / "kept" / f"{table}.csv")
    return out
