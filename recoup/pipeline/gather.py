"""fetch: from each source's place into the raw archive, and nowhere else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.pipeline.pages import bring_pages
from recoup.ports import Finding
from recoup.store import feed_of
from recoup.transports import CHANGING, TransportSettings, open_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from recoup.pipeline.plan import PlannedSource
    from recoup.ports import RemoteFile, Transport
    from recoup.store import Workspace

#: How many of the files that nobody asks for are named.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source held: files and pages that are new, those that were known, files no feed asks for, and what a person should know."""

    source: str
    new: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def fetch(
    workspace: Workspace,
    sources: Sequence[PlannedSource],
    say: Callable[[str], None],
    *,
    dispose: bool = True,
    full: bool = False,
    until: date,
) -> list[Fetched]:
    """Bring each source's new files and pages into the archive, and only then do with the remote files what the configuration says.

    A file that changes while it is fetched is left for the next time, and listed. ``dispose=False`` leaves every remote file.
    ``full``: ask a system that answers over HTTP for the whole year again; ``until``: the last day to ask it for. Raises
    ``RecoupError`` of status 3 (or 2) when a source cannot be reached, signed in to, or read.
    """
    found: list[Fetched] = []
    for planned in sources:
        place = planned.file_location
        one = _fetch(workspace, planned, place, say, dispose=dispose) if place else Fetched(planned.source.name)
        if planned.http:
            new, known, findings = bring_pages(workspace, planned, say, until=until, full=full)
            one = replace(one, new=(*one.new, *new), known=(*one.known, *known), findings=(*one.findings, *findings))
        found.append(one)
    return found


def _fetch(workspace: Workspace, planned: PlannedSource, place: str, say: Callable[[str], None], *, dispose: bool) -> Fetched:
    source = planned.source
    new: list[str] = []
    known: list[str] = []
    unmatched: list[str] = []
    findings: list[Finding] = []
    before = {arrival.feed for arrival in workspace.journal.arrivals(source.name)}
    offered: set[str] = set()
    with closing(open_transport(place, TransportSettings.of(source))) as transport:
        for file in transport.list_files():
            feed = feed_of(file.name, planned.file_feeds, source.name)
            if feed is None:
                unmatched.append(file.name)
                continue
            offered.add(feed.name)
            try:
                if workspace.archive.has(source.name, file):
                    known.append(file.name)
                else:
                    say(f"{source.name}: {file.name} ({file.size:,} bytes)")
                    (new if _bring(workspace, transport, file, source.name, feed.name) else known).append(file.name)
                if dispose:
                    transport.dispose(file)
            except RecoupError as fault:
                # Neither harms the run: the one file comes next time, the other is safely archived.
                if fault.code not in {CHANGING, "TRANSPORT_CANNOT_DISPOSE"}:
                    raise
                findings.append(Finding("fetch", fault.code, "warn", 0, str(fault)))
        findings += transport.findings
    # Where files are left in their place, one that was there and is not may be an export that no longer runs.
    for feed in (feed for feed in planned.file_feeds if feed.name in before - offered and source.after_fetch == "leave"):
        message = f"{source.name}: there is no whole file of {feed.name} any more, and the archived one is read: does its export still run?"
        findings.append(Finding("fetch", "not_offered", "warn", 0, message))
    if unmatched:
        shown = ", ".join(unmatched[:SHOWN]) + (" …" if len(unmatched) > SHOWN else "")
        findings.append(Finding("fetch", "unmatched", "info", 0, f"{source.name}: files that no feed asks for were left: {shown}"))
    return Fetched(source.name, tuple(new), tuple(known), tuple(unmatched), tuple(findings))


def _bring(workspace: Workspace, transport: Transport, file: RemoteFile, source: str, feed: str) -> bool:
    """Fetch one file and archive it; tell whether its bytes are new."""
    temp = workspace.archive.incoming()
    transport.fetch(file, temp)
    return workspace.archive.admit(temp, source, feed, file.name, file.modified).new
