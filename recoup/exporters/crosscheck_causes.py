"""Why a vendor's figure may differ from the ledger's: each cause says what the figure would be if the vendor had done one thing.

A cause is told when the vendor's figure is exactly that. The words and citations stand in ``crosscheck_causes.csv``, in the order in
which causes are named. Every expression is over one wide row a student and source, as ``crosscheck`` lays it out:

``v_minutes``, ``v_earned``, ``v_applied``: the vendor's figures; ``day``: the minimum schoolday, in minutes; ``vendor_short_day`` and
``vendor_long_day``: the minutes that vendors are known to use for students who need another; the columns of the ledger;
``held_hours``, ``uncut_hours``: what the held rows, and the others before cuts, would count by row (whole hours, or a full day);
``older``: whether the vendor's date is before ours; ``then_minutes``, ``then_kept``, ``then_days``: minutes counted, minutes into the
bank and days credited up to the vendor's date; ``supported``: credited days that nothing speaks against, ``listed`` those of them that
were applied before; ``time_missing``, ``not_recoverable``: whether that speaks against an applied day; ``suspensions``, ``made_up``,
``studies``: full-day absences by why the ledger does not take them; ``cap``: the ten, less what another LEA's days take of them.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from recoup.exporters import facts

_C = pl.col
_JOINED = {"id": ";", "sentence": " ", "citation": "; "}
FOLLOWS_MINUTES, FOLLOWS_EARNED = "follows_minutes", "follows_earned"

#: By cause, the figures of which the vendor's must be one; and the condition under which a cause is told.
Figures = dict[str, list[pl.Expr]]
Conditions = dict[str, pl.Expr]


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return the causes by id, in the order in which they are named: sentence, citation, certainty."""
    return {row["id"]: row for row in facts.rows("crosscheck_causes.csv")}


def _where(met: pl.Expr, figure: pl.Expr) -> pl.Expr:
    """Return the figure where there is something for the cause to be about, else null, which equals nothing."""
    return pl.when(met).then(figure).otherwise(None)


