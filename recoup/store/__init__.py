"""The store: one workspace with its lock, raw archive, journal and snapshots, and the OUT folders it publishes.

The pipeline opens a workspace, starts a job in it, and ends the job by publishing or by ending it::

    with Workspace.open(path, command="run") as workspace:
        with workspace.start(school_year=..., as_of=..., rule_version=..., config_hash=...) as job:
            ...                                     # fetch: workspace.archive.admit(...)
            job.snapshot(run)
            folder = job.build(out)                 # the exporters write into it
            job.publish(run, written, status=0, withheld={})
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recoup import __version__
from recoup.errors import Exit, RecoupError
from recoup.store import manifest
from recoup.store.archive import Admitted, Archive, Selection, date_in_name, feed_of
from recoup.store.closed import Closed, closed_pairs
from recoup.store.journal import Journal
from recoup.store.lock import WorkspaceLock
from recoup.store.out import OutFolders
from recoup.store.platform import free_disk, private_folder, storing
from recoup.store.records import Disposition, Output, RunRecord
from recoup.store.rounds import Rounds
from recoup.store.snapshot import Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from recoup.ports import Run, Written

__all__ = [
    "Admitted",
    "Archive",
    "Disposition",
    "Job",
    "Journal",
    "Output",
    "Published",
    "RunRecord",
    "Selection",
    "Workspace",
    "closed_pairs",
    "date_in_name",
    "feed_of",
    "free_disk",
    "storing",
]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Published:
    """What stands in OUT now. ``unchanged``: the outputs are byte for byte those that stood there before."""

    out: Path
    outputs: Sequence[Output]
    unchanged: bool


class Workspace:
    """One district's workspace: ``archive``, ``journal``, ``snapshots``, ``closed`` and ``out``, under one lock."""

    def __init__(self, path: Path, journal: Journal, command: str, clock: Callable[[], datetime]) -> None:
        self.path = path
        self.command = command
        self.journal = journal
        self.archive = Archive(path / "archive", journal, clock)
        self.rounds = Rounds(self.archive, journal, clock)
        self.snapshots = Snapshots(path / "snapshots", journal)
        self.closed = Closed(path / "closed", journal)
        self.out = OutFolders(journal, path)
        self.clock = clock
        self.at_work = False

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, command: str, clock: Callable[[], datetime] = _now) -> Iterator[Workspace]:
        """Open or make the workspace for one command that may change it, first mending what a killed run left.

        ``STORE_LOCKED`` (5) if another run has it, ``STORE_NEWER`` (2), ``STORE_DENIED``, ``STORE_DISK_FULL``.
        """
        path = path.absolute()
        with storing(path):
            private_folder(path)
        lock = WorkspaceLock(path)
        lock.acquire(command, clock())
        try:
            with cls._at(path, command, clock) as workspace:
                workspace.out.recover()
                workspace.archive.sweep()
                workspace.snapshots.sweep()
                workspace.closed.sweep()
                yield workspace
        finally:
            lock.release()

    @classmethod
    @contextmanager
    def look(cls, path: Path, *, clock: Callable[[], datetime] = _now) -> Iterator[Workspace]:
        """Open the workspace to read it, also while a run is at work: nothing is mended, nothing may be written."""
        path = path.absolute()
        with storing(path):
            private_folder(path)
        at_work = WorkspaceLock(path).is_held()
        with cls._at(path, "look", clock) as workspace:
            workspace.at_work = at_work
            yield workspace

    @classmethod
    @contextmanager
    def _at(cls, path: Path, command: str, clock: Callable[[], datetime]) -> Iterator[Workspace]:
        journal = Journal(path / "journal.sqlite")
        try:
            yield cls(path, journal, command, clock)
        finally:
            journal.close()

    def runs(self, limit: int | None = None) -> list[RunRecord]:
        """Return the history, the newest first. One without an end is ``interrupted``, the newest ``running`` while a run is at work."""
        records = self.journal.runs(limit)
        if self.at_work and records:
            records[0] = replace(records[0], running=True)
        return records

    def run(self, run_id: str) -> RunRecord:
        """Return one run by its id, as ``runs`` shows it. ``STORE_UNKNOWN_RUN`` (2) if there is none."""
        known = self.journal.run(run_id)
        return next((record for record in self.runs(1) if record.run_id == run_id), known)

    @contextmanager
    def start(self, *, school_year: str = "", as_of: date | None = None, rule_version: str = "", config_hash: str = "") -> Iterator[Job]:
        """Begin a run of the command. It ends by ``Job.publish`` or ``Job.end``, or with status 0 when the block ends.

        When the block raises, what was built is removed, the snapshot too, and the run ends with the
        status of the ``RecoupError``, else 1.
        """
        started = self.clock()
        run_id = self.journal.begin(
            self.command, started, school_year=school_year, as_of=as_of, rule_version=rule_version, config_hash=config_hash
        )
        job = Job(self, run_id, started)
        try:
            yield job
        except BaseException as error:
            job.fail(error)
            raise
        if not job.ended:
            job.end()


