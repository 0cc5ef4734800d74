"""Which absences can be recovered, and which earned day each of them meets (ledger.md sections 5 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from recoup.ledger import bank, days
from recoup.ledger.encode import FOREVER

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.setting import Setting

    Frame = nw.LazyFrame[pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class Matching:
    """The credited days, the absences that could be recovered, and the days that another LEA has applied.

    ``credits``: purse, who, date, school, kind, source_code, grade, day (null: no earned day), earned_on, cost, applied, paid, fits.
    ``eligible``: purse, who, date, school. ``foreign``: purse, foreign (how many take of the ten).
    """

    credits: Frame
    eligible: Frame
    foreign: Frame


def _rank(frame: Frame, by: str, order: list[str], name: str = "nth") -> Frame:
    """Number the rows of each group from 1, in order."""
    return frame.with_columns(nw.col(by).cum_count().over(by, order_by=order).cast(nw.Int64).alias(name))


def _spans_on(frame: Frame, spans: Frame) -> Frame:
    """Join the spans of the same student and school that hold the date."""
    return frame.join(spans, on=["who", "school"]).filter((nw.col("entry") <= nw.col("date")) & (nw.col("date") <= nw.col("exit")))


def _in_force_order() -> nw.Expr:
    return (nw.col("rank") * days.SPREAD + FOREVER - nw.col("entry")) * 10_000_000 + nw.col("span")


def eligible_absences(book: Book, school_days: Frame, setting: Setting, engine: Engine) -> tuple[Frame, Frame, Frame]:
    """Return (eligible, doubled, late): purse, who, date, school, kind, source_code; of the late ones, after as-of, who and date.

    Eligible (ledger.md 5) are full-day absences of a recoverable kind (K5 and K6 widen the kinds), neither made up nor marked, on
    the student's own instructional day, in a span of status 10 or 30 that is not excluded; a short-term span takes its dates from
    the other schools; one a date. Dates of other years were refused by the checks.
    """
    kinds = [
        *setting.law.value("recoverable_kinds"),
        *(["suspension_out"] if setting.policy["recover_suspension"] == "yes" else []),
        *(["independent_study_non_ada"] if setting.policy["recover_non_ada_study"] == "yes" else []),
    ]
    absences = engine.bring(book.absences)
    wanted = nw.col("full_day") & nw.col("kind").is_in(kinds) & nw.col("free")
    late = absences.filter(nw.col("date") > setting.as_of).select("who", "date").unique()
    absences = absences.filter(wanted).select("who", "school", "date", "kind", "source_code")
    columns = ["span", "who", "school", "combo", "entry", "exit", "rank", "eligible", "counts", "short_term", "unit"]
    spans = engine.bring(book.spans).select(*columns)
    usable = spans.filter(nw.col("counts") & nw.col("eligible").fill_null(True)).drop("counts", "eligible")
    held = _spans_on(absences.filter(nw.col("date") <= setting.as_of).with_columns(point=days.key()), usable)
    held = held.with_columns(slot=nw.col("point") * 100_000 + nw.col("school"))
    held = engine.settle(days.pick(held.join(school_days.select("combo", "date"), on=["combo", "date"]), "slot", _in_force_order()))
    elsewhere = spans.filter(nw.col("short_term")).select("who", s_school="school", s_entry="entry", s_exit="exit")
    short = held.filter(~nw.col("short_term")).join(elsewhere, on="who")
    short = short.filter(
        (nw.col("s_entry") <= nw.col("date")) & (nw.col("date") <= nw.col("s_exit")) & (nw.col("s_school") != nw.col("school"))
    )
    held = held.join(short.select("slot"), on="slot", how="anti").with_columns(purse=bank.purse())
    held = engine.settle(held.with_columns(claim=days.key("purse")))
    kept = days.pick(held, "claim", _in_force_order())
    columns = ["purse", "who", "date", "school", "kind", "source_code"]
    doubled = held.join(kept.select("slot"), on="slot", how="anti").select(*columns)
    return engine.settle(kept.select(*columns)), engine.settle(doubled), late


def _applied(book: Book, setting: Setting, engine: Engine) -> tuple[Frame, Frame, Frame]:
    """Return (own, foreign, later): the applied days of each purse, how many of the ten another LEA's take (purse, foreign; K7), and
    those of absences after as-of (who, date), which nobody counts.
    """
    applied = engine.bring(book.applied)
    units = engine.bring(book.units).select("unit").unique()
    ours = applied.join(units, on="unit", how="semi").with_columns(purse=bank.purse())
    later = ours.filter(nw.col("date") > setting.as_of).select("who", "date")
    applied = applied.filter(nw.col("date") <= setting.as_of)
    own = engine.settle(ours.filter(nw.col("date") <= setting.as_of))
    units = units.select(home="unit")
    foreign = applied.filter(nw.col("named")).join(units, how="cross").filter(nw.col("home") != nw.col("unit"))
    foreign = foreign.with_columns(purse=bank.purse(unit="home")).group_by("purse").agg(foreign=nw.len().cast(nw.Int64))
    takes = {"subtract_if_known": nw.col("foreign"), "ignore": nw.lit(0), "block": nw.lit(setting.law.value("annual_cap"))}
    return own, engine.settle(foreign.with_columns(foreign=takes[setting.policy["other_lea_days"]])), later


def _take_days(own: Frame, days_earned: Frame, engine: Engine) -> Frame:
    """Return the earned day that each applied day takes: purse, date, school, day.

    First those whose recovered_on is an earned day take that day; then the others, by absence date, the oldest left.
    """
    key = ["purse", "date", "school"]
    unpaid = own.filter(~nw.col("paid"))
    same = unpaid.join(days_earned, left_on=["purse", "recovered"], right_on=["purse", "earned_on"])
    same = _rank(same.with_columns(slot=days.key("purse", "recovered")), "purse", ["date", "school"])
    same = days.pick(same, "slot", nw.col("nth")).select(*key, "day")
    others = _rank(unpaid.join(same, on=key, how="anti"), "purse", ["date", "school"])
    left = _rank(days_earned.join(same, on=["purse", "day"], how="anti"), "purse", ["day"])
    rest = others.select(*key, "nth").join(left.select("purse", "nth", "day"), on=["purse", "nth"]).drop("nth")
    return engine.settle(nw.concat([same, rest]))


def _by_hand(free_days: Frame, free_absences: Frame, book: Book, engine: Engine) -> Frame:
    """Return the pairs that people matched: purse, date, day (K14 ``manual``).

    One decision after the other, by absence date and id, each as long as its day and its absence are still free; the loop runs over
    the n-th decision of all students at once.
    """
    wanted = engine.bring(book.matches).join(free_absences.select("purse", "who", "date"), on=["who", "date"])
    wanted = wanted.join(free_days.select("purse", "day", "earned_on"), on=["purse", "earned_on"])
    wanted = engine.settle(_rank(wanted, "purse", ["nth"], "turn"))
    done = wanted.filter(nw.col("turn") < 0).select("purse", "date", "day")
    for turn in range(1, (engine.take(wanted.select(nw.col("turn").max()))["turn"].item() or 0) + 1):
        now = wanted.filter(nw.col("turn") == turn).select("purse", "date", "day")
        now = now.join(done, on=["purse", "date"], how="anti").join(done, on=["purse", "day"], how="anti")
        done = engine.settle(nw.concat([done, now]))
    return done


def _kept(free_days: Frame, free_absences: Frame, book: Book, engine: Engine) -> Frame:
    """Return the pairs of closed periods both sides of which still stand: purse, date, day."""
    reported = engine.bring(book.reported).with_columns(purse=bank.purse()).select("purse", "date", "earned_on")
    reported = reported.join(free_absences.select("purse", "date"), on=["purse", "date"])
    return reported.join(free_days.select("purse", "day", "earned_on"), on=["purse", "earned_on"]).select("purse", "date", "day")


def _pairs(free_days: Frame, free_absences: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Return which free earned day meets which free absence: the absence's columns, day, earned_on, cost, nth (K14).

    What was reported in a closed period comes first, then what people matched, each by absence date, then the rest in the order of K14.
    """
    chosen = [] if book.reported.is_empty() else [_kept]
    if setting.policy["match_order"] == "manual":
        chosen.append(_by_hand)
    found: list[Frame] = []
    for turn, choose in enumerate(chosen):
        pairs = engine.settle(choose(free_days, free_absences, book, engine))
        partners = free_absences.join(pairs, on=["purse", "date"]).join(free_days, on=["purse", "day"])
        found.append(partners.with_columns(turn=nw.lit(turn), at=nw.col("date")))
        free_days = free_days.join(pairs, on=["purse", "day"], how="anti")
        free_absences = free_absences.join(pairs, on=["purse", "date"], how="anti")
    order = nw.col("date") * (-1 if setting.policy["match_order"] == "newest_first" else 1)
    absences = _rank(free_absences.with_columns(order=order), "purse", ["order"]).drop("order")
    rest = absences.join(_rank(free_days, "purse", ["day"]), on=["purse", "nth"])
    if not found:
        return rest
    rest = rest.with_columns(turn=nw.lit(len(found)), at=nw.col("nth")).drop("nth")
    columns = rest.collect_schema().names()
    return _rank(nw.concat([*(partners.select(*columns) for partners in found), rest]), "purse", ["turn", "at"]).drop("turn", "at")


