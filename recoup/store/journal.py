"""The journal: what ran, what it read and wrote, how it ended, and which steps on the disk are still to finish."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import contextmanager
from dataclasses import astuple, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recoup.errors import Exit, RecoupError
from recoup.ports import Finding, Input
from recoup.store.platform import private_file, storing
from recoup.store.records import Arrival, ClosingRecord, Disposition, Output, RunRecord, Swap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GOOD: Final = (Exit.DONE, Exit.WITHHELD)

#: One entry a schema version, never edited after a release: ``PRAGMA user_version`` counts those applied.
MIGRATIONS: Final = (
    (
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, command TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
            status INTEGER, message TEXT NOT NULL DEFAULT '', school_year TEXT NOT NULL, as_of TEXT,
            rule_version TEXT NOT NULL, config_hash TEXT NOT NULL) STRICT""",
        """CREATE TABLE inputs (
            run_id TEXT NOT NULL, position INTEGER NOT NULL, source TEXT NOT NULL, feed TEXT NOT NULL, name TEXT NOT NULL,
            size INTEGER NOT NULL, sha256 TEXT NOT NULL, rows_read INTEGER NOT NULL, rows_kept INTEGER NOT NULL,
            rows_refused INTEGER NOT NULL, PRIMARY KEY (run_id, position)) STRICT""",
        """CREATE TABLE outputs (
            run_id TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
            rows INTEGER, PRIMARY KEY (run_id, position)) STRICT""",
        """CREATE TABLE findings (
            run_id TEXT NOT NULL, position INTEGER NOT NULL, export TEXT NOT NULL, code TEXT NOT NULL, severity TEXT NOT NULL,
            rows INTEGER NOT NULL, message TEXT NOT NULL, PRIMARY KEY (run_id, position)) STRICT""",
        """CREATE TABLE counts (
            run_id TEXT NOT NULL, "table" TEXT NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (run_id, "table")) STRICT""",
        """CREATE TABLE arrivals (
            number INTEGER PRIMARY KEY, source TEXT NOT NULL, feed TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,
            size INTEGER NOT NULL, modified TEXT, fetched TEXT NOT NULL) STRICT""",
        "CREATE INDEX arrivals_by_name ON arrivals (source, name)",
        """CREATE TABLE swaps (
            run_id TEXT PRIMARY KEY, out TEXT NOT NULL, state TEXT NOT NULL, replaces INTEGER NOT NULL DEFAULT 0,
            status INTEGER NOT NULL DEFAULT 0, ended TEXT NOT NULL DEFAULT '') STRICT""",
    ),
    (
        """CREATE TABLE dispositions (
            number INTEGER PRIMARY KEY, school_year TEXT NOT NULL, disposition_id TEXT NOT NULL UNIQUE, scope TEXT NOT NULL,
            session_id TEXT, ssid TEXT, date TEXT, code TEXT, decision TEXT NOT NULL, value TEXT, decided_by TEXT NOT NULL,
            decided_at TEXT NOT NULL, reason TEXT NOT NULL, evidence_ref TEXT NOT NULL) STRICT""",
        # What a person decided is never edited: a later decision supersedes it.
        "CREATE TRIGGER dispositions_stand BEFORE UPDATE ON dispositions BEGIN SELECT RAISE(ABORT, 'append only'); END",
        "CREATE TRIGGER dispositions_stay BEFORE DELETE ON dispositions BEGIN SELECT RAISE(ABORT, 'append only'); END",
    ),
    (
        """CREATE TABLE watermarks (
            source TEXT NOT NULL, school_year TEXT NOT NULL, place TEXT NOT NULL, through TEXT NOT NULL,
            PRIMARY KEY (source, school_year, place)) STRICT""",
    ),
    (
        """CREATE TABLE closings (
            number INTEGER PRIMARY KEY, school_year TEXT NOT NULL, period TEXT NOT NULL, generation INTEGER NOT NULL, ends TEXT NOT NULL,
            as_of TEXT NOT NULL, run_id TEXT NOT NULL, rule_version TEXT NOT NULL, closed_by TEXT NOT NULL, closed_at TEXT NOT NULL,
            reason TEXT NOT NULL, sha256 TEXT NOT NULL, rows INTEGER NOT NULL, UNIQUE (school_year, period, generation)) STRICT""",
        "CREATE TRIGGER closings_stand BEFORE UPDATE ON closings BEGIN SELECT RAISE(ABORT, 'append only'); END",
        "CREATE TRIGGER closings_stay BEFORE DELETE ON closings BEGIN SELECT RAISE(ABORT, 'append only'); END",
    ),
)