class Job:
    """One run at work in a workspace. ``run_id`` sorts by time and names the snapshot and the manifest."""

    def __init__(self, workspace: Workspace, run_id: str, started: datetime) -> None:
        self.run_id = run_id
        self.started = started
        self.ended = False
        self._workspace = workspace

    def snapshot(self, run: Run) -> None:
        """Save the run's tables and results as Parquet; they count as the last good ones once it is published."""
        self._workspace.snapshots.save(run)

    def build(self, out: Path) -> Path:
        """Return the empty folder that becomes ``out``, for the exporters to write into. ``OUT_NOT_OURS`` (2) and its like."""
        return self._workspace.out.build(self.run_id, out)

    def publish(
        self, run: Run, written: Sequence[Written], *, status: int = Exit.DONE, withheld: Mapping[str, str] | None = None
    ) -> Published:
        """Write the manifest, put the built folder in OUT's place, and end the run with ``status`` (0 or 6).

        ``withheld``: exporter name to reason. ``run.findings`` go to the manifest, so they include those
        of the exporters. Older snapshots than the ten newest are removed. ``OUT_BUSY``, ``STORE_DISK_FULL``:
        the old OUT stands.
        """
        journal, out = self._workspace.journal, self._workspace.out
        folder = out.building(self.run_id)
        with storing(folder):
            outputs = manifest.measure(folder, written)
            ended = self._workspace.clock()
            manifest.write(
                folder,
                manifest.build(
                    run,
                    recoup_version=__version__,
                    started=self.started,
                    ended=ended,
                    status=status,
                    outputs=outputs,
                    withheld=withheld or {},
                ),
            )
        before = manifest.read(journal.swap(self.run_id).out) or {"outputs": None}
        counts = {name: frame.height for name, frame in run.tables.items()}
        journal.record(self.run_id, inputs=run.inputs, outputs=outputs, findings=run.findings, counts=counts)
        place = out.publish(self.run_id, status, ended)
        self.ended = True
        self._workspace.snapshots.prune()
        return Published(place, outputs, unchanged=before["outputs"] == [asdict(output) for output in outputs])

    def end(self, status: int = Exit.DONE, message: str = "") -> None:
        """End a run that publishes nothing (fetch, check, a dry run, a refusal): built folder and snapshot are removed."""
        self._workspace.out.give_up(self.run_id)
        self._workspace.snapshots.drop(self.run_id)
        self._workspace.journal.end(self.run_id, status, self._workspace.clock(), message)
        self.ended = True

    def fail(self, error: BaseException) -> None:
        """End a run that raised ``error``, with its status; one that has published stays as it is."""
        if self.ended or self.run_id in self._workspace.journal.good_runs():
            return
        status, message = (error.status, str(error)) if isinstance(error, RecoupError) else (Exit.FAULT, type(error).__name__)
        # A full disk may refuse even this; the run then shows as interrupted, and the next command clears up.
        with suppress(RecoupError):
            self.end(status, message)
