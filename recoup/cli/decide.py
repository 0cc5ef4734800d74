"""``recoup decide``: a person's decision on a hold or a match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recoup.cli.app import Ui, command, table
from recoup.cli.run import day
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from datetime import datetime

    from recoup.pipeline.decide import Verdict
    from recoup.store import Disposition

_DATE = click.DateTime(["%Y-%m-%d"])
#: What a match and an assignment say beside the student, and a decision on a hold in their place.
_OWN = {"match": ("--absence", "--earned"), "assign-school": ("--absence", "--school")}
_ON_HOLDS = ("--session", "--code", "--date", "--minutes")


@command("decide")
@click.argument("what", type=click.Choice(["release", "uphold", "match", "assign-school", "list"]))
@click.option("--session", metavar="ID", help="The session that is held; with --student, that student's row in it.")
@click.option("--student", metavar="SSID", help="The student; without --session, every row of the student.")
@click.option("--code", metavar="CODE", help="The code of the hold, as holds.csv has it.")
@click.option("--date", "on", type=_DATE, metavar="DATE", help="Only on this date (release, uphold).")
@click.option("--minutes", type=int, help="For three_quarter_day: the minutes that make this student's day.")
@click.option("--absence", type=_DATE, metavar="DATE", help="The date of the absence (match, assign-school).")
@click.option("--earned", type=_DATE, metavar="DATE", help="The date on which the day was earned (match).")
@click.option("--school", metavar="CODE", help="The school that shall report the day (assign-school).")
@click.option("--by", metavar="NAME", help="Who decides.")
@click.option("--reason", metavar="TEXT", help="Why.")
@click.option("--evidence", metavar="TEXT", help="Where the evidence lies.")
@click.option("--dry-run", is_flag=True, help="Show what it would change and record nothing.")
@click.option("--show-names", is_flag=True, help="With list: show SSIDs, reasons and evidence; else they are masked.")
def decide(
    ui: Ui,
    what: str,
    session: str | None,
    student: str | None,
    code: str | None,
    on: datetime | None,
    minutes: int | None,
    absence: datetime | None,
    earned: datetime | None,
    school: str | None,
    by: str | None,
    reason: str | None,
    evidence: str | None,
    dry_run: bool,
    show_names: bool,
) -> None:
    """Record a decision of a person.

    release or uphold a hold, match an absence with an earned day, assign a credited day to a school; or list what was decided. What a
    decision changes is computed on the data of the last good run and shown; one that would change nothing is refused. It counts from the
    next run on, stands beside its hold in every report, and is never edited: a later decision supersedes it.
    """
    config = ui.config()
    from recoup.pipeline import Request
    from recoup.pipeline.decide import Wish, recorded_in
    from recoup.pipeline.decide import decide as record

    if what == "list":
        rows = [_listed(one, effect, show_names=show_names) for one, effect in recorded_in(config)]
        ui.result(rows, table([tuple(row.values()) for row in rows]) or "Nothing was decided in this school year.")
        return
    words = {"--by": by, "--reason": reason, "--evidence": evidence}
    if missing := [name for name, text in words.items() if not (text or "").strip()]:
        raise RecoupError("DECIDE_USAGE", decision=what, missing=" and ".join(missing))
    given = {"--session": session, "--code": code, "--date": on, "--minutes": minutes}
    given |= {"--absence": absence, "--earned": earned, "--school": school}
    if strange := [name for name, value in given.items() if value is not None and name not in _OWN.get(what, _ON_HOLDS)]:
        raise RecoupError("DECIDE_OPTIONS", decision=what, options=" and ".join(strange))
    values = {"match": str(day(earned) or ""), "assign-school": school or ""}
    wish = Wish(
        decision=what.replace("-", "_"),
        by=(by or "").strip(),
        reason=(reason or "").strip(),
        evidence=(evidence or "").strip(),
        session=session,
        student=student,
        code=code,
        on=day(absence) if what in values else day(on),
        value=values.get(what, str(minutes) if minutes is not None else "") or None,
    )
    verdict = record(config, wish, Request(dry_run=dry_run, say=ui.progress))
    ui.progress("")
    told = _told(verdict)
    ui.result(told, _as_text(verdict))


def _listed(one: Disposition, effect: str, *, show_names: bool) -> dict[str, str]:
    """Return a decision for the list; a student by the last two digits unless asked."""
    student = one.ssid or ""
    row = {
        "disposition_id": one.disposition_id,
        "decided_at": f"{one.decided_at:%Y-%m-%d %H:%M}",
        "decided_by": one.decided_by,
        "decision": one.decision,
        "scope": one.scope,
        "code": one.code or "",
        "session_id": one.session_id or "",
        "student": student if show_names or not student else f"…{student[-2:]}",
        "effect": effect or "nothing in the last good run",
    }
    return row | {"date": str(one.date or ""), "reason": one.reason, "evidence": one.evidence_ref} if show_names else row


def _told(verdict: Verdict) -> dict[str, object]:
    one = verdict.disposition
    return {
        "status": 0,
        "disposition_id": one.disposition_id,
        "decision": one.decision,
        "scope": one.scope,
        "code": one.code or "",
        "recorded": verdict.recorded,
        "lines": verdict.lines,
        "minutes": verdict.minutes,
        "students": verdict.students,
        "before": dict(verdict.before),
        "after": dict(verdict.after),
    }


def _as_text(verdict: Verdict) -> str:
    one = verdict.disposition
    of = f" of {one.code}" if one.code else ""
    rows: list[tuple[object, ...]] = [("", "before", "after", "change")]
    for name, before in verdict.before.items():
        after = verdict.after[name]
        rows.append((name.replace("_", " "), f"{before:,}", f"{after:,}", f"{after - before:+,}"))
    heard = f"{verdict.lines:,} lines, {verdict.minutes:,} minutes; " if one.code else ""
    end = f"Recorded as {one.disposition_id}; it counts from the next run on." if verdict.recorded else "Nothing was recorded."
    return f"{one.decision}{of} ({one.scope}): {heard}{verdict.students:,} students change\n{table(rows)}\n{end}"
