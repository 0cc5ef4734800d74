"""Signing in to a real OpenSSH server, and knowing it again."""

from __future__ import annotations

import re
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from recoup.errors import Exit, RecoupError
from recoup.transports import open_transport
from tests.sshd import Sshd, make_key, tool
from tests.transports.conftest import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recoup.transports import TransportSettings
    from tests.sshd import Account

    Build = Callable[..., TransportSettings]

WRONG = "SHA256:" + "A" * 43


@pytest.fixture(autouse=True)
def one_file(sshd: Sshd) -> None:
    (sshd.root / "students.csv").write_bytes(b"x")


def names(sshd: Sshd, settings: TransportSettings, user: str = "") -> list[str]:
    transport = open_transport(sshd.url(user=user), settings)
    try:
        return [file.name for file in transport.list_files()]
    finally:
        transport.close()


def refused(sshd: Sshd, settings: TransportSettings, user: str = "") -> RecoupError:
    with pytest.raises(RecoupError) as caught:
        names(sshd, settings, user)
    return caught.value


@pytest.fixture
def letting_in(sshd: Sshd) -> Iterator[Callable[[Path], Path]]:
    """Let one more key in."""
    before = sshd.authorized_keys.read_bytes()

    def let_in(key: Path) -> Path:
        with sshd.authorized_keys.open("ab") as keys:
            keys.write(key.with_suffix(".pub").read_bytes())
        return key

    yield let_in
    sshd.authorized_keys.write_bytes(before)


@pytest.mark.parametrize(
    ("kind", "form", "passphrase"),
    [
        ("ed25519", "", ""),
        ("ed25519", "", "correct horse"),
        ("rsa", "", "correct horse"),
        ("rsa", "PEM", ""),
        ("ecdsa", "", ""),
        ("ecdsa", "PEM", "correct horse"),
    ],
)
def test_a_key_signs_in(
    sshd: Sshd, settings: Build, letting_in: Callable[[Path], Path], tmp_path: Path, kind: str, form: str, passphrase: str
) -> None:
    key = letting_in(make_key(tmp_path / "key", kind, passphrase, form))
    assert names(sshd, settings(private_key=key, passphrase=Told(passphrase) if passphrase else None)) == ["students.csv"]


@pytest.mark.parametrize(
    ("made_with", "given", "code"),
    [
        ("correct horse", None, "SFTP_KEY_NEEDS_PASSPHRASE"),
        ("correct horse", "battery", "SFTP_KEY_WRONG_PASSPHRASE"),
        ("", "battery", "SFTP_KEY_NEEDS_NO_PASSPHRASE"),
    ],
)
@pytest.mark.parametrize("form", ["", "PEM"])
def test_a_passphrase_that_does_not_fit_is_said(
    sshd: Sshd, settings: Build, tmp_path: Path, made_with: str, given: str | None, code: str, form: str
) -> None:
    key = make_key(tmp_path / "key", "ecdsa", made_with, form)
    error = refused(sshd, settings(private_key=key, passphrase=Told(given) if given else None))
    assert (error.code, error.status) == (code, Exit.USAGE)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "SFTP_KEY_PUTTY"),
        ("ssh-ed25519 AAAA test\n", "SFTP_KEY_NOT_PRIVATE"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "SFTP_KEY_KIND"),
    ],
)
def test_a_file_that_is_no_key_for_us_is_said(sshd: Sshd, settings: Build, tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "key").write_text(text, encoding="ascii")
    assert refused(sshd, settings(private_key=tmp_path / "key")).code == code
    assert refused(sshd, settings(private_key=tmp_path / "nowhere")).code == "SFTP_KEY_UNREADABLE"


