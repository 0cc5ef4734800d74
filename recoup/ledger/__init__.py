"""The ledger: what each minute counted, each day earned, and the absence it met - for one LEA and one fiscal year.

Pure functions from tables to tables (``ledger.md``): time -> credited minutes -> bank -> days -> absences. The values of law come
from ``recoup.law``; the arithmetic is Narwhals expressions over whole numbers, so that every engine gives the same result.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import narwhals as nw

from recoup import law as rules
from recoup.ledger import bank, days, match, notes, results, time
from recoup.ledger.encode import day_number, encode
from recoup.ledger.engine import Engine, PolarsEngine
from recoup.ledger.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import polars as pl

    from recoup.law import Law
    from recoup.ports import Attestation, Lea

__all__ = ["Engine", "PolarsEngine", "attestable", "compute"]


@cache
def _inputs() -> tuple[tuple[str, str, str], ...]:
    lines = (files("recoup.law") / "inputs.csv").read_text(encoding="utf-8").splitlines()
    return tuple((row["table"], row["column"], row["code"]) for row in csv.DictReader(lines))


def attestable() -> tuple[str, ...]:
    """Return the names of the required checks that somebody may answer for in ``[attest]``."""
    return tuple(time.REQUIRED)


def compute(
    tables: Mapping[str, pl.DataFrame],
    absent: frozenset[tuple[str, str]],
    law: Law,
    policy: Mapping[str, str],
    as_of: date,
    lea: Lea,
    attest: Sequence[Attestation] = (),
    engine: Engine | None = None,
) -> dict[str, pl.DataFrame]:
    """Return the result tables of one LEA: time_entries, credited, credit_sessions, ledger, holds (``canonical-model.md``).

    ``tables``: every canonical table, typed (times in minutes after midnight), all columns present; ``absent``: the tables
    ``(table, "")`` and columns ``(table, column)`` that no source had; ``policy``: every knob by name (``law.policy``).
    Minutes and days are whole numbers. The order of the input rows changes nothing.
    """
    engine = engine or PolarsEngine()
    blind = frozenset(code for table, column, code in _inputs() if (table, column) in absent)
    attested = frozenset(time.REQUIRED[a.check] for a in attest)
    setting = Setting(
        law, policy, day_number(as_of), attested, blind, no_roster=("session_staff", "") in absent, no_staff=("staff", "") in absent
    )
    book = encode(tables, law, policy, lea.code)
    school_days = days.school_days(book, engine)
    counted = time.count(book, school_days, setting, engine)
    voids = days.voids(school_days, book, setting, engine) if policy["long_study_bank"] == "void" else None
    out = bank.withdrawals(counted.dates.with_columns(purse=bank.purse()), voids, setting, engine)
    kept = counted.worked.select("row", "sess", "date", "since", purse=bank.purse(), kept=nw.col("counted") - nw.col("forfeited"))
    paid = engine.take(bank.pay(kept, out, engine))
    earned = out.filter(~nw.col("day").is_null())
    eligible, doubled, late = match.eligible_absences(book, school_days, setting, engine)
    credited, applied, foreign = match.match(book, earned, eligible, setting, engine)
    matching = match.Matching(credited, eligible, foreign)
    noted = engine.take(notes.notes(book, counted, late, doubled, applied, setting, engine))
    fails = {"session": engine.take(counted.session_fails), "row": engine.take(counted.row_fails), "cuts": engine.take(counted.cuts)}
    entries = results.entries_of(counted, paid, engine)
    version = rules.rule_version(law, policy)
    credit, credit_sessions = results.credit_tables(book, matching, paid, setting, version, engine)
    return {
        "time_entries": results.time_entries(tables, book, entries, fails),
        "credits": credit,
        "credit_sessions": credit_sessions,
        "ledger": results.ledger(book, entries, matching, engine.take(earned), paid, setting, engine),
        "holds": results.holds(book, entries, fails, noted, setting),
    }
