"""``recoup decide``: a person's decision on a hold or a match, shown by what it would change, and recorded for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.errors import RecoupError, nearest
from recoup.ledger.time import FINAL
from recoup.pipeline import again, decisions, figures
from recoup.pipeline.plan import LOCAL, make_plan
from recoup.pipeline.road import last_good
from recoup.store import Disposition, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from recoup.config import Config
    from recoup.pipeline.plan import Plan
    from recoup.pipeline.road import Request
    from recoup.ports import Run

    Results = dict[str, pl.DataFrame]

#: Codes that nobody can lift, whatever they are called in the results, and why.
_BOUNDS = {
    **dict.fromkeys(("over_clock", "over_session", "overlap", "weekly_hours"), "it cuts off minutes that may not count"),
    **dict.fromkeys(("cap", "annual_cap", "applied_over_cap"), "the ten days of the year are the law's"),
    **dict.fromkeys(FINAL, "the session lies out of the time that counts"),
    "absence_at_two_schools": "the school of the enrollment in force keeps the date",
}
_THREE_QUARTER = "three_quarter_day"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants recorded, as the command line gives it; ``on``: the date it is about (for a match the absence's)."""

    decision: str
    by: str
    reason: str
    evidence: str
    session: str | None = None
    student: str | None = None
    code: str | None = None
    on: date | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, what the ledger's sums are without and with it, how many students it changes, and whether it was recorded."""

    disposition: Disposition
    before: Mapping[str, int]
    after: Mapping[str, int]
    students: int
    lines: int
    minutes: int
    recorded: bool


def decide(config: Config, wish: Wish, request: Request) -> Verdict:
    """Compute what a decision changes on the data of the last good run, and record it unless it is a dry run.

    Raises ``RecoupError`` (2) for what would have no effect (``DECIDE_…``) and when there was no good run of the year yet.
    """
    plan = make_plan(config)
    with (
        Workspace.open(config.workspace, command="decide", clock=request.clock) as workspace,
        workspace.start(school_year=config.school_year, rule_version=plan.rule_version, config_hash=plan.config_hash),
    ):
        saved = last_good(workspace, config.school_year)
        recorded = workspace.journal.dispositions()
        new = _disposition(wish, plan, recorded, request)
        _refuse_beforehand(new, plan, saved)
        _refuse_again(new, recorded)
        request.say("computing the ledger without and with it")
        before, _ = _compute(plan, saved, recorded)
        after, tables = _compute(plan, saved, [*recorded, new])
        heard = after["holds"].filter(pl.col("disposition_id") == new.disposition_id)
        if new.decision in decisions.READ_UNDER:
            _refuse_idle_match(new, plan, saved, recorded, tables, before, after)
        else:
            _refuse_idle_release(new, before["holds"], heard)
        if not request.dry_run:
            workspace.journal.decide(new)
    sums = figures.sums(before["ledger"]), figures.sums(after["ledger"])
    return Verdict(new, *sums, _students(before, after), heard.height, int(heard["minutes"].sum()), not request.dry_run)


def recorded_in(config: Config) -> list[tuple[Disposition, str]]:
    """Return every decision recorded for the school year, with what it did in the last good run (empty: nothing, or not run yet)."""
    with Workspace.look(config.workspace) as workspace:
        mine = [one for one in workspace.journal.dispositions() if one.school_year == config.school_year]
        known = workspace.snapshots.last_good(config.school_year)
        effects = {one.disposition_id: one.effect for one in workspace.snapshots.load(known).decisions} if known else {}
    return [(one, effects.get(one.disposition_id, "")) for one in mine]


def _disposition(wish: Wish, plan: Plan, recorded: list[Disposition], request: Request) -> Disposition:
    """Return the row that would be recorded, its scope told by what the person named."""
    if wish.decision in decisions.READ_UNDER:
        scope = "absence"
        missing = [name for name, value in (("--student", wish.student), ("--absence", wish.on), ("its end", wish.value)) if not value]
    else:
        scope = "student" if wish.student and not wish.session else "participation" if wish.student else "session"
        missing = [name for name, value in (("--code", wish.code), ("--session or --student", wish.session or wish.student)) if not value]
    if missing:
        raise RecoupError("DECIDE_USAGE", decision=wish.decision.replace("_", "-"), missing=" and ".join(missing))
    # The model's moments are local, without an offset.
    moment = request.clock().astimezone(LOCAL).replace(microsecond=0, tzinfo=None)
    number = max((one.number for one in recorded), default=0) + 1
    return Disposition(
        number=number,
        school_year=plan.law.year.name,
        disposition_id=f"D{moment:%Y%m%d}-{number:05}",
        scope=scope,
        session_id=wish.session,
        ssid=wish.student,
        date=wish.on,
        code=wish.code,
        decision=wish.decision,
        value=wish.value,
        decided_by=wish.by,
        decided_at=moment,
        reason=wish.reason,
        evidence_ref=wish.evidence,
    )


