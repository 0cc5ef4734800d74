"""What differs between platforms: modes, flushing of folders, replaces, and the ways a full disk is told."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tenacity import retry, retry_if_exception, stop_after_delay, wait_random_exponential

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WINDOWS: Final = os.name == "nt"
_SHARING_VIOLATIONS: Final = frozenset({5, 32, 33})  # access denied, sharing violation, lock violation
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT}) if hasattr(errno, "EDQUOT") else frozenset({errno.ENOSPC})
_FULL_WORDS: Final = ("No space left on device", "os error 28", "os error 112", "Disk quota exceeded", "os error 122")


def private_folder(path: Path) -> Path:
    """Make ``path`` and its parents where missing; it is for its owner alone where the platform has modes."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not WINDOWS:
        path.chmod(0o700)
    return path


def private_file(path: Path) -> Path:
    """Make ``path`` an empty file where missing; it is for its owner alone where the platform has modes."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    if not WINDOWS:
        path.chmod(0o600)
    return path


def read_only(path: Path) -> None:
    """Take the right to write to ``path`` from everyone, its owner too."""
    path.chmod(stat.S_IREAD)


def sync_file(path: Path) -> None:
    """Return when the bytes of ``path`` are on the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Return when the names in ``path`` are on the disk, where the file system can say so.

    Windows has no such call and keeps its names in a journal; some network shares refuse it as invalid.
    """
    if WINDOWS:
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(handle)


def sync_tree(path: Path, mode: int = 0o700) -> None:
    """Return when every file and name at and below ``path`` is on the disk; folders get ``mode``, files the same less execution."""
    for folder, _, names in os.walk(path, topdown=False):
        for file in (Path(folder, name) for name in names):
            if not WINDOWS:
                file.chmod(mode & 0o666)
            sync_file(file)
        if not WINDOWS:
            Path(folder).chmod(mode)
        sync_folder(Path(folder))


def mode_of(path: Path) -> int:
    """Return the mode that the person who owns ``path`` has given it; 0700 where there is no such path or no modes."""
    return 0o700 if WINDOWS or not path.exists() else stat.S_IMODE(path.stat().st_mode)


def is_busy(error: BaseException) -> bool:
    """Tell whether the platform refused because another program, or a mount, holds the file or folder."""
    return getattr(error, "winerror", None) in _SHARING_VIOLATIONS or getattr(error, "errno", None) == errno.EBUSY


@retry(retry=retry_if_exception(is_busy), wait=wait_random_exponential(0.05, 1), stop=stop_after_delay(5), reraise=True)
def replace(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target`` in one step, over a file that is there.

    Windows refuses while a scanner or a viewer holds either, so it is asked again for five seconds.
    """
    source.replace(target)


def remove_tree(path: Path) -> None:
    """Remove ``path`` and all below it, if it is there; what Windows holds as read-only is released first."""

    def release(remove: Callable[[str], object], name: str, _: object) -> None:
        Path(name).chmod(stat.S_IWRITE)
        remove(name)

    if path.exists():
        shutil.rmtree(path, onerror=release if WINDOWS else None)


def free_disk(path: Path) -> int:
    """Return how many bytes are free where ``path`` is, or will be."""
    place = path.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def is_full(error: BaseException | None) -> bool:
    """Tell whether ``error``, or what it came from, is a full disk or quota, however a library words it."""
    while error is not None:
        if isinstance(error, OSError) and (error.errno in _FULL or getattr(error, "winerror", None) in {39, 112}):
            return True
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
            return True
        if any(word in str(error) for word in _FULL_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def storing(where: Path | str) -> Iterator[None]:
    """Turn what a file system or SQLite refuses inside the block into a ``RecoupError`` at ``where``.

    ``STORE_DISK_FULL`` for a full disk in whatever words, ``STORE_DENIED`` for missing rights, ``STORE_NOT_FOLDER`` for
    a file in a folder's place, ``STORE_JOURNAL`` for SQLite and ``STORE_REFUSED`` for the rest. Other exceptions pass.
    """
    try:
        yield
    except RecoupError:
        raise
    except Exception as error:
        if is_full(error):
            raise RecoupError("STORE_DISK_FULL", where=str(where)) from None
        if isinstance(error, sqlite3.DatabaseError):
            raise RecoupError("STORE_JOURNAL", where=str(where), reason=getattr(error, "sqlite_errorname", "not a database")) from None
        if isinstance(error, PermissionError):
            raise RecoupError("STORE_DENIED", where=str(where)) from None
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            raise RecoupError("STORE_NOT_FOLDER", where=str(where)) from None
        if isinstance(error, OSError):
            raise RecoupError("STORE_REFUSED", where=str(where), reason=error.strerror or type(error).__name__) from None
        raise
