"""A story is the ledger's own figures told step by step: it adds up, every step has its rule, and it names nobody unless asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from jsonschema import Draft202012Validator
from lxml import html

from recoup import law, ledger, testing
from recoup.errors import RecoupError
from recoup.pipeline import again, explain
from recoup.ports import Closing, Lea, LeaRules
from recoup.reports import explain as reports
from recoup.reports.citations import Citations, minimum_schoolday
from recoup.reports.explain_html import as_html
from recoup.reports.explain_text import as_text
from recoup.testing import load_run
from tests.ledger.engine import LEA, checked
from tests.reports.conftest import draw, run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recoup.ports import Run

CASES = sorted(path.parent for path in (Path(__file__).parents[2] / "fixtures" / "reports").glob("*/case.toml"))
SSID = "9000000001"
SCHEMA = json.loads((files("recoup.schemas") / "story.schema.json").read_text(encoding="utf-8"))
MINUTES = ("minutes_raw", "minutes_held", "minutes_cut", "minutes_not_counted", "minutes_counted", "minutes_forfeited")
#: Drawn with and without another policy; the slow ones are many.
DRAWS = [(5, True), *(pytest.param((seed, seed % 2 == 1), marks=pytest.mark.slow) for seed in range(10, 70))]


@dataclass(frozen=True)
class Told:
    """A student of a random district: how the ledger came to the figures, and the story."""

    run: Run
    ssid: str
    trace: dict[str, pl.DataFrame]
    story: dict[str, Any]


@pytest.fixture(scope="module", params=DRAWS, ids=lambda draw: f"{draw[0]}-{'other' if draw[1] else 'default'}")
def told(request: pytest.FixtureRequest, run: Callable[..., Run]) -> list[Told]:
    """Return the stories of the students of a district who have most to tell."""
    seed, other = request.param
    one = run(seed, other=other)
    figures = one.results["ledger"].sort("days_credited", "minutes_raw", "eligible_absences", "ssid", descending=True)
    most = 2 if seed < 10 else 12
    traces = {ssid: again.trace(one, ssid) for ssid in figures["ssid"].head(most)}
    return [Told(one, ssid, trace, reports.story(one, ssid, trace)) for ssid, trace in traces.items()]


@pytest.fixture(scope="module")
def ana() -> Run:
    """Return the run of the case whose student meets most of what can happen."""
    return load_run(CASES[0])


def steps(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a story."""
    for day in told["dates"]:
        for session in day["sessions"]:
            yield from session["steps"]
    for earned in told["days"]:
        yield from earned["waits"]
    for credit in told["credits"]:
        yield from credit["notes"]
    yield from (row["why"] for row in told["absences"] if row["why"])
    yield from told["notes"]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_screens_are_as_expected(case: Path, tmp_path: Path) -> None:
    assert testing.compare(case, testing.actual(case, tmp_path)) == []


# --- the story against the results ------------------------------------------------------------------


def test_the_story_adds_up_to_the_results(told: list[Told]) -> None:
    for one in told:
        story, figures = one.story, one.story["figures"]
        sessions = [session for day in story["dates"] for session in day["sessions"]]
        assert {name: sum(session[name] for session in sessions) for name in MINUTES} == {name: figures[name] for name in MINUTES}
        assert sum(session["minutes_forfeited"] for session in sessions) == figures["minutes_forfeited"]
        assert sum(bank["minutes_banked"] for bank in story["left"]["banks"]) == figures["minutes_banked"]
        held: dict[str, int] = {}
        for bank in (day["bank"] for day in story["dates"] if day["bank"]):
            held[bank["lea"]] = held.get(bank["lea"], 0) + bank["put"] - bank["taken"] - bank["lapsed"]
            assert bank["after"] == held[bank["lea"]] >= 0
        assert sum(held.values()) == figures["minutes_banked"]
        assert len(story["days"]) == figures["days_earned"]
        assert sum(day["minutes"] for day in story["days"]) == figures["minutes_used"]
        assert [sum(paid["minutes"] for paid in day["paid_by"]) for day in story["days"]] == [day["minutes"] for day in story["days"]]
        assert sum(1 for day in story["days"] if day["waits"]) == figures["days_waiting"]
        assert all(bool(day["waits"]) != bool(day["absence_date"]) for day in story["days"])
        assert len(story["credits"]) == figures["days_credited"]
        assert sum(1 for credit in story["credits"] if credit["day"]) == sum(1 for day in story["days"] if day["absence_date"])
        assert sum(1 for credit in story["credits"] if credit["origin"] == "applied") == figures["days_applied"]
        blocked = sum(1 for row in story["absences"] if row["why"] and row["why"]["code"] == "day_applied")
        states = [row["status"] for row in story["absences"]]
        assert states.count("met") + states.count("open") + blocked == figures["eligible_absences"]
        assert states.count("open") + blocked == story["left"]["absences"] == figures["absences_left"]


