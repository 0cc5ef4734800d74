"""``recoup demo``, as a person's first command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from recoup.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_demo_runs_the_whole_road_and_runs_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = CliRunner().invoke(main, ["demo", str(folder)])
    assert first.exit_code == 0, first.output
    assert {path.name for path in folder.iterdir()} >= {"data", "recoup.toml", "out"}
    assert len(first.output.splitlines()) < 40
    again = CliRunner().invoke(main, ["demo", str(folder), "--json"])
    assert json.loads(again.stdout)["unchanged"]


def test_demo_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    said = CliRunner().invoke(main, ["demo", str(tmp_path / "file" / "demo")])
    assert said.exit_code == 2
    assert "DEMO_CANNOT_WRITE" in said.output
