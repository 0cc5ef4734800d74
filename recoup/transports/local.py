"""Files of a folder on this machine or a mounted share, or one single file."""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.ports import Finding, RemoteFile
from recoup.transports.landing import land
from recoup.transports.sieve import MOVE, Sieve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from recoup.transports.settings import TransportSettings

log = logging.getLogger(__name__)

CHUNK = 1 << 20


class LocalTransport:
    """Lists and copies local files. A link is followed only to a file below the same folder."""

    def __init__(self, root: Path, settings: TransportSettings) -> None:
        self.findings: list[Finding] = []
        self._root = root
        self._settings = settings

    def list_files(self) -> list[RemoteFile]:
        """List the whole files. Raises ``RecoupError`` (3) when the folder is missing or closed to us."""
        sieve = Sieve(self._settings)
        try:
            first = list(self._look(sieve))
            # This clock is the files' own: only one written a moment ago can still be growing.
            newest = max((file.modified.timestamp() for file in first if file.modified), default=0.0)
            if time.time() - newest < self._settings.settle_seconds:
                time.sleep(self._settings.settle_seconds)
            found = sieve.whole(first, self._look(sieve))
        except OSError as problem:
            raise self._explained(problem) from None
        self.findings = sieve.findings
        return found

    def fetch(self, file: RemoteFile, target: Path) -> None:
        """Copy the file to ``target``; a file that changed since it was listed is left (``TRANSPORT_FILE_CHANGING``)."""
        path = self._path(file.name)
        try:
            with path.open("rb") as source:
                if (
                    _described(path, file.name) == file
                    and land(_chunks(source), target) == file.size
                    and _described(path, file.name) == file
                ):
                    return
        except OSError as problem:
            target.unlink(missing_ok=True)
            raise self._explained(problem) from None
        target.unlink(missing_ok=True)
        raise RecoupError("TRANSPORT_FILE_CHANGING", str(path))

    def dispose(self, file: RemoteFile) -> None:
        """Leave, delete or move the file, and its marker with it; one that changed since it was listed is left."""
        if self._settings.after_fetch == "leave":
            return
        path = self._path(file.name)
        try:
            if not path.exists() or _described(path, file.name) != file:
                log.info("%s: changed after it was fetched, so it is left", file.name)
                return
            # The marker goes first: alone, it would call the next upload whole.
            if mark := self._settings.done_suffix:
                path.with_name(path.name + mark).unlink(missing_ok=True)
            if self._settings.after_fetch == "delete":
                path.unlink()
            else:
                folder = self._base / self._settings.after_fetch.removeprefix(MOVE)
                folder.mkdir(parents=True, exist_ok=True)
                shutil.move(path, _free(folder / path.name))
        except OSError:
            raise RecoupError("TRANSPORT_CANNOT_DISPOSE", str(path), after=self._settings.after_fetch) from None

    def close(self) -> None:
        """Nothing is held."""

    @property
    def _base(self) -> Path:
        return self._root.parent if self._root.is_file() else self._root

    def _path(self, name: str) -> Path:
        path = self._base / name
        if not path.resolve().is_relative_to(self._base.resolve()):
            raise RecoupError("TRANSPORT_FILE_CHANGING", str(path))
        return path

    def _look(self, sieve: Sieve) -> Iterator[RemoteFile]:
        if self._root.is_file():
            yield _described(self._root, self._root.name)
        else:
            yield from self._walk(sieve, "")

    def _walk(self, sieve: Sieve, below: str) -> Iterator[RemoteFile]:
        for path in sorted((self._root / below).iterdir()):
            if not sieve.admits(below, path.name):
                continue
            name = f"{below}/{path.name}".lstrip("/")
            if path.is_dir():
                if self._settings.recursive and not path.is_symlink():
                    yield from self._walk(sieve, name)
            elif path.is_symlink() and not path.resolve().is_relative_to(self._root.resolve()):
                sieve.refuse(name, "TRANSPORT_LINK_OUTSIDE", "is not fetched: it is a link to a place outside the folder.")
            elif path.is_file():
                with suppress(FileNotFoundError):  # renamed since the folder was read: the next run sees its new name
                    yield _described(path, name)

    def _explained(self, problem: OSError) -> RecoupError:
        code = {FileNotFoundError: "TRANSPORT_NOT_FOUND", PermissionError: "TRANSPORT_DENIED"}.get(type(problem), "TRANSPORT_CANNOT_READ")
        return RecoupError(code, str(problem.filename or self._root))


def _described(path: Path, name: str) -> RemoteFile:
    stat = path.stat()
    return RemoteFile(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def _free(path: Path) -> Path:
    """Return the path, or the first of ``path.1``, ``path.2``, … that is not taken: what was moved before is never overwritten."""
    return next(tried for number in count() if not (tried := path.with_name(f"{path.name}.{number}") if number else path).exists())
