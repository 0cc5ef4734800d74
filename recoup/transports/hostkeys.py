"""Which host keys are trusted: those of a ``known_hosts`` file and of a fingerprint in the configuration, and no other."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recoup.transports.location import Place
    from recoup.transports.settings import SftpSettings

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key as it goes over the wire, and its kind, such as ``ssh-ed25519``."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The key's SHA-256 as OpenSSH prints it."""
        return "SHA256:" + b64encode(sha256(self.blob).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Pins:
    """The keys trusted and revoked for one server."""

    fingerprint: str
    trusted: frozenset[HostKey]
    revoked: frozenset[HostKey]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of the trusted keys, as far as they are known: a server with keys of several kinds is asked for these first."""
        return frozenset(key.kind for key in self.trusted)

    def refusal(self, key: HostKey, place: Place) -> RecoupError | None:
        """Return why the key that ``place`` offers is not trusted, or None when it is."""
        values = {"kind": key.kind, "fingerprint": key.fingerprint, "host": place.host, "port": place.port}
        if key in self.revoked:
            return RecoupError("SFTP_HOST_KEY_REVOKED", place.name, **values)
        if key in self.trusted or key.fingerprint == self.fingerprint:
            return None
        pinned = sorted({known.fingerprint for known in self.trusted} | {self.fingerprint} - {""})
        if pinned:
            return RecoupError("SFTP_HOST_KEY_CHANGED", place.name, pinned=", ".join(pinned), **values)
        return RecoupError("SFTP_HOST_KEY_UNKNOWN", place.name, **values)


def read_pins(place: Place, settings: SftpSettings) -> Pins:
    """Read what is pinned for ``place``. Raises ``RecoupError`` (2) when the file or the fingerprint cannot be read."""
    fingerprint = settings.fingerprint.strip().rstrip("=")
    if fingerprint and not FINGERPRINT.fullmatch(fingerprint):
        raise RecoupError("SFTP_BAD_FINGERPRINT", "sources.sftp.fingerprint")
    trusted: set[HostKey] = set()
    revoked: set[HostKey] = set()
    if settings.known_hosts:
        try:
            text = settings.known_hosts.read_text(encoding="utf-8", errors="replace")
        except OSError:
            raise RecoupError("SFTP_NO_KNOWN_HOSTS", str(settings.known_hosts)) from None
        for marker, key in _keys(text, place.name):
            # Certificate authorities are not read, so a line of one pins nothing.
            {"": trusted, "@revoked": revoked}.get(marker, set()).add(key)
    return Pins(fingerprint, frozenset(trusted), frozenset(revoked))


def _keys(text: str, server: str) -> Iterator[tuple[str, HostKey]]:
    """Give the marker and key of each line that names ``server``; a line that cannot be read names nobody."""
    for line in text.splitlines():
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        names, kind, blob = fields[:3]
        try:
            if _names(names, server):
                yield marker, HostKey(kind, b64decode(blob, validate=True))
        except NotBase64:
            continue


def _names(names: str, server: str) -> bool:
    """Tell whether the host field of a line means ``server``: a hash, or patterns of which one with ``!`` excludes (sshd(8))."""
    if names.startswith("|1|"):
        salt, _, digest = names.removeprefix("|1|").partition("|")
        return hmac.compare_digest(hmac.digest(b64decode(salt), server.encode(), "sha1"), b64decode(digest))
    # In fnmatch, but not here, brackets are a set; those of [host]:port stand for themselves.
    patterns = [name.lower().replace("[", "[[]") for name in names.split(",")]
    return any(fnmatchcase(server, pattern) for pattern in patterns) and not any(
        fnmatchcase(server, pattern[1:]) for pattern in patterns if pattern.startswith("!")
    )
