"""A person's decision: what it changes is shown, what it would not change is refused, and it stands beside its hold for good."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from recoup import pipeline
from recoup.cli import main
from recoup.config import load
from recoup.errors import Exit, RecoupError
from recoup.pipeline import Request
from recoup.pipeline.decide import Verdict, Wish, decide, recorded_in

if TYPE_CHECKING:
    from tests.conftest import District

ANA, BEN = "9000000001", "9000000002"
WORDS: dict[str, Any] = {"by": "Dir. Ruiz", "reason": "The sheet was signed on paper.", "evidence": "binder 3"}


def run(district: District) -> Any:
    return pipeline.run(load(district.config), Request(as_of=date(2026, 6, 30)))


def wish(decision: str, **given: Any) -> Wish:
    return Wish(decision, **WORDS, **given)


def say(district: District, decision: str, *, dry_run: bool = False, at: str = "2026-01-06T18:00", **given: Any) -> Verdict:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return decide(load(district.config), wish(decision, **given), Request(dry_run=dry_run, clock=lambda: moment))


def refusal(district: District, decision: str, **given: Any) -> RecoupError:
    with pytest.raises(RecoupError) as caught:
        say(district, decision, **given)
    assert caught.value.status == Exit.USAGE
    assert ANA not in str(caught.value)
    assert BEN not in str(caught.value)
    return caught.value


@pytest.fixture
def unsigned(district: District) -> District:
    """The district of two, where nobody signed for Ana."""
    district.edit("participation", f"S1,{ANA},240,08:00,12:00,T1,2025-08-23T12:05", f"S1,{ANA},240,08:00,12:00,,")
    run(district)
    return district


def manual(district: District, extra: str = "") -> None:
    district.configure(f'[policy]\nmatch_order = "manual"\ncredit_school = "lea_choice"\n{extra}')


def test_a_release_is_shown_then_recorded_and_counts_from_the_next_run(unsigned: District) -> None:
    shown = say(unsigned, "release", session="S1", student=ANA, code="not_verified", dry_run=True)
    assert (shown.recorded, shown.lines, shown.minutes, shown.students) == (False, 1, 240, 1)
    assert (shown.before["days_credited"], shown.after["days_credited"]) == (1, 2)
    assert recorded_in(load(unsigned.config)) == []

    one = say(unsigned, "release", session="S1", student=ANA, code="not_verified").disposition
    assert (one.disposition_id, one.scope, one.decided_at) == (
        "D20260106-00001",
        "participation",
        datetime.fromisoformat("2026-01-06T10:00"),
    )
    done = run(unsigned).run
    (line,) = [row for row in unsigned.rows("holds.csv") if row["disposition_id"]]
    assert (line["ssid"], line["code"], line["severity"], line["disposition_id"]) == (ANA, "not_verified", "released", "D20260106-00001")
    manifest = (unsigned.out / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(manifest)["decisions"] == [
        {
            "disposition_id": "D20260106-00001",
            "scope": "participation",
            "code": "not_verified",
            "decision": "release",
            "decided_by": "Dir. Ruiz",
            "decided_at": "2026-01-06T10:00:00",
            "effect": "released: 1 lines, 240 minutes",
        }
    ]
    assert ANA not in manifest
    assert done.results["ledger"]["days_credited"].to_list() == [1, 1]


def test_the_same_decision_is_not_recorded_twice(unsigned: District) -> None:
    first = say(unsigned, "release", student=ANA, code="not_verified").disposition
    again = refusal(unsigned, "release", student=ANA, code="not_verified")
    assert (again.code, first.disposition_id in str(again)) == ("DECIDE_SAME", True)
    say(unsigned, "uphold", student=ANA, code="not_verified")
    assert say(unsigned, "release", student=ANA, code="not_verified").recorded


def test_a_later_decision_supersedes_and_none_is_ever_edited(unsigned: District) -> None:
    say(unsigned, "release", student=ANA, code="not_verified")
    say(unsigned, "uphold", student=ANA, code="not_verified", at="2026-01-07T18:00")
    done = run(unsigned).run
    assert [one.effect for one in done.decisions] == ["superseded by D20260107-00002", "upheld: 1 lines, 240 minutes"]
    assert "DECISION_WITHOUT_EFFECT" not in {finding.code for finding in done.findings}
    with sqlite3.connect(unsigned.folder / ".recoup" / "journal.sqlite") as db, pytest.raises(sqlite3.IntegrityError, match="append only"):
        db.execute("UPDATE dispositions SET decision = 'release'")
    with sqlite3.connect(unsigned.folder / ".recoup" / "journal.sqlite") as db, pytest.raises(sqlite3.IntegrityError, match="append only"):
        db.execute("DELETE FROM dispositions")


@pytest.mark.parametrize("change", ["signed after all", "session gone"])
def test_a_decision_that_meets_nothing_any_more_is_a_finding(unsigned: District, change: str) -> None:
    say(unsigned, "release", student=ANA, session="S1", code="not_verified")
    if change == "session gone":
        for table in ("sessions", "participation", "session_staff"):
            unsigned.edit(table, "S1,", "S2,")
    else:
        unsigned.edit("participation", f"S1,{ANA},240,08:00,12:00,,", f"S1,{ANA},240,08:00,12:00,T1,2025-08-23T12:05")
    done = run(unsigned).run
    assert [one.effect for one in done.decisions] == [""]
    (finding,) = [finding for finding in done.findings if finding.code == "DECISION_WITHOUT_EFFECT"]
    assert (finding.rows, finding.message) == (1, "Decisions that do nothing in this run: D20260106-00001.")


#: What a release names, and how it is refused.
IDLE: list[tuple[dict[str, Any], str, str]] = [
    ({"session": "S1", "code": "ratio"}, "DECIDE_NO_HOLD", "not_verified × 1"),
    ({"student": BEN, "code": "not_verified"}, "DECIDE_NO_HOLD", "no hold"),
    ({"session": "S1", "code": "overlap"}, "DECIDE_BOUND", "cuts off"),
    ({"session": "S1", "code": "over_clock"}, "DECIDE_BOUND", "cuts off"),
    ({"session": "S1", "code": "over_session"}, "DECIDE_BOUND", "cuts off"),
    ({"student": ANA, "code": "cap"}, "DECIDE_BOUND", "ten days"),
    ({"session": "S1", "code": "after_as_of"}, "DECIDE_BOUND", "out of the time"),
    ({"session": "S1", "code": "outside_fiscal_year"}, "DECIDE_BOUND", "out of the time"),
    ({"student": ANA, "code": "absence_at_two_schools"}, "DECIDE_BOUND", "keeps the date"),
    ({"session": "S1", "code": "not_verifed"}, "DECIDE_CODE", "not_verified"),
    ({"session": "S9", "code": "ratio"}, "DECIDE_UNKNOWN", "session"),
    ({"student": "9000000009", "code": "ratio"}, "DECIDE_UNKNOWN", "student"),
    ({"code": "ratio"}, "DECIDE_USAGE", "--session or --student"),
    ({"session": "S1"}, "DECIDE_USAGE", "--code"),
    ({"student": ANA, "code": "not_verified", "value": "180"}, "DECIDE_MINUTES", "180 or 240"),
]


def test_a_release_without_effect_is_refused(unsigned: District) -> None:
    for given, code, told in IDLE:
        fault = refusal(unsigned, "release", **given)
        assert (fault.code, told in str(fault)) == (code, True), str(fault)
    assert recorded_in(load(unsigned.config)) == []


def test_a_match_needs_a_policy_that_reads_it(district: District) -> None:
    run(district)
    given = {"student": ANA, "on": date(2025, 8, 20), "value": "2025-08-23"}
    fault = refusal(district, "match", **given)
    assert fault.code == "DECIDE_KNOB"
    assert 'match_order = "manual"' in str(fault)
    fault = refusal(district, "assign_school", student=ANA, on=date(2025, 8, 20), value="0190001")
    assert 'credit_school = "lea_choice"' in str(fault)


def test_a_match_leads_the_day_to_the_absence_that_a_person_chose(district: District) -> None:
    district.edit("attendance", "2025-08-20,excused,true,A,", f"2025-08-20,excused,true,A,\n{ANA},6010000,2025-08-21,excused,true,A,")
    run(district)
    manual(district)
    shown = say(district, "match", student=ANA, on=date(2025, 8, 21), value="2025-08-23")
    assert (shown.recorded, shown.before == shown.after, shown.students) == (True, True, 1)
    done = run(district).run
    assert next((row["ssid"], row["absence_date"]) for row in district.rows("credits.csv")) == (ANA, "2025-08-21")
    assert [one.effect for one in done.decisions] == ["matched as decided"]


def test_a_later_match_of_the_absence_supersedes_whatever_else_it_names(district: District) -> None:
    """The ledger hears one match a student and date; a source may fill columns of its row that mean nothing there."""
    manual(district)
    head = "disposition_id,scope,session_id,ssid,date,code,decision,value,decided_by,decided_at,reason,evidence_ref\n"
    one = f"X1,absence,,{ANA},2025-08-20,,match,2025-08-23,Somebody,2026-01-05T10:00:00,why,where\n"
    other = f"X2,absence,S1,{ANA},2025-08-20,ratio,match,2025-08-23,Somebody,2026-01-06T10:00:00,why,where\n"
    (district.folder / "data" / "dispositions.csv").write_text(head + one + other, encoding="utf-8")
    assert [one.effect for one in run(district).run.decisions] == ["superseded by X2", "matched as decided"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["match", "--absence", "2025-08-20", "--earned", "2025-08-23", "--code", "ratio", "--session", "S1"], "--session and --code"),
        (["assign-school", "--absence", "2025-08-20", "--school", "0190001", "--earned", "2025-08-23"], "--earned"),
        (["release", "--code", "not_verified", "--absence", "2025-08-20"], "--absence"),
    ],
)
def test_an_option_that_the_decision_does_not_take_is_refused(unsigned: District, words: list[str], told: str) -> None:
    said = ["--by", "Dir. Ruiz", "--reason", "x", "--evidence", "y"]
    result = CliRunner().invoke(main, ["decide", *words, "--student", ANA, *said, "--config", str(unsigned.config)])
    assert (result.exit_code, f"takes no {told}" in result.stderr) == (2, True), result.stderr
    assert recorded_in(load(unsigned.config)) == []


#: What a match or an assignment names, and why it is refused.
UNMATCHED: list[tuple[str, dict[str, Any], str]] = [
    ("match", {"on": date(2025, 8, 22), "value": "2025-08-23"}, "no row of attendance"),
    ("match", {"on": date(2025, 8, 20), "value": "2025-08-30"}, "No session"),
    ("match", {"on": date(2025, 8, 20), "value": "2025-08-23"}, "already"),
    ("match", {"value": "2025-08-30"}, "--absence"),
    ("assign_school", {"on": date(2025, 8, 20), "value": "6010000"}, "already"),
    ("assign_school", {"on": date(2025, 8, 20), "value": "0190001"}, "another LEA's"),
]


def test_a_match_without_effect_is_refused(district: District) -> None:
    run(district)
    manual(district)
    for decision, given, why in UNMATCHED:
        assert why in str(refusal(district, decision, student=ANA, **given))


def test_a_source_may_bring_decisions_too_but_not_under_our_ids(unsigned: District) -> None:
    say(unsigned, "release", student=ANA, session="S1", code="not_verified")
    head = "disposition_id,scope,session_id,ssid,date,code,decision,value,decided_by,decided_at,reason,evidence_ref\n"
    path = unsigned.folder / "data" / "dispositions.csv"
    own = f"D20260106-00001,participation,S1,{ANA},,not_verified,release,,Dir. Ruiz,2026-01-06T10:00:00,{WORDS['reason']},binder 3\n"
    path.write_text(head + own + f"X1,participation,S1,{ANA},,ratio,uphold,,Somebody,2026-01-05T10:00:00,why,where\n", encoding="utf-8")
    assert {one.disposition_id for one in run(unsigned).run.decisions} == {"D20260106-00001", "X1"}
    path.write_text(head + own.replace("release", "uphold"), encoding="utf-8")
    with pytest.raises(RecoupError, match="DECISION_ID_TWICE") as caught:
        run(unsigned)
    assert caught.value.status == Exit.REFUSED


def test_the_command_shows_counts_and_the_list_masks_the_student(unsigned: District) -> None:
    asked = ["decide", "release", "--config", str(unsigned.config), "--student", ANA, "--code", "not_verified"]
    words = ["--by", "Dir. Ruiz", "--reason", "signed on paper", "--evidence", "binder 3"]
    lacking = CliRunner().invoke(main, asked)
    assert (lacking.exit_code, "--by and --reason and --evidence" in lacking.stderr) == (2, True)
    result = CliRunner().invoke(main, [*asked, *words])
    assert result.exit_code == 0, result.stderr
    assert "days credited" in result.stdout
    assert ANA not in result.output
    listed = CliRunner().invoke(main, ["decide", "list", "--config", str(unsigned.config)])
    assert "…01" in listed.stdout
    assert ANA not in listed.stdout
    assert "nothing in the last good run" in listed.stdout
    run(unsigned)
    whole = CliRunner().invoke(main, ["decide", "list", "--config", str(unsigned.config), "--show-names", "--json"])
    (row,) = json.loads(whole.stdout)
    assert (row["student"], row["reason"], row["effect"]) == (ANA, "signed on paper", "released: 1 lines, 240 minutes")
