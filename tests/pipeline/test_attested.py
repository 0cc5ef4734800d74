"""What was not checked, and what counts on somebody's word, is told wherever a figure is told."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
from python_calamine import CalamineWorkbook

from recoup import pipeline
from recoup.config import load
from recoup.errors import RecoupError
from recoup.pipeline import Request
from recoup.reports import summary

if TYPE_CHECKING:
    from recoup.pipeline import Outcome
    from tests.conftest import District

#: Who answers for the three checks that need the table of staff.
ATTEST = "[attest]\n" + "".join(
    f'{name} = {{ by = "Director of Attendance", on = 2025-09-01, evidence = "binder 3" }}\n'
    for name in ("qualifying_teacher", "ratio", "verification")
)


def run(district: District) -> Outcome:
    (district.folder / "data" / "staff.csv").unlink(missing_ok=True)
    return pipeline.run(load(district.config), Request(as_of=date(2026, 6, 30)))


def text_of(outcome: Outcome) -> str:
    told = summary.summarize(outcome.run, status=0, out="", files=[], unchanged=False, withheld={})
    return " ".join(summary.as_text(told).split())


def test_days_that_rest_on_a_word_stand_beside_what_would_be_left(district: District) -> None:
    district.configure('[[exports]]\nexporter = "audit_workbook"\n' + ATTEST)
    outcome = run(district)
    manifest = json.loads((district.out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["without_attestations"] == {
        "minutes_held": 480,
        "minutes_counted": 0,
        "days_earned": 0,
        "days_credited": 0,
        "days_waiting": 0,
    }
    told = [(finding["rows"], finding["message"]) for finding in manifest["findings"] if finding["code"] == "ATTESTED"]
    assert told == [
        (1, "no_qualifying_teacher is not checked; the time counts on the word of Director of Attendance."),
        (1, "not_verified is not checked; the time counts on the word of Director of Attendance."),
        (1, "ratio is not checked; the time counts on the word of Director of Attendance."),
        (2, "2 of 2 credited days rest on an attestation; 0 would stand without any."),
    ]
    assert "2 of the credited days rest on an attestation; 0 would stand without any" in text_of(outcome)
    sheet = CalamineWorkbook.from_path(str(district.out / "audit_workbook.xlsx")).get_sheet_by_name("Facts and policy").to_python()
    facts = {(str(row[0]), str(row[1])): str(row[2]) for row in sheet}
    assert facts["attested", "credited days that rest on an attestation"] == "2"
    assert facts["attested", "credited days without any attestation"] == "0"
    assert facts["attested", "ratio"] in {"1 lines", "Director of Attendance"}
    assert facts["not checked", "independent_study"] == "1 lines"


def test_a_check_that_nobody_answers_for_is_counted_and_says_whether_it_holds(district: District) -> None:
    outcome = run(district)
    told = {finding.message for finding in outcome.run.findings if finding.code == "NOT_CHECKED"}
    assert "ratio is not checked, and the time is held." in told
    assert "independent_study is not checked, and nothing is held for it." in told
    assert outcome.run.without_attestations == {}
    assert "Unchecked" in text_of(outcome)
    assert outcome.run.results["ledger"]["days_credited"].sum() == 0


def test_nothing_rests_on_an_attestation_that_was_not_needed(district: District) -> None:
    district.configure(ATTEST)
    outcome = pipeline.run(load(district.config), Request(as_of=date(2026, 6, 30)))
    assert outcome.run.without_attestations == {}
    assert "ATTESTED" not in {finding.code for finding in outcome.run.findings}


def test_nobody_has_answered_yet_on_a_day_to_come(district: District) -> None:
    district.configure('[attest]\nratio = { by = "Director", on = 2999-01-01, evidence = "binder 3" }\n')
    with pytest.raises(RecoupError, match="CONFIG_ATTEST_AHEAD"):
        pipeline.run(load(district.config), Request())
