"""Which pages to ask an ODS/API for: each resource whole the first time, and later only what changed and what was deleted since.

The newest change version is asked for first and bounds every page, so that what others write meanwhile moves no row from one page to
another: a row that they touch just leaves, and the counts differ. What left is fetched in the end, with all that changed in between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from recoup.adapters.data import rows
from recoup.adapters.paged import Pages, listed, text
from recoup.errors import RecoupError
from recoup.ports import PageSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recoup.ports import FetchRequest, HttpClient

DELETES = "deletes"
#: From this version on pages can be asked for by cursor.
_CURSOR = (7, 3)
#: What an ODS/API gives in a page when nothing is said of its size, and so gives at all.
_SMALL_PAGE = 25
#: No resource of this account, or none at all: the discovery document and the change versions may be missing.
_NOT_THERE = frozenset({"HTTP_DENIED", "HTTP_NOT_FOUND", "HTTP_NOT_OFFERED", "HTTP_NOT_JSON"})


@dataclass(frozen=True, slots=True)
class Versions:
    """The first and the last change that the interface can tell of."""

    oldest: int
    newest: int


class Ods:
    """One ODS/API, with what it says of itself."""

    def __init__(self, client: HttpClient, options: Mapping[str, object], ending: int) -> None:
        self._client = client
        self._data = str(options["data_path"]).format(year=ending)
        self._changes = str(options["changes_path"]).format(year=ending)
        self._wanted = bool(options["change_queries"])
        self._more = {"Use-Snapshot": "true"} if options["snapshot"] else {}
        told = self._ask_for("") or {}
        self.version = str(told.get("version") or "")
        models = told.get("dataModels")
        found = (
            {str(one.get("name")): str(one.get("version")) for one in models if isinstance(one, dict)} if isinstance(models, list) else {}
        )
        self.standard = found.get("Ed-Fi", "")
        given = options["paging"]
        self.cursor = given == "cursor" or (given == "auto" and _number(self.version) >= _CURSOR)

    def versions(self) -> Versions | None:
        """Return which changes can be asked for; None where change queries are off, there or in the options."""
        told = self._ask_for(f"{self._changes}/availableChangeVersions") if self._wanted else None
        if told is None:
            return None
        numbers = {str(name).casefold(): text(value) or "" for name, value in told.items()}
        newest, oldest = numbers.get("newestchangeversion", ""), numbers.get("oldestchangeversion", "")
        if not newest.isdecimal():
            raise RecoupError("HTTP_SHAPE", f"{self._changes}/availableChangeVersions", expected="newestChangeVersion")
        return Versions(int(oldest) if oldest.isdecimal() else 0, int(newest))

    def count(self, resource: str, query: Mapping[str, str] | None = None) -> int:
        """Return how many rows of a resource there are."""
        path = f"{self._data}/{resource}"
        total = self._client.get(path, {**(query or {}), "offset": "0", "limit": "0", "totalCount": "true"}, self._more).total
        if total is None:
            raise RecoupError("HTTP_SHAPE", path, expected="a Total-Count header")
        return total

    def load(self, resource: str, after: int, through: int | None) -> list[bytes]:
        """Bring the rows of a resource that changed since ``after``, counted before and after; no page where none did.

        Raises ``HTTP_COUNT`` and ``HTTP_PAGE_LOOP`` when somebody changes them meanwhile, ``EDFI_PAGE_SIZE`` (3) when a page is too long.
        """
        path = f"{self._data}/{resource}"
        query = {} if through is None else {"maxChangeVersion": str(through)}
        if after:
            # From this number on: whether it is itself meant differs, and to have a row twice does no harm.
            query["minChangeVersion"] = str(after)
        counted = self.count(resource, query)
        if after and not counted:
            return []
        pages = Pages(path)
        # Deletes come by offset alone.
        by_cursor = self.cursor and not resource.endswith(f"/{DELETES}")
        self._by_cursor(path, query, pages) if by_cursor else self._by_offset(path, query, pages, counted)
        pages.whole(counted)
        return pages.whole(self.count(resource, query))

    def deleted(self, resource: str, after: int, through: int) -> list[bytes]:
        """Bring what was deleted since ``after``. ``EDFI_CHANGES`` (3) where the resource may be read and its deletes may not."""
        try:
            return self.load(f"{resource}/{DELETES}", after, through)
        except RecoupError as fault:
            if fault.code not in _NOT_THERE:
                raise
        # Where the resource is not there either, this says so; otherwise rows that are gone would stay for ever.
        self.count(resource)
        raise RecoupError("EDFI_CHANGES", f"{self._data}/{resource}/{DELETES}")

    def _by_offset(self, path: str, query: Mapping[str, str], pages: Pages, counted: int) -> None:
        while pages.rows < counted or not pages.bodies:
            if not self._page(path, {**query, "offset": str(pages.rows), "limit": str(self._client.page_size)}, pages)[0]:
                return

    def _by_cursor(self, path: str, query: Mapping[str, str], pages: Pages) -> None:
        token = ""
        while True:
            where = {"pageToken": token} if token else {}
            rows_there, token = self._page(path, {**query, **where, "pageSize": str(self._client.page_size)}, pages)
            if not token or not rows_there:
                return

    def _page(self, path: str, query: Mapping[str, str], pages: Pages) -> tuple[int, str]:
        """Take one page; return how many rows it has and by what the next one is asked for."""
        try:
            answer = self._client.get(path, query, self._more)
        except RecoupError as fault:
            if fault.code != "HTTP_REFUSED" or self._client.page_size <= _SMALL_PAGE:
                raise
            raise RecoupError("EDFI_PAGE_SIZE", path, size=self._client.page_size) from None
        found = listed(answer.value, path)
        if found or not pages.bodies:
            pages.add(answer, [text(row.get("id")) for row in found])
        return len(found), answer.token

    def _ask_for(self, path: str) -> dict[str, Any] | None:
        try:
            value = self._client.get(path, more=self._more).value
        except RecoupError as fault:
            if fault.code not in _NOT_THERE:
                raise
            return None
        return value if isinstance(value, dict) else None


def sets(ods: Ods, request: FetchRequest) -> Iterator[PageSet]:
    """Name every set of pages: the resources, whole or since the last fetch, their deletes, and in the end what changed meanwhile."""
    known = ods.versions()
    for feed, optional in resources():
        if known is None:
            yield PageSet(feed, "", partial(ods.load, feed, 0, None), optional=optional)
        else:
            before = request.versions.get(feed, 0)
            # A number that the server does not know (any more) is of another database, or too long ago.
            yield from _changed(ods, feed, before if known.oldest <= before <= known.newest else 0, known.newest, optional=optional)
    again = ods.versions() if known else None
    if known and again and again.newest > known.newest:
        for feed, optional in resources():
            yield from _changed(ods, feed, known.newest, again.newest, optional=optional)


def resources() -> list[tuple[str, bool]]:
    """Return the resources in the order in which they are asked for, and whether an interface without it will do."""
    return [(row["feed"], row["required"] != "true") for row in rows("recoup.adapters.edfi", "resources.csv")]


def _changed(ods: Ods, feed: str, after: int, through: int, *, optional: bool) -> Iterator[PageSet]:
    yield PageSet(feed, "", partial(ods.load, feed, after, through), optional=optional, after=after, through=through)
    # What was deleted before a resource was fetched whole is of no concern, and older deletes go with it.
    if after:
        yield PageSet(DELETES, feed, partial(ods.deleted, feed, after, through), optional=optional, after=after, through=through)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
