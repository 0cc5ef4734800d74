"""Every format against its golden files, and the helper that keeps them."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from recoup import testing

CASES = sorted(path.parent for path in (Path(__file__).parents[2] / "fixtures" / "exporters").glob("*/case.toml"))


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_files_are_as_expected(folder: Path, tmp_path: Path) -> None:
    assert testing.compare(folder, testing.actual(folder, tmp_path)) == []


def test_bundle_holds_the_rows_of_its_source(case: Path) -> None:
    for written in (case / "expected" / "bundle").glob("*.csv"):
        told = [list(csv.reader(io.StringIO(path.read_text(encoding="utf-8")))) for path in (written, case / "in" / written.name)]
        assert told[0][0] == told[1][0]
        assert sorted(told[0]) == sorted(told[1])


def test_generate_shows_a_diff_and_overwrites_only_by_force(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "cedar"
    shutil.copytree(case, folder)
    golden = folder / "expected" / "updater_records.csv"
    right = golden.read_bytes()
    golden.write_bytes(right.replace(b"100045", b"100046"))
    missing = folder / "expected" / "updater_mapping.md"
    missing.unlink()
    assert testing.main(["generate", str(folder)]) == 1
    assert missing.exists()
    assert golden.read_bytes() != right
    assert "+9000000001,100045" in capsys.readouterr().out
    assert testing.main(["generate", "--force", str(folder)]) == 0
    assert golden.read_bytes() == right
    assert testing.main(["test", str(folder)]) == 0


def test_compare_tells_missing_from_unexpected(case: Path) -> None:
    told = testing.compare(case, {"surprise.csv": b""})
    assert "written and not expected: surprise.csv\n" in told
    assert "expected and not written: updater_records.csv\n" in told
