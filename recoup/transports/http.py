"""One client for every system that answers over HTTP: verified, patient with what passes, and blunt about what does not."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.exceptions import ConnectTimeout, ProxyError, ReadTimeout, RequestException, SSLError

from recoup import __version__
from recoup.errors import RecoupError
from recoup.ports import HttpAnswer
from recoup.transports.location import parse_http
from recoup.transports.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recoup.ports import SignIn
    from recoup.transports.settings import HttpSettings, Secret

log = logging.getLogger(__name__)

T = TypeVar("T")

#: A redirect that stays on its host is followed so often.
REDIRECTS = 3
CHUNK = 1 << 16
#: A token is renewed so many seconds before it runs out.
EARLY = 60

#: What a status means when it is not done; those that can pass are tried again.
_PASSING = {408: "HTTP_BUSY", 429: "HTTP_BUSY", 500: "HTTP_SERVER", 502: "HTTP_SERVER", 503: "HTTP_BUSY", 504: "HTTP_SERVER"}
_FINAL = {401: "HTTP_SIGN_IN", 403: "HTTP_DENIED", 404: "HTTP_NOT_FOUND", 410: "HTTP_NOT_FOUND", 501: "HTTP_NOT_OFFERED"}


class _PassingError(Exception):
    """A failure that may be gone when it is tried again; ``after``: seconds that the server asks to be left alone."""

    def __init__(self, fault: RecoupError, after: float = 0.0) -> None:
        super().__init__(fault.code)
        self.kind = fault.code
        self.fault = fault
        self.after = after


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpTransport:
    """The client of one system (``ports.HttpClient``); its calls may come from several threads.

    No redirect is followed to another host, no cookie is kept but where a session is made of it, and no variable of the environment is
    heeded. What is logged is the path with the names of the query, never their values.
    """

    def __init__(self, location: str, sign_in: SignIn, settings: HttpSettings) -> None:
        """Raises ``RecoupError`` (2) for a location, CA bundle, proxy or credential that cannot be meant; nothing is connected yet."""
        self.base = parse_http(location)
        self._settings = settings
        self._origin = _origin(self.base)
        self._session = requests.Session()
        self._session.trust_env = False
        # A session that lives in cookies is kept for this client alone; elsewhere a cookie is nobody's business.
        if sign_in.kind != "form":
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": f"Recoup/{__version__}", "Accept": "application/json"})
        self._session.verify = _bundle(settings)
        if settings.proxy:
            if urlsplit(settings.proxy).username is not None:
                raise RecoupError("HTTP_SECRET_IN_URL", "sources.http.proxy")
            self._session.proxies = {"http": settings.proxy, "https": settings.proxy}
        pool = HTTPAdapter(pool_connections=2, pool_maxsize=settings.concurrency + 1, max_retries=0)
        self._session.mount("https://", pool)
        self._session.mount("http://", pool)
        self._credentials = _Credentials(self, sign_in, settings)
        self._lock = threading.Lock()
        self._total = 0

    @property
    def page_size(self) -> int:
        """Rows to ask for in one page at most."""
        return self._settings.page_size

    def get(self, path: str, query: Mapping[str, str] | None = None, more: Mapping[str, str] | None = None) -> HttpAnswer:
        """Get ``path`` below the location, or a whole path on the same host if it begins with ``/``; ``more``: headers."""
        return self._ask("GET", path, query, None, more)

    def post(self, path: str, body: Mapping[str, object], query: Mapping[str, str] | None = None) -> HttpAnswer:
        """Post ``body`` as JSON."""
        return self._ask("POST", path, query, body)

    def form(self, path: str, form: Mapping[str, str], read: Callable[[bytes], object]) -> HttpAnswer:
        """Post a form with what we sign in with; an answer that ``read`` takes for none (``ValueError``) was cut short."""
        url = self.locate(path)

        def once() -> HttpAnswer:
            reply = self.send("POST", url, {}, {"Accept": "*/*"}, form={**form, **self._credentials.fields()})
            self._done(url, reply)
            try:
                return HttpAnswer(reply.body, read(reply.body))
            except ValueError:
                raise _PassingError(RecoupError("HTTP_CUT_SHORT", _told(url))) from None

        return self.patiently("POST", url, once)

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
        more: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        url, others = self.locate(path), dict(more or {})

        def once() -> HttpAnswer:
            asked = dict(query or {})
            header = self._credentials.header(method, url, asked)
            reply = self.send(method, url, asked, others | header, body)
            if reply.status == requests.codes.unauthorized and self._credentials.renew(header):
                reply = self.send(method, url, asked, others | self._credentials.header(method, url, asked), body)
            return self._answer(url, reply)

        return self.patiently(method, url, once)

    def patiently(self, method: str, url: str, once: Callable[[], T]) -> T:
        """Call ``once`` again as long as what it fails with can pass; then raise the ``RecoupError`` of the last failure."""
        label = f"{method} {_told(url)}"
        again = retrying(
            self._settings.retry,
            lambda problem: isinstance(problem, _PassingError),
            label,
            lambda problem: problem.after if isinstance(problem, _PassingError) else 0.0,
        )
        try:
            return again(once)
        except _PassingError as problem:
            raise problem.fault from None

    def locate(self, path: str) -> str:
        """Return the URL of a path. ``HTTP_ELSEWHERE`` (3) for one that leads to another host."""
        url = path if "://" in path else self._origin + path if path.startswith("/") else f"{self.base}/{path}"
        if _origin(url) != self._origin:
            raise RecoupError("HTTP_ELSEWHERE", _told(self.base), host=urlsplit(url).hostname or "")
        return url

    def send(
        self,
        method: str,
        url: str,
        query: Mapping[str, str],
        header: Mapping[str, str],
        body: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> _Reply:
        """Send one request and bring the whole answer, whatever its status; a failure of the connection is a ``_PassingError``."""
        where, start = _told(url), time.monotonic()
        waits = (self._settings.timeouts.connect, self._settings.timeouts.read)
        try:
            for _ in range(REDIRECTS + 1):
                with self._session.request(
                    method, url, params=query, headers=header, json=body, data=form, timeout=waits, allow_redirects=False, stream=True
                ) as response:
                    if not response.is_redirect:
                        content = self._content(response, where)
                        names = f"?{'&'.join(query)}" if query else ""
                        log.info(
                            "%s %s%s: %d, %d bytes, %.1f s",
                            method, where, names, response.status_code, len(content), time.monotonic() - start,
                        )  # fmt: skip
                        return _Reply(response.status_code, response.headers, content)
                    target = urljoin(url, response.headers["Location"])
                if _origin(target) != _origin(url) or method != "GET":
                    raise RecoupError("HTTP_ELSEWHERE", where, host=urlsplit(target).hostname or "")
                url, query = target, {}
        except SSLError:
            raise RecoupError("HTTP_TLS", where) from None
        except ProxyError:
            raise _PassingError(RecoupError("HTTP_PROXY", where)) from None
        except (ConnectTimeout, ReadTimeout):
            raise _PassingError(RecoupError("HTTP_TIMEOUT", where, seconds=f"{time.monotonic() - start:.0f}")) from None
        except RequestException as problem:
            raise _PassingError(RecoupError("HTTP_BROKEN", where, fault=type(problem).__name__)) from None
        raise RecoupError("HTTP_ELSEWHERE", where, host="itself, again and again")

    def _content(self, response: requests.Response, where: str) -> bytes:
        """Read the body, decoded, within the limits of a page and of all pages together."""
        parts: list[bytes] = []
        size, most = 0, self._settings.max_page_bytes
        for chunk in response.iter_content(CHUNK):
            size += len(chunk)
            if size > most:
                raise RecoupError("HTTP_PAGE_TOO_BIG", where, limit=f"{most:,}")
            parts.append(chunk)
        with self._lock:
            self._total += size
            if self._total > self._settings.max_total_bytes:
                raise RecoupError("HTTP_TOO_MUCH", where, limit=f"{self._settings.max_total_bytes:,}")
        return b"".join(parts)

    @staticmethod
    def _done(url: str, reply: _Reply) -> None:
        """Raise what the status of a reply means that is not done."""
        where = _told(url)
        if code := _PASSING.get(reply.status):
            raise _PassingError(RecoupError(code, where, status=reply.status), _seconds(reply.headers.get("Retry-After", "")))
        if not requests.codes.ok <= reply.status < requests.codes.multiple_choices:
            raise RecoupError(_FINAL.get(reply.status, "HTTP_REFUSED"), where, status=reply.status)

    def _answer(self, url: str, reply: _Reply) -> HttpAnswer:
        """Return the answer of a reply that is done."""
        where = _told(url)
        self._done(url, reply)
        try:
            value = json.loads(reply.body)
        except ValueError:
            # An answer can be cut short and still end its connection properly.
            raise _PassingError(RecoupError("HTTP_NOT_JSON", where)) from None
        total = reply.headers.get("X-Total-Count") or reply.headers.get("Total-Count", "")
        following = requests.utils.parse_header_links(reply.headers.get("Link", ""))
        link = next((str(one["url"]) for one in following if one.get("rel") == "next"), "")
        counted, onward = int(total) if total.isdecimal() else None, self.locate(urljoin(url, link)) if link else ""
        return HttpAnswer(reply.body, value, counted, onward, reply.headers.get("Next-Page-Token", ""))


class _Credentials:
    """What a request signs in with. A token is asked for when it is needed, and once more when the server no longer takes it."""

    def __init__(self, transport: HttpTransport, sign_in: SignIn, settings: HttpSettings) -> None:
        self._transport = transport
        self._sign_in = sign_in
        self._settings = settings
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def header(self, method: str, url: str, query: Mapping[str, str]) -> dict[str, str]:
        """Return the header to sign a request in with. Raises ``RecoupError`` (2) for a missing secret, (3) when no token is given."""
        match self._sign_in.kind:
            case "header":
                return {self._sign_in.header: _reveal(self._settings.token, "token")}
            case "basic":
                return _basic(*self._client())
            case "oauth1":
                return _signed(method, url, query, self._client(), self._sign_in.style)
            case _ if self._settings.token is not None:
                return {"Authorization": f"Bearer {_reveal(self._settings.token, 'token')}"}
            case _:
                with self._lock:
                    if time.monotonic() >= self._until:
                        self._renew()
                    return {"Authorization": f"Bearer {self._token}"}

    def fields(self) -> dict[str, str]:
        """Return the fields of a form to sign in with."""
        return dict(zip(self._sign_in.fields, self._client(), strict=True)) if self._sign_in.kind == "form" else {}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Get a new token in place of the refused one; False where there is none to get."""
        if self._sign_in.kind != "oauth2" or self._settings.token is not None:
            return False
        with self._lock:
            if refused.get("Authorization") == f"Bearer {self._token}":
                self._renew()
        return True

    def _client(self) -> tuple[str, str]:
        return _reveal(self._settings.client_id, "client_id"), _reveal(self._settings.client_secret, "client_secret")

    def _renew(self) -> None:
        name, secret = self._client()
        given = self._settings.token_url
        if not given and not self._sign_in.token_path:
            raise RecoupError("HTTP_NO_TOKEN_URL", "[sources.http]")
        url = parse_http(given) + "/" * given.endswith("/") if given else self._transport.locate(self._sign_in.token_path)
        form = {"grant_type": "client_credentials"} | ({"scope": self._sign_in.scope} if self._sign_in.scope else {})
        header: dict[str, str] = {}
        if self._sign_in.style == "basic":
            header = _basic(name, secret)
        else:
            form |= {"client_id": name, "client_secret": secret}
        where = _told(url)

        def once() -> tuple[str, float]:
            reply = self._transport.send("POST", url, {}, header, form=form)
            if code := _PASSING.get(reply.status):
                raise _PassingError(RecoupError(code, where, status=reply.status), _seconds(reply.headers.get("Retry-After", "")))
            try:
                answer = json.loads(reply.body) if reply.status == requests.codes.ok else {}
                return str(answer["access_token"]), float(answer.get("expires_in", 0))
            except json.JSONDecodeError:
                raise _PassingError(RecoupError("HTTP_SIGN_IN", where, status=reply.status)) from None
            except (ValueError, KeyError, TypeError, AttributeError):
                raise RecoupError("HTTP_SIGN_IN", where, status=reply.status) from None

        self._token, seconds = self._transport.patiently("POST", url, once)
        self._until = time.monotonic() + (max(seconds - EARLY, seconds / 2) if seconds > 0 else float("inf"))