def match(book: Book, earned: Frame, eligible: Frame, setting: Setting, engine: Engine) -> tuple[Frame, Frame, Frame]:
    """Return (credits, lines, foreign): the applied days first, then the reported pairs, then the rest (ledger.md 6).

    ``earned``: purse, day, date, cost (the minimum schoolday it took). ``lines``: who, date, code of the applied days that a person
    should look at.
    """
    cap = setting.law.value("annual_cap")
    key = ["purse", "date", "school"]
    own, foreign, later = _applied(book, setting, engine)
    days_earned = earned.select("purse", "day", "cost", earned_on="date")
    taken = _take_days(own, days_earned, engine)
    own = own.join(taken, on=key, how="left").join(days_earned, on=["purse", "day"], how="left")
    fitting = eligible.select(*key, "kind", "source_code").with_columns(fits=nw.lit(value=True))
    own = _rank(own.join(fitting, on=key, how="left"), "purse", ["date", "school"]).join(foreign, on="purse", how="left")
    own = engine.settle(own.with_columns(nw.col("foreign").fill_null(0), nw.col("fits").fill_null(False)))
    listed = {
        "applied_without_time": nw.col("day").is_null() & ~nw.col("paid"),
        "applied_before_earned": (nw.col("earned_on") > nw.col("recovered")).fill_null(False),
        "applied_ineligible": ~nw.col("fits"),
        "applied_over_cap": nw.col("nth") + nw.col("foreign") > cap,
    }
    lines = nw.concat([own.filter(when).select("who", "date", code=nw.lit(code)) for code, when in listed.items()])
    lines = nw.concat([lines, later.with_columns(code=nw.lit("after_as_of"))])

    used = own.group_by("purse").agg(used=nw.len().cast(nw.Int64))
    free_days = days_earned.join(taken, on=["purse", "day"], how="anti")
    free_absences = eligible.join(own, on=["purse", "date"], how="anti")
    pairs = _pairs(free_days, free_absences, book, setting, engine)
    pairs = pairs.join(used, on="purse", how="left").join(foreign, on="purse", how="left")
    room = cap - nw.col("used").fill_null(0) - nw.col("foreign").fill_null(0)
    none, no, yes = nw.lit(None).cast(nw.Int64), nw.lit(value=False), nw.lit(value=True)
    pairs = pairs.filter(nw.col("nth") <= room).with_columns(recovered=none, applied=no, paid=no, fits=yes)
    columns = [*key, "who", "kind", "source_code", "day", "earned_on", "cost", "recovered", "applied", "paid", "fits"]
    credited = engine.settle(nw.concat([own.with_columns(applied=yes).select(*columns), pairs.select(*columns)]))
    credited = engine.settle(_describe(credited, book, setting, engine))
    if setting.policy["credit_school"] == "lea_choice":
        credited = _moved(credited, eligible, book, engine)
    return credited, engine.settle(lines), foreign


