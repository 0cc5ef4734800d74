"""One OpenSSH server for all tests of this folder, and what they need around it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from recoup.transports import RetrySettings, SftpSettings, Timeouts, TransportSettings
from tests.sshd import Account, Sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Told:
    """A secret whose text is known to the test."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text


@pytest.fixture(scope="session")
def shared_sshd() -> Iterator[Sshd]:
    with Sshd(("ed25519", "rsa")) as server:
        yield server


@pytest.fixture
def sshd(shared_sshd: Sshd) -> Iterator[Sshd]:
    """The shared server with an empty folder and its keys pinned."""
    shared_sshd.pin()
    yield shared_sshd
    for path in shared_sshd.root.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    made = Account()
    yield made
    made.remove()


@pytest.fixture
def settings(sshd: Sshd) -> Callable[..., TransportSettings]:
    """Build settings that sign in by key, trust the server, and never wait long; name what differs.

    Names of ``SftpSettings`` and ``TransportSettings`` both go.
    """

    def build(**given: object) -> TransportSettings:
        sftp: dict[str, object] = {
            "private_key": sshd.key,
            "known_hosts": sshd.known_hosts,
            "timeouts": Timeouts(connect=5, banner=5, auth=5, read=5),
        }
        sftp |= {name: given.pop(name) for name in list(given) if name in SftpSettings.__dataclass_fields__}
        rest: dict[str, object] = {"settle_seconds": 0.0, "retry": RetrySettings(3, 0.01, 0.05), **given}
        return TransportSettings(sftp=SftpSettings(**sftp), **rest)  # type: ignore[arg-type]

    return build


@pytest.fixture
def put(sshd: Sshd) -> Callable[[str, bytes], Path]:
    """Put a file on the server."""

    def write(name: str, data: bytes = b"a,b\n1,2\n") -> Path:
        path = sshd.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write
