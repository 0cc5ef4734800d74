"""Snapshots: the canonical tables and the results of each run as Parquet, whole or not there."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from recoup.errors import RecoupError
from recoup.ports import Attestation, Decision, Finding, Input, Lea, LeaRules, Run, SchoolYear
from recoup.store.platform import private_folder, remove_tree, replace, storing, sync_folder, sync_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from recoup.store.journal import Journal

KEEP: Final = 10
_FACTS: Final = "run.json"


class Snapshots:
    """The snapshots of one workspace, ``<root>/<run_id>/{tables,results}/<table>.parquet``, ``quarantine.parquet``, ``run.json``, and
    ``fallen.parquet`` where days rest on a word."""

    def __init__(self, root: Path, journal: Journal) -> None:
        self._root = root
        self._journal = journal

    def sweep(self) -> None:
        """Remove what killed runs left: snapshots half-written or half-removed, and those of runs that published nothing."""
        with storing(self._root):
            good = set(self._journal.good_runs())
            for folder in self._root.iterdir() if self._root.exists() else ():
                if folder.name not in good:
                    remove_tree(folder)

    def save(self, run: Run) -> None:
        """Write the snapshot of ``run``; it is on the disk, or nothing of it, when this returns or raises."""
        building, whole = self._root / f"building-{run.run_id}", self._root / run.run_id
        try:
            with storing(whole):
                private_folder(self._root)
                private_folder(building)
                for kind, frames in (("tables", run.tables), ("results", run.results)):
                    private_folder(building / kind)
                    for name, frame in frames.items():
                        frame.write_parquet(building / kind / f"{name}.parquet")
                run.quarantine.write_parquet(building / "quarantine.parquet")
                if run.fallen is not None:
                    run.fallen.write_parquet(building / "fallen.parquet")
                (building / _FACTS).write_text(json.dumps(_facts(run), indent=2), encoding="utf-8", newline="\n")
                sync_tree(building)
                remove_tree(whole)
                replace(building, whole)
                sync_folder(self._root)
        except BaseException:
            remove_tree(building)
            raise

    def last_good(self, school_year: str | None = None) -> str | None:
        """Return the id of the newest run (of one school year) that published its outputs and whose snapshot is kept, or None."""
        return next((run_id for run_id in self._journal.good_runs(school_year) if (self._root / run_id / _FACTS).exists()), None)

    def load(self, run_id: str) -> Run:
        """Return a run as it was saved. ``STORE_NO_SNAPSHOT`` (2) if it is not, or no longer, kept; ``SNAPSHOT_DAMAGED`` (1)."""
        import polars as pl

        facts = self._read_facts(run_id)
        with storing(self._root / run_id):
            try:
                tables, results = (
                    {name: _table(self._root / run_id / kind, name) for name in facts[f"{kind}_in_order"]} for kind in ("tables", "results")
                )
                quarantine = _table(self._root / run_id, "quarantine")
                fallen = _table(self._root / run_id, "fallen") if facts.get("fallen") else None
            except (pl.exceptions.PolarsError, FileNotFoundError):
                raise self._damaged(run_id) from None
        return _run(facts, tables, results, quarantine, fallen)

    def scan(self, run_id: str, table: str) -> pl.LazyFrame:
        """Return one table or result of a saved run, lazily. ``STORE_NO_SNAPSHOT`` (2) if it is not kept."""
        import polars as pl

        self._read_facts(run_id)
        for folder in ("tables", "results", ""):
            path = self._root / run_id / folder / f"{table}.parquet"
            if path.exists():
                return pl.scan_parquet(path)
        raise RecoupError("STORE_NO_SNAPSHOT", where=str(self._root), run=f"{run_id}, table {table}")

    def drop(self, run_id: str) -> None:
        """Remove the snapshot of a run that published nothing."""
        self._remove(self._root / run_id)

    def prune(self, keep: int = KEEP) -> None:
        """Remove the snapshots of good runs older than the ``keep`` newest ones."""
        kept = [run_id for run_id in self._journal.good_runs() if (self._root / run_id).exists()]
        for run_id in kept[max(keep, 1) :]:
            self._remove(self._root / run_id)

    def _remove(self, folder: Path) -> None:
        with storing(folder):
            if folder.exists():
                gone = folder.with_name(f"discarded-{folder.name}")
                replace(folder, gone)
                remove_tree(gone)

    def _read_facts(self, run_id: str) -> dict[str, Any]:
        path = self._root / run_id / _FACTS
        if not path.exists():
            raise RecoupError("STORE_NO_SNAPSHOT", where=str(self._root), run=run_id)
        try:
            with storing(path):
                facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise self._damaged(run_id) from None
        return facts

    def _damaged(self, run_id: str) -> RecoupError:
        return RecoupError("SNAPSHOT_DAMAGED", where=str(self._root), run=run_id)


def _table(folder: Path, name: str) -> pl.DataFrame:
    import polars as pl

    # Not mapped into memory: Windows could not remove a file that a frame still looks into.
    return pl.read_parquet(folder / f"{name}.parquet", memory_map=False)


def _facts(run: Run) -> dict[str, Any]:
    return {
        "year": {"name": run.year.name, "first": run.year.first.isoformat(), "last": run.year.last.isoformat()},
        "lea": asdict(run.lea),
        "as_of": run.as_of.isoformat(),
        "run_id": run.run_id,
        "rule_version": run.rule_version,
        "policy": dict(run.policy),
        "attest": [{**asdict(item), "on": item.on.isoformat()} for item in run.attest],
        "absent": sorted(run.absent),
        "tables_in_order": list(run.tables),
        "results_in_order": list(run.results),
        "inputs": [asdict(item) for item in run.inputs],
        "findings": [asdict(item) for item in run.findings],
        "leas": [asdict(item) for item in run.leas],
        "decisions": [{**asdict(item), "decided_at": item.decided_at and item.decided_at.isoformat()} for item in run.decisions],
        "without_attestations": dict(run.without_attestations),
        "fallen": run.fallen is not None,
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _run(
    facts: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
    results: Mapping[str, pl.DataFrame],
    quarantine: pl.DataFrame,
    fallen: pl.DataFrame | None,
) -> Run:
    year = facts["year"]
    return Run(
        year=SchoolYear(year["name"], date.fromisoformat(year["first"]), date.fromisoformat(year["last"])),
        lea=Lea(**facts["lea"]),
        as_of=date.fromisoformat(facts["as_of"]),
        run_id=facts["run_id"],
        rule_version=facts["rule_version"],
        policy=facts["policy"],
        attest=[Attestation(**{**item, "on": date.fromisoformat(item["on"])}) for item in facts["attest"]],
        tables=tables,
        absent=frozenset((table, column) for table, column in facts["absent"]),
        results=results,
        quarantine=quarantine,
        inputs=[Input(**item) for item in facts["inputs"]],
        findings=[Finding(**item) for item in facts["findings"]],
        # A snapshot of an earlier version has none of these.
        leas=tuple(LeaRules(**{**item, "lea": Lea(**item["lea"]), "schools": tuple(item["schools"])}) for item in facts.get("leas", ())),
        decisions=tuple(Decision(**{**item, "decided_at": _moment(item["decided_at"])}) for item in facts.get("decisions", ())),
        without_attestations=facts.get("without_attestations", {}),
        fallen=fallen,
    )