def test_every_step_has_its_rule_and_its_place(told: list[Told]) -> None:
    for one in told:
        story = one.story
        assert [fault.message for fault in Draft202012Validator(SCHEMA).iter_errors(story)] == []
        entries = {row["session_id"]: row for row in one.run.results["time_entries"].filter(pl.col("ssid") == one.ssid).to_dicts()}
        for session in (session for day in story["dates"] for session in day["sessions"]):
            entry = entries[session["session_id"]]
            assert set((entry["codes"] or "").split(";")) - {""} <= {step["code"] for step in session["steps"]}
            assert session["source"] == {"source": "district", "file": "participation.csv", "line": entry["_line"]}
            assert session["session_source"]["file"] == "sessions.csv"
            for step in session["steps"]:
                told_by = {"participation.csv": session["source"], "sessions.csv": session["session_source"]}
                assert step["source"] == told_by[step["source"]["file"]]
        for earned in story["days"]:
            assert all(paid["source"]["file"] == "participation.csv" for paid in earned["paid_by"])
        for step in steps(story):
            assert step["says"]
            assert step["citation"]
            assert step["certainty"]
            assert step["release"] or step["kind"] not in ("hold", "not_checked", "cut")
        assert all(credit["absence_source"] or credit["origin"] == "applied" for credit in story["credits"])
        assert max(map(len, as_text(story).splitlines())) <= 100


def test_the_rule_of_a_minimum_schoolday_gives_its_minutes(told: list[Told]) -> None:
    for one in told:
        cites = Citations(law.load(one.run.year.name), one.run.policy)
        schools = dict(one.run.tables["schools"].select("school_code", "school_type").iter_rows())
        own = one.run.tables["enrollments"].filter(pl.col("ssid") == one.ssid).to_dicts()
        enrollments = {(row["school_code"], row["entry_date"]): row for row in own}
        for placed in one.trace["placed"].drop_nulls("school_code").to_dicts():
            row = enrollments[placed["school_code"], placed["entry_date"]]
            minutes, because, rule = minimum_schoolday(cites, row, schools[row["school_code"]], placed["date"])
            assert minutes == placed["minimum_schoolday"]
            assert minutes is None or (because and rule["citation"] and rule["certainty"])


def test_a_check_that_could_not_be_made_is_not_called_held_where_it_holds_nothing(ana: Run) -> None:
    """Only the four required checks hold what they could not check; no table of independent study, or an empty mode, holds nothing."""
    absent = ana.absent | {("independent_study", ""), ("staff", ""), ("sessions", "meal_offered")}
    empty = {name: ana.tables[name].clear() for name in ("independent_study", "staff")}
    modes = ana.tables["enrollments"].with_columns(instruction_mode=pl.lit(None, pl.String))
    changed = replace(ana, absent=absent, tables={**ana.tables, **empty, "enrollments": modes})
    story = explain.story(replace(changed, results=again.results(changed, changed.policies, ())), SSID)
    kinds = {step["code"]: step["kind"] for step in steps(story) if step["kind"] in ("not_checked", "unchecked")}
    assert kinds == {
        "independent_study": "unchecked",
        "no_meal_record": "unchecked",
        "not_eligible": "unchecked",
        "no_qualifying_teacher": "not_checked",
        "not_verified": "not_checked",
        "ratio": "not_checked",
    }
    text = " ".join(as_text(story).split())
    assert "Not checked, independent_study:" in text
    assert "Nothing is held; have the source give what the check needs." in text
    assert "Held, not_verified: Could not be checked:" in text
    assert "Released by: Nothing is held" not in text
    text = as_text(story)
    assert not any(line and not line.strip() for line in text.splitlines())


def test_every_code_says_what_would_release_it() -> None:
    for code, rule in (law.hold_rules() | law.absence_rules()).items():
        assert rule.release.endswith("."), code
        assert rule.message.endswith("."), code
        assert rule.citation, code
        assert rule.certainty in law.GRADES, code


def test_a_figure_on_uncertain_ground_says_so(ana: Run) -> None:
    told = explain.story(ana, SSID)
    doubtful = {(row["certainty"], figure) for row in told["doubtful"] for figure in row["figures"]}
    # The continuation school's 180 minutes are practice (C), the forfeit above one day is derived (D).
    assert {("C", "minutes of a day"), ("C", "minutes counted"), ("D", "minutes forfeited"), ("D", "minutes cut")} <= doubtful
    assert all(row["certainty"] in ("C", "D", "U") for row in told["doubtful"])
    assert "Some of these figures rest on facts graded C and D" in as_text(told)


