"""What an adapter fetches from a server of the tests and reads again, without the pipeline in between."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.pipeline.pages import NOT_THERE
from recoup.ports import FetchRequest, Lea, RawFile, ReadRequest, SchoolYear
from recoup.transports import HttpSettings, RetrySettings, open_http

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recoup.ports import HttpAdapter, PageSet, Reading
    from tests.servers.loopback import System

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))


class Told:
    """A secret whose text is known to the test."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text


def asking(options: Mapping[str, object], mapping: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None) -> ReadRequest:
    """Ask for 2025-2026 of Cedar Valley Unified."""
    return ReadRequest("sis", YEAR, Lea("1964733", "Cedar Valley Unified"), options, mapping or {})


def fetched(
    adapter: HttpAdapter, system: System, base: str, request: ReadRequest, until: date, page_size: int, **secrets: str
) -> list[RawFile]:
    """Fetch every set and write its pages as the archive would name them; a set that is not there is left out if it may be."""
    given = {name: Told(text) for name, text in secrets.items()}
    settings = HttpSettings(page_size=page_size, retry=RetrySettings(2, 0, 0), **given)  # type: ignore[arg-type]
    files = []
    decided = getattr(adapter, "signs_in", None)
    sign_in = decided(request) if decided else adapter.sign_in
    with closing(open_http(system.url + base, sign_in, settings)) as client:
        for wanted in adapter.fetch(client, FetchRequest(request, until)):
            for number, body in enumerate(_loaded(wanted), 1):
                files.append(_page(system.folder.parent / "pages", wanted.feed, f"pages/{wanted.path}/{number:04d}.json", body))
    return files


def _loaded(wanted: PageSet) -> Sequence[bytes]:
    try:
        return wanted.load()
    except RecoupError as fault:
        if wanted.optional and fault.code in NOT_THERE:
            return []
        raise


def beside(adapter: HttpAdapter, folder: Path) -> list[RawFile]:
    """Describe the files beside, each of the feed that its name begins with."""
    names = {feed.name for feed in adapter.feeds} - adapter.paged
    files = []
    for path in sorted(folder.iterdir()):
        if path.stem in names:
            data = path.read_bytes()
            files.append(RawFile("sis", path.stem, path.name, sha256(data).hexdigest(), len(data), path))
    return files


def rows(reading: Reading, table: str) -> list[dict[str, object]]:
    """Return a table's rows without their lineage."""
    return reading.tables[table].drop("_source", "_file", "_line").collect().to_dicts()


def _page(folder: Path, feed: str, name: str, body: bytes) -> RawFile:
    digest = sha256(body).hexdigest()
    folder.mkdir(exist_ok=True)
    (folder / digest).write_bytes(body)
    return RawFile("sis", feed, name, digest, len(body), folder / digest)
