"""One lock a workspace: two runs never write to it at once, and a dead process never blocks the next."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from recoup.errors import RecoupError
from recoup.store.platform import private_file, storing

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_PATIENCE = 1.0  # seconds; a glance at the history holds the lock for a moment, and a run should outwait it


class WorkspaceLock:
    """The lock of one workspace, held through the operating system, which lets go of it when the process ends.

    A note beside it says who holds it, for the message that the next one reads; the note decides nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._note = folder / "lock.json"
        # A file system without locks is refused: the library's stand-in could outlive its process.
        self._lock = FileLock(self._path, mode=0o600, thread_local=False, fallback_to_soft=False)

    def acquire(self, command: str, now: datetime) -> None:
        """Take the lock for ``command``. ``STORE_LOCKED`` (5) with the holder's process and start if another run has it."""
        with storing(self._path):
            try:
                self._lock.acquire(timeout=_PATIENCE, poll_interval=0.05)
            except Timeout:
                raise RecoupError("STORE_LOCKED", where=str(self._path.parent), **self._holder()) from None
            note = {"pid": os.getpid(), "host": platform.node(), "command": command, "since": now.isoformat(timespec="seconds")}
            try:
                private_file(self._note).write_text(json.dumps(note), encoding="utf-8", newline="\n")
            except OSError:
                self.release()
                raise

    def release(self) -> None:
        """Let the lock go; harmless when it is not held."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()

    def is_held(self) -> bool:
        """Tell whether a run is at work. It is found out by taking the lock for a moment, which ``acquire`` outwaits."""
        with storing(self._path):
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                return True
            self._lock.release()
            return False

    def _holder(self) -> dict[str, object]:
        try:
            note = dict(json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            note = {}  # the holder is between taking the lock and saying so
        return {key: note.get(key, "unknown") for key in ("pid", "host", "command", "since")}
