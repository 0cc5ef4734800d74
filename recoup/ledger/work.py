"""The road from tables to credited days, stage by stage: what ``compute`` writes down and ``trace`` looks into."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import narwhals as nw

from recoup.ledger import bank, days, match, notes, several, time
from recoup.ledger.encode import day_number, encode
from recoup.ledger.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    import polars as pl

    from recoup.law import Law
    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.time import Time
    from recoup.ports import Attestation, Lea

    Frame = nw.LazyFrame[pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class Work:
    """What each stage made, in numbers.

    ``counted``: the time. ``out``: what left the banks (``bank.withdrawals``); ``earned``: of it, the days. ``paid``: which session
    gave what (``bank.pay``). ``matching``: credits and eligible absences; ``doubled``: absences that yielded to another school.
    ``noted``: warnings and unmade checks.
    """

    book: Book
    setting: Setting
    counted: Time
    out: Frame
    earned: Frame
    paid: pl.DataFrame
    matching: match.Matching
    doubled: Frame
    noted: pl.DataFrame


@cache
def _inputs() -> tuple[tuple[str, str, str], ...]:
    lines = (files("recoup.law") / "inputs.csv").read_text(encoding="utf-8").splitlines()
    return tuple((row["table"], row["column"], row["code"]) for row in csv.DictReader(lines))


def work(
    tables: Mapping[str, pl.DataFrame],
    absent: frozenset[tuple[str, str]],
    law: Law,
    policy: Mapping[str, str],
    as_of: date,
    lea: Lea,
    attest: Sequence[Attestation],
    engine: Engine,
    leas: Collection[str] | None = None,
    reported: pl.DataFrame | None = None,
) -> Work:
    """Go through every stage; the arguments are those of ``ledger.compute``."""
    blind = frozenset(code for table, column, code in _inputs() if (table, column) in absent)
    attested = frozenset(time.REQUIRED[a.check] for a in attest)
    setting = Setting(
        law, policy, day_number(as_of), attested, blind, no_roster=("session_staff", "") in absent, no_staff=("staff", "") in absent
    )
    book = whole = encode(tables, law, policy, lea.code, reported)
    school_days = days.school_days(book, engine)
    counted = time.count(book, school_days, setting, engine)
    if leas is not None:
        book, counted = several.part(book, counted, leas, engine)
    voids = days.voids(school_days, book, setting, engine) if policy["long_study_bank"] == "void" else None
    out = bank.withdrawals(counted.dates.with_columns(purse=bank.purse()), voids, setting, engine)
    kept = counted.worked.select("row", "sess", "date", "since", purse=bank.purse(), kept=nw.col("counted") - nw.col("forfeited"))
    paid = engine.take(bank.pay(kept, out, engine))
    earned = out.filter(~nw.col("day").is_null())
    eligible, doubled, late = match.eligible_absences(book, school_days, setting, engine)
    credited, applied, foreign = match.match(replace(book, absences=whole.absences), earned, eligible, setting, engine)
    noted = engine.take(notes.notes(book, counted, late, doubled, applied, setting, engine))
    return Work(book, setting, counted, out, earned, paid, match.Matching(credited, eligible, foreign), doubled, noted)
