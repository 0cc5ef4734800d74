"""What holds of a student on a date: the enrollment in force, its school day, its minimum schoolday, and long independent study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from recoup.ledger.encode import FOREVER

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.setting import Setting

    Frame = nw.LazyFrame[pl.LazyFrame]

#: A student and a date in one number: who * SPREAD + date.
SPREAD = 100_000


def key(who: str = "who", day: str = "date") -> nw.Expr:
    """Return the number that stands for a student on a date."""
    return nw.col(who) * SPREAD + nw.col(day)


def pick(frame: Frame, by: str, score: nw.Expr) -> Frame:
    """Keep of each group the row with the least score; scores within a group are distinct."""
    return frame.with_columns(_score=score).filter(nw.col("_score") == nw.col("_score").min().over(by)).drop("_score")


def school_days(book: Book, engine: Engine) -> Frame:
    """Return the instructional days of each kind of school day: combo, date, day_start, day_end.

    Of the calendar rows of a school and date that fit the track and the grade, the most specific wins (canonical-model.md):
    the one with more of the two named, a track before grades, then the shorter list of grades.
    """
    calendar = engine.bring(book.calendar.with_row_index("line"))
    fits = (
        engine.bring(book.combos)
        .join(calendar, on="school")
        .filter(
            (nw.col("c_track").is_null() | (nw.col("c_track") == nw.col("track")))
            & (nw.col("c_grade").is_null() | (nw.col("c_grade") == nw.col("grade")))
        )
        .with_columns(slot=nw.col("combo") * SPREAD + nw.col("date"))
    )
    vague = nw.col("c_track").is_null().cast(nw.Int64) * 2 + nw.col("c_grade").is_null().cast(nw.Int64)
    best = pick(fits, "slot", (vague * 100 + nw.col("breadth")) * 100_000_000 + nw.col("line").cast(nw.Int64))
    return engine.settle(best.filter(nw.col("instructional")).select("combo", "date", "day_start", "day_end"))


def in_force(points: Frame, book: Book, engine: Engine) -> Frame:
    """Return the enrollment in force for each point (point, who, date): the point's columns and the span's, or nulls (ledger.md 4).

    Spans that hold the date come first (30, 10, 20, 50; the later entry; the lower school), then the next one after it,
    then the last one before it if that ended on or after its school's last instructional day of the year.
    """
    near = points.join(engine.bring(book.spans), on="who", how="left")
    holds = (nw.col("entry") <= nw.col("date")) & (nw.col("exit") >= nw.col("date"))
    after = nw.col("entry") > nw.col("date")
    # The spans are numbered by school, the later entry first, which settles what is left.
    first = nw.when(holds).then(nw.col("rank")).when(after).then(nw.col("entry")).otherwise(FOREVER - nw.col("exit"))
    second = nw.when(holds).then(FOREVER - nw.col("entry")).when(after).then(nw.col("rank")).otherwise(0)
    stage = nw.when(holds).then(0).when(after).then(1).otherwise(2)
    score = ((stage * SPREAD + first) * SPREAD + second) * 10_000_000 + nw.col("span")
    best = near.with_columns(_score=nw.when(nw.col("span").is_null()).then(0).otherwise(score))
    best = best.filter(nw.col("_score") == nw.col("_score").min().over("point")).drop("_score")
    ended_early = (nw.col("exit") < nw.col("date")) & ((nw.col("exit") < nw.col("last_day")) | nw.col("last_day").is_null())
    return best.with_columns(enrolled=~(nw.col("span").is_null() | ended_early)).drop("rank", "last_day")


def minimum_schoolday(frame: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Add ``schoolday``: the minimum schoolday in minutes of the span on the date, null before the first rule (ledger.md 4).

    An alternate minimum with a basis counts where it is less; a three-quarter-day student has the minutes of K12, the full ones
    until somebody decides.
    """
    period = nw.lit(0)
    for turn in book.turns:
        period = period + (nw.col("date") >= turn).cast(nw.Int64)
    rules = engine.bring(book.minimums.rename({"minutes": "base"}))
    ruled = frame.with_columns(period=period).join(rules, on=["minimum", "period"], how="left").drop("period")
    own = (nw.col("alternate") < nw.col("base")) & ~nw.col("three_quarter")
    lesser = nw.when(own).then(nw.col("alternate")).otherwise(nw.col("base"))
    part = "three_quarter_part" if setting.policy["three_quarter_day"] == "use_180_as_day" else "three_quarter_full"
    minutes: int = setting.law.value(part)
    lesser = nw.when(nw.col("three_quarter") & (nw.col("base") > minutes)).then(nw.lit(minutes)).otherwise(lesser)
    return ruled.with_columns(schoolday=lesser).drop("base")


