"""What every adapter stands on that fetches over HTTP: pages held against one another, JSON into records, windows laid over windows."""

from __future__ import annotations

import calendar
import json
import re
from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import polars as pl

from recoup.adapters.base import FileAdapter
from recoup.adapters.reading import Records
from recoup.adapters.reading.records import LINE
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from recoup.adapters.base import Declaration, Job
    from recoup.ports import HttpAnswer, Option, RawFile, SignIn

Record = dict[str, Any]

#: ``pages/attendance/990/2025-08-18..2025-12-31/0001.json``: the feed, what of it, and the days that it replaces.
_NAME = re.compile(r"pages/(?P<feed>[^/]+)(?:/(?P<name>.+?))??(?:/(?P<first>\d{4}-\d\d-\d\d)\.\.(?P<last>\d{4}-\d\d-\d\d))?/\d+\.json")
_ISO = r"^\d{4}-\d\d-\d\d$"


def is_page(file: RawFile) -> bool:
    """Tell a page from a file that lies beside, or that is of the same feed where a system has both ways in."""
    return file.name.startswith("pages/")


class Pages:
    """The pages of one set while they come: no page twice, no row twice, and in the end as many rows as were counted."""

    def __init__(self, where: str) -> None:
        self.bodies: list[bytes] = []
        self.rows = 0
        self._where = where
        self._seen: set[bytes] = set()
        self._keys: set[object] = set()

    def add(self, answer: HttpAnswer, keys: Sequence[object]) -> None:
        """Take a page with the key of each of its rows, None where it has none.

        Raises ``HTTP_PAGE_LOOP`` (3) for a page or row that came before.
        """
        digest = sha256(answer.body).digest()
        new = set(keys) - {None}
        if keys and (digest in self._seen or new & self._keys):
            raise RecoupError("HTTP_PAGE_LOOP", self._where, page=len(self.bodies) + 1)
        self._seen.add(digest)
        self._keys |= new
        self.rows += len(keys)
        self.bodies.append(answer.body)

    def whole(self, counted: int) -> list[bytes]:
        """Return the pages. Raises ``HTTP_COUNT`` (3) when they do not hold as many rows as were counted."""
        if counted != self.rows:
            raise RecoupError("HTTP_COUNT", self._where, counted=counted, rows=self.rows)
        return self.bodies


def listed(value: Any, where: str, expected: str = "a list of records") -> list[Record]:
    """Return a JSON value as records: a list of them, or the one that some servers write without a list.

    Raises ``HTTP_SHAPE`` (3) for anything else.
    """
    found = [value] if isinstance(value, dict) else [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RecoupError("HTTP_SHAPE", where, expected=expected)
    return found


def text(value: Any) -> str | None:
    """Return a JSON value as the text that a file would have of it; null and blanks are None."""
    if value is None or isinstance(value, (dict, list)):
        return None
    return json.dumps(value) if isinstance(value, bool) else str(value).strip() or None


def tabled(found: Sequence[tuple[int, Record]], expected: Collection[str]) -> Records:
    """Return rows with the number of each as records; without a row all names that are expected are there, and empty."""
    headers = dict.fromkeys(name for _, row in found for name in row) if found else dict.fromkeys(sorted(expected))
    frame = pl.DataFrame(
        {name: pl.Series([text(row.get(name)) for _, row in found], dtype=pl.String) for name in headers}
        | {LINE: pl.Series([line for line, _ in found], dtype=pl.Int64)}
    )
    return Records(tuple(headers), frame, ())


def months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Part a span at the ends of months, so that a year is not one answer and a month asked for again has the same name."""
    while first <= last:
        end = min(last, first.replace(day=calendar.monthrange(first.year, first.month)[1]))
        yield first, end
        first = end + timedelta(days=1)


class PagedAdapter(FileAdapter):
    """An adapter whose ``paged`` feeds are JSON pages; files of its other feeds may lie beside."""

    def __init__(
        self, name: str, summary: str, declaration: Declaration, options: tuple[Option, ...], paged: Collection[str], sign_in: SignIn
    ) -> None:
        super().__init__(name, summary, declaration, options)
        self.paged = frozenset(paged)
        self.sign_in = sign_in

    def flatten(self, feed: str, place: str, value: Any) -> Iterator[tuple[int, Record]]:
        """Yield the rows of a page with the number of the record each stands in, from 1; ``place``: what of the feed it is."""
        yield from enumerate(listed(value, f"{feed}/{place}"), 1)

    def records(self, file: RawFile, data: bytes, expected: Collection[str], job: Job) -> Records:
        """Read a page; its columns are the names of its records, all of them text."""
        if not is_page(file):
            return super().records(file, data, expected, job)
        named = _NAME.fullmatch(file.name)
        try:
            found = list(self.flatten(file.feed, (named and named["name"]) or "", json.loads(data)))
        except ValueError:
            raise RecoupError("READ_NOT_JSON", file.name) from None
        return tabled(found, expected)

    def _together(self, feed: str, parts: Sequence[pl.DataFrame], job: Job) -> pl.DataFrame:
        """Put the pages of a feed together; of a day that several windows show, the last one counts, also where it shows nothing."""
        if not any(is_page(file) for file in job.files if file.feed == feed):
            return super()._together(feed, parts, job)
        # A page that came alike in several windows is one page; its first row tells it apart from the like page of another place.
        once = {part.row(0): part for part in parts if part.height}
        whole = pl.concat([*once.values()] or parts[:1], how="diagonal")
        shown = _shown([file for file in job.files if file.feed == feed])
        day = next((column.name for column in self.declaration.columns[feed] if column.type == "date"), "")
        if not shown or day not in whole.columns:
            return whole
        keep = pl.DataFrame(shown, schema={"_file": pl.String, day: pl.String}, orient="row").unique()
        joined = whole.join(keep.with_columns(pl.lit(value=True).alias("_shown")), on=["_file", day], how="left", maintain_order="left")
        stays = pl.col("_shown").is_not_null() | ~pl.col(day).str.contains(_ISO).fill_null(value=False)
        older = joined.filter(~stays).height
        job.desk.note(job.request.source, "LEFT_OLDER_WINDOW", older, f"{feed}: {older} rows of days that were asked for again later")
        return joined.filter(stays).drop("_shown")


def last_day(files: Sequence[RawFile], feed: str) -> str:
    """Return the last day that any page of a feed was asked for, as ISO text; empty where none has windows."""
    return max((match["last"] or "" for file in files if file.feed == feed and (match := _NAME.fullmatch(file.name))), default="")


def _shown(files: Sequence[RawFile]) -> list[tuple[str, str]]:
    """Return, of pages with windows, which file (by its hash) shows which day: of each place and day those of the last window."""
    shown: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for file in files:
        match = _NAME.fullmatch(file.name)
        if match is None or not match["first"]:
            continue
        window = f"{match['first']}..{match['last']}"
        for day in _days(match["first"], match["last"]):
            place = (match["name"] or "", day)
            # The pages of one window stand together; another window takes the day over.
            if place not in shown or shown[place][0] != window:
                shown[place] = (window, [])
            shown[place][1].append(file.sha256)
    return [(sha, day) for (_, day), (_, shas) in shown.items() for sha in shas]


def _days(first: str, last: str) -> list[str]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(begin + timedelta(days=number)).isoformat() for number in range((end - begin).days + 1)]
