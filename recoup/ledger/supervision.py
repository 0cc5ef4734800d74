"""Who supervised a session: its qualifying teachers, and the students per teacher at every minute of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.setting import Setting

    Frame = nw.LazyFrame[pl.LazyFrame]

#: What is known of a teacher: qualifies, does not, or a cell that would tell is empty.
PROVEN, UNKNOWN, UNFIT = 2, 1, 0


def duties(book: Book, setting: Setting, engine: Engine) -> Frame:
    """Return every duty of a teacher in a session: sess, teacher, from_, to, fit (PROVEN, UNKNOWN, UNFIT), twice (ledger.md 1).

    A teacher is certificated, employed by the LEA, not expired on the date, and in no other session at the same hour in any role.
    """
    sessions = engine.bring(book.sessions).select("sess", "date", "start", "end", "cancelled")
    all_duties = engine.bring(book.duties.with_row_index("duty")).join(sessions, on="sess")
    all_duties = all_duties.with_columns(
        from_=nw.when(nw.col("from_").is_null()).then(nw.col("start")).otherwise(nw.col("from_")),
        to=nw.when(nw.col("to").is_null()).then(nw.col("end")).otherwise(nw.col("to")),
    )
    held = all_duties.filter(~nw.col("cancelled") & ~nw.col("teacher").is_null())
    other = held.select("teacher", "date", o_sess="sess", o_from="from_", o_to="to")
    clash = held.join(other, on=["teacher", "date"]).filter(
        (nw.col("sess") != nw.col("o_sess")) & (nw.col("from_") < nw.col("o_to")) & (nw.col("o_from") < nw.col("to"))
    )
    twice = clash.select("sess", "teacher").unique().with_columns(twice=nw.lit(True))
    unfit = (
        (~nw.col("certificated")).fill_null(False)
        | (~nw.col("lea_employee")).fill_null(False)
        | (nw.col("expires") < nw.col("date")).fill_null(False)
    )
    unknown = nw.col("certificated").is_null() | nw.col("lea_employee").is_null()
    known = engine.bring(book.staff).with_columns(listed=nw.lit(True))
    teachers = (
        all_duties.filter(nw.col("role") == "teacher").join(known, on="teacher", how="left").join(twice, on=["sess", "teacher"], how="left")
    )
    teachers = teachers.with_columns(twice=nw.col("twice").fill_null(False))
    strange = nw.lit(value=False) if setting.no_staff else nw.col("listed").is_null()
    fit = nw.when(strange | unfit | nw.col("twice")).then(nw.lit(UNFIT)).when(unknown).then(nw.lit(UNKNOWN)).otherwise(nw.lit(PROVEN))
    # A teacher whom the double booking alone disqualifies is worth a line of its own.
    lost = nw.col("twice") & ~strange & ~unfit
    return engine.settle(teachers.with_columns(fit=fit, lost=lost).select("sess", "teacher", "from_", "to", "fit", "lost"))


def _too_many(students: nw.Expr, young: nw.Expr, teachers: nw.Expr, setting: Setting) -> nw.Expr:
    """Whether so many students, ``young`` of them TK or KN, are above what the teachers may supervise (K9)."""
    few, many = setting.dated("ratio_tk_kn"), setting.dated("ratio_other")
    if setting.policy["mixed_ratio"] == "proportional":
        return young * many + (students - young) * few > teachers * (few * many)
    return students > nw.when(young > 0).then(few).otherwise(many) * teachers


def breaches(entries: Frame, teachers: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Return the sessions whose ratio was broken, with the minutes it lasted: sess, minutes (ledger.md 1, `ratio`; K9, K10).

    ``entries``: participation rows with their student's grade on the date (young: TK or KN). Those with minutes > 0 are there
    from sign-in to sign-out, within the scheduled time, or from start to end; students not in the data all the time.
    Only sessions with a proven teacher are tested; a minute without one of them in the room is a breach.
    """
    tested = teachers.filter(nw.col("fit") == PROVEN)
    sessions = engine.bring(book.sessions).select("sess", "date", "start", "end", "others")
    sessions = sessions.join(tested.select("sess").unique(), on="sess")
    scheduled = sessions.select("sess", "start", "end")
    present = entries.filter(nw.col("minutes") > 0).select("sess", "sign_in", "sign_out", "young").join(scheduled, on="sess")
    clocked = ~nw.col("sign_in").is_null() & ~nw.col("sign_out").is_null()
    if setting.policy["ratio_measure"] == "enrolled":
        clocked = clocked & nw.lit(value=False)
    present = present.with_columns(
        since=nw.when(clocked).then(nw.max_horizontal("sign_in", "start")).otherwise(nw.col("start")),
        until=nw.when(clocked).then(nw.min_horizontal("sign_out", "end")).otherwise(nw.col("end")),
    ).filter(nw.col("since") < nw.col("until"))
    tested = tested.join(scheduled, on="sess")
    if setting.policy["ratio_measure"] == "average":
        return _mean_breaches(present, tested, sessions, setting)
    zero = nw.lit(0)
    steps = []
    for minute, sign in (("since", 1), ("until", -1)):
        there = present.group_by("sess", minute).agg(students=nw.len().cast(nw.Int64), young=nw.col("young").cast(nw.Int64).sum())
        counts = [nw.col("students") * sign, nw.col("young") * sign, zero.alias("teachers")]
        steps.append(there.select("sess", nw.col(minute).alias("minute"), *counts))
    for minute, sign in (("start", 1), ("end", -1)):
        counts = [(nw.col("others") * sign).alias("students"), zero.alias("young"), zero.alias("teachers")]
        steps.append(sessions.select("sess", nw.col(minute).alias("minute"), *counts))
    for minute, sign in (("from_", 1), ("to", -1)):
        counts = [zero.alias("students"), zero.alias("young"), nw.lit(sign).alias("teachers")]
        steps.append(tested.select("sess", nw.col(minute).alias("minute"), *counts))
    columns = [nw.col(name).cast(nw.Int64) for name in ("sess", "minute", "students", "young", "teachers")]
    events = nw.concat([step.select(*columns) for step in steps]).group_by("sess", "minute")
    room = events.agg(*(nw.col(name).sum() for name in ("students", "young", "teachers")))
    room = room.with_columns(
        *(nw.col(name).cum_sum().over("sess", order_by="minute") for name in ("students", "young", "teachers")),
        lasts=nw.col("minute").shift(-1).over("sess", order_by="minute") - nw.col("minute"),
    )
    room = room.join(sessions.select("sess", "date"), on="sess")
    broken = room.filter(_too_many(nw.col("students"), nw.col("young"), nw.col("teachers"), setting) & (nw.col("lasts") > 0))
    return broken.group_by("sess").agg(minutes=nw.col("lasts").sum())


