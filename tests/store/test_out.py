"""OUT is replaced as a whole or not at all, and nothing that Recoup did not write is ever lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from recoup.errors import RecoupError
from recoup.ports import Written
from recoup.store import Workspace
from recoup.store.platform import WINDOWS
from tests.store.road import is_whole, label_of, road, small_run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_out_becomes_the_previous(tmp_path: Path) -> None:
    for label in ("first", "second", "third"):
        road(tmp_path, label)
    assert names(tmp_path) == ["out", "out.previous", "ws"]
    assert is_whole(tmp_path / "out")
    assert is_whole(tmp_path / "out.previous")
    assert (label_of(tmp_path / "out"), label_of(tmp_path / "out.previous")) == ("third", "second")


@pytest.mark.parametrize("place", ["out", "out.previous"])
def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir()
    (tmp_path / place / "thesis.txt").write_text("mine")
    with pytest.raises(RecoupError) as error:
        road(tmp_path, "first")
    assert (error.value.code, error.value.status) == ("OUT_NOT_OURS", 2)
    assert names(tmp_path) == [place, "ws"]
    assert (tmp_path / place / "thesis.txt").read_text() == "mine"


def test_a_file_or_a_stranger_s_manifest_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "manifest.json").write_text('{"name": "a web page"}')
    with Workspace.open(tmp_path / "ws", command="run") as workspace:
        for name in ("file", "web"):
            with pytest.raises(RecoupError, match="OUT_NOT_OURS"):
                workspace.out.check(tmp_path / name)
        with pytest.raises(RecoupError, match="OUT_HOLDS_WORKSPACE"):
            workspace.out.check(tmp_path)


def test_an_empty_folder_is_taken_and_is_no_previous_one(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    road(tmp_path, "first")
    assert names(tmp_path) == ["out", "ws"]


def test_parents_are_made(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws", command="run") as workspace, workspace.start() as job:
        folder = job.build(tmp_path / "a" / "b" / "out")
        (folder / "x.csv").write_text("x")
        job.publish(small_run(job.run_id), [Written("x.csv", 1)])
    assert is_whole(tmp_path / "a" / "b" / "out")


def test_what_a_person_put_into_out_is_kept_beside_it(tmp_path: Path) -> None:
    road(tmp_path, "first")
    (tmp_path / "out" / "bundle" / "my notes.txt").write_text("mine")
    road(tmp_path, "second")
    assert (tmp_path / "out.previous" / "bundle" / "my notes.txt").exists()
    road(tmp_path, "third")
    [kept] = tmp_path.glob("out.kept-*")
    assert [path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()] == ["bundle/my notes.txt"]


def test_a_failure_while_building_leaves_the_old_out(tmp_path: Path) -> None:
    road(tmp_path, "first")
    with Workspace.open(tmp_path / "ws", command="run") as workspace, pytest.raises(ZeroDivisionError), workspace.start() as job:
        (job.build(tmp_path / "out") / "half.csv").write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == ["out", "ws"]
    assert label_of(tmp_path / "out") == "first"


@pytest.mark.parametrize("failing", range(1, 4))
def test_a_rename_that_fails_puts_the_old_out_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """As on Windows when a program holds a file of OUT, or the previous one, open."""
    road(tmp_path, "first")
    road(tmp_path, "second")
    swaps = 0
    replace = os.replace

    def refusing(source: Path, target: Path) -> None:
        nonlocal swaps
        if Path(target).name.startswith("out") and "removed" not in Path(target).name:
            swaps += 1
            if swaps == failing:
                raise PermissionError(13, "held", str(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refusing)
    with pytest.raises(RecoupError, match="STORE_DENIED"):
        road(tmp_path, "third")
    monkeypatch.undo()
    assert names(tmp_path) == ["out", "out.previous", "ws"]
    assert (label_of(tmp_path / "out"), label_of(tmp_path / "out.previous")) == ("second", "first")
    with Workspace.look(tmp_path / "ws") as workspace:
        assert [record.outcome for record in workspace.journal.runs()] == ["failed", "done", "done"]
        assert workspace.journal.open_swaps() == []
    road(tmp_path, "fourth")
    assert label_of(tmp_path / "out.previous") == "second"


def test_a_drive_that_is_away_waits_for_its_swap(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws", command="run") as workspace:
        run_id = workspace.journal.begin("run", workspace.clock())
        workspace.journal.swap_building(run_id, tmp_path / "away" / "out")
        workspace.journal.swap_ready(run_id, replaces=False, status=0, ended=workspace.clock())
    with Workspace.open(tmp_path / "ws", command="run") as workspace:
        assert [swap.run_id for swap in workspace.journal.open_swaps()] == [run_id]


@pytest.mark.skipif(WINDOWS, reason="this platform has no modes")
def test_out_is_private_until_a_person_opens_it(tmp_path: Path) -> None:
    road(tmp_path, "first")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out" / "ledger.csv").stat().st_mode) == 0o600
    (tmp_path / "out").chmod(0o750)
    road(tmp_path, "second")
    assert stat.S_IMODE((tmp_path / "out" / "bundle").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "out" / "ledger.csv").stat().st_mode) == 0o640


@pytest.mark.skipif(WINDOWS, reason="links need a right on this platform")
def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "share" / "out")
    road(tmp_path, "first")
    assert (tmp_path / "out").is_symlink()
    assert is_whole(tmp_path / "share" / "out")
