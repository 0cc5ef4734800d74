"""What a person should look at although it holds nothing: the warnings, and the checks that could not be made (ledger.md 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from recoup.ledger import minutes

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.setting import Setting
    from recoup.ledger.time import Time

    Frame = nw.LazyFrame[pl.LazyFrame]

#: The columns of a note; what does not apply is null.
NOTE = ("scope", "sess", "who", "date", "code", "severity")
DAY = 1440


def _note(frame: Frame, scope: str, code: str, severity: str = "warn", *, sess: bool = False, who: bool = False, date: str = "") -> Frame:
    none = nw.lit(None).cast(nw.Int64)
    return frame.select(
        scope=nw.lit(scope),
        sess=nw.col("sess") if sess else none,
        who=nw.col("who") if who else none,
        date=nw.col(date) if date else none,
        code=nw.lit(code),
        severity=nw.lit(severity),
    )


def _on_sessions(book: Book, time: Time, setting: Setting, engine: Engine) -> list[Frame]:
    sessions = engine.bring(book.sessions).filter(nw.col("date") <= setting.as_of)
    taught = engine.bring(book.calendar).filter(nw.col("instructional")).select("school", "date", "day_start", "day_end").unique()
    overlapping = sessions.join(taught, on=["school", "date"]).filter(
        (nw.col("start") < nw.col("day_end")) & (nw.col("end") > nw.col("day_start"))
    )
    found = {"host_school_day": overlapping.select("sess", "date").unique()}
    twice = time.teachers.filter(nw.col("lost")).select("sess").unique()
    warned = nw.col("minutes") <= setting.number("ratio_grace_minutes")
    if setting.policy["ratio_breach"] == "warn":
        warned = nw.col("minutes") > 0
    found["ratio"] = sessions.select("sess", "date").join(time.broken.filter(warned).select("sess"), on="sess")
    found["teacher_twice"] = sessions.select("sess", "date").join(twice, on="sess")
    if "delivery_unknown" not in setting.blind:
        found["delivery_unknown"] = sessions.filter(nw.col("delivery").is_null())
    if "no_meal_record" not in setting.blind:
        weekday = nw.col("date") - minutes.monday("date")
        free = sessions.filter(~nw.col("meal")).join(
            taught.select("school", "date").unique().with_columns(taught=nw.lit(True)), on=["school", "date"], how="left"
        )
        found["no_meal_record"] = free.filter((weekday > 4) | nw.col("taught").is_null())
    return [_note(frame, "session", code, sess=True, date="date") for code, frame in found.items()]


def _on_rows(time: Time, setting: Setting) -> list[Frame]:
    rows = time.rows.filter(nw.col("date") <= setting.as_of)
    verified = rows.filter(~nw.col("verified").is_null())
    late = nw.col("verified") // DAY - nw.col("date") > setting.number("verify_within_days")
    early = nw.col("verified") < nw.col("date") * DAY + nw.col("end")
    found = [
        ("verified_late", "warn", verified.filter(late)),
        ("verified_early", "warn", verified.filter(early)),
        ("not_eligible", "not_checked", rows.filter(nw.col("enrolled") & nw.col("eligible").is_null())),
    ]
    if setting.policy["charter_minimum"] == "grade_span":
        found.append(("charter_minimum", "warn", rows.filter(nw.col("enrolled") & nw.col("charter"))))
    return [_note(frame, "participation", code, severity, sess=True, who=True, date="date") for code, severity, frame in found]


def _on_students(book: Book, time: Time, setting: Setting, engine: Engine) -> list[Frame]:
    spans = engine.bring(book.spans)
    notes = [_note(spans.filter(nw.col("bare_alternate")).select("who").unique(), "student", "alternate_without_basis", who=True)]
    if "no_election" not in setting.blind:
        programs = (
            time.rows.filter(nw.col("date") <= setting.as_of)
            .select("who", "sess")
            .join(engine.bring(book.sessions).select("sess", "program"), on="sess")
            .select("who", "program")
            .unique()
        )
        elected = engine.bring(book.elections).filter(~nw.col("elected").is_null()).select("who", "program").unique()
        notes.append(
            _note(programs.join(elected, on=["who", "program"], how="anti").select("who").unique(), "student", "no_election", who=True)
        )
    if setting.policy["continuation_weekly"] == "warn":
        weeks = time.worked.filter(nw.col("continuation").fill_null(False)).with_columns(monday=minutes.monday("date"))
        weeks = weeks.group_by("who", "monday").agg(nw.col("remaining").sum())
        over = weeks.filter(nw.col("remaining") > setting.law.value("weekly_hours") * 60)
        notes.append(_note(over, "student", "weekly_hours", who=True, date="monday"))
    return notes


def _on_terms(book: Book, setting: Setting, engine: Engine) -> list[Frame]:
    if "no_session_in_term" in setting.blind:
        return []
    terms = engine.bring(book.terms.with_row_index("n")).filter(nw.col("last") <= setting.as_of)
    sessions = engine.bring(book.sessions).filter(~nw.col("cancelled") & (nw.col("date") <= setting.as_of))
    offered = sessions.select("school", "date")
    held = (
        terms.join(offered, on="school")
        .filter((nw.col("first") <= nw.col("date")) & (nw.col("date") <= nw.col("last")))
        .select("n")
        .unique()
    )
    empty = terms.join(offered.select("school").unique(), on="school").join(held, on="n", how="anti")
    return [_note(empty.select("first").unique(), "lea", "no_session_in_term", date="first")]


def notes(book: Book, time: Time, late: Frame, doubled: Frame, applied: Frame, setting: Setting, engine: Engine) -> Frame:
    """Return every line that is not a failed check or a cut: scope, sess, who, date, code, severity.

    ``late``: absences after as-of; ``doubled``: absences that yielded to another school; ``applied``: applied days to look at.
    """
    frames = [
        *_on_sessions(book, time, setting, engine),
        *_on_rows(time, setting),
        *_on_students(book, time, setting, engine),
        *_on_terms(book, setting, engine),
    ]
    frames.append(_note(late, "absence", "after_as_of", who=True, date="date"))
    frames.append(_note(doubled, "absence", "absence_at_two_schools", "hold", who=True, date="date"))
    none = nw.lit(None).cast(nw.Int64)
    frames.append(
        applied.select(
            scope=nw.lit("applied_day"), sess=none, who=nw.col("who"), date=nw.col("date"), code=nw.col("code"), severity=nw.lit("warn")
        )
    )
    return nw.concat(frames)
