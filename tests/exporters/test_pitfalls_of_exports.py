"""Pitfalls of the vendor sheet that a receiver's files show: room for so many characters (26), and formulas (35)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.errors import Exit, RecoupError
from recoup.exporters.tables import shortened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.ports import Export, Run

LONG = "Attendance recovery on Saturdays and in the afternoons of the second semester"


def with_program(run: Run, name: str) -> Run:
    """Return the run, its counted time all of programs that are called so."""
    entries = run.results["time_entries"].with_columns(program_name=pl.lit(name))
    return replace(run, results={**run.results, "time_entries": entries})


def tabular(column: str) -> dict[str, object]:
    return {"comments.csv": {"table": "time_entries", "columns": ["ssid", f"{column} = Comment"]}}


def test_pitfall_26_a_comment_is_shortened_always_alike_and_stays_whole_in_our_own(
    cedar: Run, export: Callable[..., Export], tmp_path: Path
) -> None:
    """Aeries has room for 50 characters beside a made-up day."""
    run = with_program(cedar, LONG)
    done = export(run, "tabular", files=tabular("program_name[50]"))
    comments = pl.read_csv(tmp_path / "comments.csv", infer_schema=False)["Comment"]
    assert set(comments) == {"Attendance recovery on Saturdays and in the aft..."}
    assert {len(comment) for comment in comments} == {50}
    (said,) = done.findings
    assert (said.code, said.severity, said.rows) == ("SHORTENED", "info", comments.len())
    assert said.message.startswith("Comment was shortened in comments.csv, to the 50 characters")
    assert set(run.results["time_entries"]["program_name"]) == {LONG}


@pytest.mark.parametrize("column", ["ssid[1]", "outcome[1]", "minutes_raw[1]", "session_id[1]", "codes[1]", "date[8]"])
def test_pitfall_26_a_code_or_number_is_never_shortened(column: str, cedar: Run, export: Callable[..., Export], tmp_path: Path) -> None:
    run = replace(cedar, results={**cedar.results, "time_entries": cedar.results["time_entries"].with_columns(codes=pl.lit("ratio;cap"))})
    with pytest.raises(RecoupError, match="TABULAR_WIDE") as caught:
        export(run, "tabular", files=tabular(column))
    assert caught.value.status == Exit.REFUSED
    assert "cannot be shortened" in str(caught.value)
    assert not (tmp_path / "comments.csv").exists()


def test_pitfall_26_the_comment_of_a_record_made_here_fits_and_that_of_the_sis_is_left_to_it(
    cedar: Run, export: Callable[..., Export], tmp_path: Path
) -> None:
    run = with_program(cedar, "; ".join([LONG] * 4))
    done = export(replace(run, tables={**run.tables, "program_records": run.tables["program_records"].clear()}), "program_updater")
    said = {finding.code: finding.rows for finding in done.findings}
    comments = pl.read_csv(tmp_path / "updater_records.csv", infer_schema=False, has_header=True)["comment"].drop_nulls()
    assert {len(comment) for comment in comments} == {255}
    assert said["COMMENT_SHORTENED"] == comments.len()
    assert "ICU15" not in said


@given(st.text(max_size=40), st.integers(1, 30))
def test_what_fits_is_left_as_it_is_and_the_rest_is_cut_to_the_width(text: str, width: int) -> None:
    made = pl.DataFrame({"a": [text]}).select(shortened(pl.col("a"), width))["a"].item()
    assert len(made) <= width
    assert made == text if len(text) <= width else made != text


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_pitfall_35_a_formula_is_harmless_for_people_and_left_alone_for_machines(
    start: str, cedar: Run, export: Callable[..., Export], tmp_path: Path
) -> None:
    run = with_program(cedar, f"{start}1+1")
    for for_people, cell in ((True, f"'{start}1+1"), (False, f"{start}1+1")):
        folder = tmp_path / str(for_people)
        folder.mkdir()
        export(run, "tabular", folder, files=tabular("program_name"), for_people=for_people)
        assert set(pl.read_csv(folder / "comments.csv", infer_schema=False)["Comment"]) == {cell}