def long_study(points: Frame, days: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Return the points (point, who, date, combo) that lie in independent study of more than 15 schooldays.

    Spans that touch or have no instructional day between them are one; an open end runs to as-of (ledger.md 1, EC 46211(g)).
    """
    limit = setting.law.value("independent_study_days")
    studies = engine.bring(book.studies.with_row_index("study")).with_columns(nw.col("last").fill_null(setting.as_of))
    kinds = points.select("who", "combo").unique()
    spans = studies.join(kinds, on="who")
    counted = spans.join(days.select("combo", "date"), on="combo", how="left")
    before = (nw.col("date") < nw.col("first")).cast(nw.Int64).sum().alias("before")
    until = (nw.col("date") <= nw.col("last")).cast(nw.Int64).sum().alias("until")
    spans = counted.group_by("study", "who", "combo", "first", "last").agg(before, until)
    reach = nw.col("until").cum_max().over("who", "combo", order_by=["first", "study"])
    spans = spans.with_columns(reach=reach)
    prior = nw.col("reach").shift(1).over("who", "combo", order_by=["first", "study"])
    spans = spans.with_columns(opens=(nw.col("before") > prior).fill_null(True).cast(nw.Int64))
    spans = spans.with_columns(chain=nw.col("opens").cum_sum().over("who", "combo", order_by=["first", "study"]))
    chains = spans.group_by("who", "combo", "chain").agg(
        nw.col("first").min(), nw.col("last").max(), nw.col("before").min(), nw.col("until").max()
    )
    long = chains.filter(nw.col("until") - nw.col("before") > limit)
    inside = points.join(long.select("who", "combo", "first", "last"), on=["who", "combo"])
    return inside.filter((nw.col("first") <= nw.col("date")) & (nw.col("date") <= nw.col("last"))).select("point").unique()


def voids(school_days: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Return the dates on which independent study reached the day that makes it too long: who, void (K19 ``void``).

    Counted day by day in the calendar of the enrollment in force; a school day outside every span ends the count.
    """
    studies = engine.bring(book.studies).with_columns(nw.col("last").fill_null(setting.as_of))
    ends = studies.group_by("who").agg(nw.col("first").min(), nw.col("last").max())
    everyday = school_days.select("date").unique()
    points = ends.join(everyday, how="cross").filter((nw.col("first") <= nw.col("date")) & (nw.col("date") <= nw.col("last")))
    points = engine.settle(in_force(points.select("who", "date", point=key()), book, engine).filter(nw.col("enrolled")))
    taught = points.select("who", "date", "point", "combo").join(school_days.select("combo", "date"), on=["combo", "date"])
    covered = taught.select("who", "date", "point").join(studies, on="who")
    covered = covered.filter((nw.col("first") <= nw.col("date")) & (nw.col("date") <= nw.col("last"))).select("point").unique()
    taught = taught.join(covered.with_columns(inside=nw.lit(1)), on="point", how="left").with_columns(nw.col("inside").fill_null(0))
    taught = taught.with_columns(chain=(1 - nw.col("inside")).cum_sum().over("who", order_by="date"))
    inside = taught.filter(nw.col("inside") == 1)
    inside = inside.with_columns(nth=nw.col("inside").cum_sum().over("who", "chain", order_by="date"))
    reached = inside.filter((nw.col("nth") == setting.law.value("independent_study_days") + 1) & (nw.col("date") <= setting.as_of))
    return engine.settle(reached.select("who", void="date"))
