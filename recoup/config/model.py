"""The settings of a district as frozen dataclasses; a secret is a reference that never shows what it refers to."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from recoup.ports import Attestation, Lea

URL = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret lies (``env``, ``file`` or ``keyring``); its text and representation never show it."""

    kind: str
    reference: str

    def __str__(self) -> str:
        return f"{{ {self.kind} = {self.reference!r} }}"

    def reveal(self) -> str:
        """Return the secret. Raises ``RecoupError`` (status 2) when it is not there; the message never holds it."""
        try:
            found = getattr(self, f"_from_{self.kind}")()
        except (OSError, UnicodeDecodeError) as fault:
            raise self._missing(type(fault).__name__) from None
        if not found:
            raise self._missing("it is empty or not set")
        return str(found)

    def _missing(self, fault: str) -> RecoupError:
        return RecoupError("SECRET_MISSING", reference=str(self), fault=fault)

    def _from_env(self) -> str | None:
        return os.environ.get(self.reference)

    def _from_file(self) -> str:
        return (Path(self.reference).read_text(encoding="utf-8").splitlines() or [""])[0]

    def _from_keyring(self) -> str | None:
        try:
            import keyring
            import keyring.errors
        except ImportError:
            raise self._missing("the package keyring is not installed (pip install recoup[keyring])") from None
        service, _, user = self.reference.partition("/")
        try:
            value: str | None = keyring.get_password(service, user)
        except keyring.errors.KeyringError as fault:
            raise self._missing(type(fault).__name__) from None
        return value


@dataclass(frozen=True, slots=True)
class Sftp:
    """How to sign in to an SFTP server and know it again; ``timeout`` in seconds, empty = the transport's own."""

    private_key: Path | None = None
    passphrase: Secret | None = None
    password: Secret | None = None
    agent: bool = False
    known_hosts: Path | None = None
    fingerprint: str = ""
    retries: int = 3
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Http:
    """How to reach and sign in to a system that answers over HTTP. ``overlap_days``: how far behind the last fetch to look again."""

    token: Secret | None = None
    client_id: Secret | None = None
    client_secret: Secret | None = None
    token_url: str = ""
    ca_bundle: Path | None = None
    proxy: str = ""
    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    retries: int = 4
    concurrency: int = 2
    page_size: int = 500
    max_page_bytes: int = 64_000_000
    max_total_bytes: int = 4_000_000_000
    overlap_days: int = 30


@dataclass(frozen=True, slots=True)
class Files:
    """Which files a feed has, when not the adapter's own: a pattern, and ``full`` or ``append`` (empty = the adapter's)."""

    match: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One place that files or pages come from, and the adapter that reads them. ``location`` is a URL or an absolute path.

    ``beside``: where files lie that complete the pages of a system which answers over HTTP; empty where there are none. ``tables``:
    what is taken from it, all where it is empty.
    """

    name: str
    adapter: str
    location: str
    beside: str = ""
    after_fetch: str = "leave"
    done_suffix: str = ""
    partial_suffixes: tuple[str, ...] = (".part", ".filepart", ".tmp")
    settle_seconds: float = 2.0
    recursive: bool = False
    sftp: Sftp = field(default_factory=Sftp)
    http: Http = field(default_factory=Http)
    files: Mapping[str, Files] = field(default_factory=dict)
    mapping: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    tables: tuple[str, ...] = ()

    @property
    def remote(self) -> bool:
        """Tell whether the location is a URL and not a local path."""
        return bool(URL.match(self.location))


@dataclass(frozen=True, slots=True)
class Limit:
    """A gate: it closes when more than ``share`` of the rows *and* more than ``rows`` rows are concerned."""

    share: float
    rows: int

    def passed(self, concerned: int, total: int) -> bool:
        """Tell whether ``concerned`` of ``total`` rows pass both the share and the count."""
        return concerned > self.rows and concerned > self.share * total


@dataclass(frozen=True, slots=True)
class Limits:
    """The gates of a run."""

    quarantine: Limit = Limit(0.02, 10)
    shrink: Limit = Limit(0.10, 10)


@dataclass(frozen=True, slots=True)
class Period:
    """A reporting period of the configuration, and its line there.

    ``starts`` empty means July 1, ``divisor`` empty that of the school's type.
    """

    name: str
    line: int
    ends: date
    starts: date | None = None
    days_taught: int | None = None
    divisor: str | None = None


@dataclass(frozen=True, slots=True)
class ExportSetting:
    """One ``[[exports]]`` entry."""

    exporter: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeaSetting:
    """One ``[[leas]]`` entry; ``policy`` is what differs from ``[policy]``, as written."""

    lea: Lea
    policy: Mapping[str, object] = field(default_factory=dict)


class Value(NamedTuple):
    """One value in force for ``recoup doctor``: its key, the value as text (a secret by its reference), where it comes from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. Paths are absolute; ``policy`` is as written and is read by ``recoup.law``.

    ``precedence``: by table the names of its sources, the one that counts first. ``fill``: by table the columns of which an empty
    cell is filled from the next source.
    """

    path: Path
    school_year: str
    workspace: Path
    out: Path
    lea: Lea
    leas: tuple[LeaSetting, ...]
    sources: tuple[Source, ...]
    precedence: Mapping[str, tuple[str, ...]]
    fill: Mapping[str, tuple[str, ...]]
    limits: Limits
    periods: tuple[Period, ...]
    attest: tuple[Attestation, ...]
    policy: Mapping[str, object]
    exports: tuple[ExportSetting, ...]
    values: tuple[Value, ...]
