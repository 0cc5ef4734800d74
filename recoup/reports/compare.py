"""Two readings of the rules side by side: which days fall or are added, whose, where, and by what mechanism."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from recoup import law

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.ports import Run

Row = dict[str, Any]

SCHEMA = "recoup.comparison/1"
#: What can become of a credited day, in the order in which it is told.
CHANGES = {
    "falls": "credited now, not under the other reading",
    "added": "credited only under the other reading",
    "other_absence": "credited to another absence of the student",
    "other_school": "credited at another school",
    "other_date": "credited on another date",
    "paid_otherwise": "credited as before, paid by other sessions",
}
#: The mechanisms behind a change; a hold or cut has its code behind a colon.
REASONS = {
    "held": "time held that counted",
    "released": "time counted that was held",
    "cut": "time cut otherwise",
    "minutes_counted": "minutes rounded otherwise",
    "minutes_forfeited": "minutes forfeited otherwise",
    "minimum_schoolday": "another minimum schoolday",
    "time_rows": "other rows of time in the data",
    "eligible_absences": "other absences can be recovered",
    "cap": "more or fewer of the ten days are left",
    "matched_otherwise": "earned days meet other absences",
    "credit_school": "the day counts at another school",
    "credit_date": "the day counts on another date",
}
_CREDIT = ("absence_school_code", "grade_span", "earned_on", "credited_on", "session_ids")
_TIME = ("outcome", "codes", "minutes_cut", "minutes_counted", "minutes_forfeited", "minimum_schoolday")
_CUTS = ("over_clock", "over_session", "overlap", "weekly_hours")


def changed_days(now: Mapping[str, pl.DataFrame], then: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one row a credited day that changes: ssid, change, and of both readings (``_now``, ``_then``) the absence's date, school
    and grade span, earned_on and credited_on.

    A student's day that falls and one that is added are the same day at another absence, the first with the first.
    """
    both = _credits(now["credits"]).join(_credits(then["credits"]), on=["ssid", "absence_date", "nth"], how="full", suffix="_then")
    both = both.with_columns(ssid=pl.coalesce("ssid", "ssid_then"))
    both = both.rename({name: f"{name}_now" for name in ("absence_date", *_CREDIT)}).drop("nth", "nth_then", "ssid_then")
    gone, new = pl.col("absence_date_then").is_null(), pl.col("absence_date_now").is_null()
    same = both.filter(~gone & ~new).with_columns(
        change=pl.when(pl.col("absence_school_code_now").ne_missing(pl.col("absence_school_code_then")))
        .then(pl.lit("other_school"))
        .when(pl.col("credited_on_now").ne_missing(pl.col("credited_on_then")))
        .then(pl.lit("other_date"))
        .when(
            pl.col("earned_on_now").ne_missing(pl.col("earned_on_then")) | pl.col("session_ids_now").ne_missing(pl.col("session_ids_then"))
        )
        .then(pl.lit("paid_otherwise"))
    )
    number = pl.int_range(pl.len()).over("ssid").alias("number")
    parts = {}
    for side, which in (("now", gone), ("then", new)):
        names = ["ssid", *(name for name in both.columns if name.endswith(f"_{side}"))]
        parts[side] = both.filter(which).select(names).sort("ssid", f"absence_date_{side}").with_columns(number)
    moved = parts["now"].join(parts["then"], on=["ssid", "number"], how="full", coalesce=True).drop("number")
    moved = moved.with_columns(
        change=pl.when(pl.col("absence_date_then").is_null())
        .then(pl.lit("falls"))
        .when(pl.col("absence_date_now").is_null())
        .then(pl.lit("added"))
        .otherwise(pl.lit("other_absence"))
    )
    found = pl.concat([same.filter(pl.col("change").is_not_null()), moved], how="diagonal")
    told = [f"{name}_{side}" for side in ("now", "then") for name in ("absence_date", *_CREDIT) if name != "session_ids"]
    return found.select("ssid", "change", *told).sort("ssid", pl.coalesce("absence_date_now", "absence_date_then"), "change")


def _credits(frame: pl.DataFrame) -> pl.DataFrame:
    keyed = frame.sort("ssid", "absence_date", "absence_school_code").select("ssid", "absence_date", *_CREDIT)
    return keyed.with_columns(nth=pl.int_range(pl.len()).over("ssid", "absence_date"))


