"""Who can still recover, and what stands in the way: absences and cap left, minutes to the next day, days waiting, time held back.

Everything is read off the ledger. What a release would give is an upper bound, and called so: released time may still be cut, rounded
down or forfeited, and a session may stay held under another code.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import days
from recoup.exporters.findings import Findings
from recoup.exporters.sheets import Book, columns
from recoup.exporters.standing import follows, standing
from recoup.exporters.tables import write_csv
from recoup.ports import Export, Option, Written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.ports import Run

CSV, WORKBOOK = "opportunities.csv", "opportunities.xlsx"
#: Time that no decision can release.
_FINAL = ("after_as_of", "outside_fiscal_year")
NEAR_CAP = 2
_ALL = "all"


def held_time(run: Run) -> pl.DataFrame:
    """Return the held rows that a decision could release: ssid, session_id, minutes, codes, and ``alone``, the code that alone holds it."""
    codes = pl.col("codes").str.split(";")
    final = pl.any_horizontal(codes.list.contains(code) for code in _FINAL)
    alone = pl.when(codes.list.len() == 1).then("codes").alias("alone")
    held = run.results["time_entries"].filter(pl.col("outcome") == "held", pl.col("minutes_raw") > 0, ~final)
    return held.select("ssid", "session_id", pl.col("minutes_raw").alias("minutes"), "codes", alone)


def _most_days(run: Run, more: pl.Expr) -> pl.Expr:
    """Return the days that a student's ledger could gain at most by ``more`` minutes, within absences and cap left.

    All minutes in the bank and out of it, over the shortest minimum schoolday of the student's time, less the days earned. What
    another reading of rounding or of remainders (K1, K2, K4, K19) might bring back with it is added. Who has left can gain too: the
    time was there before.
    """
    loose = follows(run, "time_unit", "hour_floor_per_date") | follows(run, "full_day_record", "date")
    emptied = follows(run, "day_remainder", "drop") | follows(run, "long_study_bank", "void")
    pool = pl.col("minutes_counted") - pl.col("minutes_forfeited") + more
    pool += pl.when(loose).then("minutes_not_counted").otherwise(0) + pl.when(emptied).then("minutes_forfeited").otherwise(0)
    gain = (pool // pl.col("shortest") - pl.col("days_earned")).clip(lower_bound=0)
    return pl.when(more > 0).then(pl.min_horizontal(gain, "room")).otherwise(0).fill_null(0)


def _people(run: Run) -> pl.DataFrame:
    """Return the ledger with names and standing, a row a student with an enrollment, and what every other table here is made of."""
    names = run.tables["students"].select("ssid", "local_student_id", "legal_last_name", "legal_first_name")
    shortest = run.results["time_entries"].group_by("ssid").agg(pl.col("minimum_schoolday").min().alias("shortest"))
    held = held_time(run)
    by_code = (
        held.group_by("ssid", "codes")
        .agg(pl.col("minutes").sum())
        .sort("ssid", "codes")
        .group_by("ssid", maintain_order=True)
        .agg(pl.format("{}: {}", pl.col("codes").str.replace_all(";", "+"), "minutes").str.join("; ").alias("held_codes"))
    )
    sums = held.group_by("ssid").agg(pl.len().cast(pl.Int64).alias("rows_held"), pl.col("minutes").sum().alias("minutes_releasable"))
    bank, day = pl.col("minutes_banked"), pl.col("minimum_schoolday")
    several = days.enrollments(run).join(days.reporting_leas(run), on="school_code").group_by("ssid").agg(pl.col("lea").n_unique() > 1)
    two = pl.col("two_leas")
    return (
        standing(run)
        .join(run.results["ledger"], on="ssid")
        .join(names, on="ssid", how="left")
        .join(shortest, on="ssid", how="left")
        .join(sums, on="ssid", how="left")
        .join(by_code, on="ssid", how="left")
        .join(several.rename({"lea": "two_leas"}), on="ssid", how="left")
        .with_columns(
            pl.col("rows_held", "minutes_releasable").fill_null(0),
            pl.min_horizontal("shortest", "minimum_schoolday"),
            pl.when(two).then("absences_left").otherwise(pl.min_horizontal("absences_left", "cap_left")).alias("room"),
        )
        # The row of the ledger adds two LEAs up, and time of one brings the other nothing.
        .with_columns(
            pl.when("left").then(0).when(~two).then("room").alias("can_recover"),
            pl.when(~two).then((day - bank).clip(lower_bound=0)).alias("minutes_to_next_day"),
            pl.when(~two).then(pl.when(pl.col("cap_left") == 0).then("days_waiting").otherwise(0)).alias("days_wasted_at_cap"),
        )
    )


def students(run: Run, near: int = NEAR_CAP) -> pl.DataFrame:
    """Return the students with an absence left, a day waiting, minutes in the bank or time held, in order of school, grade and SSID.

    ``near``: from how few days of cap left a student is warned of. ``can_recover``: the lesser of absences and cap left, none for who
    has left. ``minutes_to_next_day``: the minimum schoolday less the bank. ``days_if_released``: at most, if every hold fell. Of a
    student of two LEAs the ledger has the sums alone: can_recover, minutes_to_next_day and days_wasted_at_cap are null.
    """
    released = _most_days(run, pl.col("minutes_releasable")).alias("days_if_released")
    has_time, absences, cap, one = pl.col("minutes_raw") > 0, pl.col("absences_left"), pl.col("cap_left"), ~pl.col("two_leas")
    notes = {
        "left": pl.col("left"),
        "not_eligible_now": ~pl.col("eligible") & ~pl.col("left"),
        "two_leas": ~one,
        "cap_reached": one & (cap == 0),
        "near_cap": one & cap.is_between(1, near) & (absences > 0),
        "no_time_yet": ~has_time & (absences > 0),
        "waiting_for_absence": one & (pl.col("days_waiting") > 0) & (cap > 0),
        "time_held": pl.col("rows_held") > 0,
    }
    told = pl.concat_list(pl.when(when).then(pl.lit(note)) for note, when in notes.items()).list.drop_nulls().list.join("; ")
    everyone = _people(run).filter(
        (absences > 0) | (pl.col("days_waiting") > 0) | (pl.col("minutes_banked") > 0) | (pl.col("rows_held") > 0)
    )
    shown = [column.name for column in columns("opportunities", "Students")]
    ranked = pl.col("grade").cast(pl.Enum(list(law.load(run.year.name).grade_minutes)))
    return everyone.with_columns(released, told.alias("notes")).select(shown).sort("school_code", ranked, "ssid")


def by_school(run: Run, people: pl.DataFrame) -> pl.DataFrame:
    """Add up what ``students`` returns by school and grade, and for each school as a whole (``grade`` is ``all``)."""
    absences, cap, recover = pl.col("absences_left"), pl.col("cap_left"), pl.col("can_recover")
    noted = pl.col("notes").str.split("; ")
    sums = (
        pl.len().cast(pl.Int64).alias("students"),
        (absences > 0).sum().cast(pl.Int64).alias("with_absences_left"),
        (recover > 0).sum().cast(pl.Int64).alias("can_recover_students"),
        *(
            noted.list.contains(note).sum().cast(pl.Int64).alias(note)
            for note in ("no_time_yet", "near_cap", "cap_reached", "waiting_for_absence")
        ),
        absences.sum(),
        pl.col("can_recover").sum(),
        pl.when(recover > 0).then(cap).otherwise(0).sum().alias("cap_left"),
        pl.when(recover > 0).then("minutes_to_next_day").mean().round(0).cast(pl.Int64).alias("minutes_to_next_day"),
        pl.col("days_waiting", "days_wasted_at_cap", "minutes_releasable", "days_if_released").sum(),
    )
    named = ["school_code", "school_name"]
    order = pl.Enum([*law.load(run.year.name).grade_minutes, _ALL])
    whole = people.with_columns(pl.lit(_ALL).alias("grade"))
    added = pl.concat([people, whole]).group_by(*named, "grade").agg(*sums).sort("school_code", pl.col("grade").cast(order))
    return added.select(column.name for column in columns("opportunities", "By school and grade"))


def held_back(run: Run) -> pl.DataFrame:
    """Return what is held by school (of the student) and code: how much of it by that code alone, and the days that could give at most."""
    held, people = held_time(run), _people(run)
    one = held.with_columns(pl.col("codes").str.split(";").alias("code")).explode("code")
    minutes = pl.col("minutes")
    mine = (
        one.group_by("ssid", "code")
        .agg(pl.col("session_id"), minutes.sum(), minutes.filter(pl.col("alone") == pl.col("code")).sum().alias("alone"))
        .join(people, on="ssid")
        .with_columns(_most_days(run, pl.col("alone")).alias("days"))
    )
    added = mine.group_by("school_code", "school_name", "code").agg(
        pl.col("session_id").explode().n_unique().cast(pl.Int64).alias("sessions"),
        pl.len().cast(pl.Int64).alias("students"),
        minutes.sum(),
        pl.col("alone").sum().alias("minutes_alone"),
        pl.col("days").sum().alias("days_if_released"),
    )
    reasons = pl.DataFrame(
        [(rule.code, rule.message, rule.citation) for rule in law.hold_rules().values()], ["code", "message", "citation"], orient="row"
    )
    named = added.join(reasons, on="code", how="left").sort("school_code", "code")
    return named.select(column.name for column in columns("opportunities", "Held back"))


class Opportunities:
    """Writes ``opportunities.csv`` (a row a student) and ``opportunities.xlsx`` (by school and grade, students, what is held back)."""

    name = "opportunities"
    summary = "Who can still recover: absences and cap left, minutes to the next day, days waiting or wasted, time held back"
    options: tuple[Option, ...] = (Option("near_cap", "int", NEAR_CAP, "Days of cap left from which a student is warned of."),)

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:
        """Write both files and warn of who is near the cap. Raises ``RecoupError`` (4) for a text longer than a cell may hold."""
        near = options.get("near_cap")
        people = students(run, near if isinstance(near, int) else NEAR_CAP)
        sheets = {"By school and grade": by_school(run, people), "Students": people, "Held back": held_back(run)}
        write_csv(people, out / CSV)
        created = datetime.combine(run.as_of, time.min)
        if run.caveats:
            sheets["What it rests on"] = pl.DataFrame({"caveat": run.caveats})
        with Book(out / WORKBOOK, f"Who can still recover, {run.year.name}, {run.lea.name}", created, large=False) as book:
            for sheet, frame in sheets.items():
                book.place(sheet, frame, columns("opportunities", sheet))
        found = Findings(self.name, run)
        noted = pl.col("notes").str.split("; ")
        recovering = people.filter(pl.col("can_recover") > 0)
        found.add("CAN_RECOVER", recovering, days=recovering["can_recover"].sum())
        found.add("NO_TIME_YET", recovering.filter(noted.list.contains("no_time_yet")))
        found.add("NEAR_CAP", people.filter(noted.list.contains("near_cap")), near=near)
        wasted = people.filter(pl.col("days_wasted_at_cap") > 0)
        found.add("WASTED_AT_CAP", wasted, days=wasted["days_wasted_at_cap"].sum())
        held = people.filter(noted.list.contains("time_held"))
        found.add("TIME_HELD", held, minutes=held["minutes_releasable"].sum(), days=held["days_if_released"].sum())
        return Export([Written(CSV, people.height), Written(WORKBOOK, sum(frame.height for frame in sheets.values()))], found.found)


EXPORTER = Opportunities()
