"""The bank: minutes in by date, days out, and which session paid for which day (ledger.md section 3).

A student's bank is kept for each LEA apart; its key is ``purse``, the student and the LEA in one number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.engine import Engine
    from recoup.ledger.setting import Setting

    Frame = nw.LazyFrame[pl.LazyFrame]

#: How many LEAs a purse number can tell apart.
UNITS = 10_000


def purse(who: str = "who", unit: str = "unit") -> nw.Expr:
    """Return the number that stands for a student's bank in an LEA."""
    return nw.col(who) * UNITS + nw.col(unit)


def withdrawals(dates: Frame, voids: Frame | None, setting: Setting, engine: Engine) -> Frame:
    """Return what left the bank: purse, nth, date, cost, day (nth where a day was earned; null: minutes that lapsed).

    ``dates``: purse, who, date, put, schoolday. ``voids``: who, void - dates on which the bank is emptied (K19 ``void``); with K4
    ``drop`` it is emptied after every day earned.
    """
    spells = _spells(dates, voids)
    spells = engine.settle(spells)
    taken = _dropping(spells, engine) if setting.policy["day_remainder"] == "drop" else _keeping(spells, engine)
    lapsed = [taken.filter(nw.col("waste") > 0).select("purse", "date", cost="waste", late=nw.lit(1))]
    if voids is not None:
        lapsed.append(_voided(spells, taken, voids))
    out = nw.concat([taken.select("purse", "date", cost="schoolday", late=nw.lit(0)), *lapsed])
    out = out.with_columns(nth=nw.col("purse").cum_count().over("purse", order_by=["date", "late"]))
    return engine.settle(out.with_columns(day=nw.when(nw.col("late") == 0).then(nw.col("nth"))).drop("late"))


def _spells(dates: Frame, voids: Frame | None) -> Frame:
    """Add ``spell``: how often the bank has been emptied by long study up to the date; each spell begins with an empty bank."""
    if voids is None:
        return dates.with_columns(spell=nw.col("purse"))
    before = dates.select("purse", "who", "date").join(voids, on="who").filter(nw.col("void") <= nw.col("date"))
    counts = before.group_by("purse", "date").agg(emptied=nw.len().cast(nw.Int64))
    dates = dates.join(counts, on=["purse", "date"], how="left")
    return dates.with_columns(spell=nw.col("purse") * 1000 + nw.col("emptied").fill_null(0)).drop("emptied")


