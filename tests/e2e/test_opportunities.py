"""What the opportunities promise, held against the ledger itself: the bound on what a release gives, and the minutes of a day."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import TYPE_CHECKING

import polars as pl
import pytest

from recoup import config, pipeline
from recoup.exporters import opportunities
from recoup.exporters.standing import standing
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.ports import Run

POLICIES = {
    "default": "",
    "generous": 'time_unit = "hour_floor_per_date"\nfull_day_record = "date"\nday_remainder = "drop"\nspecial_minutes = "table"\n',
}


def run(folder: Path, policy: str) -> Run:
    """Run the road on what lies in ``folder/data``, with no exports."""
    text = (files("recoup.synthetic") / "demo.toml").read_text(encoding="utf-8")
    # Decisions come and go between the runs, as no district's do.
    head = text[: text.index("[policy]")].replace("shrink = { share = 0.10", "shrink = { share = 1.0")
    (folder / "recoup.toml").write_text(f"{head}[policy]\n{policy}", encoding="utf-8")
    return pipeline.run(config.load(folder / "recoup.toml"), pipeline.Request()).run


def release(folder: Path, held: pl.DataFrame) -> None:
    """Write a decision that releases each of the holds."""
    rows = [
        {
            "disposition_id": f"D{number}",
            "scope": hold["scope"],
            "session_id": hold["session_id"] or "",
            "ssid": hold["ssid"] or "",
            "date": "",
            "code": hold["code"],
            "decision": "release",
            "value": "",
            "decided_by": "Director of Attendance",
            "decided_at": "2026-06-30T12:00:00",
            "reason": "seen",
            "evidence_ref": "binder",
        }
        for number, hold in enumerate(held.iter_rows(named=True))
    ]
    with (folder / "data" / "dispositions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_no_release_gives_more_than_was_said(policy: str, tmp_path: Path) -> None:
    """Release everything, then each of the two greatest codes alone: nobody gains more days than the bound, and it is not idle."""
    write_bundle(make_district(students=120), tmp_path / "data")
    before = run(tmp_path, policy)
    said = opportunities.students(before).select("ssid", "days_if_released")
    by_code = opportunities.held_back(before)
    holds = before.results["holds"].filter(pl.col("scope").is_in(["session", "participation"]), pl.col("severity") == "hold")
    gained = {}
    most = by_code.group_by("code").agg(pl.col("minutes_alone").sum()).sort(["minutes_alone", "code"], descending=True)
    for code in ("", *most["code"].head(2)):
        release(tmp_path, holds.filter(pl.col("code") == code) if code else holds)
        after = run(tmp_path, policy).results["ledger"].select("ssid", after="days_credited")
        gain = before.results["ledger"].join(after, on="ssid").select("ssid", gain=pl.col("after") - pl.col("days_credited"))
        gained[code] = int(gain["gain"].sum())
        if code:
            assert gained[code] <= by_code.filter(pl.col("code") == code)["days_if_released"].sum(), code
        else:
            over = gain.join(said, on="ssid", how="left").filter(pl.col("gain") > pl.col("days_if_released").fill_null(0))
            assert over.is_empty()
    assert gained[""] > 0


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_the_minutes_of_a_day_are_the_ledgers(policy: str, tmp_path: Path) -> None:
    """Of students who stayed where they were the whole year, the ledger's minutes on their last date are those of the as-of date."""
    write_bundle(make_district(students=200), tmp_path / "data")
    done = run(tmp_path, policy)
    steady = done.tables["enrollments"].group_by("ssid").len().filter(pl.col("len") == 1)
    time = done.results["time_entries"].drop_nulls("minimum_schoolday").join(steady, on="ssid", how="semi")
    ledgers = time.sort("date").group_by("ssid").agg(pl.col("minimum_schoolday", "grade").last())
    both = ledgers.join(standing(done), on="ssid")
    assert both.height > 60
    assert both.filter(
        (pl.col("minimum_schoolday") != pl.col("minimum_schoolday_right")) | (pl.col("grade") != pl.col("grade_right"))
    ).is_empty()