def _moved(credited: Frame, eligible: Frame, book: Book, engine: Engine) -> Frame:
    """Move credits to the school that people chose, as long as it has absences for them (K15 ``lea_choice``).

    One decision after the other, by absence date; the loop runs over the n-th decision of all students at once.
    """
    room = eligible.group_by("purse", "school").agg(room=nw.len().cast(nw.Int64))
    chosen = engine.bring(book.moves).select("who", "date", "nth", to="school")
    chosen = chosen.join(credited.select("purse", "who", "date"), on=["who", "date"])
    chosen = engine.settle(_rank(chosen, "purse", ["date", "nth"], "turn"))
    for turn in range(1, (engine.take(chosen.select(nw.col("turn").max()))["turn"].item() or 0) + 1):
        now = chosen.filter(nw.col("turn") == turn).join(room.select("purse", "room", to="school"), on=["purse", "to"])
        there = credited.group_by("purse", "school").agg(there=nw.len().cast(nw.Int64)).select("purse", "there", to="school")
        now = now.join(there, on=["purse", "to"], how="left").filter(nw.col("there").fill_null(0) < nw.col("room"))
        credited = credited.join(now.select("purse", "date", "to"), on=["purse", "date"], how="left")
        to = nw.when(nw.col("to").is_null()).then(nw.col("school")).otherwise(nw.col("to"))
        credited = engine.settle(credited.with_columns(school=to).drop("to"))
    return credited


