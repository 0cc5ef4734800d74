"""Which collections to ask a OneRoster server for, page by page, sorted by their key and counted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from recoup.adapters.paged import Pages, Record, listed, text
from recoup.errors import RecoupError
from recoup.ports import PageSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recoup.ports import HttpClient

#: Collections: the path, the feed that its pages are, what of it, whether a server may be without it, and the filter that is enough.
_COLLECTIONS = (
    ("orgs", "orgs", "", False, ""),
    ("academicSessions", "academicSessions", "", True, ""),
    ("students", "users", "students", False, ""),
    ("teachers", "users", "teachers", True, ""),
    ("classes", "classes", "", True, ""),
    ("enrollments", "enrollments", "", False, "role='student'"),
    ("demographics", "demographics", "", True, ""),
)


#: The feeds that come as pages.
FEEDS = tuple(dict.fromkeys(feed for _, feed, *_ in _COLLECTIONS))


def records(value: Any, where: str) -> list[Record]:
    """Return the rows of an answer: the one list in it, whatever it is called. Raises ``HTTP_SHAPE`` (3) for anything else."""
    lists = [found for found in value.values() if isinstance(found, list)] if isinstance(value, dict) else []
    if len(lists) != 1:
        raise RecoupError("HTTP_SHAPE", where, expected="an object with one list of records")
    return listed(lists[0], where)


def sets(client: HttpClient, options: Mapping[str, object]) -> Iterator[PageSet]:
    """Name every set: each collection whole, since a server need not tell what it has deleted."""
    for path, feed, name, optional, wanted in _COLLECTIONS:
        query = {"sort": str(options["sort"]), "orderBy": "asc"} if options["sort"] else {}
        if wanted and options["filters"]:
            query["filter"] = wanted
        yield PageSet(feed, name, partial(_load, client, path, query), optional=optional)


def _load(client: HttpClient, path: str, query: Mapping[str, str]) -> list[bytes]:
    """Bring every page. A page may be shorter than was asked for: the rows that came say where the next begins.

    Where the server counts (``X-Total-Count``), the count of the last page must be met; where it does not, an empty page is the end.
    """
    pages = Pages(path)
    while True:
        answer = client.get(path, {**query, "limit": str(client.page_size), "offset": str(pages.rows)})
        rows = records(answer.value, path)
        pages.add(answer, [text(row.get("sourcedId")) for row in rows])
        if answer.total is not None and (pages.rows >= answer.total or not rows):
            return pages.whole(answer.total)
        if answer.total is None and not rows:
            return pages.bodies
