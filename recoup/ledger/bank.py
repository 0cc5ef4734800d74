"""The bank: minutes in by date, days out, and which session paid for which day (ledger.md section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.engine import Engine

    Frame = nw.LazyFrame[pl.LazyFrame]


def earn(dates: Frame, engine: Engine) -> Frame:
    """Return the dates (who, date, put, schoolday) with ``earned`` (0 or 1) and ``bank`` after the date.

    While the minimum schoolday M stays the same, the days earned up to the i-th date are E(i) = min(E(i-1) + 1, F(i)) with
    F(i) = (bank before + minutes since) // M, which is i + min(0, min over j <= i of F(j) - j): a running minimum. Where M
    changes, the bank is carried into the next stretch; the loop runs over the stretches of all students at once.
    """
    before = nw.col("schoolday").shift(1).over("who", order_by="date")
    dates = dates.with_columns(turn=(nw.col("schoolday") != before).fill_null(False).cast(nw.Int64))
    dates = engine.settle(dates.with_columns(stretch=nw.col("turn").cum_sum().over("who", order_by="date")).drop("turn"))
    last = engine.take(dates.select(nw.col("stretch").max()))["stretch"].item() or 0
    parts = []
    carried = dates.filter(nw.col("stretch") == 0).select("who").unique().with_columns(start=nw.lit(0))
    for stretch in range(last + 1):
        part = dates.filter(nw.col("stretch") == stretch).join(carried, on="who")
        part = part.with_columns(
            nth=nw.col("who").cum_count().over("who", order_by="date"),
            total=nw.col("start") + nw.col("put").cum_sum().over("who", order_by="date"),
        )
        part = part.with_columns(short=nw.col("total") // nw.col("schoolday") - nw.col("nth"))
        part = part.with_columns(short=nw.min_horizontal(nw.col("short").cum_min().over("who", order_by="date"), nw.lit(0)))
        part = part.with_columns(days=nw.col("nth") + nw.col("short"))
        part = part.with_columns(
            earned=nw.col("days") - nw.col("days").shift(1).over("who", order_by="date").fill_null(0),
            bank=nw.col("total") - nw.col("days") * nw.col("schoolday"),
        )
        part = engine.settle(part)
        final = part.filter(nw.col("nth") == nw.col("nth").max().over("who"))
        carried = final.select("who", start="bank")
        parts.append(part.select("who", "date", "put", "schoolday", "earned", "bank"))
    return engine.settle(nw.concat(parts))


def pay(entries: Frame, earned: Frame, engine: Engine) -> Frame:
    """Return how the earned days were paid, first in first out.

    Columns: who, day (its number), sess, date and since (the session's), row, minutes.

    ``entries``: row, who, sess, date, since, kept (counted minutes that went into the bank). ``earned``: who, day, cost. Both are laid
    on one tape of minutes a student; each piece between two marks belongs to one session and one day.
    """
    payers = earned.select("who").unique()
    order = ["date", "since", "sess"]
    sessions = entries.filter(nw.col("kept") > 0).join(payers, on="who")
    sessions = sessions.with_columns(
        mark=nw.col("kept").cum_sum().over("who", order_by=order), nth=nw.col("who").cum_count().over("who", order_by=order)
    )
    marked_days = earned.with_columns(mark=nw.col("cost").cum_sum().over("who", order_by="day"))
    marks = nw.concat(
        [
            sessions.select("who", "mark", session=nw.lit(1), day=nw.lit(0)),
            marked_days.select("who", "mark", session=nw.lit(0), day=nw.lit(1)),
        ]
    )
    pieces = marks.group_by("who", "mark").agg(nw.col("session").max(), nw.col("day").max())
    pieces = pieces.with_columns(
        nth=nw.col("session").cum_sum().over("who", order_by="mark") - nw.col("session") + 1,
        day=nw.col("day").cum_sum().over("who", order_by="mark") - nw.col("day") + 1,
        minutes=nw.col("mark") - nw.col("mark").shift(1).over("who", order_by="mark").fill_null(0),
    )
    paid = pieces.select("who", "nth", "day", "minutes").join(
        sessions.select("who", "nth", "sess", "date", "since", "row"), on=["who", "nth"]
    )
    return engine.settle(paid.join(earned.select("who", "day"), on=["who", "day"]).drop("nth"))
