"""A OneRoster server (1.2, or 1.1 with signed requests) as section 9.1 of the vendor sheet describes it; its records lie in files."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from tests.servers.loopback import Asked, Reply, System

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, SECRET = "campus-client", "5d2b-not-a-secret"
V1P1, V1P2 = "/ims/oneroster/v1p1", "/ims/oneroster/rostering/v1p2"
TOKEN = "/oauth2/token"
_KEYS = {"students": "users", "teachers": "users", "schools": "orgs", "terms": "academicSessions"}


class _Keys(RequestValidator):
    """One client; a nonce counts once."""

    enforce_ssl = False
    client_key_length = nonce_length = (5, 50)

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CLIENT

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return SECRET

    @property
    def allowed_signature_methods(self) -> tuple[str, ...]:
        return ("HMAC-SHA256", "HMAC-SHA1")

    @property
    def dummy_client(self) -> str:
        return "nobody"

    def check_client_key(self, client_key: str) -> bool:
        return True

    def check_nonce(self, nonce: str) -> bool:
        return True

    def validate_timestamp_and_nonce(self, client_key: str, timestamp: str, nonce: str, request: Any, *_: Any, **__: Any) -> bool:
        new = nonce not in self.nonces
        self.nonces.add(nonce)
        return new


class OneRosterServer(System):
    """``cap``: rows of a page at most, whatever is asked for. ``counts``: whether it tells the total, and the next page.

    ``version``: 1.1 has each request signed, 1.2 has tokens. ``off``: a collection that the account may not read. ``moving``: a
    collection whose rows move by one between pages. ``style``: where the client credentials are taken from.
    """

    def __init__(self, folder: Path, bad: int = 0, version: str = "1.2", cap: int = 1000, style: str = "basic") -> None:
        super().__init__(folder, bad)
        self.version = version
        self.base = V1P2 if version == "1.2" else V1P1
        self.cap = cap
        self.style = style
        self.counts = True
        self.off = ""
        self.moving = ""
        self.filters = True
        self.tokens = 0
        self._signed = SignatureOnlyEndpoint(_Keys())

    def answer(self, asked: Asked) -> Reply:
        if asked.path == TOKEN:
            return self._token(asked)
        if not self._may(asked):
            return Reply({"imsx_codeMajor": "failure", "imsx_description": "unauthorised"}, 401)
        name = asked.path.removeprefix(f"{self.base}/")
        if name == self.off:
            return Reply({"imsx_codeMajor": "failure", "imsx_description": "forbidden"}, 403)
        try:
            rows = self._rows(name)
        except KeyError:
            return Reply({"imsx_codeMajor": "failure", "imsx_description": "unknownobject"}, 404)
        return self._page(name, rows, asked)

    def _token(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        basic = asked.headers.get("Authorization") == "Basic " + b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        inside = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if form.get("grant_type") != "client_credentials" or not (basic if self.style == "basic" else inside):
            return Reply({"error": "invalid_client"}, 401)
        self.tokens += 1
        return Reply({"access_token": f"token-{self.tokens}", "token_type": "bearer", "expires_in": 3600, "scope": form.get("scope", "")})

    def _may(self, asked: Asked) -> bool:
        if self.version == "1.2":
            return bool(self.tokens) and asked.headers.get("Authorization") == f"Bearer token-{self.tokens}"
        uri = f"{self.url}{asked.path}?{urlencode(asked.query)}"
        given = {name: value for name, value in asked.headers.items() if name == "Authorization"}
        valid, _ = self._signed.validate_request(uri, http_method=asked.method, headers=given)
        return bool(valid)

    def _rows(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.file(_KEYS.get(name, name))
        if name in {"students", "teachers"}:
            role = name.removesuffix("s")
            rows = [row for row in rows if any(one["role"] == role for one in row["roles"])]
        return [self._older(row) for row in rows] if self.version == "1.1" else rows

    @staticmethod
    def _older(row: dict[str, Any]) -> dict[str, Any]:
        """A record of 1.1: a user has one role, and orgs."""
        plain = {name: value for name, value in row.items() if name != "roles"}
        return plain | ({"role": row["roles"][0]["role"], "orgs": [one["org"] for one in row["roles"]]} if "roles" in row else {})

    def _page(self, name: str, rows: list[dict[str, Any]], asked: Asked) -> Reply:
        if self.filters and (wanted := asked.query.get("filter")):
            match = re.fullmatch(r"(\w+)='([^']*)'", wanted)
            if match is None:
                return Reply({"imsx_codeMajor": "failure", "imsx_description": "invalid_filter_field"}, 400)
            rows = [row for row in rows if str(row.get(match[1])) == match[2]]
        if sort := asked.query.get("sort"):
            rows = sorted(rows, key=lambda row: str(row.get(sort)))
        limit, first = min(int(asked.query.get("limit", 100)), self.cap), int(asked.query.get("offset", 0))
        page = rows[max(0, first - (name == self.moving)) :][:limit]
        headers = {}
        if self.counts:
            headers["X-Total-Count"] = str(len(rows))
            if first + limit < len(rows):
                query = urlencode({**asked.query, "offset": str(first + limit)})
                headers["Link"] = f'<{self.url}{asked.path}?{query}>; rel="next"'
        return Reply({_KEYS.get(name, name): page}, headers=headers)
