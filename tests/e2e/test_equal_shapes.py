"""One district, two shapes: what the ledger says of a student does not depend on the files it came in."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from recoup import config, pipeline
from recoup.errors import Exit
from recoup.synthetic.__main__ import SHAPES
from recoup.synthetic.district import make_district
from tests.e2e.ledgers import assert_same, ledgers

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from recoup.synthetic.district import BadRows

CONFIGS = {
    "bundle": "demo.toml",
    "aeries_files": "aeries.toml",
    "edfi": "edfi.toml",
    "eschoolplus_files": "eschoolplus.toml",
    "infinite_campus_files": "infinite_campus.toml",
    "oneroster": "oneroster.toml",
    "powerschool_files": "powerschool.toml",
    "q_files": "q.toml",
    "schoolpathways_files": "schoolpathways.toml",
    "schoolwise_files": "schoolwise.toml",
    "synergy": "synergy.toml",
}
#: The shapes of vendors, each held against the bundle.
VENDORS = [shape for shape in SHAPES if shape != "bundle"]
#: Those held to it among the quick tests: one with rules in Python, one that is data alone.
QUICK = ("aeries_files", "eschoolplus_files")


def run(shape: str, folder: Path, students: int, bad_rows: BadRows = "none") -> pipeline.Outcome:
    """Run the road on the district in one shape, with the state's file as the only export."""
    SHAPES[shape](make_district(students=students, bad_rows=bad_rows), folder / "data")
    text = (files("recoup.synthetic") / CONFIGS[shape]).read_text(encoding="utf-8")
    (folder / "recoup.toml").write_text(text[: text.index("[[exports]]")] + '[[exports]]\nexporter = "calpads_stas"\n', encoding="utf-8")
    return pipeline.run(config.load(folder / "recoup.toml"), pipeline.Request())


def results(shape: str, folder: Path, students: int, bad_rows: BadRows = "none") -> dict[str, pl.DataFrame]:
    """Return the ledger's tables and the state's files, as they lie in OUT."""
    found = ledgers(run(shape, folder, students, bad_rows))
    assert sum(name.startswith("STAS_") for name in found) == 2, "the district's, and that of its independently reporting charter"
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    return results("bundle", tmp_path_factory.mktemp("bundle"), 60)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    return results("bundle", tmp_path_factory.mktemp("bundle"), 600, "survivable")


@pytest.mark.parametrize("shape", [pytest.param(shape, marks=[] if shape in QUICK else pytest.mark.slow) for shape in VENDORS])
def test_the_ledgers_of_a_small_district_are_equal(shape: str, small: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    assert_same(small, results(shape, tmp_path, 60))


@pytest.mark.slow
@pytest.mark.parametrize("shape", VENDORS)
def test_the_ledgers_of_the_whole_district_are_equal_student_for_student(
    shape: str, whole: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    """Bad rows lie in both, each of its shape's own kinds, and change nothing."""
    assert whole["ledger"].height == 600
    assert_same(whole, results(shape, tmp_path, 600, "survivable"))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_survivable_bad_rows_change_no_ledger(shape: str, tmp_path: Path) -> None:
    assert_same(results(shape, tmp_path / "clean", 60), results(shape, tmp_path / "flawed", 60, "survivable"))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_refused_row_of_the_school_record_withholds_the_states_file(shape: str, tmp_path: Path) -> None:
    """A day whose row is refused is neither attended nor absent; the ledger is written all the same."""
    outcome = run(shape, tmp_path, 600, "all")
    assert outcome.status == Exit.WITHHELD
    assert set(outcome.withheld) == {"calpads_stas"}
    assert outcome.run.results["ledger"].height == 600