def reasons(run: Run, now: Mapping[str, pl.DataFrame], then: Mapping[str, pl.DataFrame], days: pl.DataFrame) -> pl.DataFrame:
    """Return the mechanisms that differ for each student: ssid, reason (a name of ``REASONS``, a code behind a colon)."""
    key = ["ssid", "session_id"]
    both = (
        now["time_entries"]
        .select(*key, *_TIME)
        .join(then["time_entries"].select(*key, *_TIME), on=key, how="full", suffix="_then", coalesce=True)
    )
    both = both.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_then")) for name in _TIME))
    whole = both.filter(pl.col("outcome").is_not_null() & pl.col("outcome_then").is_not_null())
    held, held_then = pl.col("outcome") == "held", pl.col("outcome_then") == "held"
    counts = whole.filter(~held & ~held_then)
    # A row that stays held, under another code, counts under neither reading.
    missing = both.filter(pl.col("outcome").is_null() | pl.col("outcome_then").is_null())
    found = [_named(missing, "time_rows"), *_codes(whole.filter(~held | ~held_then))]
    for name, which in {
        "minutes_counted": (pl.col("minutes_counted") != pl.col("minutes_counted_then"))
        & (pl.col("minutes_cut") == pl.col("minutes_cut_then")),
        "minutes_forfeited": pl.col("minutes_forfeited") != pl.col("minutes_forfeited_then"),
        "minimum_schoolday": pl.col("minimum_schoolday").ne_missing(pl.col("minimum_schoolday_then")),
    }.items():
        found.append(_named(counts.filter(which), name))
    figures = now["ledger"].join(then["ledger"], on="ssid", suffix="_then")
    found.append(_named(figures.filter(pl.col("eligible_absences") != pl.col("eligible_absences_then")), "eligible_absences"))
    # Above the ten of one LEA stand only days applied before and those of a student of two; they say nothing of the room.
    ten = pl.lit(law.load(run.year.name).value("annual_cap"), pl.Int64)
    room, room_then = (pl.min_horizontal(pl.col(f"cap_left{side}") + pl.col(f"days_credited{side}"), ten) for side in ("", "_then"))
    found.append(_named(figures.filter(room != room_then), "cap"))
    mechanisms = pl.concat(found)
    redated = (pl.col("change") == "other_date") & pl.col("earned_on_now").eq_missing(pl.col("earned_on_then"))
    met = days.filter(~redated & (pl.col("change") != "other_school")).join(mechanisms, on="ssid", how="anti")
    shown = [
        _named(met, "matched_otherwise"),
        _named(days.filter(pl.col("change") == "other_school"), "credit_school"),
        _named(days.filter(redated), "credit_date"),
    ]
    return pl.concat([mechanisms, *shown]).unique().sort("ssid", "reason")


def _named(frame: pl.DataFrame, reason: str) -> pl.DataFrame:
    return frame.select("ssid", reason=pl.lit(reason)).unique()