def test_who_matched_a_day_and_who_assigned_its_school_is_told(ana: Run) -> None:
    """The LEA leads Ana's third day to a later absence and has her new school report it; the others count where they were missed."""
    policy = law.policy({"match_order": "manual", "credit_school": "lea_choice"})
    more = ana.tables["attendance"].filter(pl.col("date") == date(2026, 1, 20))
    later = pl.concat([more.with_columns(date=pl.date(2026, 2, day)) for day in (3, 4)])
    said = (
        ana.tables["dispositions"]
        .head(1)
        .with_columns(
            scope=pl.lit("absence"),
            session_id=None,
            code=None,
            date=pl.date(2025, 10, 28),
            decided_by=pl.lit("Director"),
            reason=pl.lit("moved"),
        )
    )
    match = said.with_columns(disposition_id=pl.lit("M1"), decision=pl.lit("match"), value=pl.lit("2025-10-18"))
    assign = said.with_columns(disposition_id=pl.lit("A1"), decision=pl.lit("assign_school"), value=pl.lit("1930002"))
    decided = pl.concat([ana.tables["dispositions"], match, assign], how="vertical_relaxed")
    tables = {**ana.tables, "attendance": pl.concat([ana.tables["attendance"], later]), "dispositions": decided}
    changed = replace(ana, tables=tables, policy=policy, rule_version=law.rule_version(law.load("2025-2026"), policy))
    story = explain.story(replace(changed, results=again.results(changed, changed.policies, ())), SSID)
    credits_ = {row["absence_date"]: row for row in story["credits"]}
    mine = credits_["2025-10-28"]
    assert (mine["matched"]["says"], mine["school"]["says"]) == ("matched by decision M1", "assigned by decision A1")
    assert (mine["school_of_absence"], mine["absence_school_code"]) == ("1930001", "1930002")
    assert [one["disposition_id"] for one in mine["decisions"]] == ["M1", "A1"]
    assert {row["school"]["says"] for row in story["credits"] if row is not mine} == {"the absence's"}
    text = " ".join(as_text(story).split())
    assert "Met the absence of Tue 2025-10-28 at 1930001." in text
    assert "Decision A1 (assign_school) by Director: moved." in text
    page = " ".join("".join(found(html.fromstring(as_html(story)), "//text()")).split())
    assert "A1 (assign_school) by Director: moved" in page


def test_what_is_left_when_another_lea_has_applied_days(ana: Run) -> None:
    days = ana.tables["applied_days"]
    other = days.with_columns(absence_date=pl.date(2025, 9, 17), reporting_lea=pl.lit("1964999"))
    blocked = law.policy({"other_lea_days": "block"})
    changed = replace(ana, tables={**ana.tables, "applied_days": pl.concat([days, other])}, policy=blocked)
    changed = replace(changed, rule_version=law.rule_version(law.load("2025-2026"), blocked))
    changed = replace(changed, results=again.results(changed, changed.policies, ()))
    told = explain.story(changed, SSID)
    assert told["left"]["cap"] == 0
    assert {step["code"] for day in told["days"] for step in day["waits"]} == {"cap_other_lea"}


def test_a_story_is_not_told_by_other_rules(ana: Run) -> None:
    with pytest.raises(RecoupError, match="RUN_OTHER_RULES"):
        explain.story(replace(ana, rule_version="2025-26.0+00000000"), SSID)
    figures = ana.results["ledger"].with_columns(pl.col("minutes_banked") + 60)
    with pytest.raises(RecoupError, match="RUN_OTHER_RULES"):
        explain.story(replace(ana, results={**ana.results, "ledger": figures}), SSID)


# --- who is told of -----------------------------------------------------------------------------------


def test_nobody_is_named_unless_asked(ana: Run) -> None:
    told = explain.story(ana, SSID)
    for shown in (as_text(told), json.dumps(told, ensure_ascii=False), as_html(told).decode()):
        assert "••••••0001" in shown
        assert not any(value in shown for value in (SSID, "Ana", "Arce", "Ben", "9000000002", "1001", "2010-03-01"))
    named = as_text(explain.story(ana, SSID, show_names=True))
    assert f"Student {SSID}  Ana Arce" in named


