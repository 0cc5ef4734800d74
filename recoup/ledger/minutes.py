"""How much of the time counts: the cuts on the rows left, and the minutes of a date (ledger.md sections 1 and 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl

    from recoup.ledger.setting import Setting

    Frame = nw.LazyFrame[pl.LazyFrame]

#: The order of a student's rows on a date.
ORDER = ["since", "sess"]
NONE = nw.lit(0)
#: What the cuts add to a row.
CUT = ("since", "by_clock", "by_session", "remaining")


class _Rows(Protocol):
    """How a row sees the other rows of its student and date."""

    def total(self, value: nw.Expr) -> nw.Expr: ...
    def most(self, value: nw.Expr) -> nw.Expr: ...
    def running(self, value: nw.Expr) -> nw.Expr: ...
    def reached(self, rows: Frame) -> Frame: ...


class _Several:
    """Several rows on the date: windows over them, in order."""

    def total(self, value: nw.Expr) -> nw.Expr:
        return value.sum().over("point")

    def most(self, value: nw.Expr) -> nw.Expr:
        return value.max().over("point")

    def running(self, value: nw.Expr) -> nw.Expr:
        return value.cum_sum().over("point", order_by=ORDER)

    def reached(self, rows: Frame) -> Frame:
        """Add ``reach``: the latest end of the rows before, null on the first."""
        rows = rows.with_columns(reach=nw.col("until").cum_max().over("point", order_by=ORDER))
        return rows.with_columns(reach=nw.col("reach").shift(1).over("point", order_by=ORDER))


class _Alone:
    """The only row of its date, as most are: the same formulas, without the cost of a window."""

    def total(self, value: nw.Expr) -> nw.Expr:
        return value

    def most(self, value: nw.Expr) -> nw.Expr:
        return value

    def running(self, value: nw.Expr) -> nw.Expr:
        return value

    def reached(self, rows: Frame) -> Frame:
        return rows.with_columns(reach=nw.lit(None).cast(nw.Int64))


def _cut(rows: Frame, others: _Rows) -> Frame:
    """Add ``remaining``, with ``by_clock`` and ``by_session`` on the way.

    In order: more than the clock shows, more than the session was scheduled, and what an earlier row of the date already holds.
    """
    pause = nw.col("pause")
    clocked = ~nw.col("sign_in").is_null() & ~nw.col("sign_out").is_null()
    clock = nw.when(clocked).then(nw.max_horizontal(nw.col("sign_out") - nw.col("sign_in") - pause, NONE)).otherwise(nw.col("minutes"))
    scheduled = nw.max_horizontal(nw.col("end") - nw.col("start") - pause, NONE)
    rows = rows.with_columns(
        by_clock=nw.min_horizontal(nw.col("minutes"), clock),
        by_session=nw.min_horizontal(nw.col("minutes"), clock, scheduled),
        since=nw.when(clocked).then(nw.col("sign_in")).otherwise(nw.col("start")),
        until=nw.when(clocked).then(nw.col("sign_out")).otherwise(nw.col("end")),
    )
    rows = others.reached(rows)
    shared = nw.max_horizontal(nw.min_horizontal("until", "reach") - nw.col("since"), NONE)
    shared = nw.when(nw.col("reach").is_null()).then(NONE).otherwise(shared)
    return rows.with_columns(remaining=nw.max_horizontal(nw.col("by_session") - shared, NONE))


def _of_date(rows: Frame, others: _Rows, setting: Setting) -> Frame:
    """Add ``counted``, ``forfeited`` and ``put``, the minutes of the date that go into the bank.

    K1 rounds to whole hours, K2 makes a full day of time that reaches the minimum schoolday, K3 forfeits what exceeds one day.
    Each row has its whole hours; what the date counts beyond them goes to its rows in order; what is forfeited is taken from the
    last one backward.
    """
    hour = setting.dated("increment_minutes")
    schoolday, remaining = nw.col("schoolday"), nw.col("remaining")
    rows = rows.with_columns(whole=remaining // hour * hour)
    rows = rows.with_columns(hours=others.total(nw.col("whole")), stayed=others.total(remaining), longest=others.most(remaining))
    hours, stayed = nw.col("hours"), nw.col("stayed")
    total = {"hour_floor_per_session": hours, "hour_floor_per_date": stayed // hour * hour, "minutes": stayed}[setting.policy["time_unit"]]
    full_day = {"session": nw.col("longest") >= schoolday, "date": stayed >= schoolday, "off": nw.lit(value=False)}
    full = full_day[setting.policy["full_day_record"]]
    rows = rows.with_columns(total=nw.when(full).then(nw.max_horizontal(total, schoolday)).otherwise(total))
    excess = nw.max_horizontal(nw.col("total") - schoolday, NONE) if setting.policy["excess_same_date"] == "forfeit" else NONE
    rows = rows.with_columns(spare=remaining - nw.col("whole"), excess=excess)
    rows = rows.with_columns(spare_before=others.running(nw.col("spare")) - nw.col("spare"))
    extra = nw.min_horizontal(nw.col("total") - hours - nw.col("spare_before"), nw.col("spare"))
    rows = rows.with_columns(counted=nw.col("whole") + nw.max_horizontal(extra, NONE))
    rows = rows.with_columns(behind=nw.col("total") - others.running(nw.col("counted")))
    lost = nw.max_horizontal(nw.min_horizontal(nw.col("excess") - nw.col("behind"), nw.col("counted")), NONE)
    return rows.with_columns(forfeited=lost, put=nw.col("total") - nw.col("excess"))


def _in_week(rows: Frame, setting: Setting) -> Frame:
    """Take off what exceeds the weekly hours of a continuation student, Monday to Sunday, in order (K16 ``cap``)."""
    most = setting.law.value("weekly_hours") * 60
    capped = nw.when(nw.col("continuation")).then(nw.col("remaining")).otherwise(NONE)
    rows = rows.with_columns(week=monday("date"), capped=capped)
    before = nw.col("capped").cum_sum().over("who", "week", order_by=["date", *ORDER]) - nw.col("capped")
    left = nw.max_horizontal(nw.min_horizontal(nw.col("remaining"), most - before), NONE)
    in_week = nw.when(nw.col("continuation")).then(left).otherwise(nw.col("remaining"))
    return rows.with_columns(in_week=in_week).drop("week", "capped")


def monday(date: str) -> nw.Expr:
    """Return the day number of the Monday of the date's week (1970-01-01 was a Thursday)."""
    return nw.col(date) - (nw.col(date) + 3) % 7


