"""Why a vendor's figure may differ from the ledger's: each cause says what the figure would be if the vendor had done one thing.

A cause is told when the vendor's figure is exactly that. The words and citations stand in ``crosscheck_causes.csv``, in the order in
which causes are named. Every expression is over one wide row a student and source, as ``crosscheck`` lays it out:

``v_minutes``, ``v_earned``, ``v_applied``: the vendor's figures; ``day``: the minimum schoolday, in minutes; the columns of the ledger;
``held_hours``, ``uncut_hours``: what the held rows, and the others before cuts, would count by row (whole hours, or a full day);
``then_minutes``, ``then_kept``, ``then_days``: minutes counted, minutes into the bank and days credited up to the vendor's date;
``supported``: credited days that nothing speaks against, ``listed`` those of them that were applied before; ``suspensions``,
``made_up``, ``studies``: full-day absences by why the ledger does not take them; ``cap``.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from recoup.exporters import facts

_C = pl.col
#: Minutes of a day that vendors are known to use for students who need another (attendance-recovery-rules.md 4.4).
_SHORT, _LONG = 180, 240
FOLLOWS_MINUTES, FOLLOWS_EARNED = "follows_minutes", "follows_earned"

#: By cause, the figures of which the vendor's must be one; and the condition under which a cause is told.
Figures = dict[str, list[pl.Expr]]
Conditions = dict[str, pl.Expr]


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return the causes by id, in the order in which they are named: sentence, citation, certainty."""
    return {row["id"]: row for row in facts.rows("crosscheck_causes.csv")}


def minutes() -> Figures:
    """Return what ``minutes_earned`` would be under each cause."""
    counted = _C("minutes_counted")
    return {
        "whole_hours": [counted + _C("minutes_not_counted")],
        "all_time": [_C("minutes_raw"), _C("uncut_hours") + _C("held_hours")],
        "held_time": [counted + _C("held_hours"), counted + _C("minutes_held")],
        "overlap_counted": [_C("uncut_hours"), counted + _C("minutes_cut")],
        "one_day_only": [counted - _C("minutes_forfeited")],
        "in_hours": [counted // 60],
        "older_date": [_C("then_minutes")],
    }


def earned() -> Figures:
    """Return what ``days_earned`` would be under each cause: minutes over the minutes of a day, rounded down, as vendors do it."""
    counted, raw, day, lost, own = (_C(name) for name in ("minutes_counted", "minutes_raw", "day", "minutes_forfeited", "v_minutes"))
    # The vendor's own minutes where it gives them; what it may have had, where not.
    time = [own, *(pl.when(own.is_null()).then(had) for had in (counted - lost, counted, raw))]
    return {
        FOLLOWS_MINUTES: [own // day, (own - lost) // day],
        "day_180": [one // pl.when(day > _SHORT).then(_SHORT) for one in time],
        "day_240": [one // pl.when(day < _LONG).then(_LONG) for one in time],
        "whole_hours": [(counted + _C("minutes_not_counted")) // day],
        "all_time": [raw // day, (_C("uncut_hours") + _C("held_hours")) // day],
        "held_time": [(counted + _C("held_hours")) // day, (counted - lost + _C("held_hours")) // day],
        "overlap_counted": [_C("uncut_hours") // day],
        "day_above_one": [counted // day],
        "older_date": [_C("then_kept") // day],
    }


def applied() -> Figures:
    """Return what ``days_applied`` would be: from the vendor's days earned, else as those might be, with each limit moved in turn."""
    cap, absences, own = _C("cap"), _C("eligible_absences"), _C("v_earned").floor().cast(pl.Int64)
    lawful = pl.min_horizontal(pl.coalesce(own, "days_earned"), cap, absences)

    def limited(*limits: pl.Expr) -> list[pl.Expr]:
        figure = pl.min_horizontal(pl.coalesce(own, "days_earned"), *limits)
        return [pl.when(figure != lawful).then(figure).otherwise(None)]

    by_time = {
        name: [pl.when(own.is_null()).then(pl.min_horizontal(days, cap, absences)).otherwise(None) for days in figures]
        for name, figures in earned().items()
        if name != FOLLOWS_MINUTES
    }
    return by_time | {
        FOLLOWS_EARNED: [pl.when(own.is_not_null()).then(lawful).otherwise(None)],
        "older_date": [_C("then_days")],
        "cap_not_applied": limited(absences),
        "absences_not_applied": limited(cap),
        "suspension_counted": limited(cap, absences + _C("suspensions")),
        "made_up_counted": limited(cap, absences + _C("made_up")),
        "study_counted": limited(cap, absences + _C("studies")),
        "not_applied_yet": [pl.when(_C("listed") < _C("supported")).then("listed").otherwise(None)],
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
    # What follows from another figure of the vendor's is told there; a chance agreement with a second cause is not.
    follows = pl.any_horizontal(pl.lit(value=False), *(met[name] for name in (FOLLOWS_MINUTES, FOLLOWS_EARNED) if name in met))
    return {name: one if name in (FOLLOWS_MINUTES, FOLLOWS_EARNED) else one & ~follows for name, one in met.items()}


def told(conditions: Conditions, column: str) -> pl.Expr:
    """Return the ``column`` of the causes whose conditions hold (``id``, ``sentence`` …), in order, joined by ``;`` or blanks."""
    named = [pl.when(conditions[name]).then(pl.lit(cause[column])) for name, cause in catalogue().items() if name in conditions]
    joined = {"id": ";", "citation": "; "}.get(column, " ")
    return pl.concat_list(named).list.drop_nulls().list.join(joined)