def _mean_breaches(present: Frame, tested: Frame, sessions: Frame, setting: Setting) -> Frame:
    """Compare student minutes with teacher minutes over the whole session (K10 ``average``)."""
    stay = nw.col("until") - nw.col("since")
    students = present.group_by("sess").agg(students=stay.sum(), young=nw.when(nw.col("young")).then(stay).otherwise(0).sum())
    taught = nw.max_horizontal(nw.min_horizontal("to", "end") - nw.max_horizontal("from_", "start"), nw.lit(0))
    teachers = tested.group_by("sess").agg(teachers=taught.sum())
    means = sessions.join(students, on="sess", how="left").join(teachers, on="sess", how="left")
    means = means.with_columns(
        *(nw.col(name).fill_null(0) for name in ("students", "young", "teachers")), length=nw.col("end") - nw.col("start")
    )
    means = means.with_columns(students=nw.col("students") + nw.col("others") * nw.col("length"))
    return means.filter(_too_many(nw.col("students"), nw.col("young"), nw.col("teachers"), setting)).select("sess", minutes="length")


def excess(entries: Frame, broken: Frame, teachers: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Return the rows above the limit of the sessions in breach: row (K11 ``drop_excess``).

    Students are let in one after the other, by sign-in and then ssid; whoever would break the ratio with those kept is dropped.
    The loop runs over the n-th student of all such sessions at once.
    """
    grave = broken.filter(nw.col("minutes") > setting.number("ratio_grace_minutes")).select("sess")
    clocked = ~nw.col("sign_in").is_null() & ~nw.col("sign_out").is_null()
    came = nw.when(clocked).then(nw.col("sign_in")).otherwise(nw.col("start"))
    teachers = engine.settle(teachers.join(grave, on="sess"))
    queue = entries.filter(nw.col("minutes") > 0).join(grave, on="sess").with_columns(came=came)
    queue = engine.settle(queue.with_columns(nth=nw.col("row").cum_count().over("sess", order_by=["came", "who"])))
    longest = engine.take(queue.select(nw.col("nth").max()))["nth"].item() or 0
    kept = queue.filter(nw.col("nth") < 0)
    dropped = [kept.select("row")]
    for nth in range(1, longest + 1):
        tried = queue.filter(nw.col("nth") == nth)
        full = breaches(nw.concat([kept, tried]), teachers, book, setting, engine).join(tried.select("sess"), on="sess").select("sess")
        full = engine.settle(full)
        dropped.append(tried.join(full, on="sess").select("row"))
        kept = engine.settle(nw.concat([kept, tried.join(full, on="sess", how="anti")]))
    return engine.settle(nw.concat(dropped))
