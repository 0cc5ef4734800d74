"""Reading a location: which kind it is, and the parts of an SFTP one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from recoup.errors import RecoupError

SSH_PORT = 22

#: The only hosts that may be spoken to without TLS: nothing leaves the machine.
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder (or file) on an SFTP server. ``path`` is absolute, or relative to the account's home; ``.`` is the home."""

    host: str
    port: int
    user: str
    path: str

    @property
    def name(self) -> str:
        """The server as ``known_hosts`` spells it: the host alone on port 22, else ``[host]:port``."""
        return self.host if self.port == SSH_PORT else f"[{self.host}]:{self.port}"


def scheme(location: str) -> str:
    """Return the lower-case URL scheme, or an empty text for a path (``C:\\data`` is a path)."""
    head, mark, _ = location.partition("://")
    return head.lower() if mark else ""


def parse_sftp(location: str) -> Place:
    """Take an ``sftp://user@host:port/path`` URL apart; ``/~/path`` is below the account's home.

    Raises ``RecoupError`` of status 2 when a password stands in it (and never repeats it), or a part is missing or senseless.
    """
    try:
        url = urlsplit(location)
        host, port = url.hostname or "", url.port or SSH_PORT
    except ValueError:
        raise RecoupError("TRANSPORT_BAD_URL", "location", why="the host or port cannot be read") from None
    if url.password is not None:
        raise RecoupError("TRANSPORT_SECRET_IN_URL", f"sftp://{host}")
    if url.query or url.fragment:
        raise RecoupError("TRANSPORT_BAD_URL", f"sftp://{host}", why="? and # must be written %3F and %23")
    if not host or not url.username:
        raise RecoupError("TRANSPORT_BAD_URL", f"sftp://{host}", why="the user is missing" if host else "the host is missing")
    path = unquote(url.path)
    if path.startswith("/~/") or path in {"", "/~"}:
        path = path[3:] or "."
    if not path.isprintable():
        raise RecoupError("TRANSPORT_BAD_URL", f"sftp://{host}", why="the path holds a control character")
    return Place(host, port, unquote(url.username), path)


def parse_http(location: str) -> str:
    """Return an ``https://host/path`` location without a slash at its end; ``http://`` only for this machine itself.

    Raises ``RecoupError`` of status 2 when a credential or a query stands in it (and never repeats it), or a part is missing.
    """
    try:
        url = urlsplit(location)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise RecoupError("HTTP_BAD_URL", "location", why="the host or port cannot be read") from None
    kind = url.scheme.lower()
    place = f"{kind}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    if url.username is not None:
        raise RecoupError("HTTP_SECRET_IN_URL", place)
    if not host or not location.isprintable() or " " in location:
        raise RecoupError("HTTP_BAD_URL", place, why="it holds a blank or control character" if host else "the host is missing")
    if url.query or url.fragment:
        raise RecoupError("HTTP_BAD_URL", place, why="? and # have no place in it; credentials stand in [sources.http]")
    if kind == "http" and not LOOPBACK.fullmatch(host):
        raise RecoupError("HTTP_NO_TLS", place)
    return place + url.path.rstrip("/")