def _refuse_beforehand(new: Disposition, plan: Plan, saved: Run) -> None:
    """Refuse what no computation is needed for: an unknown id or code, a bound, a warning, a policy that reads no such decision."""
    for name, table in (("session_id", "sessions"), ("ssid", "students")):
        wanted = getattr(new, name)
        if wanted and saved.tables[table].filter(pl.col(name) == wanted).is_empty():
            raise RecoupError("DECIDE_UNKNOWN", f"run {saved.run_id}", what=table.removesuffix("s"))
    if new.decision in decisions.READ_UNDER:
        knob, value = decisions.READ_UNDER[new.decision]
        if all(policy[knob] != value for policy in plan.policies.values()):
            told = {"knob": knob, "number": law.knobs()[knob].number, "now": plan.policy[knob], "value": value}
            raise RecoupError("DECIDE_KNOB", str(plan.config.path), decision=new.decision.replace("_", "-"), **told)
        return
    rules, code = law.hold_rules(), str(new.code)
    if code in _BOUNDS:
        raise RecoupError("DECIDE_BOUND", hold=code, why=_BOUNDS[code])
    if code not in rules:
        raise RecoupError("DECIDE_CODE", hold=code, nearest=nearest(code, rules))
    part, full = (str(plan.law.value(name)) for name in ("three_quarter_part", "three_quarter_full"))
    if new.value and (code != _THREE_QUARTER or new.value not in (part, full) or new.decision != "release"):
        raise RecoupError("DECIDE_MINUTES", part=part, full=full)


def _refuse_again(new: Disposition, recorded: list[Disposition]) -> None:
    """Refuse what the latest decision on the same thing says word for word; other words, or other evidence, may supersede it."""
    about = ("school_year", "scope", "session_id", "ssid", "date", "code")
    said = ("decision", "value", "decided_by", "reason", "evidence_ref")
    same = [one for one in recorded if all(getattr(one, name) == getattr(new, name) for name in about)]
    if same and all(getattr(same[-1], name) == getattr(new, name) for name in said):
        raise RecoupError("DECIDE_SAME", id=same[-1].disposition_id)


def _compute(plan: Plan, saved: Run, recorded: list[Disposition]) -> tuple[Results, dict[str, pl.DataFrame]]:
    tables, absent = decisions.merged(saved.tables, saved.absent, recorded, saved.year.name)
    return figures.count(plan, tables, absent, saved.as_of, plan.config.attest, again.reported(saved)), tables


def _students(before: Results, after: Results) -> int:
    """Return how many students have other figures or other credited days; a match moves days and leaves the figures as they are."""
    changed = [
        one[name].join(other[name], on=one[name].columns, how="anti", nulls_equal=True).select("ssid")
        for name in ("ledger", "credits")
        for one, other in ((before, after), (after, before))
    ]
    return pl.concat(changed).n_unique()


def _refuse_idle_release(new: Disposition, before: pl.DataFrame, heard: pl.DataFrame) -> None:
    """Refuse a release or an uphold that no hold hears; the holds that are there are told by code and count, never by value."""
    if heard.is_empty():
        same = [pl.col(name) == value for name, value in (("session_id", new.session_id), ("ssid", new.ssid)) if value]
        here = before.filter(*same)
        code = str(new.code)
        if here.filter(pl.col("code") == code, pl.col("severity") == "attested").height:
            raise RecoupError("DECIDE_ATTESTED", hold=code)
        there = _by_code(here) or "no hold"
        raise RecoupError("DECIDE_NO_HOLD", hold=code, scope=new.scope, there=there, anywhere=_by_code(before) or "none")
    if new.decision == "release" and heard.filter(pl.col("severity") == "released").is_empty():
        raise RecoupError("DECIDE_FINAL", hold=str(new.code))


def _by_code(lines: pl.DataFrame) -> str:
    held = lines.filter(pl.col("severity").is_in(["hold", "not_checked", "released"]), pl.col("scope").is_in(["session", "participation"]))
    counts = held.group_by("code").len().sort(["len", "code"], descending=[True, False])
    return ", ".join(f"{code} × {count}" for code, count in counts.iter_rows())


def _refuse_idle_match(
    new: Disposition,
    plan: Plan,
    saved: Run,
    recorded: list[Disposition],
    tables: Mapping[str, pl.DataFrame],
    before: Results,
    after: Results,
) -> None:
    """Refuse a match or a school that the ledger does not take up, and say why as far as it can be told without values."""
    leas = figures.leas_of(plan, tables["schools"], frozenset(place for place in saved.absent if place[0] != decisions.TABLE))
    found, _ = decisions.outcome(tables, after, leas, [], saved.year.name)
    (mine,) = [one for one in found if one.disposition_id == new.disposition_id]
    at = pl.col("ssid") == new.ssid
    absences = tables["attendance"].filter(at, pl.col("date") == new.date)
    credits_ = before["credits"].filter(at, pl.col("absence_date") == new.date)
    if absences.is_empty():
        raise RecoupError("DECIDE_NO_MATCH", why="The student has no row of attendance on the absence's date.")
    chosen = any(one.decision == "match" and (one.ssid, one.date) == (new.ssid, new.date) for one in recorded)
    if new.decision == "match" and not chosen and (credits_["earned_on"].cast(pl.String) == new.value).any():
        raise RecoupError("DECIDE_NO_MATCH", why="The ledger matches the two already.")
    if new.decision == "match" and not mine.effect:
        attended = before["time_entries"].filter(at, pl.col("date").cast(pl.String) == new.value, pl.col("outcome") != "held")
        why = "No session of the student counts on the date of the earned day."
        if attended.height:
            why = "No free earned day and free eligible absence are on these dates, the ten are used, or the LEA's policy does not read it."
        raise RecoupError("DECIDE_NO_MATCH", why=why)
    if new.decision == "assign_school":
        if credits_.is_empty():
            raise RecoupError("DECIDE_NO_MATCH", why="The absence is not recovered, so there is no day to assign.")
        if (credits_["absence_school_code"] == new.value).any():
            raise RecoupError("DECIDE_NO_MATCH", why="The day stands at this school already.")
        if not mine.effect:
            why = "The school has no eligible absence left for a day, is another LEA's, or the LEA's policy does not read it."
            raise RecoupError("DECIDE_NO_MATCH", why=why)
