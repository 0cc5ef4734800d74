"""OneRoster's answers as its files, which are read on from there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from recoup.adapters.base import Column
from recoup.adapters.oneroster.adapter import ADAPTER as FILES
from recoup.adapters.oneroster.adapter import OneRoster
from recoup.adapters.oneroster.package import MANIFEST, PACKAGE
from recoup.adapters.oneroster_api import fetching
from recoup.adapters.paged import PagedAdapter, Record
from recoup.ports import LINEAGE, Option, SignIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recoup.adapters.base import Declaration, Job
    from recoup.ports import FetchRequest, HttpClient, PageSet, ReadRequest

#: A role of a user, as it lies in the user's record (1.2), and the column that it is in ``roles``.
_ROLE = {"_role": "role", "_roleType": "roleType", "_roleOrg": "orgSourcedId", "_roleBegin": "beginDate", "_roleEnd": "endDate"}
_FILES_ONLY = (PACKAGE, MANIFEST, "roles")
_WAYS = {
    "oauth2": ("oauth2", "basic"), "oauth2_body": ("oauth2", "body"), "oauth1": ("oauth1", "sha256"), "oauth1_sha1": ("oauth1", "sha1"),
}  # fmt: skip

OPTIONS = (
    *FILES.options,
    Option(
        "sign_in", "text", "oauth2",
        "How the server is signed in to: oauth2 (client credentials in the header or, oauth2_body, in the form; also a token), oauth1 "
        "(1.1: each request signed, HMAC-SHA256) or oauth1_sha1",
        choices=tuple(_WAYS),
    ),
    Option("scope", "text", "", "The scope to ask a token for, where the server wants one (1.2 names some)"),
    Option("sort", "text", "sourcedId", "The field by which pages are sorted; empty for a server that cannot sort"),
    Option("filters", "bool", default=True, help="Ask for students' enrollments only; false for a server that cannot filter"),
)  # fmt: skip


def _declaration() -> Declaration:
    """The feeds of the files that come as pages; a user's roles are columns of the user."""
    files = FILES.declaration
    types = {"_roleBegin": "date", "_roleEnd": "exit"}
    more = tuple(
        Column(name, type=types.get(name, "text"), forms=("iso", "offset") if name in types else (), grade="V", meaning=f"roles: {own}")
        for name, own in _ROLE.items()
    )
    feeds = tuple(feed for feed in files.feeds if feed.name not in _FILES_ONLY)
    columns = {name: found for name, found in files.columns.items() if name not in _FILES_ONLY}
    return replace(files, feeds=feeds, columns={**columns, "users": (*columns["users"], *more)})


class OneRosterApi(PagedAdapter, OneRoster):
    """The adapter for OneRoster's REST interface."""

    def signs_in(self, request: ReadRequest) -> SignIn:
        """Return the way that the option names."""
        options = self.settle(request)[0]
        kind, style = _WAYS[str(options["sign_in"])]
        return SignIn(kind, style=style, scope=str(options["scope"]))

    def probe(self, client: HttpClient, request: FetchRequest) -> str:  # noqa: ARG002 a server has one year
        """Look at the orgs."""
        rows = fetching.records(client.get("orgs", {"limit": str(client.page_size)}).value, "orgs")
        return f"{sum(row.get('type') == 'school' for row in rows)} schools on the first page of orgs"

    def fetch(self, client: HttpClient, request: FetchRequest) -> Iterator[PageSet]:
        """Name every collection."""
        return fetching.sets(client, self.settle(request.read)[0])

    def flatten(self, feed: str, place: str, value: Any) -> Iterator[tuple[int, Record]]:
        """Lay a record out as its file would have it, and a user once for each role."""
        for line, record in enumerate(fetching.records(value, f"{feed}/{place}"), 1):
            flat = _flat(record)
            if feed != "users":
                yield line, flat
                continue
            flat.setdefault("role", place.removesuffix("s"))
            for role in record.get("roles") or [{}]:
                told = _flat(role) if isinstance(role, dict) else {}
                yield line, {**flat, **{name: told.get(own) for name, own in _ROLE.items()}}

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Part users from their roles and read on as the files are."""
        rows = frames["users"]
        users = rows.drop(*(name for name in _ROLE if name in rows.columns)).unique(["sourcedId", "_file", "_line"], maintain_order=True)
        users = users.unique("sourcedId", keep="first", maintain_order=True)
        found = dict(frames) | {"users": users}
        if "_roleOrg" in rows.columns and rows["_roleOrg"].is_not_null().any():
            key = pl.concat_str("sourcedId", pl.lit("/"), pl.col("_roleOrg").fill_null(""), pl.lit("/"), pl.col("_role").fill_null(""),
                                pl.lit("/"), pl.col("_roleBegin").fill_null(""))  # fmt: skip
            names = {name: own for name, own in _ROLE.items() if name in rows.columns}
            told = rows.filter(pl.col("_role").is_not_null())
            own = (pl.col(name).alias(to) for name, to in names.items())
            roles = told.select(key.alias("sourcedId"), pl.col("sourcedId").alias("userSourcedId"), *own, *LINEAGE)
            found["roles"] = roles.unique("sourcedId", keep="first", maintain_order=True)
        return super().tables(found, job)


def _flat(record: Record) -> Record:
    """Lay out one record: references by their key, lists with commas, ``userIds`` as ``{type:id}``, extensions as ``metadata.<name>``."""
    flat: Record = {}
    for name, value in record.items():
        if isinstance(value, dict) and "sourcedId" in value:
            flat[f"{name}SourcedId"] = value["sourcedId"]
        elif isinstance(value, dict):
            flat |= {f"{name}.{inner}": cell for inner, cell in value.items()}
        elif isinstance(value, list) and name == "userIds":
            flat[name] = ",".join(f"{{{one.get('type')}:{one.get('identifier')}}}" for one in value if isinstance(one, dict))
        elif isinstance(value, list) and all(isinstance(one, dict) for one in value):
            flat[f"{name.removesuffix('s')}SourcedIds"] = ",".join(str(one["sourcedId"]) for one in value if "sourcedId" in one)
        elif isinstance(value, list):
            flat[name] = ",".join(map(str, value))
        else:
            flat[name] = value
    return flat


ADAPTER = OneRosterApi(
    "oneroster_api",
    "OneRoster 1.1 and 1.2 by the REST interface: rosters only",
    _declaration(),
    OPTIONS,
    ("orgs", "academicSessions", "users", "classes", "enrollments", "demographics"),
    SignIn("oauth2"),
)
