"""One student's road through the ledger: the same stages over what bears on the student alone, and what each left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl

from recoup.ledger import days
from recoup.ledger.bank import UNITS
from recoup.ledger.engine import Engine, PolarsEngine
from recoup.ledger.work import Work, work

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from recoup.law import Law
    from recoup.ports import Attestation, Lea


def narrow(tables: Mapping[str, pl.DataFrame], ssid: str) -> dict[str, pl.DataFrame]:
    """Return the tables with the rows that bear on one student: the own ones, and who else was in the same sessions (the ratio)."""
    taken = tables["participation"].filter(pl.col("ssid") == ssid).get_column("session_id").unique()
    participation = tables["participation"].filter(pl.col("session_id").is_in(taken.implode()))
    mates = pl.concat([participation.get_column("ssid"), pl.Series([ssid], dtype=pl.String)]).unique()
    kept = {}
    for name, frame in tables.items():
        if name in ("students", "enrollments"):
            frame = frame.filter(pl.col("ssid").is_in(mates.implode()))
        elif name != "dispositions" and "ssid" in frame.columns:
            frame = frame.filter(pl.col("ssid") == ssid)
        kept[name] = frame
    return kept | {"participation": participation}


def trace(
    tables: Mapping[str, pl.DataFrame],
    absent: frozenset[tuple[str, str]],
    law: Law,
    policy: Mapping[str, str],
    as_of: date,
    lea: Lea,
    ssid: str,
    attest: Sequence[Attestation] = (),
    engine: Engine | None = None,
    leas: Collection[str] | None = None,
    reported: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Return how the ledger came to one student's figures; the arguments are those of ``compute``, and the student.

    ``dates``: lea, date, put (minutes into the bank), minimum_schoolday, day (the number of the day earned), taken, lapsed, bank
    (after the date). ``days``: lea, day, earned_on, minutes, absence_date, absence_school_code (null while it waits). ``paid``: lea,
    day (null: what lapsed), session_id, session_date, minutes. ``eligible``: lea, date, school_code of the absences that can be
    recovered; ``doubled``: date, school_code of those that yielded to another school. ``placed``: date, enrolled, lea, school_code,
    entry_date of the enrollment in force, minimum_schoolday, for every date of participation and as-of. ``taken_elsewhere``: lea,
    days that another LEA's applied days take of the ten. ``leas``: school_code, lea.
    """
    engine = engine or PolarsEngine()
    done = work(narrow(tables, ssid), absent, law, policy, as_of, lea, attest, engine, leas, reported)
    who = done.book.who.filter(pl.col("id") == ssid).get_column("who").item()
    owners = done.book.units.select("unit", "lea").unique()
    own = pl.col("purse") // UNITS == who

    def of_student(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(own).with_columns(unit=pl.col("purse") % UNITS).join(owners, on="unit").drop("unit")

    out = of_student(engine.take(done.out)).sort("lea", "nth")
    puts = of_student(engine.take(done.counted.dates.with_columns(purse=nw.col("who") * UNITS + nw.col("unit")))).sort("lea", "date")
    eligible = of_student(engine.take(done.matching.eligible)).join(done.book.schools, on="school").rename({"id": "school_code"})
    doubled = of_student(engine.take(done.doubled)).join(done.book.schools, on="school").rename({"id": "school_code"})
    met = of_student(engine.take(done.matching.credits)).join(done.book.schools, on="school", how="left")
    met = met.filter(pl.col("day").is_not_null()).select("lea", "day", absence_date=_date("date"), absence_school_code="id")
    earned = out.filter(pl.col("day").is_not_null()).select("lea", "day", earned_on=_date("date"), minutes="cost")
    paid = of_student(done.paid).join(done.book.sess, on="sess").sort("lea", "nth", "place")
    return {
        "dates": _bank(puts, out),
        "days": earned.join(met, on=["lea", "day"], how="left").sort("lea", "day"),
        "paid": paid.select("lea", "day", session_id="id", session_date=_date("date"), minutes="minutes"),
        "eligible": eligible.select("lea", _date("date"), "school_code").sort("lea", "date"),
        "doubled": doubled.select(_date("date"), "school_code").sort("date", "school_code"),
        "placed": _placed(done, who, owners, leas is not None, engine),
        "taken_elsewhere": of_student(engine.take(done.matching.foreign)).select("lea", days="foreign"),
        "leas": done.book.units.join(done.book.schools, on="school").select("lea", school_code="id"),
    }


def _date(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int32).cast(pl.Date)


def _bank(puts: pl.DataFrame, out: pl.DataFrame) -> pl.DataFrame:
    """Return what went into each bank on each date, what left it, and what it held then."""
    spent = out.group_by("lea", "date").agg(
        day=pl.col("day").max(),
        taken=pl.col("cost").filter(pl.col("day").is_not_null()).sum(),
        lapsed=pl.col("cost").filter(pl.col("day").is_null()).sum(),
    )
    dates = puts.join(spent, on=["lea", "date"], how="left").sort("lea", "date")
    dates = dates.with_columns(pl.col("taken", "lapsed").fill_null(0))
    dates = dates.with_columns(bank=(pl.col("put") - pl.col("taken") - pl.col("lapsed")).cum_sum().over("lea", order_by="date"))
    return dates.select("lea", _date("date"), "put", "day", "taken", "lapsed", "bank", minimum_schoolday="schoolday")


def _placed(done: Work, who: int, owners: pl.DataFrame, part: bool, engine: Engine) -> pl.DataFrame:
    """Return the enrollment in force on each date of participation and on as-of; ``part``: where it is of one of the owners."""
    book, setting = done.book, done.setting
    seen = engine.take(done.counted.rows.filter(nw.col("who") == who).select("date"))["date"].to_list()
    points = pl.DataFrame({"date": sorted({*seen, setting.as_of})}, {"date": pl.Int64}).with_columns(who=pl.lit(who, pl.Int64))
    points = points.with_columns(point=pl.col("who") * days.SPREAD + pl.col("date"))
    found = days.minimum_schoolday(days.in_force(engine.bring(points), book, engine), book, setting, engine)
    placed = engine.take(found.select("date", "enrolled", "school", "entry", "unit", "schoolday"))
    placed = placed.join(owners, on="unit", how="inner" if part else "left").join(book.schools, on="school", how="left").sort("date")
    return placed.select(
        _date("date"), "enrolled", "lea", school_code="id", entry_date=_date("entry"), minimum_schoolday="schoolday"
    )  # fmt: skip
