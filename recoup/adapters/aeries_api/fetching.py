"""Which pages to ask Aeries for: one district is one server, so a few small sets a school, and attendance by month."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from recoup.adapters.paged import Pages, Record, listed, months, text
from recoup.errors import RecoupError
from recoup.ports import PageSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recoup.ports import FetchRequest, HttpClient

#: Aeries's number for the district's own set of codes.
DISTRICT = "0"
_NO_SCHOOL = "0000000"


def year_of(client: HttpClient, request: FetchRequest) -> str:
    """Return the start year to ask for. ``AERIES_YEAR`` (3) when Aeries would silently answer for another one."""
    wanted = request.read.year.name
    answer = client.get("systeminfo", {"DatabaseYear": wanted[:4]})
    found = answer.value if isinstance(answer.value, dict) else {}
    given = str(found.get("DatabaseYear", ""))
    if given[:4] != wanted[:4]:
        known = found.get("AvailableDatabaseYears")
        told = ", ".join(map(str, known)) if isinstance(known, list) else "it does not say which"
        raise RecoupError("AERIES_YEAR", "systeminfo", found=given or "unknown", wanted=wanted, known=told)
    return wanted[:4]


def schools_of(rows: Sequence[Record], only: Sequence[str]) -> list[str]:
    """Return the numbers of the schools to ask for: those with a CDS code, or those named. ``AERIES_NO_SCHOOLS`` (3) for none."""
    found = [code for row in rows if (text(row.get("StateSchoolID")) or _NO_SCHOOL) != _NO_SCHOOL and (code := text(row.get("SchoolCode")))]
    wanted = [code for code in found if not only or code in only]
    if not wanted:
        raise RecoupError("AERIES_NO_SCHOOLS", "schools")
    return wanted


def sets(client: HttpClient, request: FetchRequest, only: Sequence[str]) -> Iterator[PageSet]:
    """Name every set: the schools, then each school's record, then its attendance month by month."""
    year = year_of(client, request)
    schools = client.get("schools", {"DatabaseYear": year})
    yield PageSet("schools", "", lambda: [schools.body])
    one = partial(_one, client, year)
    yield PageSet("absence_codes", DISTRICT, partial(one, f"schools/{DISTRICT}/AbsenceCodes"), optional=True)
    for code in schools_of(listed(schools.value, "schools"), only):
        at = f"schools/{code}"
        yield PageSet("terms", code, partial(one, f"{at}/terms"), optional=True)
        yield PageSet("calendar", code, partial(one, f"{at}/calendar"))
        yield PageSet("absence_codes", code, partial(one, f"{at}/AbsenceCodes"))
        yield PageSet("students", code, partial(_students, client, year, f"{at}/students"))
        yield PageSet("enrollment", code, partial(one, f"{at}/enrollment/0/year/{year}"))
        history = f"{at}/AttendanceHistory/summary/year/{request.read.year.name}"
        yield PageSet("history", code, partial(one, history), optional=True)
        for first, last in months(*request.window(f"attendance/{code}")):
            dates = {"StartDate": f"{first:%Y%m%d}", "EndDate": f"{last:%Y%m%d}"}
            yield PageSet("attendance", code, partial(one, f"{at}/attendance", dates), first, last)


def _one(client: HttpClient, year: str, path: str, query: dict[str, str] | None = None) -> list[bytes]:
    answer = client.get(path, {"DatabaseYear": year, **(query or {})})
    listed(answer.value, path)
    return [answer.body]


def _students(client: HttpClient, year: str, path: str) -> list[bytes]:
    """Students in pages of ``StartingRecord`` to ``EndingRecord``, counted from 1; the last page is the one that is not full."""
    pages = Pages(path)
    while True:
        window = {"StartingRecord": str(pages.rows + 1), "EndingRecord": str(pages.rows + client.page_size)}
        answer = client.get(path, {"DatabaseYear": year, **window})
        rows = listed(answer.value, path)
        pages.add(answer, [text(row.get("StudentNumber")) for row in rows])
        if len(rows) < client.page_size:
            return pages.bodies
