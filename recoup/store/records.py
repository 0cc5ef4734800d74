"""The rows of the journal, as the rooms that ask for them see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recoup.errors import Exit

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as the history shows it. ``ended`` and ``status`` are None for a run that was cut off, or still runs."""

    run_id: str
    command: str
    started: datetime
    ended: datetime | None
    status: int | None
    message: str
    school_year: str
    as_of: date | None
    rule_version: str
    config_hash: str
    running: bool = False

    @property
    def outcome(self) -> str:
        """``done``, ``withheld``, ``refused``, ``failed``; for a run without an end ``interrupted``, or ``running`` if that is known."""
        if self.status is None:
            return "running" if self.running else "interrupted"
        return {Exit.DONE: "done", Exit.WITHHELD: "withheld", Exit.REFUSED: "refused"}.get(Exit(self.status), "failed")


@dataclass(frozen=True, slots=True)
class Output:
    """One file of OUT as the manifest lists it: posix name below OUT, bytes, SHA-256, data rows (None: not a table)."""

    name: str
    size: int
    sha256: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One time that a source held these bytes under this name."""

    number: int
    source: str
    feed: str
    name: str
    sha256: str
    size: int
    modified: datetime | None
    fetched: datetime


@dataclass(frozen=True, slots=True)
class Disposition:
    """A person's decision, one row of the table ``dispositions`` (canonical-model.md); ``decided_at`` is local and naive."""

    number: int
    school_year: str
    disposition_id: str
    scope: str
    session_id: str | None
    ssid: str | None
    date: date | None
    code: str | None
    decision: str
    value: str | None
    decided_by: str
    decided_at: datetime
    reason: str
    evidence_ref: str


@dataclass(frozen=True, slots=True)
class ClosingRecord:
    """One closing of a reporting period, as ``ports.Closing`` without its tables; ``rows``: the credits that were reported."""

    school_year: str
    period: str
    generation: int
    ends: date
    as_of: date
    run_id: str
    rule_version: str
    closed_by: str
    closed_at: datetime
    reason: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Swap:
    """A replacement of OUT.

    ``state``: ``building`` (not whole yet), ``ready`` (whole, the renames may be torn), ``placed`` (only the
    removal of the one before the previous is left), ``done`` or ``undone``.
    """

    run_id: str
    out: Path
    state: str
    replaces: bool
    status: int
    ended: str