def test_an_agent_signs_in(sshd: Sshd, settings: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = tmp_path / "agent"
    with subprocess.Popen([tool("ssh-agent"), "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as agent:
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
            while not socket.exists():
                time.sleep(0.01)
            assert refused(sshd, settings(private_key=None, agent=True)).code == "SFTP_AGENT_EMPTY"
            subprocess.run([tool("ssh-add"), "-q", str(make_key(tmp_path / "unknown"))], check=True)
            subprocess.run([tool("ssh-add"), "-q", str(sshd.key)], check=True)
            assert names(sshd, settings(private_key=None, agent=True)) == ["students.csv"]
        finally:
            agent.terminate()


def test_a_password_signs_in(sshd: Sshd, settings: Build, account: Account) -> None:
    assert names(sshd, settings(private_key=None, password=Told(account.password)), account.user) == ["students.csv"]


def test_a_wrong_password_is_tried_once(
    sshd: Sshd, settings: Build, account: Account, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    error = refused(sshd, settings(private_key=None, password=Told("hunter2hunter2")), account.user)
    assert (error.code, error.status) == ("SFTP_SIGN_IN_REFUSED", Exit.SOURCE)
    assert len(re.findall(f"Failed password for {account.user} ", sshd.log())) == 1
    captured = capfd.readouterr()
    assert "hunter2" not in str(error) + caplog.text + captured.out + captured.err
    assert captured.err == ""


def test_a_server_that_wants_key_and_password_gets_both(settings: Build, account: Account) -> None:
    with Sshd(options=("AuthenticationMethods publickey,password",)) as server:
        (server.root / "students.csv").write_bytes(b"x")
        told = settings(private_key=server.key, password=Told(account.password), known_hosts=server.known_hosts)
        assert names(server, told, account.user) == ["students.csv"]
        alone = settings(private_key=server.key, known_hosts=server.known_hosts)
        error = refused(server, alone, account.user)
        assert error.code == "SFTP_SIGN_IN_REFUSED"
        assert "The server takes: password" in str(error)


def test_an_unknown_key_of_ours_is_refused_once(sshd: Sshd, settings: Build, tmp_path: Path) -> None:
    before = sshd.log().count("Connection from")
    assert refused(sshd, settings(private_key=make_key(tmp_path / "key"))).code == "SFTP_SIGN_IN_REFUSED"
    assert sshd.log().count("Connection from") == before + 1


def test_nothing_to_sign_in_with_is_said(sshd: Sshd, settings: Build) -> None:
    error = refused(sshd, settings(private_key=None))
    assert (error.code, error.status) == ("SFTP_NO_CREDENTIAL", Exit.USAGE)


# --- the server's own key -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_fingerprint_pins_any_of_the_servers_keys(sshd: Sshd, settings: Build, kind: str) -> None:
    assert names(sshd, settings(known_hosts=None, fingerprint=sshd.fingerprint(kind))) == ["students.csv"]


def test_known_hosts_pins_a_key_that_the_server_does_not_show_first(sshd: Sshd, settings: Build) -> None:
    lines = [line for line in sshd.pin().read_text(encoding="ascii").splitlines() if "ssh-rsa" in line]
    sshd.known_hosts.write_text("\n".join(lines), encoding="ascii")
    assert names(sshd, settings()) == ["students.csv"]


def test_an_unpinned_server_is_refused_with_its_fingerprint(sshd: Sshd, settings: Build) -> None:
    sshd.pin("[elsewhere.example.org]:22")
    error = refused(sshd, settings())
    assert (error.code, error.status) == ("SFTP_HOST_KEY_UNKNOWN", Exit.SOURCE)
    assert sshd.fingerprint() in str(error)
    assert f"ssh-keyscan -p {sshd.port} 127.0.0.1" in str(error)


def test_a_changed_host_key_is_refused_before_anything_is_said(settings: Build) -> None:
    with Sshd() as server:
        old = server.fingerprint()
        server.renew_host_keys()
        error = refused(server, settings(known_hosts=server.known_hosts, private_key=server.key))
        assert (error.code, error.status) == ("SFTP_HOST_KEY_CHANGED", Exit.SOURCE)
        assert old in str(error)
        assert server.fingerprint() in str(error)
        assert "posing as the server" in str(error)
        assert "publickey" not in server.log()


def test_another_fingerprint_is_a_changed_key(sshd: Sshd, settings: Build) -> None:
    error = refused(sshd, settings(known_hosts=None, fingerprint=WRONG))
    assert error.code == "SFTP_HOST_KEY_CHANGED"
    assert WRONG in str(error)
    assert sshd.fingerprint() in str(error)
