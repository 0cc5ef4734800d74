"""A signed-in SSH connection: the host key is compared before anything is said, and each credential is shown once."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko
from paramiko.pkey import UnknownKeyType
from paramiko.ssh_exception import IncompatiblePeer

from recoup.errors import RecoupError
from recoup.transports.hostkeys import HostKey, Pins, read_pins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recoup.transports.location import Place
    from recoup.transports.settings import SftpSettings

# Its records repeat what the other side said, and stack traces: what a person needs of them comes as a RecoupError.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False

#: One way to sign in: its name, whether a try that was cut may be made again (it cannot lock the account), and the deed itself,
#: which returns the kinds of sign-in that the server wants besides.
Step = tuple[str, bool, "Callable[[paramiko.Transport], list[str]]"]


@dataclass(frozen=True, slots=True)
class Login:
    """All that a connection needs, read before the network is touched, so that a wrong setting costs no try at the server."""

    place: Place
    settings: SftpSettings
    pins: Pins
    steps: tuple[Step, ...]

    @classmethod
    def prepare(cls, place: Place, settings: SftpSettings) -> Login:
        """Read pins, key and secrets. Raises ``RecoupError`` (2) when one is missing or unreadable."""
        steps = tuple(_steps(place, settings))
        if not steps:
            raise RecoupError("SFTP_NO_CREDENTIAL", place.name)
        return cls(place, settings, read_pins(place, settings), steps)

    def connect(self) -> paramiko.Transport:
        """Connect, compare the host key, sign in. Raises ``RecoupError`` (3) for what cannot pass; else what the network raised."""
        ssh = self._trusted()
        try:
            self._sign_in(ssh)
        except BaseException:
            ssh.close()
            raise
        return ssh

    def _trusted(self) -> paramiko.Transport:
        """Shake hands until the server shows a pinned key. It may have one of each kind, and shows one at a time."""
        first: RecoupError | None = None
        shown: set[str] = set()
        while True:
            try:
                ssh = self._shake_hands(shown)
            except IncompatiblePeer:
                raise first or RecoupError("SFTP_INCOMPATIBLE", self.place.name) from None
            offered = ssh.get_remote_server_key()
            refusal = self.pins.refusal(HostKey(offered.get_name(), offered.asbytes()), self.place)
            if refusal is None:
                return ssh
            ssh.close()
            first = first or refusal
            if refusal.code != "SFTP_HOST_KEY_CHANGED":
                raise refusal
            shown.add(offered.get_name())

    def _shake_hands(self, shown: set[str]) -> paramiko.Transport:
        timeouts = self.settings.timeouts
        sock = socket.create_connection((self.place.host, self.place.port), timeouts.connect)
        try:
            ssh = paramiko.Transport(sock)
        except BaseException:
            sock.close()
            raise
        ssh.banner_timeout = ssh.handshake_timeout = timeouts.banner
        ssh.auth_timeout = timeouts.auth
        ssh.channel_timeout = timeouts.read
        try:
            options = ssh.get_security_options()
            left = [name for name in options.key_types if _kind(name) not in shown]
            if not left:
                raise IncompatiblePeer("every kind of host key was shown")
            options.key_types = sorted(left, key=lambda name: _kind(name) not in self.pins.kinds)
            ssh.start_client(timeout=timeouts.connect + timeouts.banner)
        except BaseException:
            ssh.close()
            raise
        return ssh

    def _sign_in(self, ssh: paramiko.Transport) -> None:
        tried: dict[str, None] = {}
        wanted: list[str] = []
        for name, harmless, show in self.steps:
            began = time.monotonic()
            tried[name] = None
            try:
                wanted = show(ssh)
            except paramiko.BadAuthenticationType as problem:
                wanted = problem.allowed_types
            except (paramiko.SSHException, EOFError, OSError) as problem:
                answered = ssh.is_active() and time.monotonic() - began < self.settings.timeouts.auth
                if isinstance(problem, paramiko.AuthenticationException) and answered:
                    continue
                # Some servers drop who shows a wrong password: it is not shown again, whatever ended the connection.
                if harmless:
                    raise EOFError from None
                raise RecoupError("SFTP_SIGN_IN_CUT", self.place.name, user=self.place.user) from None
            if ssh.is_authenticated():
                return
        wants = f" The server takes: {', '.join(wanted)}." if wanted else ""
        raise RecoupError("SFTP_SIGN_IN_REFUSED", self.place.name, user=self.place.user, tried=", ".join(tried), wants=wants)


def _kind(algorithm: str) -> str:
    """Return the kind of key behind a signature algorithm: RSA keys sign by several."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm.removesuffix("-cert-v01@openssh.com")


def _steps(place: Place, settings: SftpSettings) -> Iterator[Step]:
    user = place.user
    if settings.private_key:
        key = _private_key(settings)
        yield "private key", True, lambda ssh: ssh.auth_publickey(user, key)
    if settings.agent:
        yield "agent", False, lambda ssh: _show_agent_keys(ssh, user)
    if settings.password:
        password = settings.password.reveal()
        yield "password", False, lambda ssh: ssh.auth_password(user, password)


def _show_agent_keys(ssh: paramiko.Transport, user: str) -> list[str]:
    with closing(paramiko.Agent()) as agent:
        keys = agent.get_keys()
        if not keys:
            raise RecoupError("SFTP_AGENT_EMPTY", "sources.sftp.agent")
        for key in keys[:-1]:
            with suppress(paramiko.AuthenticationException):
                return ssh.auth_publickey(user, key)
            if not ssh.is_active():
                break
        return ssh.auth_publickey(user, keys[-1])


def _private_key(settings: SftpSettings) -> paramiko.PKey:
    path = settings.private_key
    assert path
    passphrase = settings.passphrase.reveal() if settings.passphrase else None
    try:
        head = path.read_bytes()[:100]
    except OSError:
        raise RecoupError("SFTP_KEY_UNREADABLE", str(path)) from None
    if head.startswith(b"PuTTY-User-Key-File"):
        raise RecoupError("SFTP_KEY_PUTTY", str(path))
    if b"PRIVATE KEY-----" not in head:
        raise RecoupError("SFTP_KEY_NOT_PRIVATE", str(path))
    try:
        # The published types say str, yet the library beneath takes bytes only.
        return paramiko.PKey.from_path(path, passphrase.encode() if passphrase else None)  # type: ignore[arg-type]
    except TypeError:
        # This is how it says that a passphrase is missing, or given for a key without one.
        raise RecoupError("SFTP_KEY_NEEDS_NO_PASSPHRASE" if passphrase else "SFTP_KEY_NEEDS_PASSPHRASE", str(path)) from None
    except ValueError:
        raise RecoupError("SFTP_KEY_WRONG_PASSPHRASE" if passphrase else "SFTP_KEY_KIND", str(path)) from None
    except (paramiko.SSHException, UnknownKeyType):
        raise RecoupError("SFTP_KEY_KIND", str(path)) from None
