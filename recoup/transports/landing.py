"""How bytes land on our side: all of them, or no file."""

from __future__ import annotations

import errno
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def land(chunks: Iterable[bytes], target: Path) -> int:
    """Write ``chunks`` to ``target`` and return how many bytes they were; on any failure the target is removed.

    A failure of our own disk is a ``RecoupError``; what ``chunks`` raises comes out as it is.
    """
    try:
        return _write(chunks, target)
    except BaseException:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise


def _write(chunks: Iterable[bytes], target: Path) -> int:
    size = 0
    with _our_disk(target):
        # Unbuffered: else closing would write again after a full disk, and hide the first error.
        out = target.open("wb", buffering=0)
    with out:
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                with _our_disk(target):
                    left = left[out.write(left) :]
            size += len(chunk)
    return size


@contextmanager
def _our_disk(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        full = problem.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", None)}
        raise RecoupError("TRANSPORT_DISK_FULL" if full else "TRANSPORT_CANNOT_WRITE", str(target.parent)) from None
