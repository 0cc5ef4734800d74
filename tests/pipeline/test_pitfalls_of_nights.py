"""Pitfalls of the vendor sheet that only a whole night shows: uploads that are half, stale, renamed or empty (30), and students whom the
state does not know (21). Whatever arrives, the last good outputs stand."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from recoup import pipeline
from recoup.config import load
from recoup.errors import Exit, RecoupError

if TYPE_CHECKING:
    from recoup.pipeline import Outcome
    from tests.conftest import District

YEAR_END = date(2026, 6, 30)


def run(district: District) -> Outcome:
    return pipeline.run(load(district.config), pipeline.Request(as_of=YEAR_END))


def refused(district: District) -> RecoupError:
    """Run a night that must fail, and see that what stood before it still stands."""
    before = {path.name: path.read_bytes() for path in district.out.iterdir()}
    with pytest.raises(RecoupError) as caught:
        run(district)
    assert caught.value.status == Exit.REFUSED
    assert {path.name: path.read_bytes() for path in district.out.iterdir()} == before
    return caught.value


@pytest.mark.parametrize("suffix", [".part", ".filepart", ".tmp"])
def test_pitfall_30_a_half_uploaded_file_is_not_looked_at(suffix: str, district: District) -> None:
    whole = district.folder / "data" / "attendance.csv"
    (whole.parent / f"attendance.csv{suffix}").write_bytes(whole.read_bytes()[:60])
    outcome = run(district)
    assert outcome.status == Exit.DONE
    assert [item.name for item in outcome.run.inputs if item.feed == "attendance"] == ["attendance.csv"]


def test_pitfall_30_a_stale_file_that_is_sent_again_does_not_replace_the_newer_one(district: District) -> None:
    """The same name with older bytes and their older time of change: it is archived and not read."""
    path = district.folder / "data" / "attendance.csv"
    newer = path.read_bytes()
    first = run(district)
    path.write_bytes(newer.replace(b"excused", b"unexcused"))
    old = datetime(2025, 9, 1, tzinfo=UTC).timestamp()
    os.utime(path, (old, old))
    second = run(district)
    assert second.fetched[0].new == ("attendance.csv",)
    assert second.unchanged
    assert [item.sha256 for item in second.run.inputs] == [item.sha256 for item in first.run.inputs]


def test_pitfall_30_a_renamed_file_is_told_and_the_archived_one_is_read(district: District) -> None:
    run(district)
    path = district.folder / "data" / "attendance.csv"
    path.rename(path.with_name("attendance (1).csv"))
    outcome = run(district)
    assert outcome.status == Exit.DONE
    said = {finding.code: finding.message for finding in outcome.run.findings if finding.export == "fetch"}
    assert "files that no feed asks for were left: attendance (1).csv" in said["unmatched"]
    assert "no whole file of attendance any more" in said["not_offered"]


@pytest.mark.parametrize(("table", "code"), [("students", "CHECK_TABLE_EMPTY"), ("attendance", "GATE_SHRINK")])
def test_pitfall_30_an_empty_file_never_means_delete_all(table: str, code: str, district: District) -> None:
    """A header alone: refused where a table may not be empty, else stopped by the gate on tables that shrink."""
    district.configure("[limits]\nshrink = { share = 0.1, rows = 0 }\n")
    run(district)
    path = district.folder / "data" / f"{table}.csv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert refused(district).code == code


def test_pitfall_30_a_file_without_a_byte_is_refused(district: District) -> None:
    run(district)
    (district.folder / "data" / "students.csv").write_bytes(b"")
    assert refused(district).code == "READ_FILE_EMPTY"


@pytest.mark.parametrize("ssid", ["", "TEMP000001"])
def test_pitfall_21_while_a_student_has_no_ssid_the_states_file_waits_and_all_others_are_counted(ssid: str, district: District) -> None:
    district.edit("students", "9000000002,", f"{ssid},")
    outcome = run(district)
    assert outcome.status == Exit.WITHHELD
    assert "UNKNOWN_DAYS" in outcome.withheld["calpads_stas"]
    assert [row["ssid"] for row in district.rows("ledger.csv")] == ["9000000001"]
    (line,) = [row for row in district.rows("quarantine.csv") if row["table"] == "students"]
    assert line["code"] == ("SSID_FORMAT" if ssid else "REQUIRED_EMPTY")
