"""Snapshots come back as they were saved, and the last good one is kept until a newer one is whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recoup.errors import RecoupError
from recoup.store import Workspace
from recoup.store.snapshot import KEEP
from tests.store.road import road, small_run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    with Workspace.open(tmp_path, command="run") as workspace, workspace.start() as job:
        run = replace(small_run(job.run_id), fallen=pl.DataFrame({"ssid": ["9000000001"]}))
        workspace.snapshots.save(run)
        loaded = workspace.snapshots.load(job.run_id)
        for kind in ("tables", "results"):
            saved, again = getattr(run, kind), getattr(loaded, kind)
            assert list(saved) == list(again)
            for name, frame in saved.items():
                assert_frame_equal(frame, again[name])
        assert_frame_equal(run.quarantine, loaded.quarantine)
        assert run.fallen is not None
        assert loaded.fallen is not None
        assert_frame_equal(run.fallen, loaded.fallen)
        nothing = pl.DataFrame()
        bare = [replace(one, tables={}, results={}, quarantine=nothing, fallen=None) for one in (loaded, run)]
        assert bare[0] == bare[1]
        assert workspace.snapshots.scan(job.run_id, "ledger").collect().height == 1
        with pytest.raises(RecoupError, match="STORE_NO_SNAPSHOT"):
            workspace.snapshots.scan(job.run_id, "no_such_table")


def test_only_a_published_run_is_good(tmp_path: Path) -> None:
    road(tmp_path, "good")
    with Workspace.open(tmp_path / "ws", command="run") as workspace:
        good = workspace.snapshots.last_good()
        with pytest.raises(ZeroDivisionError), workspace.start() as job:
            job.snapshot(small_run(job.run_id, "bad"))
            raise ZeroDivisionError
        assert workspace.snapshots.last_good() == good
        with pytest.raises(RecoupError, match="STORE_NO_SNAPSHOT"):
            workspace.snapshots.load(job.run_id)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(3):
        road(tmp_path, f"run {number}")  # each prunes to two
    with Workspace.open(tmp_path / "ws", command="run") as workspace:
        good = workspace.journal.good_runs()
        assert {path.name for path in (tmp_path / "ws" / "snapshots").iterdir()} == set(good[:2])
        workspace.snapshots.prune(0)
        assert workspace.snapshots.last_good() == good[0]
    assert KEEP == 10


def test_the_rows_of_the_last_good_run_are_known_for_the_shrink_limit(tmp_path: Path) -> None:
    road(tmp_path, "good")
    with Workspace.look(tmp_path / "ws") as workspace:
        assert workspace.journal.counts(workspace.snapshots.last_good("2025-2026") or "") == {"sessions": 1, "staff": 0, "students": 1}
        assert workspace.snapshots.last_good("2026-2027") is None


@pytest.mark.parametrize("harm", ["cut", "gone", "facts"])
def test_a_damaged_snapshot_is_named(tmp_path: Path, harm: str) -> None:
    with Workspace.open(tmp_path, command="run") as workspace, workspace.start() as job:
        workspace.snapshots.save(small_run(job.run_id))
        folder = tmp_path / "snapshots" / job.run_id
        table = next(folder.glob("tables/*.parquet"))
        if harm == "gone":
            table.unlink()
        else:
            (table if harm == "cut" else folder / "run.json").write_bytes(b"PAR1")
        with pytest.raises(RecoupError, match="SNAPSHOT_DAMAGED"):
            workspace.snapshots.load(job.run_id)
