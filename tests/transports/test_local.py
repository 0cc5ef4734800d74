from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from recoup.errors import Exit, RecoupError
from recoup.ports import RemoteFile
from recoup.transports import CHANGING, TransportSettings
from recoup.transports.local import LocalTransport
from tests.sshd import growing

if TYPE_CHECKING:
    from pathlib import Path

AT_ONCE = TransportSettings(settle_seconds=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    (made / "2025").mkdir(parents=True)
    (made / "students.csv").write_bytes(b"ssid\r\n9000000001\r\n")
    (made / "2025" / "attendance.csv").write_bytes(b"x")
    (made / "half.csv.part").write_bytes(b"x")
    return made


def names(transport: LocalTransport) -> list[str]:
    return [file.name for file in transport.list_files()]


def test_files_of_the_folder_are_listed_and_copied(folder: Path, tmp_path: Path) -> None:
    transport = LocalTransport(folder, AT_ONCE)
    (file,) = transport.list_files()
    assert (file.name, file.size) == ("students.csv", 18)
    transport.fetch(file, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == (folder / "students.csv").read_bytes()
    transport.dispose(file)
    assert (folder / "students.csv").exists()


def test_folders_below_are_read_when_asked(folder: Path) -> None:
    assert names(LocalTransport(folder, TransportSettings(recursive=True, settle_seconds=0))) == ["2025/attendance.csv", "students.csv"]


def test_the_location_may_be_one_file(folder: Path, tmp_path: Path) -> None:
    transport = LocalTransport(folder / "students.csv", AT_ONCE)
    (file,) = transport.list_files()
    transport.fetch(file, tmp_path / "target")
    assert (file.name, (tmp_path / "target").stat().st_size) == ("students.csv", 18)


def test_a_link_is_followed_only_within_the_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(b"x")
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "latest.csv").symlink_to(folder / "students.csv")
    (folder / "gone.csv").symlink_to(folder / "nowhere")
    transport = LocalTransport(folder, AT_ONCE)
    assert names(transport) == ["latest.csv", "students.csv"]
    assert [finding.code for finding in transport.findings] == ["TRANSPORT_LINK_OUTSIDE"]
    with pytest.raises(RecoupError, match=CHANGING):
        transport.fetch(RemoteFile("out.csv", 1), tmp_path / "target")


def test_an_old_file_is_listed_at_once_and_a_growing_one_left(folder: Path) -> None:
    transport = LocalTransport(folder, TransportSettings(settle_seconds=0.3))
    long_ago = time.time() - 3600
    os.utime(folder / "students.csv", (long_ago, long_ago))
    began = time.monotonic()
    assert names(transport) == ["students.csv"]
    assert time.monotonic() - began < 0.2
    with growing(folder / "growing.csv"):
        while not (folder / "growing.csv").exists():
            time.sleep(0.01)
        assert names(transport) == ["students.csv"]
    assert names(transport) == ["growing.csv", "students.csv"]


def test_a_file_that_changed_since_it_was_listed_is_left(folder: Path, tmp_path: Path) -> None:
    transport = LocalTransport(folder, AT_ONCE)
    (file,) = transport.list_files()
    (folder / "students.csv").write_bytes(b"other")
    with pytest.raises(RecoupError) as caught:
        transport.fetch(file, tmp_path / "target")
    assert (caught.value.code, caught.value.status) == (CHANGING, Exit.SOURCE)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(("after", "kept"), [("delete", []), ("move:done", ["students.csv", "students.csv.1"])])
def test_a_fetched_file_and_its_marker_are_disposed_of_as_told(folder: Path, after: str, kept: list[str]) -> None:
    transport = LocalTransport(folder, TransportSettings(after_fetch=after, done_suffix=".ok", settle_seconds=0))
    for _ in range(2):
        (folder / "students.csv").write_bytes(b"x")
        (folder / "students.csv.ok").touch()
        (file,) = transport.list_files()
        transport.dispose(file)
        assert not (folder / "students.csv").exists()
        assert not (folder / "students.csv.ok").exists()
    assert sorted(path.name for path in folder.glob("done/*")) == kept


def test_what_was_moved_is_not_listed_again(folder: Path) -> None:
    transport = LocalTransport(folder, TransportSettings(after_fetch="move:done", recursive=True, settle_seconds=0))
    for file in transport.list_files():
        transport.dispose(file)
    assert names(transport) == []


def test_a_newer_upload_is_never_disposed_of(folder: Path) -> None:
    transport = LocalTransport(folder, TransportSettings(after_fetch="delete", settle_seconds=0))
    (file,) = transport.list_files()
    (folder / "students.csv").write_bytes(b"newer")
    transport.dispose(file)
    assert (folder / "students.csv").read_bytes() == b"newer"


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecoupError) as caught:
        LocalTransport(tmp_path / "nowhere", AT_ONCE).list_files()
    assert (caught.value.code, caught.value.status) == ("TRANSPORT_NOT_FOUND", Exit.SOURCE)
    assert str(tmp_path / "nowhere") in str(caught.value)
