"""The heart of the store: a run that is killed at any step leaves OUT whole and the next run right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed children are forked, which this platform cannot")


def kills(place: Path, where: str, kind: str, every: int = 1) -> int:
    command = [sys.executable, "-m", "tests.store.killing", str(place), where, kind, str(every)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]
    return int(ended.stdout)


def test_killed_at_some_steps_on_the_disk(tmp_path: Path) -> None:
    assert kills(tmp_path, "steps", "later", every=16) > 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["first", "later"])
def test_killed_at_every_step_on_the_disk(tmp_path: Path, kind: str) -> None:
    assert kills(tmp_path, "steps", kind) > 160


@pytest.mark.slow
def test_killed_at_lines_between_the_steps(tmp_path: Path) -> None:
    assert kills(tmp_path, "lines", "later", every=7) > 100


@pytest.mark.slow
def test_killed_again_at_every_step_of_the_recovery(tmp_path: Path) -> None:
    assert kills(tmp_path, "steps", "recover", every=4) > 400
