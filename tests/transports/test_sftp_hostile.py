"""A server that lies: names that climb out of the folder, sizes that do not hold, and no SSH at all."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_EOF

from recoup.errors import RecoupError
from recoup.transports import CHANGING, RetrySettings, SftpSettings, Timeouts, TransportSettings, open_transport
from recoup.transports.hostkeys import HostKey
from tests.cutting_proxy import RESET
from tests.transports.conftest import Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIMBING = ["../../etc/cron.d/evil", "/etc/passwd", r"..\..\evil.csv", "a\x00.csv", "\x1b[2Jclear.csv"]
HOST_KEY = paramiko.ECDSAKey.generate()


def described(name: str, size: int) -> paramiko.SFTPAttributes:
    made = paramiko.SFTPAttributes()
    made.filename, made.st_size, made.st_mtime, made.st_atime, made.st_mode = name, size, 1_750_000_000, 1_750_000_000, 0o100644
    return made


class Files(paramiko.SFTPServerInterface):
    """Says that every file has five bytes, and gives three."""

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        return [described(name, 5) for name in (*CLIMBING, "good.csv")]

    def stat(self, path: str) -> paramiko.SFTPAttributes:
        made = described(path, 5)
        if not path.endswith(".csv"):
            made.st_mode = 0o040755
        return made

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle:
        return Three()


class Three(paramiko.SFTPHandle):
    def read(self, offset: int, length: int) -> bytes | int:
        return b"abc"[offset : offset + length] or SFTP_EOF


class Doorkeeper(paramiko.ServerInterface):
    """Lets everyone in but ``slammed``, on whom the connection is reset: so do some servers on a wrong password."""

    passwords = 0

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def check_auth_password(self, username: str, password: str) -> int:
        Doorkeeper.passwords += 1
        if username == "slammed":
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._sock.close()
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that lies."""
    sessions: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                session = paramiko.Transport(client)
                sessions.append(session)
                session.add_server_key(HOST_KEY)
                session.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
                session.start_server(server=Doorkeeper(client), event=threading.Event())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for session in sessions:
        session.close()


def settings(**given: object) -> TransportSettings:
    sftp = SftpSettings(
        password=Told("any"),
        fingerprint=HostKey("", HOST_KEY.asbytes()).fingerprint,
        timeouts=Timeouts(2, 2, 2, 2),
    )
    return TransportSettings(settle_seconds=0, retry=RetrySettings(2, 0, 0), sftp=sftp)


def test_names_that_climb_are_found_and_never_fetched(port: int, tmp_path: Path) -> None:
    transport = open_transport(f"sftp://sis@127.0.0.1:{port}/in", settings())
    assert [file.name for file in transport.list_files()] == ["good.csv"]
    findings = transport.findings
    assert {finding.code for finding in findings} == {"TRANSPORT_UNSAFE_NAME"}
    assert len(findings) == len(CLIMBING)
    assert all(finding.message.isprintable() for finding in findings)
    transport.close()


def test_a_file_shorter_than_its_size_is_not_kept(port: int, tmp_path: Path) -> None:
    transport = open_transport(f"sftp://sis@127.0.0.1:{port}/in", settings())
    (file,) = transport.list_files()
    with pytest.raises(RecoupError) as caught:
        transport.fetch(file, tmp_path / "target")
    assert caught.value.code in {CHANGING, "SFTP_CUT"}
    assert list(tmp_path.iterdir()) == []
    transport.close()


def test_a_password_is_shown_once_even_when_the_connection_is_reset(port: int) -> None:
    Doorkeeper.passwords = 0
    with pytest.raises(RecoupError) as caught:
        open_transport(f"sftp://slammed@127.0.0.1:{port}/in", settings()).list_files()
    assert caught.value.code == "SFTP_SIGN_IN_CUT"
    assert Doorkeeper.passwords == 1


def test_a_server_that_speaks_no_ssh_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            for _ in range(2):
                client, _ = listener.accept()
                with client:
                    client.sendall(b"220 FTP server ready\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        with pytest.raises(RecoupError) as caught:
            open_transport(f"sftp://sis@127.0.0.1:{listener.getsockname()[1]}/", settings()).list_files()
        thread.join(5)
    assert caught.value.code == "SFTP_UNREACHABLE"
    assert "no SSH session came about, 2 times" in str(caught.value)
    assert "FTP server ready" not in str(caught.value)
