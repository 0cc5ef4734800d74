"""Zips of CSV files: what their manifests say, and which members count when deltas follow a bulk."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from recoup.adapters.base import inner_file
from recoup.adapters.reading import members
from recoup.adapters.reading.text import to_utf8
from recoup.errors import RecoupError
from recoup.ports import RawFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

PACKAGE, MANIFEST = "package", "manifest"
#: How near a misspelt name of a file must be to be taken for it (file.academicSession, file.enrolments).
_NEAR = 0.85


@dataclass(frozen=True, slots=True)
class Member(RawFile):
    """A file inside a zip, with its bytes while it is read."""

    data: bytes = b""

    @property
    def bare(self) -> RawFile:
        """Return the description alone."""
        return RawFile(self.source, self.feed, self.name, self.sha256, self.size, self.path, self.modified)


@dataclass(slots=True)
class Packages:
    """The members of a source's zips that count, the older before the newer, and what is odd about them: code and message."""

    members: list[Member] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def is_empty(data: bytes) -> bool:
    """Tell whether a file holds nothing but a byte order mark and line ends."""
    return not data.strip(b"\xef\xbb\xbf\xff\xfe \r\n\t\0")


def modes(data: bytes, name: str, feeds: Collection[str]) -> dict[str, str]:
    """Return by feed what a manifest says: ``bulk``, ``delta`` or ``absent``.

    Its columns may be headed otherwise, and its keys be misspelt or in another case: the name before the value is what counts.
    """
    text = to_utf8(data, name)[0].decode("utf-8", "replace")
    folded = {feed.casefold(): feed for feed in feeds}
    found: dict[str, str] = {}
    for cells in csv.reader(io.StringIO(text, newline="")):
        named, value = (cell.strip().casefold() for cell in (*cells, "", "")[:2])
        if value not in {"bulk", "delta", "absent"}:
            continue
        near = get_close_matches(named.removeprefix("file.").removesuffix(".csv"), folded, n=1, cutoff=_NEAR)
        if near:
            found[folded[near[0]]] = value
    return found


def unpacked(files: Sequence[RawFile], feeds: Collection[str]) -> Packages:
    """Open the zips, the oldest first; a bulk file replaces every earlier one of its feed, a delta comes on top of them.

    Raises ``ONEROSTER_NO_BULK`` (4) for a delta that comes first, and what a broken zip raises.
    """
    told = Packages()
    counting: dict[str, list[Member]] = {}
    for file in files:
        content = {name.casefold(): (name, data) for name, data in members(file.path, file.name)}
        _, manifest = content.get(f"{MANIFEST}.csv", ("", b""))
        said = modes(manifest, file.name, feeds) if manifest.strip() else {}
        for feed, name, data in _known(content, feeds):
            mode = said.get(feed, "bulk")
            bare = inner_file(file, name, feed, data)
            inner = Member(bare.source, feed, bare.name, bare.sha256, bare.size, bare.path, bare.modified, data)
            if is_empty(data):
                told.notes.append(("FILE_EMPTY", f"{inner.name} is empty and not read."))
                continue
            if mode == "absent":
                told.notes.append(("MANIFEST_ABSENT", f"{inner.name} is there, though the manifest calls it absent; it is read as bulk."))
            if mode == "delta":
                if feed not in counting:
                    raise RecoupError("ONEROSTER_NO_BULK", inner.name, feed=feed)
                counting[feed].append(inner)
            else:
                counting[feed] = [inner]
    told.members = [member for feed in feeds for member in counting.get(feed, ())]
    return told


def _known(content: Mapping[str, tuple[str, bytes]], feeds: Collection[str]) -> Iterator[tuple[str, str, bytes]]:
    for feed in feeds:
        if f"{feed}.csv".casefold() in content:
            yield feed, *content[f"{feed}.csv".casefold()]
