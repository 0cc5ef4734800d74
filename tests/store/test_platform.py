"""What a platform refuses becomes a message; what Windows refuses for a moment is asked again."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from recoup.errors import RecoupError
from recoup.store.platform import WINDOWS, free_disk, is_full, replace, storing, sync_folder


def wrapped(inner: Exception) -> Exception:
    outer = ValueError("a library's own words")
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "STORE_DISK_FULL"),
        (OSError(errno.EDQUOT, "quota"), "STORE_DISK_FULL"),
        (wrapped(OSError(errno.ENOSPC, "full")), "STORE_DISK_FULL"),
        (RuntimeError("parquet: File out of specification: No space left on device (os error 28)"), "STORE_DISK_FULL"),
        (PermissionError(errno.EACCES, "no"), "STORE_DENIED"),
        (FileExistsError(errno.EEXIST, "File exists"), "STORE_NOT_FOLDER"),
        (OSError(errno.EIO, "Input/output error"), "STORE_REFUSED"),
        (sqlite3.OperationalError("disk I/O error"), "STORE_JOURNAL"),
        (RecoupError("OUT_BUSY"), "OUT_BUSY"),
    ],
)
def test_what_is_refused_is_told_by_its_code(error: Exception, code: str) -> None:
    with pytest.raises(RecoupError) as told, storing("place"):
        raise error
    assert told.value.code == code


def test_a_fault_of_the_program_passes() -> None:
    with pytest.raises(ZeroDivisionError), storing("place"):
        raise ZeroDivisionError


def test_sqlite_s_own_full_disk_is_told(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "small.sqlite", isolation_level=None)
    db.execute("PRAGMA max_page_count = 2")
    db.execute("CREATE TABLE t (x)")
    with pytest.raises(sqlite3.OperationalError) as full:
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    db.close()
    assert is_full(full.value)


def test_a_replace_that_a_scanner_holds_up_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    real = os.replace

    def held(source: Path, target: Path) -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            error = PermissionError(errno.EACCES, "held")
            error.winerror = 32  # type: ignore[attr-defined]
            raise error
        real(source, target)

    monkeypatch.setattr(os, "replace", held)
    (tmp_path / "a").write_text("a")
    replace(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "a"


def test_the_free_disk_of_a_folder_to_come(tmp_path: Path) -> None:
    assert free_disk(tmp_path / "not" / "yet" / "there") == pytest.approx(free_disk(tmp_path), rel=0.1)


@pytest.mark.skipif(WINDOWS or not os.path.isdir("/proc"), reason="a file system that cannot flush a folder is at hand on Linux only")  # noqa: PTH112
def test_a_folder_that_its_file_system_cannot_flush_is_let_be() -> None:
    handle = os.open("/proc", os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="Invalid argument"):
            os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(Path("/proc"))