def _keeping(spells: Frame, engine: Engine) -> Frame:
    """Return the dates on which a day was earned: purse, spell, date, schoolday, waste (0). The remainder stays in the bank.

    While the minimum schoolday M stays the same, the days earned up to the i-th date are E(i) = min(E(i-1) + 1, F(i)) with
    F(i) = (bank before + minutes since) // M, which is i + min(0, min over j <= i of F(j) - j): a running minimum. Where M
    changes, the bank is carried into the next stretch; the loop runs over the stretches of all students at once.
    """
    before = nw.col("schoolday").shift(1).over("spell", order_by="date")
    spells = spells.with_columns(turn=(nw.col("schoolday") != before).fill_null(False).cast(nw.Int64))
    spells = engine.settle(spells.with_columns(stretch=nw.col("turn").cum_sum().over("spell", order_by="date")).drop("turn"))
    last = engine.take(spells.select(nw.col("stretch").max()))["stretch"].item() or 0
    carried = spells.select("spell").unique().with_columns(start=nw.lit(0).cast(nw.Int64))
    parts = []
    for stretch in range(last + 1):
        part = spells.filter(nw.col("stretch") == stretch).join(carried, on="spell")
        running = nw.col("put").cum_sum().over("spell", order_by="date")
        part = part.with_columns(
            nth=nw.col("spell").cum_count().over("spell", order_by="date").cast(nw.Int64), total=nw.col("start") + running
        )
        part = part.with_columns(short=nw.col("total") // nw.col("schoolday") - nw.col("nth"))
        least = nw.col("short").cum_min().over("spell", order_by="date")
        part = part.with_columns(days=nw.col("nth") + nw.min_horizontal(least, nw.lit(0)))
        previous = nw.col("days").shift(1).over("spell", order_by="date").fill_null(0)
        part = engine.settle(part.with_columns(earned=nw.col("days") - previous))
        final = part.filter(nw.col("nth") == nw.col("nth").max().over("spell"))
        carried = final.select("spell", start=nw.col("total") - nw.col("days") * nw.col("schoolday"))
        parts.append(part.filter(nw.col("earned") == 1).select("purse", "spell", "date", "schoolday", waste=nw.lit(0).cast(nw.Int64)))
    return engine.settle(nw.concat(parts))


def _dropping(spells: Frame, engine: Engine) -> Frame:
    """Return the dates on which a day was earned, where the bank is emptied after each: ``waste`` is what lapsed with it.

    The loop runs over the n-th day of all students at once.
    """
    left = spells
    parts = []
    while True:
        left = left.with_columns(total=nw.col("put").cum_sum().over("spell", order_by="date"))
        full = left.filter(nw.col("total") >= nw.col("schoolday"))
        first = engine.settle(full.filter(nw.col("date") == nw.col("date").min().over("spell")))
        earned = first.select("purse", "spell", "date", "schoolday", waste=nw.col("total") - nw.col("schoolday"))
        parts.append(earned)
        if engine.take(earned.select("spell")).is_empty():
            return engine.settle(nw.concat(parts))
        rest = left.drop("total").join(first.select("spell", until="date"), on="spell")
        left = engine.settle(rest.filter(nw.col("date") > nw.col("until")).drop("until"))


def _voided(spells: Frame, taken: Frame, voids: Frame) -> Frame:
    """Return what lapsed when long study emptied the bank: at the end of every spell that an emptying follows."""
    puts = spells.group_by("purse", "who", "spell").agg(nw.col("put").sum(), nw.col("date").max())
    spent = taken.group_by("spell").agg(spent=(nw.col("schoolday") + nw.col("waste")).sum())
    times = voids.group_by("who").agg(times=nw.len().cast(nw.Int64))
    ended = puts.join(times, on="who").filter(nw.col("spell") - nw.col("purse") * 1000 < nw.col("times"))
    ended = ended.join(spent, on="spell", how="left").with_columns(cost=nw.col("put") - nw.col("spent").fill_null(0))
    return ended.filter(nw.col("cost") > 0).select("purse", "date", "cost", late=nw.lit(2))


def pay(entries: Frame, out: Frame, engine: Engine) -> Frame:
    """Return which sessions gave what left the bank, first in first out: purse, nth, day, row, place (the order in which
    sessions pay), sess, date, minutes.

    ``entries``: purse, row, sess, date, since, kept (counted minutes that went into the bank). ``out``: ``withdrawals``. Both are
    laid on one tape of minutes; each piece between two marks belongs to one session and one withdrawal.
    """
    order = ["date", "since", "sess"]
    sessions = entries.filter(nw.col("kept") > 0).join(out.select("purse").unique(), on="purse")
    mark = nw.col("kept").cum_sum().over("purse", order_by=order)
    sessions = engine.settle(sessions.with_columns(mark=mark, place=nw.col("purse").cum_count().over("purse", order_by=order)))
    marked = out.with_columns(mark=nw.col("cost").cum_sum().over("purse", order_by="nth"))
    one, none = nw.lit(1), nw.lit(0)
    marks = nw.concat([sessions.select("purse", "mark", place=one, nth=none), marked.select("purse", "mark", place=none, nth=one)])
    pieces = marks.group_by("purse", "mark").agg(nw.col("place").max(), nw.col("nth").max())
    pieces = pieces.with_columns(
        place=nw.col("place").cum_sum().over("purse", order_by="mark") - nw.col("place") + 1,
        nth=nw.col("nth").cum_sum().over("purse", order_by="mark") - nw.col("nth") + 1,
        minutes=nw.col("mark") - nw.col("mark").shift(1).over("purse", order_by="mark").fill_null(0),
    )
    paid = pieces.select("purse", "place", "nth", "minutes").join(
        sessions.select("purse", "place", "row", "sess", "date"), on=["purse", "place"]
    )
    return engine.settle(paid.join(out.select("purse", "nth", "day"), on=["purse", "nth"]))
