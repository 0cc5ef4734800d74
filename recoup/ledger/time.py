"""Which time counts: the checks of a session and of a row, and what people decided on them (ledger.md section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from recoup.ledger import days, minutes, supervision
from recoup.ledger.encode import MIDNIGHT, day_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.setting import Setting

    Frame = nw.LazyFrame[pl.LazyFrame]

#: Sessions of these codes are out of time, beyond anybody's decision.
FINAL = ("after_as_of", "outside_fiscal_year")
#: A failed check on a session or on a row; ``listed`` is false where one line for the whole LEA says it, ``final`` true where
#: nobody can release it.
SESSION_FAIL = ("sess", "code", "severity", "listed", "final")
ROW_FAIL = ("row", "code", "severity", "listed", "final")
#: The code under which each required check is listed, by the name under which it is attested.
REQUIRED = {
    "qualifying_teacher": "no_qualifying_teacher",
    "ratio": "ratio",
    "verification": "not_verified",
    "inside_school_day": "inside_school_day",
}


@dataclass(frozen=True, slots=True)
class Time:
    """The time of every participation row.

    ``rows``: the rows as read, with what holds of the student on the date (``people_on_dates``), held and attested.
    ``worked``: what ``minutes.work_out`` made of the rows that are not held.
    ``dates``: who, unit, date, put (minutes that go into the bank), schoolday. ``session_fails``, ``row_fails``: the checks that
    failed, with what people decided. ``cuts``: row, code, minutes. ``teachers``: every duty of a teacher. ``broken``: sess,
    minutes - the sessions whose ratio was broken.
    """

    rows: Frame
    worked: Frame
    dates: Frame
    session_fails: Frame
    row_fails: Frame
    cuts: Frame
    teachers: Frame
    broken: Frame


def people_on_dates(entries: Frame, book: Book, school_days: Frame, setting: Setting, engine: Engine) -> Frame:
    """Return, for each student and date of participation, the enrollment in force and what follows from it.

    Columns: point, who, date, unit (the LEA), enrolled, eligible, combo, grade, schoolday, three_quarter, charter, continuation,
    long_study, instructional, day_start, day_end.
    """
    points = entries.select("point", "who", "date").unique()
    frame = days.minimum_schoolday(days.in_force(points, book, engine), book, setting, engine)
    frame = frame.join(school_days.with_columns(instructional=nw.lit(True)), on=["combo", "date"], how="left")
    frame = frame.with_columns(nw.col("instructional").fill_null(False))
    span = ["unit", "enrolled", "eligible", "combo", "grade", "schoolday", "three_quarter", "charter", "continuation"]
    frame = engine.settle(frame.select("point", "who", "date", *span, "instructional", "day_start", "day_end"))
    study = days.long_study(frame.select("point", "who", "date", "combo"), school_days, book, setting, engine)
    frame = frame.join(study.with_columns(long_study=nw.lit(True)), on="point", how="left")
    return engine.settle(frame.with_columns(nw.col("long_study").fill_null(False)))


def _failing(
    frame: Frame, key: str, code: str, when: nw.Expr, severity: str = "hold", *, listed: bool = True, final: bool = False
) -> Frame:
    failed = frame.filter(when)
    return failed.select(key, code=nw.lit(code), severity=nw.lit(severity), listed=nw.lit(listed), final=nw.lit(final))


def session_fails(broken: Frame, teachers: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Return the session checks that failed: sess, code, severity, listed. Nothing else is asked of a session after as-of.

    ``broken``: sess, minutes - the sessions whose ratio was broken, and for how long.
    """
    law = setting.law
    sessions = engine.bring(book.sessions)
    live = sessions.filter(nw.col("date") <= setting.as_of)
    first = max(day_number(law.year.first), day_number(law.value("first_date")))
    outside = (nw.col("date") < first) | (nw.col("date") > day_number(law.year.last))
    fails = [
        _failing(sessions, "sess", "after_as_of", nw.col("date") > setting.as_of),
        _failing(live, "sess", "outside_fiscal_year", outside),
        _failing(live, "sess", "cancelled", nw.col("cancelled")),
        _failing(live, "sess", "not_in_person", nw.col("delivery") == 0),
        _failing(live, "sess", "crosses_midnight", nw.col("end") >= MIDNIGHT),
    ]
    best = teachers.group_by("sess").agg(nw.col("fit").max())
    led = live.join(best, on="sess", how="left").with_columns(nw.col("fit").fill_null(supervision.UNFIT))
    untold = nw.col("sess") >= 0 if setting.no_roster else nw.col("fit") == supervision.UNKNOWN
    fails += [
        _failing(led, "sess", code, untold, setting.unchecked(code), listed=code not in setting.blind)
        for code in ("no_qualifying_teacher", "ratio")
    ]
    if not setting.no_roster:
        fails.append(_failing(led, "sess", "no_qualifying_teacher", nw.col("fit") == supervision.UNFIT))
    if setting.policy["ratio_breach"] == "hold_session":
        broken = live.select("sess").join(broken, on="sess")
        fails.append(_failing(broken, "sess", "ratio", nw.col("minutes") > setting.number("ratio_grace_minutes")))
    return nw.concat([fail.select(*SESSION_FAIL) for fail in fails])


