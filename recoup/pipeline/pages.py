"""fetch, for a system that answers over HTTP: sets of pages into the archive, and a round over them when all are there."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.ports import FetchRequest, Finding
from recoup.transports import HttpSettings, open_http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from recoup.pipeline.plan import PlannedSource
    from recoup.ports import HttpAdapter, PageSet
    from recoup.store import Workspace
    from recoup.transports.http import HttpTransport

#: Faults of a set that a second look may not meet: its data changed while it was read.
UNSTEADY = frozenset({"HTTP_COUNT", "HTTP_PAGE_LOOP"})
#: What this account, or this server, does not have.
NOT_THERE = frozenset({"HTTP_DENIED", "HTTP_NOT_FOUND", "HTTP_NOT_OFFERED"})


def probe(planned: PlannedSource, until: date) -> str:
    """Sign in to the source's system and look whether it has what is needed; say what was seen. Raises as the client does."""
    adapter, client = _open(planned)
    with closing(client):
        return f"{client.base}: {adapter.probe(client, FetchRequest(planned.request, until))}"


def bring_pages(
    workspace: Workspace, planned: PlannedSource, say: Callable[[str], None], *, until: date, full: bool
) -> tuple[list[str], list[str], list[Finding]]:
    """Fetch every set of pages into the archive and close the round; return names that are new, names known already, and findings.

    Since the last round only, unless ``full``. When anything fails, the round before stands, and its watermarks.
    """
    source, year = planned.source, planned.request.year
    since = {} if full else workspace.rounds.since(source.name, year, source.http.overlap_days)
    versions = {} if full else workspace.rounds.versions(source.name, year)
    adapter, client = _open(planned)
    findings: list[Finding] = []
    with closing(client), workspace.rounds.begin(source.name, year) as made:
        sets = adapter.fetch(client, FetchRequest(planned.request, until, since, versions))
        for wanted, bodies in _loaded(sets, source.http.concurrency):
            if isinstance(bodies, RecoupError):
                findings.append(Finding("fetch", bodies.code, "warn", 0, f"{source.name}: {wanted.path} is left out. {bodies}"))
                continue
            say(f"{source.name}: {wanted.path} ({len(bodies)} pages)")
            made.admit(wanted, bodies)
        made.close(full=full)
    return made.new, made.known, findings


def _open(planned: PlannedSource) -> tuple[HttpAdapter, HttpTransport]:
    adapter = planned.http
    assert adapter is not None, "asked only of sources that answer over HTTP"
    decided = getattr(adapter, "signs_in", None)
    sign_in = decided(planned.request) if decided else adapter.sign_in
    return adapter, open_http(planned.source.location, sign_in, HttpSettings.of(planned.source))


def _loaded(sets: Iterator[PageSet], concurrency: int) -> Iterator[tuple[PageSet, Sequence[bytes] | RecoupError]]:
    """Load the sets, some at the same time, and give them in their order; an optional one that is not there is its error."""
    waiting: deque[tuple[PageSet, Future[Sequence[bytes]]]] = deque()
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="fetch")
    try:
        for wanted in sets:
            waiting.append((wanted, pool.submit(_load, wanted)))
            if len(waiting) > concurrency:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _result(wanted: PageSet, future: Future[Sequence[bytes]]) -> tuple[PageSet, Sequence[bytes] | RecoupError]:
    try:
        return wanted, future.result()
    except RecoupError as fault:
        if wanted.optional and fault.code in NOT_THERE:
            return wanted, fault
        raise


def _load(wanted: PageSet) -> Sequence[bytes]:
    """Load a set; once more when its pages did not fit together."""
    try:
        return wanted.load()
    except RecoupError as fault:
        if fault.code not in UNSTEADY:
            raise
    return wanted.load()
