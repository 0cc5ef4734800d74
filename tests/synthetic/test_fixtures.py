"""The committed synthetic files are what the generator writes today."""

from __future__ import annotations

import zipfile
from pathlib import Path

from recoup.synthetic.__main__ import write_cases

FIXTURES = Path(__file__).parents[2] / "fixtures"


def contents(folder: Path) -> dict[str, object]:
    """Return the files of a folder; a workbook by its parts, for two compressors may disagree."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): parts(path) if path.suffix == ".xlsx" else path.read_bytes() for path in files}


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as book:
        return {name: book.read(name) for name in book.namelist()}


def test_committed_cases_are_current(tmp_path: Path) -> None:
    """When this fails: ``python -m recoup.synthetic fixtures``, then look at the difference before you commit it."""
    for written in write_cases(FIXTURES / "synthetic.csv", tmp_path):
        assert contents(FIXTURES / written.relative_to(tmp_path)) == contents(written), written.name


def test_the_fixtures_stay_small() -> None:
    assert sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()) < 5_000_000