def stamp(moment: datetime) -> str:
    """Write a moment as the journal and the manifest do: UTC, ``2026-11-22T05:31:00Z``; a naive one is UTC already."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class Journal:
    """The SQLite file of one workspace. Every change is one transaction, on the disk when the call returns.

    All methods raise ``RecoupError`` ``STORE_DISK_FULL`` or ``STORE_JOURNAL`` (1) when SQLite cannot do its work.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the journal, and bring its schema up to date. ``STORE_NEWER`` (2) if a newer Recoup wrote it."""
        self._path = path
        with storing(path):
            private_file(path)
            # A rollback journal and not WAL: a district's workspace may lie on a network drive, where WAL breaks.
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            try:
                self._db.execute("PRAGMA synchronous = EXTRA")
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with storing(self._path), self._db as db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with storing(self._path):
            return self._db.execute(query, values).fetchall()

    def _migrate(self) -> None:
        if self._version() == len(MIGRATIONS):
            return
        with self._change() as db:
            version = self._version()
            if version > len(MIGRATIONS):
                raise RecoupError("STORE_NEWER", where=str(self._path.parent))
            for statement in (statement for step in MIGRATIONS[version:] for statement in step):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    # --- runs -------------------------------------------------------------------------------------

    def begin(
        self,
        command: str,
        started: datetime,
        *,
        school_year: str = "",
        as_of: date | None = None,
        rule_version: str = "",
        config_hash: str = "",
    ) -> str:
        """Record that a run began and return its id, which sorts by time: ``20261122T053100123Z-1a2b3c``."""
        run_id = f"{started.astimezone(UTC):%Y%m%dT%H%M%S}{started.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"
        with self._change() as db:
            db.execute(
                "INSERT INTO runs (run_id, command, started, school_year, as_of, rule_version, config_hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run_id, command, stamp(started), school_year, as_of and as_of.isoformat(), rule_version, config_hash),
            )
        return run_id

    def record(
        self,
        run_id: str,
        *,
        inputs: Sequence[Input] = (),
        outputs: Sequence[Output] = (),
        findings: Sequence[Finding] = (),
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Record what the run read, wrote and found, and the rows of each table."""
        kinds: dict[str, Sequence[Input | Output | Finding]] = {"inputs": inputs, "outputs": outputs, "findings": findings}
        with self._change() as db:
            for table, items in kinds.items():
                db.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608 - three names of ours
                for position, item in enumerate(items):
                    row = (run_id, position, *astuple(item))
                    db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
            rows = [(run_id, table, count) for table, count in (counts or {}).items()]
            db.executemany("INSERT OR REPLACE INTO counts VALUES (?, ?, ?)", rows)

    def end(self, run_id: str, status: int, ended: datetime, message: str = "") -> None:
        """Record how a run ended. ``message`` holds no value of a student's record."""
        with self._change() as db:
            self._end(db, run_id, status, stamp(ended), message)

    @staticmethod
    def _end(db: sqlite3.Connection, run_id: str, status: int, ended: str, message: str) -> None:
        db.execute("UPDATE runs SET status = ?, ended = ?, message = ? WHERE run_id = ?", (int(status), ended, message, run_id))

    def runs(self, limit: int | None = None) -> list[RunRecord]:
        """Return the runs, the newest first."""
        rows = self._read(
            "SELECT run_id, command, started, ended, status, message, school_year, as_of, rule_version, config_hash "
            "FROM runs ORDER BY number DESC LIMIT ?",
            -1 if limit is None else limit,
        )
        return [_run_record(row) for row in rows]

    def run(self, run_id: str) -> RunRecord:
        """Return one run by its id. ``STORE_UNKNOWN_RUN`` (2) if there is none."""
        for record in self.runs():
            if record.run_id == run_id:
                return record
        raise RecoupError("STORE_UNKNOWN_RUN", where=str(self._path.parent), run=run_id)

    def inputs(self, run_id: str) -> list[Input]:
        """Return the raw files that a run read."""
        return [Input(*row[2:]) for row in self._read("SELECT * FROM inputs WHERE run_id = ? ORDER BY position", run_id)]

    def outputs(self, run_id: str) -> list[Output]:
        """Return the files that a run wrote."""
        return [Output(*row[2:]) for row in self._read("SELECT * FROM outputs WHERE run_id = ? ORDER BY position", run_id)]

    def findings(self, run_id: str) -> list[Finding]:
        """Return what a run found."""
        return [Finding(*row[2:]) for row in self._read("SELECT * FROM findings WHERE run_id = ? ORDER BY position", run_id)]

    def counts(self, run_id: str) -> dict[str, int]:
        """Return the rows of each table of a run."""
        rows = self._read('SELECT "table", rows FROM counts WHERE run_id = ? ORDER BY "table"', run_id)
        return dict(rows)

    def good_runs(self, school_year: str | None = None) -> list[str]:
        """Return the ids of the runs (of one school year) that published their outputs, the newest first."""
        rows = self._read(
            "SELECT run_id FROM runs JOIN swaps USING (run_id) "
            "WHERE state IN ('placed', 'done') AND runs.status IN (?, ?) AND school_year = coalesce(?, school_year) ORDER BY number DESC",
            *map(int, GOOD),
            school_year,
        )
        return [str(row[0]) for row in rows]

    # --- arrivals of raw files --------------------------------------------------------------------

    def arrive(self, source: str, feed: str, name: str, sha256: str, size: int, modified: datetime | None, fetched: datetime) -> None:
        """Record that ``source`` holds these bytes under this name."""
        self.arrive_all([Arrival(0, source, feed, name, sha256, size, modified, fetched)])

    def arrive_all(self, arrivals: Sequence[Arrival]) -> None:
        """Record arrivals, in their order and in one step; their numbers are given here."""
        rows = [(a.source, a.feed, a.name, a.sha256, a.size, a.modified and stamp(a.modified), stamp(a.fetched)) for a in arrivals]
        with self._change() as db:
            db.executemany("INSERT INTO arrivals (source, feed, name, sha256, size, modified, fetched) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def arrivals(self, source: str, name: str | None = None) -> list[Arrival]:
        """Return the arrivals of a source, or of one name of it, the oldest first."""
        rows = self._read("SELECT * FROM arrivals WHERE source = ? AND name = coalesce(?, name) ORDER BY number", source, name)
        return [_arrival(row) for row in rows]

    # --- decisions of people ----------------------------------------------------------------------

    def decide(self, disposition: Disposition) -> None:
        """Record a decision for good."""
        with self._change() as db:
            row = (str(value) if isinstance(value, date) else value for value in astuple(disposition))
            db.execute(f"INSERT INTO dispositions VALUES ({', '.join('?' * 14)})", tuple(row))  # noqa: S608 - a count of ours

    def dispositions(self) -> list[Disposition]:
        """Return every decision ever recorded in this workspace, the oldest first."""
        return [_disposition(row) for row in self._read("SELECT * FROM dispositions ORDER BY number")]

    # --- how far a system was asked over HTTP -------------------------------------------------------

    def watermark(self, source: str, school_year: str, through: Mapping[str, date]) -> None:
        """Record the last day that each place (``attendance/990``) was asked for, all of them in one step."""
        with self._change() as db:
            rows = [(source, school_year, place, day.isoformat()) for place, day in through.items()]
            db.executemany("INSERT OR REPLACE INTO watermarks VALUES (?, ?, ?, ?)", rows)

    def watermarks(self, source: str, school_year: str) -> dict[str, date]:
        """Return the last day that each place was asked for."""
        rows = self._read("SELECT place, through FROM watermarks WHERE source = ? AND school_year = ?", source, school_year)
        return {place: date.fromisoformat(through) for place, through in rows}

    # --- closings of reporting periods ------------------------------------------------------------

    def close_period(self, record: ClosingRecord) -> None:
        """Record that a period was closed; its frozen files are on the disk."""
        with self._change() as db:
            db.execute(
                "INSERT INTO closings (school_year, period, generation, ends, as_of, run_id, rule_version, closed_by, closed_at, reason, "
                "sha256, rows) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [stamp(cell) if isinstance(cell, datetime) else str(cell) if isinstance(cell, date) else cell for cell in astuple(record)],
            )

    def closings(self) -> list[ClosingRecord]:
        """Return every closing, the oldest first."""
        return [_closing(row[1:]) for row in self._read("SELECT * FROM closings ORDER BY number")]

    # --- swaps of OUT -----------------------------------------------------------------------------

    def swap_building(self, run_id: str, out: Path) -> None:
        """Record that the run is about to build a new ``out`` beside the old one."""
        with self._change() as db:
            db.execute("INSERT INTO swaps (run_id, out, state) VALUES (?, ?, 'building')", (run_id, str(out)))

    def swap_ready(self, run_id: str, *, replaces: bool, status: int, ended: datetime) -> None:
        """Record that the new OUT is whole and on the disk: from here on the swap is finished, whatever happens."""
        with self._change() as db:
            db.execute(
                "UPDATE swaps SET state = 'ready', replaces = ?, status = ?, ended = ? WHERE run_id = ?",
                (int(replaces), int(status), stamp(ended), run_id),
            )

    def swap_placed(self, swap: Swap, message: str = "") -> None:
        """Record, in one step, that the new OUT is in its place and that its run ended."""
        with self._change() as db:
            db.execute("UPDATE swaps SET state = 'placed' WHERE run_id = ?", (swap.run_id,))
            self._end(db, swap.run_id, swap.status, swap.ended, message)

    def swap_done(self, run_id: str) -> None:
        """Record that nothing is left to do for the swap."""
        with self._change() as db:
            db.execute("UPDATE swaps SET state = 'done' WHERE run_id = ?", (run_id,))

    def swap_undone(self, run_id: str) -> None:
        """Record that the new OUT was given up and the old one stands."""
        with self._change() as db:
            db.execute("UPDATE swaps SET state = 'undone' WHERE run_id = ?", (run_id,))

    def open_swaps(self) -> list[Swap]:
        """Return the swaps that are neither done nor undone, the oldest first."""
        return [_swap(row) for row in self._read("SELECT * FROM swaps WHERE state NOT IN ('done', 'undone') ORDER BY rowid")]

    def swap(self, run_id: str) -> Swap:
        """Return the swap of a run that builds an OUT."""
        return _swap(self._read("SELECT * FROM swaps WHERE run_id = ?", run_id)[0])


def _arrival(row: tuple[Any, ...]) -> Arrival:
    number, source, feed, name, sha256, size, modified, fetched = row
    return Arrival(number, source, feed, name, sha256, size, _moment(modified), datetime.fromisoformat(fetched))


def _disposition(row: tuple[Any, ...]) -> Disposition:
    names = [field.name for field in fields(Disposition)]
    day = {"date": date.fromisoformat(row[6]) if row[6] else None, "decided_at": datetime.fromisoformat(row[11])}
    return Disposition(**{**dict(zip(names, row, strict=True)), **day})


def _closing(row: tuple[Any, ...]) -> ClosingRecord:
    school_year, period, generation, ends, as_of, run_id, rule_version, closed_by, closed_at, *rest = row
    days = date.fromisoformat(ends), date.fromisoformat(as_of)
    return ClosingRecord(school_year, period, generation, *days, run_id, rule_version, closed_by, datetime.fromisoformat(closed_at), *rest)


def _swap(row: tuple[Any, ...]) -> Swap:
    run_id, out, state, replaces, status, ended = row
    return Swap(run_id, Path(out), state, bool(replaces), status, ended)


def _run_record(row: tuple[Any, ...]) -> RunRecord:
    run_id, command, started, ended, status, message, school_year, as_of, rule_version, config_hash = row
    began, day = datetime.fromisoformat(started), date.fromisoformat(as_of) if as_of else None
    return RunRecord(run_id, command, began, _moment(ended), status, message, school_year, day, rule_version, config_hash)
