"""Pages of a system that answers over HTTP: which of the archived ones are, together, what it last said in full.

Each page is a file of the archive. When a fetch has all its sets, a *round* is written: a file that names every page in force by
its hash. A fetch that fails leaves no round, so that the one before stands, with its very pages.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from recoup.errors import RecoupError
from recoup.ports import RawFile
from recoup.store.archive import PAGES
from recoup.store.platform import storing
from recoup.store.records import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from recoup.ports import PageSet, SchoolYear
    from recoup.store.archive import Archive
    from recoup.store.journal import Journal


@dataclass(frozen=True, slots=True)
class Kept:
    """One set in force.

    ``place`` is ``feed/name``; ``first`` and ``last`` are those of ``ports.PageSet``, as ISO texts; ``pages`` name and hash of each.
    ``after``: the number of the change from which on it is laid over the sets before; 0 where it stands for itself.
    """

    feed: str
    place: str
    first: str
    last: str
    pages: tuple[tuple[str, str], ...]
    after: int = 0


class Round:
    """A fetch at work: pages go into the archive as they come; they count once ``close`` has put a round over them."""

    def __init__(self, rounds: Rounds, source: str, year: SchoolYear) -> None:
        self.new: list[str] = []
        self.known: list[str] = []
        self._rounds = rounds
        self._source = source
        self._year = year
        self._sets: list[Kept] = []
        self._through: dict[str, int] = {}
        self._arrivals: list[Arrival] = []
        self._held = {arrival.name: arrival.sha256 for arrival in rounds.journal.arrivals(source)}

    def admit(self, wanted: PageSet, bodies: Sequence[bytes]) -> None:
        """Take a whole set into the archive."""
        names = [f"{PAGES}{wanted.path}/{number:04d}.{wanted.suffix}" for number in range(1, len(bodies) + 1)]
        for name, body in zip(names, bodies, strict=True):
            (self.new if self._put(wanted.feed, name, body) else self.known).append(name)
        pages = tuple((name, self._held[name]) for name in names)
        first, last = (day.isoformat() if day else "" for day in (wanted.first, wanted.last))
        if wanted.through is not None:
            self._through[wanted.place] = wanted.through
        if pages or not wanted.after:
            self._sets.append(Kept(wanted.feed, wanted.place, first, last, pages, wanted.after))

    def close(self, *, full: bool) -> None:
        """Put the round over its sets; unless ``full``, windows of the one before stay that show a day, and sets to lay changes over.

        The watermark of each window moves to its last day, and that of numbered changes to the last one, only now.
        """
        before = [] if full else self._rounds.last(self._source, self._year)
        shown = _shown([*(kept for kept in before if kept.first or kept.place in self._through), *self._sets])
        told = {"school_year": self._year.name, "through": self._through, "sets": [asdict(kept) for kept in shown]}
        self._put("", _name(self._year), json.dumps(told, indent=1).encode())
        self.tell()
        days = {kept.place: date.fromisoformat(kept.last) for kept in self._sets if kept.last}
        self._rounds.journal.watermark(self._source, self._year.name, days)

    def tell(self) -> None:
        """Tell the journal, in one step, what came; also of a fetch that fails."""
        self._rounds.journal.arrive_all(self._arrivals)
        self._arrivals = []

    def _put(self, feed: str, name: str, body: bytes) -> bool:
        """Archive one file; tell whether it is new under its name."""
        archive = self._rounds.archive
        temp = archive.incoming()
        with storing(temp):
            temp.write_bytes(body)
        sha256, size = archive.keep(temp)
        if self._held.get(name) == sha256:
            return False
        self._held[name] = sha256
        self._arrivals.append(Arrival(0, self._source, feed, name, sha256, size, None, self._rounds.clock()))
        return True


class Rounds:
    """The rounds of one workspace."""

    def __init__(self, archive: Archive, journal: Journal, clock: Callable[[], datetime]) -> None:
        self.archive = archive
        self.journal = journal
        self.clock = clock

    @contextmanager
    def begin(self, source: str, year: SchoolYear) -> Iterator[Round]:
        """Begin a fetch; what came is in the journal when the block ends, however it ends."""
        made = Round(self, source, year)
        try:
            yield made
        finally:
            made.tell()

    def since(self, source: str, year: SchoolYear, overlap: int) -> dict[str, date]:
        """Return from which day on to ask, by ``feed/name``: the watermark less ``overlap`` days. Without a round: from the beginning."""
        if not self.last(source, year):
            return {}
        return {place: day - timedelta(days=overlap) for place, day in self.journal.watermarks(source, year.name).items()}

    def versions(self, source: str, year: SchoolYear) -> dict[str, int]:
        """Return by ``feed/name`` the number of the last change that the sets in force show, of systems that number them."""
        return self._read(source, year)[1]

    def last(self, source: str, year: SchoolYear) -> list[Kept]:
        """Return the sets of the last whole round of a school year, the older before the newer; none when there was none."""
        return self._read(source, year)[0]

    def _read(self, source: str, year: SchoolYear) -> tuple[list[Kept], dict[str, int]]:
        arrivals = self.journal.arrivals(source, _name(year))
        if not arrivals:
            return [], {}
        path = self.archive.path(arrivals[-1].sha256)
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
            sets = [Kept(**{**kept, "pages": tuple((name, sha256) for name, sha256 in kept["pages"])}) for kept in found["sets"]]
            return sets, {place: int(number) for place, number in found.get("through", {}).items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise RecoupError("ARCHIVE_DAMAGED", where=_name(year), sha256=arrivals[-1].sha256) from None

    def files(self, source: str, year: SchoolYear) -> list[RawFile]:
        """Return the pages in force, the older set before the newer. ``ARCHIVE_DAMAGED`` (1) when the bytes of one are gone."""
        files = []
        for kept in self.last(source, year):
            for name, sha256 in kept.pages:
                path = self.archive.path(sha256)
                if not path.exists():
                    raise RecoupError("ARCHIVE_DAMAGED", where=name, sha256=sha256)
                files.append(RawFile(source, kept.feed, name, sha256, path.stat().st_size, path))
        return files


def _name(year: SchoolYear) -> str:
    return f"{PAGES}round-{year.name}.json"


def _shown(sets: Sequence[Kept]) -> list[Kept]:
    """Leave out windows of which later ones show every day, and other sets that a later one of the same place replaces.

    A set that is laid over those before (``after``) replaces none of them.
    """
    shown: list[Kept] = []
    taken: dict[str, set[int]] = {}
    for kept in reversed(sets):
        if kept.after:
            if 0 not in taken.get(kept.place, set()):
                shown.append(kept)
            continue
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