def _describe(credited: Frame, book: Book, setting: Setting, engine: Engine) -> Frame:
    """Add grade on the absence date, the kind of an ineligible absence, and day and minimum schoolday of a credit without an earned day."""
    spans = engine.bring(book.spans).select("span", "who", "school", "grade", "entry", "exit", "rank")
    # Two LEAs may credit the same absence; one credits a date once.
    credited = credited.with_columns(point=days.key("purse"))
    at_school = days.pick(_spans_on(credited.select("who", "school", "date", "point"), spans), "point", _in_force_order()).select(
        "point", "grade"
    )
    credited = credited.join(at_school, on="point", how="left")
    placeless = credited.filter(nw.col("grade").is_null()).select("who", "date", "point")
    in_force = days.in_force(placeless, book, engine).filter(nw.col("enrolled")).select("point", f_grade="grade")
    rows = engine.bring(book.absences).select("who", "date", "school", r_kind="kind", r_code="source_code")
    bare = credited.filter(nw.col("cost").is_null()).select("who", "point", date="recovered")
    costs = days.minimum_schoolday(days.in_force(bare, book, engine).filter(nw.col("enrolled")), book, setting, engine).select(
        "point", "schoolday"
    )
    credited = (
        credited.join(in_force, on="point", how="left")
        .join(costs, on="point", how="left")
        .join(rows, on=["who", "date", "school"], how="left")
    )
    either = {"grade": "f_grade", "cost": "schoolday", "earned_on": "recovered", "kind": "r_kind", "source_code": "r_code"}
    return credited.with_columns(
        *(nw.when(nw.col(a).is_null()).then(nw.col(b)).otherwise(nw.col(a)).alias(a) for a, b in either.items())
    ).drop(*either.values(), "point")
