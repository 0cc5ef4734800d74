"""A real OpenSSH server on loopback, with keys of its own, for tests that fetch over SFTP.

It runs as whoever runs the tests and lets that account in by key. As root it can also make a throw-away
account with a password, which may read less than root does.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

HOST = "127.0.0.1"
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def tool(name: str) -> str:
    """Return the path of a program, or skip the test (on a build machine a skip is a failure)."""
    found = shutil.which(name, path=SEARCH)
    if not found:
        pytest.skip(f"{name} is not installed (Debian: openssh-server)")
    return found


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", form: str = "") -> Path:
    """Make a key pair at ``path`` and ``path.pub``; ``form`` is an ``-m`` of ssh-keygen, empty for OpenSSH's own."""
    path.unlink(missing_ok=True)
    more = [*(["-b", "2048"] if kind == "rsa" else []), *(["-m", form] if form else [])]
    subprocess.run([tool("ssh-keygen"), "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path), *more], check=True)
    return path


class Account:
    """A throw-away system account with a password (root only)."""

    def __init__(self) -> None:
        if not is_root():
            pytest.skip("an account with a password can be made by root only")
        self.user = f"recoup{secrets.token_hex(4)}"
        self.password = secrets.token_urlsafe(12)
        subprocess.run([tool("useradd"), "--no-create-home", "--shell", "/bin/sh", self.user], check=True, capture_output=True)
        subprocess.run([tool("chpasswd")], input=f"{self.user}:{self.password}", text=True, check=True, capture_output=True)

    def remove(self) -> None:
        subprocess.run([tool("userdel"), self.user], check=False, capture_output=True)


class Sshd:
    """``with Sshd() as server``: files put below ``server.root`` are served at ``server.url()``.

    ``key`` is a private key that is let in; ``known_hosts`` and ``fingerprint()`` pin the server.
    """

    def __init__(self, host_keys: tuple[str, ...] = ("ed25519",), options: tuple[str, ...] = ()) -> None:
        self._sshd = tool("sshd")
        self._folder = Path(tempfile.mkdtemp(prefix="recoup-sshd-"))
        self._folder.chmod(0o755)  # the account with a password must reach the files
        self._options = options
        self._server: subprocess.Popen[bytes] | None = None
        self._log = self._folder / "sshd.log"
        self.root = self._folder / "files"
        self.root.mkdir()
        self.port = 0
        self.user = getpass.getuser()
        self.key = make_key(self._folder / "client_key")
        self.authorized_keys = self._folder / "authorized_keys"
        self.authorized_keys.write_bytes(self.key.with_suffix(".pub").read_bytes())
        self.known_hosts = self._folder / "known_hosts"
        self.host_keys = {kind: make_key(self._folder / f"host_{kind}", kind) for kind in host_keys}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, path: str = "", user: str = "", port: int = 0) -> str:
        return f"sftp://{user or self.user}@{HOST}:{port or self.port}{self.root.as_posix()}{'/' if path else ''}{path}"

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def fingerprint(self, kind: str = "ed25519") -> str:
        done = subprocess.run([tool("ssh-keygen"), "-l", "-f", f"{self.host_keys[kind]}.pub"], check=True, capture_output=True, text=True)
        return done.stdout.split()[1]

    def pin(self, name: str = "") -> Path:
        """Write ``known_hosts`` for ``name`` (by default this server's own) and return its path."""
        name = name or f"[{HOST}]:{self.port}"
        lines = [f"{name} {key.with_suffix('.pub').read_text(encoding='ascii')}" for key in self.host_keys.values()]
        self.known_hosts.write_text("".join(lines), encoding="ascii")
        return self.known_hosts

    def renew_host_keys(self) -> None:
        """Restart on the same port with other host keys; ``known_hosts`` keeps the old ones."""
        self.stop()
        for kind, path in self.host_keys.items():
            make_key(path, kind)
        self._run()

    def start(self) -> None:
        with socket.socket() as free:
            free.bind((HOST, 0))
            self.port = free.getsockname()[1]
        self._run()
        self.pin()

    def stop(self) -> None:
        if self._server:
            self._server.terminate()
            self._server.wait(10)
            self._server = None

    def _run(self) -> None:
        if is_root():
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self._folder / "sshd_config"
        lines = [
            f"ListenAddress {HOST}:{self.port}",
            *(f"HostKey {key}" for key in self.host_keys.values()),
            f"AuthorizedKeysFile {self.authorized_keys}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            "Subsystem sftp internal-sftp",
            "ForceCommand internal-sftp",
            "LogLevel VERBOSE",
            "MaxStartups 50",
            *self._options,
        ]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with self._log.open("ab") as log:
            self._server = subprocess.Popen([self._sshd, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log)
        for _ in range(100):
            if self._server.poll() is not None:
                raise RuntimeError(f"sshd did not start:\n{self.log()}")
            try:
                socket.create_connection((HOST, self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("sshd does not answer")


@contextmanager
def growing(path: Path, after: float = 0.0) -> Iterator[None]:
    """Append to the file, again and again, as long as the body runs."""
    over = threading.Event()

    def write() -> None:
        over.wait(after)
        with path.open("ab", buffering=0) as file:
            while not over.wait(0.01):
                file.write(b"more")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()
