"""One run at a time in a workspace, and no lock outlives its process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from recoup.errors import RecoupError
from recoup.store import Workspace

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from recoup.store import Workspace
with Workspace.open(Path(sys.argv[1]), command="run") as workspace, workspace.start():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.communicate()


def test_a_held_lock_names_its_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(RecoupError) as error, Workspace.open(tmp_path, command="fetch"):
        raise AssertionError
    end(holder)
    assert (error.value.code, error.value.status) == ("STORE_LOCKED", 5)
    assert f"recoup run, process {holder.pid} on " in str(error.value)
    assert "since 20" in str(error.value)


def test_a_reader_needs_no_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with Workspace.look(tmp_path) as workspace:
        assert [record.outcome for record in workspace.runs()] == ["running"]
    holder.kill()
    end(holder)
    with Workspace.look(tmp_path) as workspace:
        assert [record.outcome for record in workspace.runs()] == ["interrupted"]


def test_a_dead_process_blocks_nobody(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    end(holder)
    assert (tmp_path / "lock.json").exists()
    with Workspace.open(tmp_path, command="fetch"):
        pass
    assert not (tmp_path / "lock.json").exists()


def test_the_lock_is_let_go_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Workspace.open(tmp_path, command="run"):
        raise KeyError
    with Workspace.open(tmp_path, command="run"):
        pass
