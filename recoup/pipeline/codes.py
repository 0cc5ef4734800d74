"""What codes a source's files hold, and which of them have no meaning yet."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from recoup.adapters import crosswalk
from recoup.errors import RecoupError, nearest
from recoup.pipeline.plan import make_plan
from recoup.pipeline.road import open_job
from recoup.ports import Lea, RawFile, ReadRequest
from recoup.store import feed_of

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.adapters.crosswalk import Seen
    from recoup.config import Config
    from recoup.pipeline.road import Request
    from recoup.ports import Adapter, SchoolYear


def codes(config: Config, source: str | None, request: Request) -> tuple[list[Seen], int, str]:
    """Read one source's archived files and return its codes as they may be shown, those without a meaning first, how many are masked, and
    the draft of a crosswalk file for them, which has them whole.

    ``source`` None: the only one. Raises ``CODES_SOURCE`` (2) for a source that is not in the configuration or not named,
    ``ARCHIVE_EMPTY`` (4) before the first fetch, and what the adapter raises.
    """
    plan = make_plan(config)
    named = {planned.source.name: planned for planned in plan.sources}
    source = next(iter(named)) if source is None and len(named) == 1 else source
    if source not in named:
        name = source or "(none named)"
        raise RecoupError("CODES_SOURCE", str(config.path), name=name, known=", ".join(named), nearest=nearest(name, named))
    planned = named[source]
    with open_job(plan, "codes", request) as (workspace, _):
        files = list(workspace.archive.select(source, planned.feeds, plan.law.year).files)
        if planned.http:
            files = [*workspace.rounds.files(source, plan.law.year), *files]
        if not files:
            raise RecoupError("ARCHIVE_EMPTY", f"source '{source}'", location=planned.source.location)
        found = crosswalk.seen(planned.adapter, planned.adapter.read(files, planned.request))
    shown = [crosswalk.masked(one) for one in found]
    return shown, sum(one != whole for one, whole in zip(shown, found, strict=True)), crosswalk.draft(found, plan.law.year.name)


def draft_of(adapter: Adapter, folder: Path, year: SchoolYear) -> str:
    """Return the draft of a crosswalk file for the codes in a folder of files; empty when they cannot be read as yet or need none."""
    files = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else ():
        feed = feed_of(path.name, adapter.feeds, "sis")
        if feed is not None:
            data = path.read_bytes()
            files.append(RawFile("sis", feed.name, path.name, sha256(data).hexdigest(), len(data), path))
    try:
        found = crosswalk.seen(adapter, adapter.read(files, ReadRequest("sis", year, Lea("0000000", ""))))
    except RecoupError:
        # Options that the district has not filled in yet, or files that are not all there: `recoup codes` drafts it later.
        return ""
    return crosswalk.draft(found, year.name) if any(not one.means for one in found) else ""