def work_out(rows: Frame, setting: Setting) -> Frame:
    """Return, for the rows not held, what remains, counts and is forfeited: integers, in minutes.

    ``rows``: row, point, who, unit, date, sess, minutes, pause, start, end, sign_in, sign_out, schoolday, continuation. Added:
    since, by_clock, by_session, by_overlap, remaining, counted, forfeited, put.
    """
    keep = ["row", "point", "who", "unit", "date", "since", "schoolday", "continuation", "by_clock", "by_session", "by_overlap"]
    if setting.policy["breaks"] == "as_recorded":
        rows = rows.with_columns(pause=NONE)
    rows = rows.with_columns(rows_of_date=nw.len().over("point"), schoolday=nw.col("schoolday").max().over("point"))
    groups: tuple[tuple[nw.Expr, _Rows], ...] = ((nw.col("rows_of_date") > 1, _Several()), (nw.col("rows_of_date") == 1, _Alone()))
    cut = nw.concat([_cut(rows.filter(which), others).select(*rows.collect_schema().names(), *CUT) for which, others in groups])
    cut = cut.with_columns(by_overlap=nw.col("remaining"))
    if setting.policy["continuation_weekly"] == "cap":
        cut = _in_week(cut, setting).with_columns(remaining=nw.col("in_week"))
    parts = [_of_date(cut.filter(which), others, setting) for which, others in groups]
    return nw.concat([part.select("sess", "minutes", *keep, "remaining", "counted", "forfeited", "put") for part in parts])


def cuts(worked: Frame) -> Frame:
    """Return what was cut and why: row, code, minutes."""
    steps = (
        ("over_clock", "minutes", "by_clock"),
        ("over_session", "by_clock", "by_session"),
        ("overlap", "by_session", "by_overlap"),
        ("weekly_hours", "by_overlap", "remaining"),
    )
    return nw.concat(
        [
            worked.filter(nw.col(before) > nw.col(after)).select("row", code=nw.lit(code), minutes=nw.col(before) - nw.col(after))
            for code, before, after in steps
        ]
    )
