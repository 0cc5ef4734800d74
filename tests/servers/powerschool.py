"""A PowerSchool server as section 5.1 of the vendor sheet describes it; the rows that it has lie in files."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from tests.servers.loopback import Asked, Reply, System

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, SECRET = "8c1d-plugin", "4f0e-not-a-secret"
_PATH = re.compile(r"/ws/schema/(?P<way>table|query)/(?P<name>[^/]+?)(?P<more>/count|/metadata)?")


class PowerSchool(System):
    """``hidden``: fields that the plugin does not list, which are just missing. ``moving``: a table whose rows move by one between pages.

    A token serves ``uses`` requests, and then is refused.
    """

    def __init__(self, folder: Path, bad: int = 0, hidden: frozenset[str] = frozenset(), uses: int = 100) -> None:
        super().__init__(folder, bad)
        self.hidden = hidden
        self.uses = uses
        self.tokens = 0
        self.served = 0
        self.moving = ""

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/oauth/access_token/":
            basic = "Basic " + b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if asked.headers.get("Authorization") != basic or asked.body != b"grant_type=client_credentials":
                return Reply({"error": "invalid_client"}, 401)
            self.tokens += 1
            self.served = 0
            return Reply({"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": "3600"})
        self.served += 1
        if asked.headers.get("Authorization") != f"Bearer token-{self.tokens}" or self.served > self.uses:
            return Reply({"message": "invalid_token"}, 401)
        if asked.path == "/ws/v1/metadata":
            return Reply(self.file("metadata"))
        match = _PATH.fullmatch(asked.path)
        if match is None or (match["way"] == "query") != (asked.method == "POST"):
            return Reply({"message": "No such resource"}, 404)
        try:
            return Reply(self._schema(match["way"], match["name"], match["more"] or "", asked))
        except KeyError:
            return Reply({"message": "No such resource"}, 404)

    def _schema(self, way: str, name: str, more: str, asked: Asked) -> Any:
        if more == "/metadata":
            told = self.file(f"{way}/{name}.metadata")
            return {**told, "columns": [field for field in told["columns"] if field["name"] not in self.hidden]}
        rows = [(number, row) for number, row in enumerate(self.file(f"{way}/{name}"), 1) if self._asked_for(row, asked.query.get("q", ""))]
        if more == "/count":
            return {"count": len(rows)}
        size = min(int(asked.query["pagesize"]), int(self.file("metadata")["metadata"]["schema_table_query_max_page_size"]))
        first = (int(asked.query["page"]) - 1) * size
        if name == self.moving:
            first = max(0, first - 1)
        page = rows[first : first + size]
        if way == "table":
            fields = [field for field in asked.query["projection"].split(",") if field not in self.hidden]
            records = [{"id": number, "name": name, "tables": {name: {f: row.get(f) for f in fields}}} for number, row in page]
        else:
            records = [row for _, row in page]
        # A single record comes without a list; none at all without a record.
        return {"name": name} | ({"record": records[0] if len(records) == 1 else records} if records else {})

    @staticmethod
    def _asked_for(row: dict[str, Any], condition: str) -> bool:
        """Hold a row against ``column=ge=value;column=le=value``."""
        for part in filter(None, condition.split(";")):
            column, operator, value = re.split(r"(=ge=|=le=|==)", part)
            cell = str(row.get(column) or "")
            if not {"=ge=": cell >= value, "=le=": cell <= value, "==": cell == value}[operator]:
                return False
        return True
