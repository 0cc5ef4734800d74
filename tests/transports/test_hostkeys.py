"""Which lines of a known_hosts file pin which server: the forms of sshd(8)."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from recoup.errors import Exit, RecoupError
from recoup.transports.hostkeys import HostKey, read_pins
from recoup.transports.location import Place
from recoup.transports.settings import SftpSettings
from tests.sshd import make_key, tool

if TYPE_CHECKING:
    from pathlib import Path

PLACE = Place("files.example.org", 2222, "sis", ".")
KEY = HostKey("ssh-ed25519", b"the offered key")
LINE = "ssh-ed25519 dGhlIG9mZmVyZWQga2V5"
OTHER = "ssh-ed25519 YW5vdGhlciBrZXk="


def code(lines: str, tmp_path: Path, place: Place = PLACE) -> str:
    file = tmp_path / "known_hosts"
    file.write_text(lines, encoding="utf-8")
    refusal = read_pins(place, SftpSettings(known_hosts=file)).refusal(KEY, place)
    return refusal.code if refusal else "trusted"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (f"[files.example.org]:2222 {LINE} a comment\n", "trusted"),
        (f"[other.example.org]:2222,[files.example.org]:2222 {LINE}", "trusted"),
        (f"[*.example.org]:2222 {LINE}", "trusted"),
        (f"# of the office\n\nbroken\n[files.example.org]:2222 ssh-ed25519 ***\n[files.example.org]:2222 {LINE}", "trusted"),
        (f"[files.example.org]:2222 {OTHER}\n[files.example.org]:2222 {LINE}", "trusted"),
        ("", "SFTP_HOST_KEY_UNKNOWN"),
        (f"files.example.org {LINE}", "SFTP_HOST_KEY_UNKNOWN"),
        (f"[*.example.org]:2222,![files.example.org]:2222 {LINE}", "SFTP_HOST_KEY_UNKNOWN"),
        (f"@cert-authority [files.example.org]:2222 {LINE}", "SFTP_HOST_KEY_UNKNOWN"),
        (f"|1|not base64|x [files.example.org]:2222 {LINE}", "SFTP_HOST_KEY_UNKNOWN"),
        (f"[files.example.org]:2222 {OTHER}", "SFTP_HOST_KEY_CHANGED"),
        (f"[files.example.org]:2222 {LINE}\n@revoked * {LINE}", "SFTP_HOST_KEY_REVOKED"),
    ],
)
def test_a_line_pins_the_servers_it_names(lines: str, expected: str, tmp_path: Path) -> None:
    assert code(lines, tmp_path) == expected


@pytest.mark.parametrize("place", [PLACE, Place("files.example.org", 22, "sis", ".")])
def test_names_hashed_by_ssh_keygen_are_known(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{place.name} {LINE}\n", encoding="utf-8")
    public = make_key(tmp_path / "key").with_suffix(".pub").read_text(encoding="ascii").split()
    file.write_text(f"{place.name} {public[0]} {public[1]}\n", encoding="utf-8")
    subprocess.run([tool("ssh-keygen"), "-H", "-f", str(file)], check=True, capture_output=True)
    assert place.host not in file.read_text(encoding="utf-8")
    pins = read_pins(place, SftpSettings(known_hosts=file))
    assert len(pins.trusted) == 1
    assert not read_pins(Place("else.example.org", place.port, "sis", "."), SftpSettings(known_hosts=file)).trusted


def test_a_fingerprint_is_the_one_that_ssh_keygen_prints(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    line = f"{PLACE.name} {key.with_suffix('.pub').read_text(encoding='ascii')}"
    (tmp_path / "known_hosts").write_text(line, encoding="ascii")
    (pinned,) = read_pins(PLACE, SftpSettings(known_hosts=tmp_path / "known_hosts")).trusted
    printed = subprocess.run([tool("ssh-keygen"), "-l", "-f", f"{key}.pub"], check=True, capture_output=True, text=True).stdout
    assert pinned.fingerprint == printed.split()[1]
    assert read_pins(PLACE, SftpSettings(fingerprint=pinned.fingerprint + "=")).refusal(pinned, PLACE) is None


@pytest.mark.parametrize("fingerprint", ["SHA256:abc", "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "MD5:16:27"])
def test_a_fingerprint_of_another_form_is_refused(fingerprint: str) -> None:
    with pytest.raises(RecoupError) as caught:
        read_pins(PLACE, SftpSettings(fingerprint=fingerprint))
    assert (caught.value.code, caught.value.status) == ("SFTP_BAD_FINGERPRINT", Exit.USAGE)


def test_a_missing_known_hosts_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecoupError, match="SFTP_NO_KNOWN_HOSTS"):
        read_pins(PLACE, SftpSettings(known_hosts=tmp_path / "nowhere"))