def row_fails(rows: Frame, teachers: Frame, setting: Setting) -> Frame:
    """Return the row checks that failed: row, code, severity, listed.

    ``rows``: the participation rows of sessions not after as-of, with what holds of the student on the date.
    """
    enrolled = nw.col("enrolled")
    fails = [
        _failing(rows, "row", "not_enrolled", ~enrolled & ~nw.col("combo").is_null()),
        # Without any enrollment there is no grade and no LEA to count the time in.
        _failing(rows, "row", "not_enrolled", ~enrolled & nw.col("combo").is_null(), final=True),
        _failing(rows, "row", "not_eligible", enrolled & ~nw.col("eligible").fill_null(True)),
        _failing(rows, "row", "not_verified", nw.col("verifier").is_null()),
    ]
    if setting.policy["long_study_bank"] != "keep":
        fails.append(_failing(rows, "row", "independent_study", enrolled & nw.col("long_study")))
    if setting.policy["three_quarter_day"] == "manual":
        fails.append(_failing(rows, "row", "three_quarter_day", enrolled & nw.col("three_quarter")))
    named = rows.filter(~nw.col("verifier").is_null())
    unchecked, listed = setting.unchecked("not_verified"), "not_verified" not in setting.blind
    if setting.no_roster:
        fails.append(_failing(named, "row", "not_verified", nw.col("row") >= 0, unchecked, listed=listed))
    else:
        fit = teachers.group_by("sess", "teacher").agg(nw.col("fit").max())
        proof = named.join(fit, left_on=["sess", "verifier"], right_on=["sess", "teacher"], how="left").with_columns(
            nw.col("fit").fill_null(supervision.UNFIT)
        )
        fails.append(_failing(proof, "row", "not_verified", nw.col("fit") == supervision.UNFIT))
        fails.append(_failing(proof, "row", "not_verified", nw.col("fit") == supervision.UNKNOWN, unchecked, listed=listed))
    at_school = rows.filter(enrolled & nw.col("instructional"))
    unknown = nw.col("day_start").is_null() | nw.col("day_end").is_null()
    inside = (nw.col("start") < nw.col("day_end")) & (nw.col("end") > nw.col("day_start"))
    fails.append(_failing(at_school, "row", "inside_school_day", ~unknown & inside))
    fails.append(_failing(at_school, "row", "inside_school_day", unknown, setting.unchecked("inside_school_day")))
    return nw.concat([fail.select(*ROW_FAIL) for fail in fails])


def decide(fails: Frame, keyed: Frame, key: str, scopes: Mapping[str, tuple[str, ...]], book: Book, engine: Engine) -> Frame:
    """Add what people decided on each failed check: ``said`` (the number of the decision, or null) and ``released``.

    ``keyed`` gives sess, who and date for ``key``; ``scopes`` maps a scope of ``dispositions`` to the columns that must agree.
    Of several decisions the latest holds. None is heard on an attested check or on a session out of time; none releases a final one.
    """
    if book.decisions.is_empty():
        return fails.with_columns(said=nw.lit(None).cast(nw.Int64), released=nw.lit(False))
    decisions = engine.bring(book.decisions)
    open_fails = fails.filter(~nw.col("code").is_in(FINAL) & nw.col("severity").is_in(["hold", "not_checked"])).join(keyed, on=key)
    found = []
    for scope, columns in scopes.items():
        narrower = [column for column in ("sess", "date") if column not in columns]
        said = decisions.filter(nw.col("scope") == scope).select(
            "said", "code", *columns, *(nw.col(c).alias(f"only_{c}") for c in narrower)
        )
        match = open_fails.join(said, on=["code", *columns])
        for column in narrower:
            match = match.filter(nw.col(f"only_{column}").is_null() | (nw.col(f"only_{column}") == nw.col(column)))
        found.append(match.select(key, "code", "said"))
    last = nw.concat(found).group_by(key, "code").agg(nw.col("said").max())
    outcome = last.join(decisions.select("said", "decision"), on="said").select(key, "code", "said", "decision")
    fails = fails.join(outcome, on=[key, "code"], how="left")
    return fails.with_columns(released=(nw.col("decision") == "release").fill_null(False) & ~nw.col("final")).drop("decision")


