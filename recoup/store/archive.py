"""The raw archive: every file as it came, named by its SHA-256, never altered; and which of them a source reads now."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from recoup.errors import RecoupError
from recoup.ports import RawFile
from recoup.store.platform import private_folder, read_only, remove_tree, replace, storing, sync_file, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from recoup.ports import Feed, RemoteFile, SchoolYear
    from recoup.store.journal import Journal
    from recoup.store.records import Arrival

# 2025-10-31, 20251031, 10-31-2025, 10312025, each with a time of day after it or without; the digits stand alone.
_YEAR, _MONTH, _DAY = r"20\d\d", r"0[1-9]|1[0-2]", r"0[1-9]|[12]\d|3[01]"
_TIME = r"(?:[-_T ]?(?P<hour>[01]\d|2[0-3])[-:.]?(?P<minute>[0-5]\d)(?:[-:.]?(?P<second>[0-5]\d))?(?![-:.]?\d))?"
_DATES: Final = tuple(
    re.compile(rf"(?<!\d){day}{_TIME}(?!\d)")
    for day in (
        rf"(?P<year>{_YEAR})(?P<mark>[-_.]?)(?P<month>{_MONTH})(?P=mark)(?P<day>{_DAY})",
        rf"(?P<month>{_MONTH})(?P<mark>[-_.]?)(?P<day>{_DAY})(?P=mark)(?P<year>{_YEAR})",
    )
)

#: Names of pages that a system gave over HTTP begin so; ``Rounds`` says which of them count.
PAGES: Final = "pages/"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A file of the archive, and whether it brought something: False when its source already held these bytes under this name."""

    file: RawFile
    new: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The archived files that a source reads now.

    ``files``: in the order of the feeds and, within one, the later file after the earlier. ``unmatched``:
    the newest file of each name that no feed asks for. ``other_years``: files of an ``append`` feed whose
    name has a date outside the school year.
    """

    files: tuple[RawFile, ...]
    unmatched: tuple[RawFile, ...]
    other_years: tuple[RawFile, ...]


def date_in_name(name: str) -> datetime | None:
    """Return the last date that a posix name holds, with its time of day if there is one (taken as UTC), or None.

    Read are 2025-10-31, 20251031, 10-31-2025 and 10312025, also with ``_`` or ``.``, and 20251031_0230.
    """
    found: list[tuple[int, datetime]] = []
    for pattern in _DATES:
        for match in pattern.finditer(name):
            parts = {key: int(value) for key, value in match.groupdict().items() if key != "mark" and value}
            try:
                found.append((match.start(), datetime(**parts, tzinfo=UTC)))
            except ValueError:  # 31 June
                continue
    return max(found)[1] if found else None


def feed_of(name: str, feeds: Sequence[Feed], source: str = "") -> Feed | None:
    """Return the feed whose pattern the posix ``name`` matches, upper and lower case alike, or None.

    A pattern without ``/`` is held against the last part of the name. A feed without a pattern asks for
    ``<feed>.csv``. ``ARCHIVE_TWO_FEEDS`` (2) when two feeds ask for the file.
    """
    found = [feed for feed in feeds if _matches(name.casefold(), (feed.match or f"{feed.name}.csv").casefold())]
    if len(found) > 1:
        raise RecoupError("ARCHIVE_TWO_FEEDS", where=name, source=source, feeds=", ".join(feed.name for feed in found))
    return found[0] if found else None


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name if "/" in pattern else name.rpartition("/")[2], pattern)


class Archive:
    """The archive of one workspace: ``<root>/<aa>/<sha256>`` holds the bytes, the journal what they were called."""

    def __init__(self, root: Path, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._root = root
        self._journal = journal
        self._clock = clock

    def sweep(self) -> None:
        """Remove what a killed run was still downloading."""
        with storing(self._root):
            remove_tree(private_folder(self._root) / "incoming")

    def incoming(self) -> Path:
        """Return a new path inside the archive's file system for a transport to write to; there is no file there yet."""
        with storing(self._root):
            return private_folder(self._root / "incoming") / secrets.token_hex(8)

    def path(self, sha256: str) -> Path:
        """Return where the bytes with this hash are kept."""
        return self._root / sha256[:2] / sha256

    def admit(self, temp: Path, source: str, feed: str, name: str, modified: datetime | None = None) -> Admitted:
        """Take the whole file at ``temp`` into the archive, under what its source calls it; ``temp`` is gone afterwards.

        When this returns, the bytes and their entry are on the disk: the remote file may be disposed of.
        ``STORE_DISK_FULL`` and the other ``STORE_`` errors leave the archive as it was.
        """
        sha256, size = self.keep(temp)
        modified = modified and _utc(modified)
        before = self._journal.arrivals(source, name)
        known = bool(before) and before[-1].sha256 == sha256
        if not known or before[-1].modified != modified or before[-1].feed != feed:
            self._journal.arrive(source, feed, name, sha256, size, modified, self._clock())
        return Admitted(RawFile(source, feed, name, sha256, size, self.path(sha256), modified), new=not known)

    def keep(self, temp: Path) -> tuple[str, int]:
        """Take the whole file at ``temp`` in, and return its hash and size; the journal does not know of it yet."""
        with storing(self._root):
            with temp.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            size = temp.stat().st_size
            path = self.path(sha256)
            if path.exists() and path.stat().st_size == size:
                temp.unlink()
            else:
                sync_file(temp)
                read_only(temp)
                private_folder(path.parent)
                replace(temp, path)
                sync_folder(path.parent)
                sync_folder(self._root)
        return sha256, size

    def has(self, source: str, remote: RemoteFile) -> bool:
        """Tell whether the source's file, by name, size and time, is the one last archived, so that it need not be fetched again.

        A file without a time is always fetched, and so is one that was changed within two seconds before
        it was archived: it could have been changed again within the same tick of its clock.
        """
        arrivals = self._journal.arrivals(source, remote.name)
        if not arrivals or remote.modified is None:
            return False
        last = arrivals[-1]
        settled = (last.fetched - _utc(remote.modified)).total_seconds() >= 2
        return settled and last.size == remote.size and last.modified == _utc(remote.modified) and self.path(last.sha256).exists()

    def verify(self, sha256: str) -> bool:
        """Tell whether the bytes kept under this hash still have it; False when they are gone."""
        path = self.path(sha256)
        with storing(path):
            if not path.exists():
                return False
            with path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == sha256

    def select(self, source: str, feeds: Sequence[Feed], year: SchoolYear) -> Selection:
        """Choose the archived files that ``source`` reads now.

        Mode ``full``: the newest file alone, by the date in its name, else the time it was changed, else
        when it came. Mode ``append``: every file, the same bytes once, except one whose name has a date
        outside ``year``. ``ARCHIVE_TWO_FEEDS`` (2) when two feeds ask for a file; ``ARCHIVE_DAMAGED`` (1)
        when the bytes of a chosen file are gone or cut.
        """
        by_feed: dict[str, dict[str, Arrival]] = {feed.name: {} for feed in feeds}
        unmatched: dict[str, Arrival] = {}
        for arrival in sorted(self._journal.arrivals(source), key=_age):
            if arrival.name.startswith(PAGES):
                continue
            feed = feed_of(arrival.name, feeds, source)
            # Later in the order of age wins: the same bytes under one feed, the same name under none.
            of_kind, key = (by_feed[feed.name], arrival.sha256) if feed else (unmatched, arrival.name)
            of_kind.pop(key, None)
            of_kind[key] = arrival
        files: list[RawFile] = []
        other_years: list[RawFile] = []
        for feed in feeds:
            found = [self._raw(arrival, feed.name) for arrival in by_feed[feed.name].values()]
            if feed.mode == "full":
                files += found[-1:]
            else:
                for file in found:
                    day = date_in_name(file.name)
                    (other_years if day and not year.first <= day.date() <= year.last else files).append(file)
        for file in files:
            if not file.path.exists() or file.path.stat().st_size != file.size:
                raise RecoupError("ARCHIVE_DAMAGED", where=file.name, sha256=file.sha256)
        return Selection(tuple(files), tuple(self._raw(arrival, "") for arrival in unmatched.values()), tuple(other_years))

    def _raw(self, arrival: Arrival, feed: str) -> RawFile:
        path = self.path(arrival.sha256)
        return RawFile(arrival.source, feed, arrival.name, arrival.sha256, arrival.size, path, arrival.modified)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _age(arrival: Arrival) -> tuple[datetime, datetime, int]:
    """Order arrivals: the date in the name, else the time of change, else of arrival; ties by the latter two."""
    time = _utc(arrival.modified or arrival.fetched)
    named = date_in_name(arrival.name)
    return (named or time, time, arrival.number)