def test_a_student_is_found_by_ssid_local_number_and_successor(ana: Run) -> None:
    crosswalk = pl.DataFrame(
        [
            {"ssid": SSID, "system": "old", "local_student_id": "77", "successor_ssid": None},
            {"ssid": "9000000777", "system": "state", "local_student_id": "x", "successor_ssid": SSID},
            {"ssid": "9000000002", "system": "old", "local_student_id": "1001", "successor_ssid": None},
        ],
        schema_overrides=ana.tables["student_ids"].schema,
    )
    run = replace(ana, tables={**ana.tables, "student_ids": crosswalk})
    assert explain.find_student(ana, SSID) == SSID
    assert explain.find_student(ana, "1001", local_id=True) == SSID
    assert explain.find_student(run, "77", local_id=True) == SSID
    assert explain.find_student(run, "9000000777") == SSID
    with pytest.raises(RecoupError, match="EXPLAIN_TWO_STUDENTS"):
        explain.find_student(run, "1001", local_id=True)
    with pytest.raises(RecoupError) as unknown:
        explain.find_student(ana, "9999999999")
    assert "2 students" in str(unknown.value)
    assert not any(ssid in str(unknown.value) for ssid in ana.tables["students"]["ssid"])


# --- the page -----------------------------------------------------------------------------------------


def found(page: Any, path: str) -> list[Any]:
    """Return what a path of the page leads to."""
    return list(page.xpath(path))


def test_the_page_can_be_read_by_everyone_and_needs_nothing_else(ana: Run) -> None:
    students = ana.tables["students"].with_columns(legal_first_name=pl.lit("<script>alert(1)</script>"))
    run = replace(ana, tables={**ana.tables, "students": students})
    written = as_html(explain.story(run, SSID, show_names=True))
    page = html.fromstring(written)
    assert written.startswith(b"<!DOCTYPE html>")
    assert page.get("lang") == "en"
    assert found(page, "//meta/@charset") == ["utf-8"]
    assert len(found(page, "//h1")) == len(found(page, "//main")) == 1
    assert [heading.tag for heading in found(page, "//section/*[1]")] == ["h2"] * len(found(page, "//section"))
    assert len(found(page, "//table")) >= 8
    assert not found(page, "//table[not(caption)]")
    assert not found(page, "//th[not(@scope)]")
    assert not found(page, "//tbody/tr[not(th)]")
    assert not found(page, "//script | //link | //img | //@src | //@href | //@style")
    assert "<script>alert(1)</script>" in "".join(found(page, "//text()"))
    assert b"@media print" in written


def test_the_page_tells_what_the_terminal_tells(ana: Run) -> None:
    told = explain.story(ana, SSID)
    shown = " ".join("".join(found(html.fromstring(as_html(told)), "//text()")).split())
    for step in steps(told):
        assert step["says"] in shown
    for day in told["days"]:
        assert date.fromisoformat(day["earned_on"]).isoformat() in shown


def test_a_pair_keeps_the_reason_for_which_it_was_made(ana: Run) -> None:
    credit = ana.results["credits"].filter((pl.col("ssid") == SSID) & (pl.col("origin") == "computed")).head(1)
    credit = credit.with_columns(lea=pl.lit(ana.lea.code))
    at = datetime(2026, 1, 6, 9, 0)  # noqa: DTZ001 - the model's date-times are local and bare
    empty = pl.DataFrame()
    closing = Closing("2025-2026", "P1", 1, date(2025, 12, 19), ana.as_of, "R0", "", "Director", at, "", "", credit, empty, empty, empty)
    told = explain.story(replace(ana, closed=[closing]), SSID)
    says = {row["absence_date"]: row["matched"]["says"] for row in told["credits"] if row["matched"]}
    assert says.pop(credit["absence_date"].item().isoformat()) == "reported as partners in a closed period"
    assert set(says.values()) == {"the oldest"}


def test_each_lea_has_its_own_rules() -> None:
    seed = next(seed for seed in range(200) if len({*ledger.owners(checked(draw(seed)[0].tables).tables["schools"], LEA.code)["lea"]}) > 1)
    one = run_of(*draw(seed))
    codes = sorted({*ledger.owners(one.tables["schools"], LEA.code)["lea"]} - {LEA.code})
    other = law.policy({"time_unit": "minutes", "day_remainder": "drop"})
    several = replace(one, leas=[LeaRules(Lea(code, code), other, "") for code in codes])
    several = replace(several, results=again.results(several, several.policies, several.attest))
    figures = several.results["ledger"].sort("days_credited", "minutes_counted", "ssid", descending=True)
    for ssid in figures["ssid"].head(4):
        told = explain.story(several, ssid)
        assert sum(bank["minutes_banked"] for bank in told["left"]["banks"]) == told["figures"]["minutes_banked"]
        assert len(told["days"]) == told["figures"]["days_earned"]
        banks, text = {bank["lea"] for bank in told["left"]["banks"]}, " ".join(as_text(told).split())
        for bank in (day["bank"] for day in told["dates"] if day["bank"] and len(banks) > 1):
            assert f"{bank['put']} into the bank of LEA {bank['lea']}" in text
