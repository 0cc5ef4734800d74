"""Listing, fetching and disposing of files on a real OpenSSH server, over a network that misbehaves."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from recoup.errors import Exit, RecoupError
from recoup.ports import RemoteFile
from recoup.transports import CHANGING, RetrySettings, Timeouts, open_transport
from tests.cutting_proxy import CuttingProxy, Plan
from tests.sshd import growing, is_root
from tests.transports.conftest import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recoup.ports import Transport
    from recoup.transports import TransportSettings
    from tests.sshd import Account, Sshd

    Open = Callable[..., Transport]
    Put = Callable[..., Path]

MEGABYTES = random.Random(2026).randbytes(3_000_000)


@pytest.fixture
def opened(sshd: Sshd, settings: Callable[..., TransportSettings]) -> Iterator[Open]:
    """Open a transport to the server (or to ``port``), with what differs from the usual settings."""
    made: list[Transport] = []

    def build(path: str = "", port: int = 0, user: str = "", **given: object) -> Transport:
        if port:
            sshd.pin(f"[127.0.0.1]:{port}")
        made.append(open_transport(sshd.url(path, user, port), settings(**given)))
        return made[-1]

    yield build
    for transport in made:
        transport.close()


def names(transport: Transport) -> list[str]:
    return [file.name for file in transport.list_files()]


def failure(deed: Callable[[], object], status: Exit = Exit.SOURCE) -> RecoupError:
    with pytest.raises(RecoupError) as caught:
        deed()
    assert caught.value.status == status
    return caught.value


# --- listing ------------------------------------------------------------------------------------------


def test_whole_files_are_listed_with_size_and_time(opened: Open, put: Put) -> None:
    path = put("students.csv", b"x" * 7)
    os.utime(path, (1_750_000_000, 1_750_000_000))
    for name in ("a.csv.part", "b.FilePart", "c.tmp", ".hidden.csv", "below/d.csv"):
        put(name)
    (file,) = opened().list_files()
    assert (file.name, file.size) == ("students.csv", 7)
    assert file.modified and file.modified.timestamp() == 1_750_000_000
    assert names(opened(recursive=True)) == ["below/d.csv", "students.csv"]


def test_the_location_may_be_one_file(opened: Open, put: Put, tmp_path: Path) -> None:
    put("bundle.zip", b"zip")
    transport = opened("bundle.zip")
    (file,) = transport.list_files()
    transport.fetch(file, tmp_path / "target")
    assert (file.name, (tmp_path / "target").read_bytes()) == ("bundle.zip", b"zip")


def test_a_growing_file_is_left_and_the_others_are_not(opened: Open, put: Put) -> None:
    put("whole.csv")
    with growing(put("growing.csv", b"x")):
        assert names(opened(settle_seconds=0.2)) == ["whole.csv"]
    assert names(opened(settle_seconds=0.0)) == ["growing.csv", "whole.csv"]


def test_with_a_marker_only_marked_files_are_listed(opened: Open, put: Put) -> None:
    for name in ("a.csv", "a.csv.done", "b.csv"):
        put(name)
    assert names(opened(done_suffix=".done")) == ["a.csv"]


def test_a_linked_file_is_listed_and_a_linked_folder_not_entered(opened: Open, put: Put, sshd: Sshd) -> None:
    put("20260105.csv")
    (sshd.root / "latest.csv").symlink_to("20260105.csv")
    (sshd.root / "loop").symlink_to(".")
    (sshd.root / "nowhere").symlink_to("gone")
    assert names(opened(recursive=True)) == ["20260105.csv", "latest.csv"]


def test_unsafe_names_are_found_and_never_fetched(opened: Open, put: Put) -> None:
    for name in ("good.csv", "CON", "C:x.csv", "a\nb.csv", r"..\up.csv", "trailing.", "aux/inner.csv"):
        put(name)
    transport = opened(recursive=True)
    assert names(transport) == ["good.csv"]
    assert len(transport.findings) == 6


def test_a_name_that_is_not_utf8_is_said(opened: Open, sshd: Sshd) -> None:
    (sshd.root / os.fsdecode(b"a\xf1o.csv")).write_bytes(b"x")
    assert failure(opened().list_files).code == "SFTP_NAME_NOT_UTF8"


def test_a_missing_folder_is_not_tried_again(opened: Open, sshd: Sshd) -> None:
    before = sshd.log().count("Connection from")
    error = failure(opened("nowhere").list_files)
    assert error.code == "TRANSPORT_NOT_FOUND"
    assert "/nowhere" in str(error)
    assert sshd.log().count("Connection from") == before + 1


def test_what_we_may_not_read_is_said(opened: Open, put: Put, sshd: Sshd, account: Account, tmp_path: Path) -> None:
    put("closed.csv").chmod(0o600)
    put("folder/a.csv")
    told = {"user": account.user, "private_key": None, "password": Told(account.password)}
    transport = opened(**told)
    (file,) = transport.list_files()
    assert failure(lambda: transport.fetch(file, tmp_path / "target")).code == "TRANSPORT_DENIED"
    (sshd.root / "folder").chmod(0o700)
    assert failure(opened("folder", **told).list_files).code == "TRANSPORT_DENIED"
    assert not (tmp_path / "target").exists()


# --- fetching -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 32767, 32768, 32769, 64 * 32768, 64 * 32768 + 1, 3_000_000])
def test_what_is_fetched_is_what_was_there(opened: Open, put: Put, tmp_path: Path, size: int) -> None:
    put("a.csv", MEGABYTES[:size])
    transport = opened()
    (file,) = transport.list_files()
    transport.fetch(file, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == MEGABYTES[:size]


@pytest.mark.slow
def test_a_large_file_is_fetched_whole(opened: Open, put: Put, tmp_path: Path) -> None:
    put("large.csv", MEGABYTES * 10)
    transport = opened()
    (file,) = transport.list_files()
    transport.fetch(file, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == MEGABYTES * 10


@pytest.mark.parametrize("data", [b"", b"x", b"xxxx", b"yyy"])
def test_a_file_that_changed_since_it_was_listed_is_left(opened: Open, put: Put, tmp_path: Path, data: bytes) -> None:
    os.utime(put("a.csv", b"xxx"), (1_750_000_000, 1_750_000_000))
    transport = opened()
    (file,) = transport.list_files()
    put("a.csv", data)
    assert failure(lambda: transport.fetch(file, tmp_path / "target")).code == CHANGING
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_file_that_grows_while_it_is_fetched_is_left(opened: Open, put: Put, sshd: Sshd, tmp_path: Path) -> None:
    path = put("a.csv", MEGABYTES)
    with CuttingProxy(sshd.port, Plan(slow_after=1_000_000)) as proxy:
        transport = opened(port=proxy.port)
        (file,) = transport.list_files()
        with growing(path, after=0.2):
            assert failure(lambda: transport.fetch(file, tmp_path / "target")).code == CHANGING
    assert list(tmp_path.iterdir()) == []


def test_a_cut_in_the_middle_of_a_file_is_mended_by_a_second_try(
    opened: Open, put: Put, sshd: Sshd, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    put("a.csv", MEGABYTES)
    with CuttingProxy(sshd.port, Plan(cut_after=1_000_000)) as proxy:
        transport = opened(port=proxy.port)
        (file,) = transport.list_files()
        transport.fetch(file, tmp_path / "target")
        assert proxy.connections == 2
    assert (tmp_path / "target").read_bytes() == MEGABYTES
    assert "try 1 of 3 failed" in caplog.text
    assert capfd.readouterr().err == ""


def test_a_cut_at_every_try_leaves_nothing(opened: Open, put: Put, sshd: Sshd, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put("a.csv", MEGABYTES)
    with CuttingProxy(sshd.port, *[Plan(cut_after=1_000_000)] * 3) as proxy:
        transport = opened(port=proxy.port)
        (file,) = transport.list_files()
        error = failure(lambda: transport.fetch(file, tmp_path / "target"))
        assert proxy.connections == 3
    assert error.code == "SFTP_CUT"
    assert "the connection was cut, 3 times" in str(error)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("after", [0, 500, 2500, 4000])
def test_a_cut_while_connecting_is_mended_by_a_second_try(opened: Open, put: Put, sshd: Sshd, after: int) -> None:
    put("a.csv")
    with CuttingProxy(sshd.port, Plan(cut_after=after)) as proxy:
        assert names(opened(port=proxy.port)) == ["a.csv"]
        assert proxy.connections == 2


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 500, 4000, 1_000_000])
def test_a_stall_ends_by_the_time_limit(opened: Open, put: Put, sshd: Sshd, tmp_path: Path, after: int) -> None:
    put("a.csv", MEGABYTES)
    began = time.monotonic()
    with CuttingProxy(sshd.port, Plan(stall_after=after)) as proxy:
        transport = opened(port=proxy.port, timeouts=Timeouts(1, 1, 1, 1))
        (file,) = transport.list_files()
        transport.fetch(file, tmp_path / "target")
        assert proxy.connections == 2
    assert (tmp_path / "target").read_bytes() == MEGABYTES
    assert time.monotonic() - began < 10


def test_nobody_listening_is_tried_as_often_as_told(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failure(opened(port=taken.getsockname()[1], retry=RetrySettings(4, 0, 0)).list_files)
    assert error.code == "SFTP_UNREACHABLE"
    assert "the connection was refused, 4 times" in str(error)
    assert len(caplog.messages) == 3


def test_the_name_of_no_server_is_said(sshd: Sshd, settings: Callable[..., TransportSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine without a network cannot tell "no such name" from "no answer": the resolver's word is set here.
    for number, code in ((socket.EAI_NONAME, "SFTP_NO_SUCH_HOST"), (socket.EAI_AGAIN, "SFTP_UNREACHABLE")):

        def answer(*_: object, number: int = number) -> None:
            raise socket.gaierror(number, "")

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        assert failure(open_transport("sftp://sis@files.example.org/", settings()).list_files).code == code


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not is_root():
        pytest.skip("a small file system can be mounted by root only")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing(opened: Open, put: Put, sshd: Sshd, small_disk: Path) -> None:
    put("a.csv", MEGABYTES)
    transport = opened()
    (file,) = transport.list_files()
    before = sshd.log().count("Connection from")
    error = failure(lambda: transport.fetch(file, small_disk / "target"), Exit.FAULT)
    assert error.code == "TRANSPORT_DISK_FULL"
    assert list(small_disk.iterdir()) == []
    assert sshd.log().count("Connection from") == before


def test_a_target_that_cannot_be_written_is_said(opened: Open, put: Put, tmp_path: Path) -> None:
    put("a.csv")
    transport = opened()
    (file,) = transport.list_files()
    assert failure(lambda: transport.fetch(file, tmp_path / "nowhere" / "target"), Exit.USAGE).code == "TRANSPORT_CANNOT_WRITE"


# --- afterwards ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "left"),
    [
        ("leave", ["a.csv", "a.csv.ok"]),
        ("delete", []),
        ("move:fetched", ["fetched/a.csv", "fetched/a.csv.1"]),
    ],
)
def test_a_fetched_file_and_its_marker_are_disposed_of_as_told(opened: Open, put: Put, sshd: Sshd, after: str, left: list[str]) -> None:
    transport = opened(after_fetch=after, done_suffix=".ok")
    for data in (b"x", b"y"):
        put("a.csv", data)
        put("a.csv.ok")
        (file,) = transport.list_files()
        transport.dispose(file)
    assert sorted(path.relative_to(sshd.root).as_posix() for path in sshd.root.rglob("*") if path.is_file()) == left


def test_a_newer_upload_is_never_disposed_of(opened: Open, put: Put) -> None:
    path = put("a.csv", b"x")
    transport = opened(after_fetch="delete")
    (file,) = transport.list_files()
    put("a.csv", b"newer")
    transport.dispose(file)
    assert path.read_bytes() == b"newer"
    transport.dispose(RemoteFile("gone.csv", 1))


def test_a_disposal_that_is_not_allowed_is_said(opened: Open, put: Put, account: Account) -> None:
    path = put("a.csv")
    transport = opened(user=account.user, private_key=None, password=Told(account.password), after_fetch="delete")
    (file,) = transport.list_files()
    assert failure(lambda: transport.dispose(file)).code == "TRANSPORT_CANNOT_DISPOSE"
    assert path.exists()
