"""An Ed-Fi ODS/API as section 9.2 of the vendor sheet and the interface's own description have it; the rows that it has lie in files."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from tests.servers.loopback import Asked, Reply, System

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

BASE = "/v7.3/api"
CLIENT, SECRET = "edfi-key", "4f0e-not-a-secret"
_RESOURCE = re.compile(r"/data/v3/ed-fi/(?P<resource>\w+)(?P<deletes>/deletes)?")


def _nothing() -> None:
    """Nobody else writes."""


class EdFi(System):
    """``version``: of the interface. ``most``: rows in a page at most. ``denied``: resources, and ``/deletes``, left out of the claim set.

    ``changes``: whether change queries are on. A token serves ``uses`` requests, and then is refused. ``meanwhile``: called after each
    page of rows, as other writers would.
    """

    def __init__(self, folder: Path, bad: int = 0, version: str = "7.3", uses: int = 40) -> None:
        super().__init__(folder, bad)
        self.version = version
        self.uses = uses
        self.most = 500
        self.denied: set[str] = set()
        self.changes = True
        self.tokens = 0
        self.served = 0
        self.rows: dict[str, list[dict[str, Any]]] = {path.stem: self.file(path.stem) for path in sorted(folder.glob("*.json"))}
        self.gone: dict[str, list[dict[str, Any]]] = {}
        self.newest = max((row["_version"] for rows in self.rows.values() for row in rows), default=0)
        self.oldest = 0
        self.meanwhile: Callable[[], None] = _nothing

    def put(self, resource: str, row: dict[str, Any]) -> None:
        """Write a row, new or changed by its id."""
        self.newest += 1
        rows = self.rows.setdefault(resource, [])
        new = {**row, "_version": self.newest}
        places = [number for number, one in enumerate(rows) if one["id"] == row["id"]]
        if places:
            rows[places[0]] = new
        else:
            rows.append(new)

    def delete(self, resource: str, key: str) -> None:
        """Delete a row by its id."""
        self.newest += 1
        self.rows[resource] = [row for row in self.rows[resource] if row["id"] != key]
        self.gone.setdefault(resource, []).append({"id": key, "changeVersion": self.newest, "keyValues": {}, "_version": self.newest})

    def answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix(BASE)
        if path == "/oauth/token":
            return self._sign_in(asked)
        if path == "/":
            return Reply(self._discovery())
        self.served += 1
        if asked.headers.get("Authorization") != f"Bearer token-{self.tokens}" or self.served > self.uses:
            return Reply({"detail": "The caller could not be authenticated.", "status": 401}, 401)
        if path == "/changeQueries/v1/availableChangeVersions" and self.changes:
            return Reply({"oldestChangeVersion": self.oldest, "newestChangeVersion": self.newest})
        match = _RESOURCE.fullmatch(path)
        if match is None or (match["deletes"] and not self.changes):
            return Reply({"title": "Not Found", "status": 404}, 404)
        if match["resource"] in self.denied or match["deletes"] in self.denied:
            return Reply({"title": "Authorization Denied", "status": 403}, 403)
        if match["resource"] not in self.rows:
            return Reply({"title": "Not Found", "status": 404}, 404)
        held = (self.gone if match["deletes"] else self.rows).get(match["resource"], [])
        return self._page(held, asked.query, cursors=not match["deletes"] and self.version >= "7.3")

    def _sign_in(self, asked: Asked) -> Reply:
        basic = "Basic " + b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked.headers.get("Authorization") != basic or asked.body != b"grant_type=client_credentials":
            return Reply({"error": "invalid_client"}, 401)
        self.tokens += 1
        self.served = 0
        return Reply({"access_token": f"token-{self.tokens}", "expires_in": 1800, "token_type": "bearer"})

    def _discovery(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "informationalVersion": self.version,
            "suite": "3",
            "build": "7.3.100.0",
            "dataModels": [{"name": "Ed-Fi", "version": "5.2.0"}, {"name": "TPDM", "version": "1.1.0"}],
            "urls": {"oauth": f"{self.url}{BASE}/oauth/token", "dataManagementApi": f"{self.url}{BASE}/data/v3/"},
        }

    def _page(self, held: list[dict[str, Any]], query: Mapping[str, str], *, cursors: bool) -> Reply:
        first, last = int(query.get("minChangeVersion", 0)), int(query.get("maxChangeVersion", 1 << 62))
        rows = [(place, row) for place, row in enumerate(held, 1) if first <= row["_version"] <= last]
        by_cursor = cursors and ("pageSize" in query or "pageToken" in query)
        size = int(query.get("pageSize" if by_cursor else "limit", 25))
        if size > self.most or ("pageToken" in query and "offset" in query) or (not cursors and "pageSize" in query):
            return Reply({"title": "Bad Request", "status": 400}, 400)
        headers = {}
        if by_cursor:
            start = int(query["pageToken"].removeprefix("after-")) if "pageToken" in query else 0
            # A cursor is a place in the order of keys, which changes of other rows do not move.
            found = [(place, row) for place, row in rows if place > start][:size]
            if found:
                headers["Next-Page-Token"] = f"after-{found[-1][0]}"
        else:
            start = int(query.get("offset", 0))
            found = rows[start : start + size]
            if query.get("totalCount") == "true":
                headers["Total-Count"] = str(len(rows))
        reply = Reply([{name: value for name, value in row.items() if name != "_version"} for _, row in found], headers=headers)
        if found:
            self.meanwhile()
        return reply
