"""What a transport is told: plain values, so that they can be built without loading paramiko."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.config import Source


class Secret(Protocol):
    """A reference to a secret: its text is looked up when it is needed, and kept nowhere."""

    def reveal(self) -> str:
        """Return the secret's text. Raises ``RecoupError`` of status 2 when it cannot be found."""
        ...


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How often a failure that can pass is met again: tries in all, and seconds before the second and before any later one at most."""

    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 60.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for the connection, the server's greeting, the sign-in, and any later answer."""

    connect: float = 15.0
    banner: float = 15.0
    auth: float = 30.0
    read: float = 60.0


@dataclass(frozen=True, slots=True)
class SftpSettings:
    """``[sources.sftp]``: how to sign in, and which host key to trust.

    Each way that is set is tried once, in the order private key, agent, password; a server that wants two
    of them gets two. ``known_hosts`` (a file as OpenSSH keeps it) and ``fingerprint`` (``SHA256:…``) each
    name keys to trust; without either, no server is trusted.
    """

    private_key: Path | None = None
    passphrase: Secret | None = None
    agent: bool = False
    password: Secret | None = None
    known_hosts: Path | None = None
    fingerprint: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """``[sources.http]``: how to reach a system and sign in to it.

    ``ca_bundle``: the district's own certificate authorities in place of the public ones. ``proxy``: a URL; no variable of the
    environment is heeded. ``max_page_bytes``, ``max_total_bytes``: of one answer, and of all that one command fetches.
    """

    token: Secret | None = None
    client_id: Secret | None = None
    client_secret: Secret | None = None
    token_url: str = ""
    ca_bundle: Path | None = None
    proxy: str = ""
    page_size: int = 500
    max_page_bytes: int = 64_000_000
    max_total_bytes: int = 4_000_000_000
    concurrency: int = 2
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: RetrySettings = field(default_factory=RetrySettings)

    @classmethod
    def of(cls, source: Source) -> HttpSettings:
        """Take the settings of a ``[[sources]]`` entry."""
        given = source.http
        return cls(
            token=given.token,
            client_id=given.client_id,
            client_secret=given.client_secret,
            token_url=given.token_url,
            ca_bundle=given.ca_bundle,
            proxy=given.proxy,
            page_size=given.page_size,
            max_page_bytes=given.max_page_bytes,
            max_total_bytes=given.max_total_bytes,
            concurrency=given.concurrency,
            timeouts=Timeouts(connect=given.connect_timeout, read=given.read_timeout),
            retry=RetrySettings(attempts=given.retries + 1),
        )


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """How the files of one source are taken.

    ``settle_seconds``: a file whose size or time differs between two looks this far apart is still being
    written. ``partial_suffixes``: endings of unfinished uploads. ``done_suffix``: when set, only a file
    with a marker file beside it (its name + this ending) is whole. ``after_fetch``: ``leave``, ``delete`` or
    ``move:<folder>``, the folder below the location unless it begins with ``/``.
    """

    recursive: bool = False
    settle_seconds: float = 2.0
    partial_suffixes: tuple[str, ...] = (".part", ".filepart", ".tmp")
    done_suffix: str = ""
    after_fetch: str = "leave"
    sftp: SftpSettings = field(default_factory=SftpSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)

    @classmethod
    def of(cls, source: Source) -> TransportSettings:
        """Take the settings of a ``[[sources]]`` entry."""
        given, seconds = source.sftp, source.sftp.timeout
        return cls(
            recursive=source.recursive,
            settle_seconds=source.settle_seconds,
            partial_suffixes=source.partial_suffixes,
            done_suffix=source.done_suffix,
            after_fetch=source.after_fetch,
            sftp=SftpSettings(
                private_key=given.private_key,
                passphrase=given.passphrase,
                agent=given.agent,
                password=given.password,
                known_hosts=given.known_hosts,
                fingerprint=given.fingerprint,
                timeouts=Timeouts() if seconds is None else Timeouts(seconds, seconds, seconds, seconds),
            ),
            retry=RetrySettings(attempts=given.retries + 1),
        )
