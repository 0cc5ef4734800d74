"""Which of the files that a place shows are taken: whole, finished, and with a name that is safe everywhere."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from typing import TYPE_CHECKING

from recoup.ports import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recoup.ports import RemoteFile
    from recoup.transports.settings import TransportSettings

MOVE = "move:"

#: Longest name, in UTF-8 bytes, that every usual file system holds.
LONGEST = 255
#: Longest path below the location: no folder is entered beyond it, however deep a server says it goes.
DEEPEST = 1024
#: Characters that Windows gives a meaning in paths (drives, streams, wildcards), and the separators.
FORBIDDEN = frozenset('/\\<>:"|?*')
#: Names that Windows keeps for devices, with any ending.
DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])[ .]*(\..*)?", re.IGNORECASE)


def refusal(name: str) -> str:
    """Say why one part of a remote path is not trusted as a name, or return an empty text when it is."""
    if not name or name in {".", ".."}:
        return "it is not a file's name"
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in name):
        return "it holds control or invisible characters"
    if FORBIDDEN & set(name):
        return 'it holds one of / \\ < > : " | ? *'
    if name != name.rstrip(". "):
        return "it ends with a dot or a space"
    if DEVICE.fullmatch(name):
        return "Windows keeps this name for a device"
    if len(name.encode()) > LONGEST:
        return f"it is longer than {LONGEST} bytes"
    return ""


class Sieve:
    """Sorts names and files by the settings; what it refuses is kept in ``findings``."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._partial = tuple(suffix.lower() for suffix in settings.partial_suffixes)
        self._moved_to = posixpath.normpath(settings.after_fetch.removeprefix(MOVE)) if settings.after_fetch.startswith(MOVE) else ""
        self._findings: dict[str, Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        """One finding for each name that was refused, in order of the names."""
        return [self._findings[path] for path in sorted(self._findings)]

    def admits(self, folder: str, name: str) -> bool:
        """Tell whether the entry ``name`` of ``folder`` (posix, empty at the top) may be looked at."""
        path = posixpath.join(folder, name)
        if why := refusal(name) or ("its path is too long" if len(path) > DEEPEST else ""):
            self.refuse(path, "TRANSPORT_UNSAFE_NAME", f"is not fetched: {why}. Have it renamed at the source.")
            return False
        return not (name.startswith(".") or name.lower().endswith(self._partial) or path == self._moved_to)

    def refuse(self, path: str, code: str, why: str) -> None:
        """Keep a finding on a path. Its name is shown with escapes, since a terminal obeys some characters."""
        shown = path.encode("unicode_escape").decode("ascii")
        shown = shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"
        self._findings[path] = Finding("fetch", code, "warn", 0, f"The file '{shown}' {why}")

    def whole(self, first: Iterable[RemoteFile], second: Iterable[RemoteFile]) -> list[RemoteFile]:
        """Return, by name, the files of the second look that the first saw alike and whose marker, if one is asked for, is there."""
        before = frozenset(first)
        after = sorted(second, key=lambda file: file.name)
        if mark := self._settings.done_suffix:
            names = {file.name for file in after}
            after = [file for file in after if file.name + mark in names and not file.name.endswith(mark)]
        return [file for file in after if file in before]
