"""Sessions from sign-in sheets and the school record from a bundle: the ledger is the bundle's once people have said who is who."""

from __future__ import annotations

import csv
import io
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import polars as pl
import pytest

from recoup import config, pipeline
from recoup.errors import Exit, RecoupError
from recoup.store.matches import FILE
from recoup.synthetic.district import make_district
from recoup.synthetic.sign_in_sheet import write_sign_in_sheet
from tests.e2e.ledgers import RESULTS, assert_same
from tests.e2e.test_equal_shapes import results as bundled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.config import Config

Line = dict[str, str]


def make(folder: Path, students: int, bad_rows: Literal["none", "survivable"] = "none") -> Config:
    write_sign_in_sheet(make_district(students=students, bad_rows=bad_rows), folder / "data")
    text = (files("recoup.synthetic") / "sign_in_sheet.toml").read_text(encoding="utf-8")
    (folder / "recoup.toml").write_text(text[: text.index("[[exports]]")] + '[[exports]]\nexporter = "calpads_stas"\n', encoding="utf-8")
    told = config.load(folder / "recoup.toml")
    pipeline.fetch_only(told, pipeline.Request())
    return told


def matches(told: Config) -> list[Line]:
    return list(csv.DictReader(io.StringIO((told.workspace / FILE).read_text(encoding="utf-8-sig"))))


def fill_in(told: Config, change: Callable[[Line], Line]) -> None:
    """Save the review list as a spreadsheet does: no byte order mark, its own line ends, dates in its own form."""
    lines = [change(line) for line in matches(told)]
    with (told.workspace / FILE).open("w", encoding="cp1252", newline="") as out:
        writer = csv.DictWriter(out, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def confirm(line: Line) -> Line:
    return line | {"confirmed_by": "A. Clerk", "confirmed_on": "1/6/2026", "birth_date": "5/2/2014"} if line["ssid"] else line


def signed(line: Line, who: str, when: str) -> Line:
    return line | {"confirmed_by": who, "confirmed_on": when}


def tables(outcome: pipeline.Outcome) -> dict[str, pl.DataFrame]:
    out = outcome.out
    assert out is not None
    found = {name: pl.read_csv(out / f"{name}.csv", infer_schema=False).drop(drop, strict=False) for name, drop in RESULTS.items()}
    state = {path.name: path.read_text(encoding="ascii").splitlines() for path in out.glob("STAS_*.txt")}
    return found | {name: pl.DataFrame({"line": lines}) for name, lines in state.items()}


def agree(folder: Path, students: int, bad_rows: Literal["none", "survivable"]) -> None:
    told = make(folder / "sheets", students, bad_rows)
    first = pipeline.check_only(told, pipeline.Request())
    asked = first.desk.checked.quarantine.filter(pl.col("code") == "STUDENT_TO_CONFIRM")
    assert asked.height > 5
    assert asked["table"].unique().to_list() == ["participation"]
    fill_in(told, confirm)
    outcome = pipeline.run(told, pipeline.Request())
    assert outcome.status == Exit.DONE, outcome.withheld
    (confirmed,) = [finding for finding in outcome.run.findings if finding.code == "MATCHES_CONFIRMED"]
    assert confirmed.rows == asked.height
    assert [item.rows_read for item in outcome.run.inputs if item.feed == "matches"] == [sum(bool(line["ssid"]) for line in matches(told))]
    assert_same(bundled("bundle", folder / "bundle", students, bad_rows), tables(outcome))


@pytest.mark.slow
def test_the_ledger_of_a_small_districts_sheets_is_the_bundles(tmp_path: Path) -> None:
    agree(tmp_path, 60, "none")


@pytest.mark.slow
def test_the_ledger_of_the_whole_districts_sheets_is_the_bundles(tmp_path: Path) -> None:
    agree(tmp_path, 600, "survivable")


@pytest.mark.slow
def test_nothing_of_a_name_counts_before_it_is_confirmed_with_who_and_when(tmp_path: Path) -> None:
    told = make(tmp_path, 40)
    counted = pipeline.check_only(told, pipeline.Request()).desk.checked.tables["participation"].height
    for who, when in (("A. Clerk", ""), ("", "2026-01-06"), ("A. Clerk", "yes")):
        fill_in(told, partial(signed, who=who, when=when))
        assert pipeline.check_only(told, pipeline.Request()).desk.checked.tables["participation"].height == counted
    assert {line["confirmed_on"] for line in matches(told)} == {"yes"}, "what was typed stays to be mended"
    fill_in(told, confirm)
    assert pipeline.check_only(told, pipeline.Request()).desk.checked.tables["participation"].height > counted
    before = (told.workspace / FILE).read_bytes()
    pipeline.check_only(told, pipeline.Request())
    assert (told.workspace / FILE).read_bytes() == before
    fill_in(told, lambda line: line | {"confirmed_by": ""})
    assert pipeline.check_only(told, pipeline.Request()).desk.checked.tables["participation"].height == counted


def test_the_review_list_is_private_and_a_lost_column_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = make(tmp_path, 40)
    outcome = pipeline.check_only(told, pipeline.Request(say=print))
    path = told.workspace / FILE
    assert path.stat().st_mode & 0o077 == 0
    names = {line["name"] for line in matches(told)}
    shown = capsys.readouterr().out + "".join(finding.message for finding in outcome.desk.findings)
    assert names
    assert not [name for name in names if name in shown]
    path.write_text("person,ssid\n1,2\n", encoding="utf-8")
    with pytest.raises(RecoupError, match="MATCHES_UNREADABLE"):
        pipeline.check_only(told, pipeline.Request())
    assert path.read_text(encoding="utf-8") == "person,ssid\n1,2\n"