def _reveal(secret: Secret | None, name: str) -> str:
    if secret is None:
        raise RecoupError("HTTP_NO_CREDENTIAL", "[sources.http]", name=name)
    text = secret.reveal()
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise RecoupError("HTTP_BAD_CREDENTIAL", "[sources.http]", name=name)
    return text


def _basic(name: str, secret: str) -> dict[str, str]:
    request = requests.Request("GET", "https://localhost").prepare()
    return {"Authorization": str(HTTPBasicAuth(name, secret)(request).headers["Authorization"])}


def _signed(method: str, url: str, query: Mapping[str, str], client: tuple[str, str], digest: str) -> dict[str, str]:
    """Return the header that signs one request (OAuth 1.0a, RFC 5849): fresh for each try, over what is really sent."""
    from oauthlib.oauth1 import Client

    whole = str(requests.Request(method, url, params=query).prepare().url)
    signed = Client(client[0], client_secret=client[1], signature_method=f"HMAC-{digest.upper()}").sign(
        whole, http_method="POST" if method == "POST" else "GET"
    )
    return {"Authorization": str(signed[1]["Authorization"])}


def _bundle(settings: HttpSettings) -> str | bool:
    """Return the file of trusted authorities, looked at once so that a wrong one is told of as such; True for the public ones."""
    if settings.ca_bundle is None:
        return True
    try:
        ssl.create_default_context(cafile=settings.ca_bundle)
    except OSError:
        raise RecoupError("HTTP_CA_BUNDLE", str(settings.ca_bundle)) from None
    return str(settings.ca_bundle)


def _origin(url: str) -> str:
    """Scheme, host and port of a URL, in one spelling."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _told(url: str) -> str:
    """A URL as it may be told: without its query."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _seconds(asked: str) -> float:
    """Read ``Retry-After``: seconds, or the date until which to wait (RFC 9110, 10.2.3); 0 for anything else."""
    if asked.strip().isdecimal():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return 0.0
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
