"""Pitfall 21 of the vendor sheet: an SSID that is missing, temporary, shared, or changed by a merger, and what the user is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.checks.conftest import District

STUDENT = "{ssid},000001,Ana,Lopez,2014-03-11,F"
OTHER = "9000000002,000002,Li,Nguyen,2015-05-02,X"
MERGED = "ssid,system,local_student_id,from,to,successor_ssid"


@pytest.mark.parametrize(
    ("ssid", "code", "says"),
    [
        ("", "REQUIRED_EMPTY", "ssid is empty."),
        ("TEMP000001", "SSID_FORMAT", "ssid is not a Statewide Student Identifier of ten digits."),
        ("9000000002", "KEY_CONFLICT", "Another row has the same ssid and says something else: students.csv, line 3."),
    ],
)
def test_pitfall_21_a_missing_temporary_or_shared_ssid_is_refused_with_all_that_hangs_on_it(
    ssid: str, code: str, says: str, district: District
) -> None:
    checked = district.put("students", STUDENT.format(ssid=ssid), OTHER).check()
    lines = checked.quarantine
    mine = lines.filter(table="students", line=2).row(0, named=True)
    assert (mine["code"], mine["severity"]) == (code, "error")
    assert mine["message"] == says
    assert "9000000001" not in set(checked.tables["participation"]["ssid"])
    below = lines.filter(table="participation", line=2).row(0, named=True)
    assert below["code"] in {"REF_MISSING", "PARENT_REFUSED"}


def test_pitfall_21_an_ssid_that_was_merged_leads_to_its_successor_and_is_said(district: District) -> None:
    """The roster has the new SSID, older absences and sessions the old one, over two mergers."""
    district.put("students", STUDENT.format(ssid="9000000077"), OTHER)
    district.put("student_ids", "9000000001,SIS,000001,,,9000000055", "9000000055,SIS,000001,,,9000000077", header=MERGED)
    checked = district.check()
    assert set(checked.tables["participation"]["ssid"]) == {"9000000077", "9000000002"}
    assert set(checked.tables["attendance"]["ssid"]) == {"9000000077"}
    (said,) = [finding for finding in checked.findings if finding.code == "SSID_MERGED"]
    assert (said.rows, said.severity) == (3, "info")
    assert checked.quarantine.is_empty()


def test_pitfall_21_who_stands_under_both_is_left_apart_and_said(district: District) -> None:
    district.put("student_ids", "9000000001,SIS,000001,,,9000000002", header=MERGED)
    checked = district.check()
    assert set(checked.tables["participation"]["ssid"]) == {"9000000001", "9000000002"}
    assert [finding.rows for finding in checked.findings if finding.code == "SSID_MERGED_TWICE"] == [1]


@pytest.mark.parametrize(
    "rows",
    [
        ("9000000001,SIS,000001,,,9000000002", "9000000001,CAMPUS,000001,,,9000000003"),
        ("9000000001,SIS,000001,,,9000000055", "9000000055,SIS,000001,,,9000000001"),
        ("9000000001,SIS,000001,,,9000000099",),
    ],
)
def test_pitfall_21_two_successors_a_ring_or_a_stranger_are_not_followed(rows: tuple[str, ...], district: District) -> None:
    district.put("students", OTHER).put("student_ids", *rows, header=MERGED)
    checked = district.check()
    assert set(checked.tables["participation"]["ssid"]) == {"9000000002"}
    assert {"REF_MISSING"} == set(checked.quarantine["code"])