def _codes(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the holds and cuts that stand on a row under one reading only."""
    sides = {
        side: rows.select("ssid", "session_id", code=pl.col(f"codes{side}").str.split(";")).explode("code").drop_nulls("code")
        for side in ("", "_then")
    }
    key = ["ssid", "session_id", "code"]
    found = []
    for word, one, other in (("released", "", "_then"), ("held", "_then", "")):
        only = sides[one].join(sides[other], on=key, how="anti")
        cut = pl.col("code").is_in(_CUTS)
        reason = pl.when(cut).then(pl.lit("cut:")).otherwise(pl.lit(f"{word}:")) + pl.col("code")
        found.append(only.select("ssid", reason=reason).unique())
    same = rows.filter(pl.col("codes").eq_missing(pl.col("codes_then")) & (pl.col("minutes_cut") != pl.col("minutes_cut_then")))
    cuts = same.select("ssid", reason=pl.lit("cut:") + pl.col("codes").fill_null("").str.split(";").list.first())
    return [*found, cuts.unique()]


def head(run: Run) -> Row:
    """Return what every comparison says of the run it starts from."""
    return {
        "schema": SCHEMA,
        "lea": {"code": run.lea.code, "name": run.lea.name},
        "school_year": run.year.name,
        "as_of": run.as_of.isoformat(),
        "run_id": run.run_id,
        "rule_version": run.rule_version,
        "caveats": run.caveats,
    }


def summarize(run: Run, then: Mapping[str, pl.DataFrame], settings: Sequence[Row], other: Mapping[str, Any]) -> Row:
    """Return the comparison of a run's results with those of another reading, without a value of a student's record.

    ``settings``: the policy settings that differ; ``other``: what else is said of the other reading.
    """
    now = run.results
    days = changed_days(now, then)
    why = reasons(run, now, then, days)
    counts = dict(days.group_by("change").len().iter_rows())
    students = set(days.filter(pl.col("change") != "paid_otherwise")["ssid"])
    names = dict(run.tables["schools"].select("school_code", "school_name").iter_rows())
    return {
        **head(run),
        "settings": list(settings),
        "other": dict(other),
        "days": {"now": now["credits"].height, "then": then["credits"].height} | {name: counts.get(name, 0) for name in CHANGES},
        "students": {"all": now["ledger"].height, "days_change": len(students), "figures_change": len(set(why["ssid"]) | students)},
        "reasons": _by_reason(days, why),
        "schools": [{**row, "school_name": names.get(row["school_code"])} for row in _by_school(now["credits"], then["credits"])],
    }


def _by_reason(days: pl.DataFrame, why: pl.DataFrame) -> list[Row]:
    """Return students and days by mechanism; a student with two stands under both."""
    per_student = days.group_by("ssid").agg(falls=(pl.col("change") == "falls").sum(), added=(pl.col("change") == "added").sum())
    joined = why.join(per_student, on="ssid", how="left")
    table = joined.group_by("reason").agg(students=pl.len(), falls=pl.col("falls").sum(), added=pl.col("added").sum())
    table = table.with_columns(pl.col("falls", "added").fill_null(0)).sort(["students", "reason"], descending=[True, False])
    return [{**row, "means": _means(row["reason"])} for row in table.to_dicts()]


def _means(reason: str) -> str:
    name, _, code = reason.partition(":")
    return f"{REASONS[name]}: {code}" if code else REASONS[name]


def _by_school(now: pl.DataFrame, then: pl.DataFrame) -> list[Row]:
    """Return the credited days by school and grade span under both readings, where they differ."""
    key = ["absence_school_code", "grade_span", "ssid", "absence_date"]
    group = key[:2]
    counts = (
        now.group_by(group)
        .agg(now=pl.len())
        .join(then.group_by(group).agg(then=pl.len()), on=group, how="full", coalesce=True, nulls_equal=True)
    )
    for name, one, other in (("falls", now, then), ("added", then, now)):
        only = one.select(key).join(other.select(key), on=key, how="anti", nulls_equal=True).group_by(group).agg(pl.len().alias(name))
        counts = counts.join(only, on=group, how="left", nulls_equal=True)
    counts = counts.with_columns(pl.col("now", "then", "falls", "added").fill_null(0)).filter((pl.col("falls") > 0) | (pl.col("added") > 0))
    return counts.rename({"absence_school_code": "school_code"}).sort("school_code", "grade_span").to_dicts()


def rows(run: Run, then: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one row a day that changes, and one a student whose figures alone do, with the mechanisms and the figures of both readings.

    It holds values of children's records: for a file, never for the terminal.
    """
    now = run.results
    days = changed_days(now, then)
    why = reasons(run, now, then, days).group_by("ssid").agg(reasons=pl.col("reason").sort().str.join(";"))
    quiet = why.join(days, on="ssid", how="anti").select("ssid", change=pl.lit("figures"))
    table = pl.concat([days, quiet], how="diagonal").join(why, on="ssid", how="left")
    figures = ("days_credited", "days_waiting", "minutes_counted", "minutes_banked")
    for side, results in (("now", now), ("then", then)):
        told = results["ledger"].select("ssid", *(pl.col(name).alias(f"{name}_{side}") for name in figures))
        table = table.join(told, on="ssid", how="left")
    return table.sort("ssid", pl.coalesce("absence_date_now", "absence_date_then"), "change")
