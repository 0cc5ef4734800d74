"""The night as it really is: the Aeries-shaped district on an OpenSSH server, ``recoup run`` as a process, and all that can go wrong.

Each case ends with the stated status, a message that a person understands, and no half-written output.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recoup.synthetic.aeries import write_aeries
from recoup.synthetic.district import make_district
from tests.cutting_proxy import CuttingProxy, Plan
from tests.sshd import Sshd, growing, is_root, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

SECRET = "RECOUP_TEST_SFTP_PASSWORD"


class Night:
    """A district's machine: its configuration, its workspace and OUT, and a server that another keeps."""

    def __init__(self, server: Sshd, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.out = folder / "out"

    def configure(self, *, port: int = 0, sign_in: str = "", pin: str = "", workspace: str = ".recoup") -> None:
        text = (files("recoup.synthetic") / "aeries.toml").read_text(encoding="utf-8")
        location = f'location = "{self.server.url(port=port)}"\nsettle_seconds = 1\n'
        sign_in = sign_in or f"private_key = '{self.server.key}'"
        pin = pin or f"fingerprint = '{self.server.fingerprint()}'"
        text = text.replace('location = "data"', location, 1).replace('workspace = ".recoup"', f"workspace = '{workspace}'", 1)
        text = text.replace("[sources.options]", f"[sources.sftp]\n{sign_in}\n{pin}\nretries = 1\n\n[sources.options]", 1)
        (self.folder / "recoup.toml").write_text(text, encoding="utf-8")

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "recoup", "run", "--json", "--config", str(self.folder / "recoup.toml")],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    def outputs(self) -> dict[str, bytes]:
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in sorted(self.out.rglob("*")) if path.is_file()}

    def touch(self) -> None:
        """Let every remote file look changed, so that it is fetched again."""
        for path in self.server.root.iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 3600))

    def failed(self, status: int, *words: str, **environment: str) -> None:
        """Run, and require the status, the words on stderr, and that OUT is as it was, with nothing beside it."""
        before = self.outputs()
        done = self.run(**environment)
        assert done.returncode == status, done.stderr
        for word in words:
            assert word in done.stderr
        assert json.loads(done.stdout)["error"]["mend"]
        assert self.outputs() == before
        assert {path.name for path in self.folder.glob("out*")} <= {"out", "out.previous"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """The server with the district's files, and a first run that went well."""
    with Sshd() as server:
        write_aeries(make_district(students=60, bad_rows="none"), server.root)
        night = Night(server, tmp_path_factory.mktemp("night"))
        night.configure()
        done = night.run()
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert document["days"]["credited"] > 0
        assert {Path(name).stem for name in document["fetched"][0]["new"]} >= {"STU", "ENR", "ATT", "ATD"}
        yield night


@pytest.fixture
def night(served: Night) -> Iterator[Night]:
    served.configure()
    yield served
    served.configure()


def test_again_with_nothing_new(night: Night) -> None:
    before = night.outputs()
    done = night.run()
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["unchanged"]
    assert document["fetched"][0]["new"] == []
    after = night.outputs()
    assert {name for name in before if before[name] != after[name]} == {"manifest.json"}


def test_a_wrong_password_is_tried_once(night: Night) -> None:
    night.configure(sign_in=f'password = {{ env = "{SECRET}" }}')
    tries = night.server.log().count("Failed password")
    night.failed(3, "refused to sign in", "[SFTP_SIGN_IN_REFUSED]", **{SECRET: "not-the-password"})
    assert night.server.log().count("Failed password") == tries + 1


def test_a_password_that_is_not_set_is_a_matter_of_configuration(night: Night) -> None:
    night.configure(sign_in=f'password = {{ env = "{SECRET}" }}')
    night.failed(2, SECRET)


def test_the_connection_cut_in_the_middle_of_a_file(night: Night) -> None:
    night.touch()
    with CuttingProxy(night.server.port, *[Plan(cut_after=20_000)] * 40) as proxy:
        night.configure(port=proxy.port)
        night.failed(3, "[SFTP_CUT]")
    night.configure()
    assert json.loads(night.run().stdout)["unchanged"]


def test_a_connection_that_is_cut_once_is_made_again(night: Night) -> None:
    night.touch()
    with CuttingProxy(night.server.port, Plan(cut_after=20_000)) as proxy:
        night.configure(port=proxy.port)
        done = night.run()
        assert done.returncode == 0, done.stderr
        assert proxy.connections == 2
    assert json.loads(done.stdout)["unchanged"]


def test_a_half_uploaded_file_is_left_for_the_next_night(night: Night) -> None:
    before = night.outputs()
    whole = next(path for path in night.server.root.iterdir() if path.stem == "ATD")
    kept = whole.read_bytes()
    try:
        (night.server.root / f"{whole.name}.filepart").write_bytes(kept[:1000])
        with growing(whole):
            done = night.run()
        assert done.returncode == 0, done.stderr
        after = night.outputs()
        assert {name for name in before if before[name] != after[name]} == {"manifest.json"}
    finally:
        whole.write_bytes(kept)
        (night.server.root / f"{whole.name}.filepart").unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a journal and not for the district's files."""
    if not is_root():
        pytest.skip("a small file system can be mounted by root only")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        [tool("mount"), "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run([tool("umount"), str(place)], check=False, capture_output=True)


def test_a_full_disk(night: Night, small_disk: Path) -> None:
    night.configure(workspace=str(small_disk / "workspace"))
    night.failed(1, "disk is full")


def test_a_changed_host_key_is_refused_before_anything_is_sent(night: Night) -> None:
    known = shutil.copy(night.server.pin(), night.folder / "known_hosts")
    night.configure(pin=f"known_hosts = '{known}'")
    assert night.run().returncode == 0
    night.server.renew_host_keys()
    sessions = night.server.log().count("Accepted publickey")
    night.failed(3, "[SFTP_HOST_KEY_CHANGED]")
    assert night.server.log().count("Accepted publickey") == sessions