def _held(rows: Frame, on_sessions: Frame, on_rows: Frame) -> Frame:
    """Add ``held`` and ``attested``: whether a check of the row or its session stands, or rests on somebody's word."""
    stands = nw.col("severity").is_in(["hold", "not_checked"]) & ~nw.col("released")
    rests = (nw.col("severity") == "attested") & ~nw.col("released")
    for name, which in (("held", stands), ("attested", rests)):
        by_session = on_sessions.filter(which).select("sess").unique().with_columns(by_session=nw.lit(value=True))
        by_row = on_rows.filter(which).select("row").unique().with_columns(by_row=nw.lit(value=True))
        rows = rows.join(by_session, on="sess", how="left").join(by_row, on="row", how="left")
        either = nw.col("by_session").fill_null(False) | nw.col("by_row").fill_null(False)
        rows = rows.with_columns(either.alias(name)).drop("by_session", "by_row")
    return rows


def _decided_schoolday(rows: Frame, on_rows: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Give a released three-quarter-day row the minutes that the decision names (K12 ``manual``)."""
    part = setting.law.value("three_quarter_part")
    small = nw.col("value").is_in([str(part), "use_180_as_day"]) & (nw.col("decision") == "release")
    said = engine.bring(book.decisions).filter(small & (nw.col("code") == "three_quarter_day")).select("said")
    less = on_rows.filter(nw.col("code") == "three_quarter_day").select("row", "said").join(said, on="said")
    rows = rows.join(less.select("row", part=nw.lit(value=True)), on="row", how="left")
    schoolday = nw.when(nw.col("part").fill_null(False)).then(nw.lit(part)).otherwise(nw.col("schoolday"))
    return rows.with_columns(schoolday=schoolday).drop("part")


def count(book: Book, school_days: Frame, setting: Setting, engine: Engine) -> Time:
    """Work out the time of every participation row (ledger.md sections 1 and 2)."""
    sessions = engine.bring(book.sessions)
    scheduled = sessions.select("sess", "date", "start", "end", "pause")
    entries = engine.settle(engine.bring(book.entries).join(scheduled, on="sess").with_columns(point=days.key()))
    teachers = supervision.duties(book, setting, engine)
    people = people_on_dates(entries, book, school_days, setting, engine)
    young = nw.col("enrolled") & nw.col("grade").is_in(["TK", "KN"]).fill_null(False)
    rows = engine.settle(entries.join(people.drop("who", "date"), on="point").with_columns(young=young))
    live = rows.filter(nw.col("date") <= setting.as_of)
    broken = engine.settle(supervision.breaches(live, teachers, book, setting, engine))
    on_sessions = session_fails(broken, teachers, book, setting, engine)
    on_sessions = engine.settle(decide(on_sessions, sessions.select("sess", "date"), "sess", {"session": ("sess",)}, book, engine))
    on_rows = row_fails(live, teachers, setting)
    if setting.policy["ratio_breach"] == "drop_excess":
        above = supervision.excess(live, broken, teachers, book, setting, engine)
        on_rows = nw.concat([on_rows, _failing(above, "row", "ratio", nw.col("row") >= 0).select(*ROW_FAIL)])
    keyed = rows.select("row", "sess", "who", "date")
    on_rows = engine.settle(decide(on_rows, keyed, "row", {"participation": ("sess", "who"), "student": ("who",)}, book, engine))
    rows = _held(rows, on_sessions, on_rows)
    if setting.policy["three_quarter_day"] == "manual" and not book.decisions.is_empty():
        rows = _decided_schoolday(rows, on_rows, book, setting, engine)
    rows = engine.settle(rows)
    asked = [
        "row",
        "point",
        "who",
        "unit",
        "date",
        "sess",
        "minutes",
        "pause",
        "start",
        "end",
        "sign_in",
        "sign_out",
        "schoolday",
        "continuation",
    ]
    worked = engine.settle(minutes.work_out(rows.filter(~nw.col("held")).select(*asked), setting))
    dates = worked.group_by("point", "who", "unit", "date").agg(nw.col("put").max(), nw.col("schoolday").max())
    return Time(rows, worked, engine.settle(dates), on_sessions, on_rows, engine.settle(minutes.cuts(worked)), teachers, broken)
