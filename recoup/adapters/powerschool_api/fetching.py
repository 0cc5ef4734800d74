"""Which tables and PowerQueries to ask PowerSchool for, page by page and by count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from recoup.adapters.data import rows as data_rows
from recoup.adapters.paged import Pages, Record, listed, months, text
from recoup.errors import RecoupError
from recoup.ports import PageSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from recoup.adapters.base import Column
    from recoup.ports import Feed, FetchRequest, HttpAnswer, HttpClient

#: The district's own limit on rows in a page of a table or query.
_LIMIT = "schema_table_query_max_page_size"


@dataclass(frozen=True, slots=True)
class Way:
    """How a feed is asked for: as ``table`` or ``query`` of a ``name``, in the order of ``sort``; ``dates``: the column of its day."""

    feed: str
    way: str
    name: str
    sort: str
    dates: str

    @property
    def path(self) -> str:
        """Return the path of its rows."""
        return f"ws/schema/{self.way}/{self.name}"


def ways() -> dict[str, Way]:
    """Return the way of every feed that comes as pages."""
    return {
        row["feed"]: Way(row["feed"], row["way"], row["name"], row["sort"], row["dates"])
        for row in data_rows("recoup.adapters.powerschool_api", "ways.csv")
    }


def records(value: Any, where: str) -> list[Record]:
    """Return the rows of an answer: those of a table out of their wrapping, those of a query as they are; a single one without a list."""
    if not isinstance(value, dict):
        raise RecoupError("HTTP_SHAPE", where, expected="an object with record")
    found = []
    for record in listed(value.get("record"), where):
        tables = record.get("tables")
        found += list(tables.values()) if isinstance(tables, dict) else [record]
    return listed(found, where)


class Plugin:
    """What the district's plugin opens, asked once for each table before anything is fetched."""

    def __init__(self, client: HttpClient, feeds: Sequence[Feed], columns: Mapping[str, Sequence[Column]]) -> None:
        self._client = client
        self._feeds = feeds
        self._columns = columns
        self._ways = ways()
        limits = _numbers(client.get("ws/v1/metadata").value)
        self.page_size = min(client.page_size, limits.get(_LIMIT) or client.page_size)

    def fields(self, way: Way) -> list[str]:
        """Return the columns of a table to ask for. ``POWERSCHOOL_FIELDS`` (3) when a needed one is not open: it would just be missing."""
        open_to_us = _names(self._client.get(f"{way.path}/metadata").value)
        wanted = [column for column in self._columns[way.feed] if not column.name.startswith("_")]
        lacking = [column.name for column in wanted if column.required and not _known(column) & open_to_us]
        if lacking:
            raise RecoupError("POWERSCHOOL_FIELDS", way.name, fields=", ".join(lacking))
        return sorted(next(iter(sorted(_known(column) & open_to_us))) for column in wanted if _known(column) & open_to_us)

    def check(self) -> int:
        """Look at every table and query that is needed; return how many there are."""
        needed = [self._ways[feed.name] for feed in self._feeds if feed.required and feed.name in self._ways]
        for way in needed:
            if way.way == "table":
                self.fields(way)
            else:
                self._count(way, {})
        return len(needed)

    def sets(self, request: FetchRequest) -> Iterator[PageSet]:
        """Name every set; one whose rows have a day, by month."""
        for feed in self._feeds:
            way = self._ways.get(feed.name)
            if way is None:
                continue
            optional = not feed.required
            if way.dates:
                for first, last in months(*request.window(way.feed)) if way.feed == "Attendance" else [_year(request)]:
                    yield PageSet(way.feed, "", partial(self._load, way, first, last), first, last, optional=optional)
            else:
                yield PageSet(way.feed, "", partial(self._load, way), optional=optional)

    def _load(self, way: Way, first: date | None = None, last: date | None = None) -> list[bytes]:
        """Count, bring the pages, count again: rows that come or go meanwhile shift every later page."""
        query: dict[str, str] = {}
        if way.way == "table":
            query = {"projection": ",".join(self.fields(way)), "sort": way.sort}
        if first:
            query["q"] = f"{way.dates.lower()}=ge={first};{way.dates.lower()}=le={last}"
        counted = self._count(way, {name: value for name, value in query.items() if name == "q"})
        pages = Pages(way.path)
        while pages.rows < counted or not pages.bodies:
            answer = self._ask(way, way.path, {**query, "page": str(len(pages.bodies) + 1), "pagesize": str(self.page_size)})
            records(answer.value, way.path)
            keys = _keys(answer.value)
            pages.add(answer, keys)
            if not keys:
                break
        again = self._count(way, {name: value for name, value in query.items() if name == "q"})
        return pages.whole(again)

    def _count(self, way: Way, query: Mapping[str, str]) -> int:
        value = self._ask(way, f"{way.path}/count", query).value
        found = _numbers(value).get("count")
        if found is None:
            raise RecoupError("HTTP_SHAPE", f"{way.path}/count", expected="a count")
        return found

    def _ask(self, way: Way, path: str, query: Mapping[str, str]) -> HttpAnswer:
        return self._client.get(path, query) if way.way == "table" else self._client.post(path, {}, query)


def _year(request: FetchRequest) -> tuple[date, date]:
    """The whole school year: a calendar is known before its days come."""
    return request.read.year.first, request.read.year.last


def _known(column: Column) -> set[str]:
    return {name.lower() for name in (column.name, *column.aliases)}


def _keys(value: Any) -> list[str | None]:
    """The key of each row of an answer: a table's wrapping has it; a query's rows may have none."""
    found = listed(value["record"], "record") if value.get("record") is not None else []
    return [text(record.get("id")) if "tables" in record else text(record.get("dcid")) for record in found]


def _numbers(value: Any) -> dict[str, int]:
    """Every whole number below a JSON value by its name, also where it stands as text."""
    found: dict[str, int] = {}
    if isinstance(value, dict):
        for name, below in value.items():
            written = text(below)
            if written and written.isdecimal():
                found[name.lower()] = int(written)
            found |= _numbers(below)
    return found


def _names(value: Any) -> set[str]:
    """Every text that stands under ``name`` below a JSON value, in lower case: the fields of a table, however they are wrapped."""
    if isinstance(value, list):
        return {name for below in value for name in _names(below)}
    if not isinstance(value, dict):
        return set()
    own = {str(value["name"]).lower()} if isinstance(value.get("name"), str) else set()
    return own | {name for below in value.values() for name in _names(below)}
