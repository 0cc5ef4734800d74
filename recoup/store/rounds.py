"""Pages of a system that answers over HTTP: which of the archived ones are, together, what it last said in full.

Each page is a file of the archive. When a fetch has all its sets, a *round* is written: a file that names every page in force by
its hash. A fetch that fails leaves no round, so that the one before stands, with its very pages.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from recoup.errors import RecoupError
from recoup.ports import RawFile
from recoup.store.archive import PAGES
from recoup.store.platform import storing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.ports import PageSet, SchoolYear
    from recoup.store.archive import Archive
    from recoup.store.journal import Journal


@dataclass(frozen=True, slots=True)
class Kept:
    """One set in force.

    ``place`` is ``feed/name``; ``first`` and ``last`` are those of ``ports.PageSet``, as ISO texts; ``pages`` name and hash of each.
    """

    feed: str
    place: str
    first: str
    last: str
    pages: tuple[tuple[str, str], ...]


class Rounds:
    """The rounds of one workspace."""

    def __init__(self, archive: Archive, journal: Journal) -> None:
        self._archive = archive
        self._journal = journal

    def admit(self, source: str, wanted: PageSet, bodies: Sequence[bytes]) -> tuple[Kept, list[str], list[str]]:
        """Take a whole set into the archive; return it with the names of pages that are new and of those known already."""
        pages: list[tuple[str, str]] = []
        new: list[str] = []
        known: list[str] = []
        for number, body in enumerate(bodies, 1):
            name = f"{PAGES}{wanted.path}/{number:04d}.json"
            admitted = self._put(source, wanted.feed, name, body)
            pages.append((name, admitted.file.sha256))
            (new if admitted.new else known).append(name)
        place = "/".join(part for part in (wanted.feed, wanted.name) if part)
        first, last = (day.isoformat() if day else "" for day in (wanted.first, wanted.last))
        return Kept(wanted.feed, place, first, last, tuple(pages)), new, known

    def close(self, source: str, year: SchoolYear, sets: Sequence[Kept], *, full: bool) -> None:
        """Make ``sets`` the round in force; of the one before stay the windows that still show a day, unless ``full``.

        The watermark of each window moves to its last day, and only now.
        """
        before = [] if full else [kept for kept in self.last(source, year) if kept.first]
        shown = _shown([*before, *sets])
        body = json.dumps({"school_year": year.name, "sets": [asdict(kept) for kept in shown]}, indent=1).encode()
        self._put(source, "", _name(year), body)
        through = {kept.place: date.fromisoformat(kept.last) for kept in sets if kept.last}
        self._journal.watermark(source, year.name, through)

    def since(self, source: str, year: SchoolYear, overlap: int) -> dict[str, date]:
        """Return from which day on to ask, by ``feed/name``: the watermark less ``overlap`` days. Without a round: from the beginning."""
        if not self.last(source, year):
            return {}
        return {place: day - timedelta(days=overlap) for place, day in self._journal.watermarks(source, year.name).items()}

    def last(self, source: str, year: SchoolYear) -> list[Kept]:
        """Return the sets of the last whole round of a school year, the older before the newer; none when there was none."""
        arrivals = self._journal.arrivals(source, _name(year))
        if not arrivals:
            return []
        path = self._archive.path(arrivals[-1].sha256)
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
            return [Kept(**{**kept, "pages": tuple((name, sha256) for name, sha256 in kept["pages"])}) for kept in found["sets"]]
        except (OSError, ValueError, KeyError, TypeError):
            raise RecoupError("ARCHIVE_DAMAGED", where=_name(year), sha256=arrivals[-1].sha256) from None

    def files(self, source: str, year: SchoolYear) -> list[RawFile]:
        """Return the pages in force, the older set before the newer. ``ARCHIVE_DAMAGED`` (1) when the bytes of one are gone."""
        files = []
        for kept in self.last(source, year):
            for name, sha256 in kept.pages:
                path = self._archive.path(sha256)
                if not path.exists():
                    raise RecoupError("ARCHIVE_DAMAGED", where=name, sha256=sha256)
                files.append(RawFile(source, kept.feed, name, sha256, path.stat().st_size, path))
        return files

    def _put(self, source: str, feed: str, name: str, body: bytes) -> Any:
        temp = self._archive.incoming()
        with storing(temp):
            temp.write_bytes(body)
        return self._archive.admit(temp, source, feed, name)


def _name(year: SchoolYear) -> str:
    return f"{PAGES}round-{year.name}.json"


def _shown(sets: Sequence[Kept]) -> list[Kept]:
    """Leave out windows of which later ones show every day, and other sets that a later one of the same place replaces."""
    shown: list[Kept] = []
    taken: dict[str, set[int]] = {}
    for kept in reversed(sets):
        days = _days(kept)
        if days - taken.get(kept.place, set()):
            shown.append(kept)
            taken.setdefault(kept.place, set()).update(days)
    return shown[::-1]


def _days(kept: Kept) -> set[int]:
    """The days of a window as numbers; of a set without one, a day of its own."""
    if not kept.first:
        return {0}
    return set(range(date.fromisoformat(kept.first).toordinal(), date.fromisoformat(kept.last).toordinal() + 1))
