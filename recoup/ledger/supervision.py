"""Who supervised a session: its qualifying teachers, and the students per teacher at every minute of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine

    Frame = nw.LazyFrame[pl.LazyFrame]

#: What is known of a teacher: qualifies, does not, or a cell that would tell is empty.
PROVEN, UNKNOWN, UNFIT = 2, 1, 0


def duties(book: Book, engine: Engine) -> Frame:
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
    unfit = (~nw.col("certificated")).fill_null(False) | (~nw.col("lea_employee")).fill_null(False) | (nw.col("expires") < nw.col("date"))
    unknown = nw.col("certificated").is_null() | nw.col("lea_employee").is_null()
    known = engine.bring(book.staff).with_columns(listed=nw.lit(True))
    teachers = (
        all_duties.filter(nw.col("role") == "teacher").join(known, on="teacher", how="left").join(twice, on=["sess", "teacher"], how="left")
    )
    teachers = teachers.with_columns(twice=nw.col("twice").fill_null(False))
    fit = (
        nw.when(nw.col("listed").is_null() | unfit | nw.col("twice"))
        .then(nw.lit(UNFIT))
        .when(unknown)
        .then(nw.lit(UNKNOWN))
        .otherwise(nw.lit(PROVEN))
    )
    # A teacher whom the double booking alone disqualifies is worth a line of its own.
    lost = nw.col("twice") & ~nw.col("listed").is_null() & ~unfit
    return engine.settle(teachers.with_columns(fit=fit, lost=lost).select("sess", "teacher", "from_", "to", "fit", "lost"))


def breaches(entries: Frame, teachers: Frame, book: Book, engine: Engine, limit_young: int, limit: int) -> Frame:
    """Return the sessions whose ratio was broken, with the minutes it lasted: sess, minutes (ledger.md 1, `ratio`).

    ``entries``: every participation row with its student's grade on the date (young: TK or KN). Those with minutes > 0 are
    there from sign-in to sign-out, within the scheduled time, or from start to end; students not in the data all the time.
    Only sessions with a proven teacher are tested; a minute without one of them in the room is a breach.
    """
    tested = teachers.filter(nw.col("fit") == PROVEN)
    names = tested.select("sess").unique()
    sessions = (
        engine.bring(book.sessions).filter(nw.col("end") > nw.col("start")).select("sess", "start", "end", "others").join(names, on="sess")
    )
    present = entries.filter(nw.col("minutes") > 0).select("sess", "sign_in", "sign_out", "young").join(sessions, on="sess")
    clocked = ~nw.col("sign_in").is_null() & ~nw.col("sign_out").is_null()
    present = present.with_columns(
        since=nw.when(clocked).then(nw.max_horizontal("sign_in", "start")).otherwise(nw.col("start")),
        until=nw.when(clocked).then(nw.min_horizontal("sign_out", "end")).otherwise(nw.col("end")),
    ).filter(nw.col("since") < nw.col("until"))
    steps = []
    for minute, sign in (("since", 1), ("until", -1)):
        steps.append(
            present.group_by("sess", minute)
            .agg(students=nw.len() * sign, young=nw.col("young").cast(nw.Int64).sum() * sign)
            .select(
                "sess",
                nw.col(minute).alias("minute"),
                nw.col("students").cast(nw.Int64),
                nw.col("young").cast(nw.Int64),
                teachers=nw.lit(0),
            )
        )
    none = nw.lit(0)
    for minute, sign in (("start", 1), ("end", -1)):
        steps.append(
            sessions.filter(nw.col("others") > 0).select(
                "sess", nw.col(minute).alias("minute"), students=nw.col("others") * sign, young=none, teachers=none
            )
        )
    for minute, sign in (("from_", 1), ("to", -1)):
        steps.append(tested.select("sess", nw.col(minute).alias("minute"), students=none, young=none, teachers=nw.lit(sign)))
    columns = [
        nw.col("sess").cast(nw.Int64),
        nw.col("minute").cast(nw.Int64),
        *(nw.col(name).cast(nw.Int64) for name in ("students", "young", "teachers")),
    ]
    events = (
        nw.concat([step.select(*columns) for step in steps])
        .group_by("sess", "minute")
        .agg(nw.col("students").sum(), nw.col("young").sum(), nw.col("teachers").sum())
    )
    room = events.with_columns(
        nw.col("students").cum_sum().over("sess", order_by="minute"),
        nw.col("young").cum_sum().over("sess", order_by="minute"),
        nw.col("teachers").cum_sum().over("sess", order_by="minute"),
        lasts=nw.col("minute").shift(-1).over("sess", order_by="minute") - nw.col("minute"),
    )
    allowed = nw.when(nw.col("young") > 0).then(nw.lit(limit_young)).otherwise(nw.lit(limit)) * nw.col("teachers")
    return room.filter(nw.col("students") > allowed).group_by("sess").agg(minutes=nw.col("lasts").sum())