def minutes() -> Figures:
    """Return what ``minutes_earned`` would be under each cause."""
    counted, cut = _C("minutes_counted"), _C("minutes_cut")
    return {
        "whole_hours": [counted + _C("minutes_not_counted")],
        "all_time": [_C("minutes_raw"), _C("uncut_hours") + _C("held_hours")],
        "held_time": [counted + _C("held_hours"), counted + _C("minutes_held")],
        "overlap_counted": [_where(cut > 0, _C("uncut_hours")), counted + cut],
        "one_day_only": [counted - _C("minutes_forfeited")],
        "in_hours": [counted // 60],
        "older_date": [_where(_C("older"), _C("then_minutes"))],
    }


def earned() -> Figures:
    """Return what ``days_earned`` would be under each cause: minutes over the minutes of a day, rounded down, as vendors do it."""
    counted, raw, day, lost, own = (_C(name) for name in ("minutes_counted", "minutes_raw", "day", "minutes_forfeited", "v_minutes"))
    kept, part_hours, cut, held = counted - lost, _C("minutes_not_counted"), _C("minutes_cut"), _C("minutes_held")
    short, long = _C("vendor_short_day"), _C("vendor_long_day")
    # The vendor's own minutes where it gives them; what it may have had, where not.
    times = [own, *(_where(own.is_null(), had) for had in (kept, counted, raw))]

    def days_of(minutes: pl.Expr, use: pl.Expr) -> list[pl.Expr]:
        return [_where(use & (time // minutes != time // day), time // minutes) for time in times]

    return {
        FOLLOWS_MINUTES: [_where(own != counted, days) for days in (own // day, (own - lost) // day)],
        "day_180": days_of(short, day > short),
        "day_240": days_of(long, day < long),
        "whole_hours": [_where(part_hours > 0, (kept + part_hours) // day)],
        "all_time": [_where(raw > counted, time // day) for time in (raw, _C("uncut_hours") + _C("held_hours"))],
        "held_time": [_where(held > 0, (kept + time) // day) for time in (_C("held_hours"), held)],
        "overlap_counted": [_where(cut > 0, (_C("uncut_hours") - lost) // day)],
        "day_above_one": [_where(lost > 0, counted // day)],
        "older_date": [_where(_C("older"), _C("then_kept") // day)],
    }


def applied() -> Figures:
    """Return what ``days_applied`` would be: from the vendor's days earned, else as those might be, with each limit moved in turn."""
    cap, absences, own = _C("cap"), _C("eligible_absences"), _C("v_earned").floor().cast(pl.Int64)
    lawful = pl.min_horizontal(pl.coalesce(own, "days_earned"), cap, absences)

    def limited(*limits: pl.Expr) -> list[pl.Expr]:
        figure = pl.min_horizontal(pl.coalesce(own, "days_earned"), *limits)
        return [_where(figure != lawful, figure)]

    by_time = {
        name: [_where(own.is_null(), pl.min_horizontal(days, cap, absences)) for days in figures]
        for name, figures in earned().items()
        if name != FOLLOWS_MINUTES
    }
    return by_time | {
        FOLLOWS_EARNED: [_where(own != _C("days_earned"), lawful)],
        "older_date": [_where(_C("older"), _C("then_days"))],
        "cap_not_applied": limited(absences),
        "absences_not_applied": limited(cap),
        "suspension_counted": limited(cap, absences + _C("suspensions")),
        "made_up_counted": limited(cap, absences + _C("made_up")),
        "study_counted": limited(cap, absences + _C("studies")),
        **{name: [_where(_C(name), _C("days_credited"))] for name in ("time_missing", "not_recoverable")},
        "not_applied_yet": [_where(_C("listed") < _C("supported"), _C("listed"))],
    }


def when(figure: str, vendor: pl.Expr, ledger: pl.Expr) -> Conditions:
    """Return, for one figure (``minutes_earned``, ``days_earned``, ``days_applied``), the condition under which each cause is told."""
    figures = {"minutes_earned": minutes, "days_earned": earned, "days_applied": applied}[figure]()
    met = {name: pl.any_horizontal((vendor == one).fill_null(value=False) for one in values) for name, values in figures.items()}
    if "all_time" in met:
        # Said only where nothing narrower is.
        met["all_time"] &= ~(met["whole_hours"] | met["held_time"] | met["overlap_counted"])
    if figure != "minutes_earned":
        met["part_days"] = (vendor != vendor.floor()) & (vendor.floor() == ledger)
    if figure == "days_applied":
        # Above a limit of the law it was not applied, whatever else happened; a named absence says more than that.
        named = met["suspension_counted"] | met["made_up_counted"] | met["study_counted"]
        met["absences_not_applied"] = (met["absences_not_applied"] | (vendor > _C("eligible_absences"))) & ~named
        met["cap_not_applied"] |= vendor > _C("cap")
    # What follows from another figure of the vendor's that differs is told there; a chance agreement with a second cause is not.
    follows = pl.any_horizontal(pl.lit(value=False), *(met[name] for name in (FOLLOWS_MINUTES, FOLLOWS_EARNED) if name in met))
    return {name: one if name in (FOLLOWS_MINUTES, FOLLOWS_EARNED) else one & ~follows for name, one in met.items()}


def told(conditions: Conditions, column: str) -> pl.Expr:
    """Return what the causes whose conditions hold say, in order: their ``id``, ``sentence``, or ``citation`` with its certainty."""
    said = {
        name: f"{cause[column]} [{cause['certainty']}]" if column == "citation" else cause[column] for name, cause in catalogue().items()
    }
    named = [pl.when(conditions[name]).then(pl.lit(text)) for name, text in said.items() if name in conditions]
    return pl.concat_list(named).list.drop_nulls().list.join(_JOINED[column])
