"""A real HTTP server on this machine for tests of adapters: it answers from files, and now and then as badly as servers do."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """What is answered: a JSON value, or bytes as they are. ``cut``: send so many bytes fewer than the header says."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int = 0

    @property
    def bytes(self) -> bytes:
        return json.dumps(self.value).encode() if self.raw is None else self.raw


#: The bad answers, one after the other, that a server gives in place of each twentieth good one.
BAD = (
    lambda good: Reply({"Message": "An error has occurred."}, 500),
    lambda good: Reply({"Message": "Too many requests"}, 429, {"Retry-After": "0"}),
    lambda good: Reply(raw=good.bytes[: len(good.bytes) // 2] or b"["),
    lambda good: Reply(raw=good.bytes, cut=max(1, len(good.bytes) // 2)),
)


class System:
    """A vendor's system: ``answer`` says what it answers. ``bad``: every so many answers one is bad, 0 for none."""

    def __init__(self, folder: Path, bad: int = 0) -> None:
        self.folder = folder
        self.bad = bad
        self.asked: list[Asked] = []
        self.wrong = 0
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def file(self, name: str) -> Any:
        """Return the value of an answer's file; a name that is none is a ``KeyError``."""
        path = self.folder / f"{name}.json"
        if not path.is_file():
            raise KeyError(name)
        return json.loads(path.read_text(encoding="utf-8"))

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            number = len(self.asked)
        good = self.answer(asked)
        if good.status == 200 and self.bad and number % self.bad == 0:
            with self._lock:
                self.wrong += 1
                return BAD[self.wrong % len(BAD)](good)
        return good


S = TypeVar("S", bound=System)


def _handler(system: System) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: in two, each answer would wait for the other side's delayed acknowledgement.
        wbufsize = -1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            asked = Asked(self.command, parts.path, query, dict(self.headers.items()), self.rfile.read(length))
            reply = system.reply(asked)
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.bytes)))
            if reply.cut:
                self.send_header("Connection", "close")
            self.end_headers()
            with suppress(ConnectionError):  # a client that has given up
                self.wfile.write(reply.bytes[: len(reply.bytes) - reply.cut])
                self.wfile.flush()

        do_POST = do_GET  # noqa: N815 the name is the protocol's

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def serving(system: S) -> Iterator[S]:
    """Run the system on a free port of this machine; ``system.url`` is where."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(system))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    system.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
