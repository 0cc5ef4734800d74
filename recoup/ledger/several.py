"""Several LEAs in one workspace: each reads the whole data by its own policy, since a room may hold students of two, and keeps its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.time import Time

#: The order of the rows of each result.
KEYS = {
    "time_entries": ("ssid", "session_id"),
    "credits": ("ssid", "absence_date", "absence_school_code"),
    "credit_sessions": ("ssid", "absence_date", "session_id"),
    "ledger": ("ssid",),
    "holds": ("scope", "session_id", "ssid", "date", "code", "severity"),
}


def part(book: Book, counted: Time, leas: Collection[str], engine: Engine) -> tuple[Book, Time]:
    """Return what belongs to some of the LEAs: their time, absences, terms, and the sessions that they hold or sit in.

    A date's time is the LEA's of the enrollment in force; that of a student without any is the LEA's that holds the session.
    Enrollments and applied days stay whole: a short-term span elsewhere takes its dates, and another LEA's days take of the ten.
    """
    units = book.units.filter(pl.col("lea").is_in(list(leas)))
    mine = engine.bring(units.select("unit").unique())
    hosts = book.sessions.select("sess", "school").join(book.units.select("school", host="unit"), on="school", how="left")
    rows = counted.rows.join(engine.bring(hosts.select("sess", "host")), on="sess", how="left")
    rows = rows.with_columns(unit=nw.when(nw.col("unit").is_null()).then(nw.col("host")).otherwise(nw.col("unit"))).drop("host")
    rows = engine.settle(rows.join(mine, on="unit", how="semi"))
    taken = engine.take(rows.select("row", "sess"))
    here = pl.col("school").is_in(units["school"].implode())
    sessions = book.sessions.filter(here | pl.col("sess").is_in(taken["sess"].unique().implode()))
    kept, shown = rows.select("row"), engine.bring(sessions.select("sess"))
    book = replace(
        book,
        entries=book.entries.join(taken, on="row", how="semi").sort("row"),
        sessions=sessions,
        spans=book.spans.with_columns(pl.col("bare_alternate") & pl.col("unit").is_in(units["unit"].unique().implode())),
        absences=book.absences.filter(here),
        terms=book.terms.filter(here),
        units=units,
    )
    counted = replace(
        counted,
        rows=rows,
        worked=counted.worked.join(kept, on="row", how="semi"),
        dates=counted.dates.join(mine, on="unit", how="semi"),
        session_fails=counted.session_fails.join(shown, on="sess", how="semi"),
        row_fails=counted.row_fails.join(kept, on="row", how="semi"),
        cuts=counted.cuts.join(kept, on="row", how="semi"),
    )
    return book, counted


def together(parts: Sequence[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Return the results of all LEAs in one.

    A student's row of the ledger adds up; what is left of the ten is that of the LEA with the least room. What two LEAs say alike of a
    session that they share is said once, with the minutes of both.
    """
    joined = {name: pl.concat([one[name] for one in parts]) for name in KEYS}
    room = joined["ledger"].group_by("ssid").agg(room=(pl.col("cap_left") + pl.col("days_credited")).min())
    sums = joined["ledger"].group_by("ssid").agg(pl.exclude("ssid").sum()).join(room, on="ssid")
    left = pl.max_horizontal(pl.col("room") - pl.col("days_credited"), pl.lit(0))
    joined["ledger"] = sums.with_columns(cap_left=left).select(parts[0]["ledger"].columns)
    lines = joined["holds"]
    minutes = pl.when(pl.col("minutes").is_not_null().any()).then(pl.col("minutes").sum())
    said = lines.group_by([name for name in lines.columns if name != "minutes"]).agg(minutes)
    joined["holds"] = said.select(lines.columns)
    return {name: frame.sort(KEYS[name], nulls_last=False, maintain_order=True) for name, frame in joined.items()}
