"""An Aeries server (REST v5) as sections 4.1 to 4.3 of the vendor sheet describe it; what it answers lies in files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.servers.loopback import Asked, Reply, System

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATE = "477abe9e7d27439681d62f4e0de1f5e1"
BASE = "/aeries/api/v5/"
#: Paths that are answered, and the file that each is answered from.
_FILES = (
    re.compile(r"(schools)"),
    re.compile(r"(schools/\d+/(?:terms|calendar|AbsenceCodes|students|attendance))"),
    re.compile(r"(schools/\d+/enrollment)/0/year/\d{4}"),
    re.compile(r"(schools/\d+/AttendanceHistory)/summary/year/\d{4}-\d{4}"),
)


class Aeries(System):
    """Answers for one database year. ``off``: parts of paths whose feature is switched off (501). ``default``: its own year."""

    def __init__(self, folder: Path, bad: int = 0, off: str = "", year: int = 2025) -> None:
        super().__init__(folder, bad)
        self.off = off
        self.year = year

    def answer(self, asked: Asked) -> Reply:
        if not asked.path.startswith(BASE):
            return Reply({"Message": "Not found"}, 404)
        path = asked.path.removeprefix(BASE)
        if path == "systeminfo":
            # 4.1: an omitted or invalid year is silently the default one.
            return Reply(self.file("systeminfo") | {"DatabaseYear": f"{self.year}-{self.year + 1}"})
        if asked.headers.get("AERIES-CERT") != CERTIFICATE:
            return Reply({"Message": "The certificate is not valid."}, 401)
        if self.off and self.off in path:
            return Reply({"Message": "This feature is not enabled."}, 501)
        name = next((match[1] for form in _FILES if (match := form.fullmatch(path))), "")
        try:
            rows = self.file(name) if name else None
        except KeyError:
            rows = None
        if rows is None:
            return Reply({"Message": "Not found"}, 404)
        if name.endswith("/students"):
            first, last = int(asked.query.get("StartingRecord", 1)), int(asked.query.get("EndingRecord", len(rows)))
            rows = rows[first - 1 : last]
        if name.endswith("/attendance"):
            rows = self._within(rows, asked.query["StartDate"], asked.query["EndDate"])
        return Reply(rows)

    @staticmethod
    def _within(students: list[dict[str, object]], first: str, last: str) -> list[dict[str, object]]:
        """Cut attendance to a span of dates, which the query writes as 20250818; students without a day in it are not there."""
        found = []
        for one in students:
            days = one["AttendanceDays"]
            assert isinstance(days, list)
            inside = [day for day in days if first <= str(day["CalendarDate"])[:10].replace("-", "") <= last]
            if inside:
                found.append({**one, "AttendanceDays": inside})
        return found
