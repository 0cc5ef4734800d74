"""A disk that fills up, wherever the run is, ends it with a message; the old OUT stands and the next run is right."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from recoup.errors import RecoupError
from tests.store.road import check_settled, is_whole, label_of, road

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = 4096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_at_every_point_of_a_run(small_disk: Path) -> None:
    road(small_disk, "first")
    road(small_disk, "second")
    ballast = small_disk / "ws" / "ballast"
    pages = 0
    while True:
        free = shutil.disk_usage(small_disk).free
        ballast.write_bytes(b"0" * (free - pages * PAGE))
        try:
            road(small_disk, "third")
            break
        except RecoupError as error:
            assert (error.code, error.status) == ("STORE_DISK_FULL", 1), error
        ballast.unlink()
        assert is_whole(small_disk / "out")
        assert is_whole(small_disk / "out.previous")
        assert label_of(small_disk / "out.previous") == "first"
        assert check_settled(small_disk) == "second"
        pages += 1
    assert pages > 5
    ballast.unlink()
    assert check_settled(small_disk) == "third"
    road(small_disk, "fourth")
    assert check_settled(small_disk) == "fourth"
