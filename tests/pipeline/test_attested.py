"""What was not checked, and what counts on somebody's word, is told wherever a figure is told."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
from python_calamine import CalamineWorkbook

from recoup import pipeline
from recoup.config import load
from recoup.errors import RecoupError
from recoup.pipeline import Request, compare, explain
from recoup.reports import compare_text, explain_html, explain_text, summary
from recoup.store import Workspace

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


def test_every_report_says_what_its_figures_rest_on(district: District) -> None:
    exports = "".join(f'[[exports]]\nexporter = "{name}"\n' for name in ("program_updater", "padc", "opportunities"))
    periods = "[periods]\nANNUAL = { ends = 2026-06-30, days_taught = 10 }\n"
    district.configure(exports + periods + '[policy]\nK5 = "yes"\naccept_risk = true\n' + ATTEST)
    outcome = run(district)
    said = ["2 of 2 credited days rest on an attestation; 0 would stand", "(K5)", "graded C, D or U", "no_election is not checked"]
    with Workspace.look(district.folder / ".recoup") as workspace:
        saved = pipeline.last_good(workspace, "2025-2026")
    compared = compare_text.as_text(compare.reading(saved, {"day_remainder": "drop"}).told)
    sheet = CalamineWorkbook.from_path(str(district.out / "opportunities.xlsx")).get_sheet_by_name("What it rests on").to_python()
    reports = {
        "mapping": (district.out / "updater_mapping.md").read_text(encoding="utf-8"),
        "comparison": compared,
        "opportunities": " ".join(str(row[0]) for row in sheet),
    }
    for name, text in reports.items():
        assert [word for word in said if word not in " ".join(text.split())] == [], name
    assert "graded C, D or U (K1, 3, 6-20)" in text_of(outcome)
    told = summary.summarize(outcome.run, status=0, out="", files=[], unchanged=False, withheld={})
    assert max(map(len, summary.as_text(told).splitlines())) <= summary.WIDTH
    assert {row["ssid"]: row["days_attested"] for row in district.rows("opportunities.csv")} == {"9000000002": "1"}
    ada = [
        (row["ar_days"], row["ar_days_without_attestations"], row["b8_ada_without_attestations"])
        for row in district.rows("padc_ar_ada.csv")
    ]
    assert ("1", "0", "0.00") in ada
    story = explain.story(saved, "9000000001")
    assert (story["figures"]["days_attested"], story["without_attestations"]) == (1, {"days_credited": 0})
    assert len(story["risks"]) == 1
    for shown in (explain_text.as_text(story), explain_html.as_html(story).decode()):
        assert "would stand without any attestation" in shown
        assert "Risk: Out-of-school suspensions are recovered" in " ".join(shown.split())


def test_a_year_whose_rules_are_carried_on_says_so(district: District) -> None:
    text = district.config.read_text(encoding="utf-8").replace("2025-2026", "2026-2027")
    district.config.write_text(text, encoding="utf-8", newline="\n")
    for path in (district.folder / "data").glob("*.csv"):
        path.write_text(re.sub("2025-08-", "2026-08-", path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    outcome = pipeline.run(load(district.config), Request(as_of=date(2026, 9, 30)))
    assert outcome.run.rule_version.startswith("2026-27.1+")
    assert outcome.run.results["ledger"]["days_credited"].sum() == 2
    assert "The rules of 2026-2027 are graded U: no change to EC 46211 for 2026-27 was found" in text_of(outcome)
    doubtful = explain.story(outcome.run, "9000000001")["doubtful"]
    assert ("U", ["every figure"]) in [(row["certainty"], row["figures"]) for row in doubtful]


def test_a_check_that_nobody_answers_for_is_counted_and_says_whether_it_holds(district: District) -> None:
    outcome = run(district)
    told = {finding.message for finding in outcome.run.findings if finding.code == "NOT_CHECKED"}
    assert "ratio is not checked, and the time is held." in told
    assert "independent_study is not checked, and nothing is held for it." in told
    assert outcome.run.without_attestations == {}
    assert re.search("Unchecked [0-9]+ lines, 480 minutes held", text_of(outcome))
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
