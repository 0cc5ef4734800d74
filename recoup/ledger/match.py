"""Which absences can be recovered, and which earned day each of them meets (ledger.md sections 5 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from recoup.ledger import days
from recoup.ledger.encode import FOREVER, day_number

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.setting import Setting

    Frame = nw.LazyFrame[pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class Matching:
    """The credited days, the absences that could be recovered, and the days that another LEA has applied.

    ``credits``: who, date, school, kind, source_code, grade, day (null: no earned day), earned_on, cost, applied, paid.
    ``eligible``: who, date, school. ``foreign``: who, foreign (how many take of the ten).
    """

    credits: Frame
    eligible: Frame
    foreign: Frame


def _rank(frame: Frame, order: list[str], name: str) -> Frame:
    return frame.with_columns(nw.col("who").cum_count().over("who", order_by=order).cast(nw.Int64).alias(name))


def _spans_on(frame: Frame, spans: Frame) -> Frame:
    """Join the spans of the same student and school that hold the date."""
    return frame.join(spans, on=["who", "school"]).filter((nw.col("entry") <= nw.col("date")) & (nw.col("date") <= nw.col("exit")))


def _in_force_order() -> nw.Expr:
    return (nw.col("rank") * days.SPREAD + FOREVER - nw.col("entry")) * 10_000_000 + nw.col("span")


def eligible_absences(book: Book, school_days: Frame, setting: Setting, engine: Engine) -> tuple[Frame, Frame, Frame]:
    """Return (eligible, doubled, late): who, date, school, kind, source_code each (ledger.md 5).

    Eligible are full-day absences of a recoverable kind, neither made up nor marked, on the student's own instructional day, in a
    span of status 10 or 30 that is not excluded; a short-term span takes its dates from the other schools; one a date.
    """
    law = setting.law
    absences = engine.bring(book.absences)
    wanted = nw.col("full_day") & nw.col("kind").is_in(law.value("recoverable_kinds")) & nw.col("free")
    in_year = (nw.col("date") >= day_number(law.year.first)) & (nw.col("date") <= day_number(law.year.last))
    absences = absences.filter(wanted & in_year).select("who", "school", "date", "kind", "source_code")
    late = absences.filter(nw.col("date") > setting.as_of)
    spans = engine.bring(book.spans).select("span", "who", "school", "combo", "entry", "exit", "rank", "eligible", "counts", "short_term")
    usable = spans.filter(nw.col("counts") & nw.col("eligible").fill_null(True)).drop("counts", "eligible")
    held = _spans_on(absences.filter(nw.col("date") <= setting.as_of).with_columns(point=days.key()), usable)
    held = held.with_columns(slot=nw.col("point") * 100_000 + nw.col("school"))
    held = days.pick(held, "slot", _in_force_order()).join(school_days.select("combo", "date"), on=["combo", "date"])
    elsewhere = spans.filter(nw.col("short_term")).select("who", s_school="school", s_entry="entry", s_exit="exit")
    short = held.filter(~nw.col("short_term")).join(elsewhere, on="who")
    short = short.filter(
        (nw.col("s_entry") <= nw.col("date")) & (nw.col("date") <= nw.col("s_exit")) & (nw.col("s_school") != nw.col("school"))
    )
    held = engine.settle(held.join(short.select("slot").unique(), on="slot", how="anti"))
    kept = days.pick(held, "point", _in_force_order())
    columns = ["who", "date", "school", "kind", "source_code"]
    doubled = held.join(kept.select("slot"), on="slot", how="anti").select(*columns)
    return engine.settle(kept.select(*columns)), engine.settle(doubled), late


def match(book: Book, earned: Frame, eligible: Frame, setting: Setting, engine: Engine, lea: str) -> tuple[Frame, Frame, Frame]:
    """Return (credited, lines, foreign): the applied days first, then the earned days left against the absences left (ledger.md 6).

    ``earned``: who, day, date, cost (the minimum schoolday it took).
    """
    cap = setting.law.value("annual_cap")
    first, last = day_number(setting.law.year.first), day_number(setting.law.year.last)
    applied = engine.bring(book.applied).filter((nw.col("date") >= first) & (nw.col("date") <= last))
    applied = applied.with_columns(foreign=(nw.col("reporting_lea") != lea).fill_null(False))
    foreign = applied.filter(nw.col("foreign")).group_by("who").agg(foreign=nw.len().cast(nw.Int64))
    own = engine.settle(applied.filter(~nw.col("foreign")).drop("foreign", "reporting_lea"))

    unpaid = own.filter(~nw.col("paid"))
    days_earned = earned.select("who", "day", earned_on="date", cost="cost")
    same_day = _rank(
        unpaid.join(days_earned, left_on=["who", "recovered"], right_on=["who", "earned_on"]).with_columns(
            slot=days.key("who", "recovered")
        ),
        ["date", "school"],
        "_n",
    )
    same_day = days.pick(same_day, "slot", nw.col("_n")).select("who", "date", "school", "day")
    others = _rank(unpaid.join(same_day, on=["who", "date", "school"], how="anti"), ["date", "school"], "nth")
    left = _rank(days_earned.join(same_day.select("who", "day"), on=["who", "day"], how="anti"), ["day"], "nth")
    any_day = others.select("who", "date", "school", "nth").join(left.select("who", "nth", "day"), on=["who", "nth"]).drop("nth")
    taken = engine.settle(nw.concat([same_day, any_day]))
    own = own.join(taken, on=["who", "date", "school"], how="left").join(days_earned, on=["who", "day"], how="left")
    own = own.join(
        eligible.select("who", "date", "school", "kind", "source_code").with_columns(fits=nw.lit(True)),
        on=["who", "date", "school"],
        how="left",
    )
    own = _rank(own, ["date", "school"], "nth").join(foreign, on="who", how="left")
    own = engine.settle(own.with_columns(nw.col("foreign").fill_null(0), nw.col("fits").fill_null(False)))

    listed = {
        "applied_without_time": nw.col("day").is_null() & ~nw.col("paid"),
        "applied_before_earned": (nw.col("earned_on") > nw.col("recovered")).fill_null(False),
        "applied_ineligible": ~nw.col("fits"),
        "applied_over_cap": nw.col("nth") + nw.col("foreign") > cap,
    }
    lines = nw.concat([own.filter(when).select("who", "date", code=nw.lit(code)) for code, when in listed.items()])

    used = own.group_by("who").agg(used=nw.len().cast(nw.Int64))
    free_days = _rank(days_earned.join(taken.select("who", "day"), on=["who", "day"], how="anti"), ["day"], "nth")
    free_absences = _rank(eligible.join(own.select("who", "date", "school"), on=["who", "date", "school"], how="anti"), ["date"], "nth")
    pairs = free_absences.join(free_days, on=["who", "nth"]).join(used, on="who", how="left").join(foreign, on="who", how="left")
    room = cap - nw.col("used").fill_null(0) - nw.col("foreign").fill_null(0)
    pairs = pairs.filter(nw.col("nth") <= room)
    columns = ["who", "date", "school", "kind", "source_code", "day", "earned_on", "cost", "recovered", "applied", "paid"]
    none = nw.lit(None).cast(nw.Int64)
    credited = nw.concat(
        [
            own.with_columns(applied=nw.lit(True)).select(*columns),
            pairs.with_columns(recovered=none, applied=nw.lit(False), paid=nw.lit(False)).select(*columns),
        ]
    )
    return engine.settle(_describe(credited, book, engine)), engine.settle(lines), engine.settle(foreign)


def _describe(credited: Frame, book: Book, engine: Engine) -> Frame:
    """Add grade on the absence date, the kind of an ineligible absence, and day and minimum schoolday of a credit without an earned day."""
    spans = engine.bring(book.spans).select("span", "who", "school", "grade", "entry", "exit", "rank")
    credited = credited.with_columns(point=(nw.col("who") * days.SPREAD + nw.col("date")) * 100_000 + nw.col("school"))
    at_school = days.pick(_spans_on(credited.select("who", "school", "date", "point"), spans), "point", _in_force_order()).select(
        "point", "grade"
    )
    credited = credited.join(at_school, on="point", how="left")
    placeless = credited.filter(nw.col("grade").is_null()).select("who", "date", "point")
    in_force = days.in_force(placeless, book, engine).select("point", f_grade="grade")
    rows = engine.bring(book.absences).select("who", "date", "school", r_kind="kind", r_code="source_code")
    bare = credited.filter(nw.col("cost").is_null()).select("who", "point", date="recovered")
    costs = days.minimum_schoolday(days.in_force(bare, book, engine), book, engine).select("point", "schoolday")
    credited = (
        credited.join(in_force, on="point", how="left")
        .join(costs, on="point", how="left")
        .join(rows, on=["who", "date", "school"], how="left")
    )
    either = {"grade": "f_grade", "cost": "schoolday", "earned_on": "recovered", "kind": "r_kind", "source_code": "r_code"}
    return credited.with_columns(
        *(nw.when(nw.col(a).is_null()).then(nw.col(b)).otherwise(nw.col(a)).alias(a) for a, b in either.items())
    ).drop(*either.values(), "point")
