"""The ledger: what each minute counted, each day earned, and the absence it met - for one LEA and one fiscal year.

Pure functions from tables to tables (``ledger.md``): time -> credited minutes -> bank -> days -> absences. The values of law come
from ``recoup.law``; the arithmetic is Narwhals expressions over whole numbers, so that every engine gives the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup import law as rules
from recoup.ledger import results, several, time
from recoup.ledger.encode import owners
from recoup.ledger.engine import Engine, PolarsEngine, engine_named
from recoup.ledger.trace import trace
from recoup.ledger.work import Work, work

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    import polars as pl

    from recoup.law import Law
    from recoup.ports import Attestation, Lea

__all__ = ["Engine", "PolarsEngine", "attestable", "compute", "compute_all", "engine_named", "owners", "trace"]


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
    leas: Collection[str] | None = None,
    reported: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Return the result tables by one policy: time_entries, credits, credit_sessions, ledger, holds (``canonical-model.md``).

    ``tables``: every canonical table, typed (times in minutes after midnight), all columns present; ``absent``: the tables
    ``(table, "")`` and columns ``(table, column)`` that no source had; ``policy``: every knob by name (``law.policy``).
    ``reported``: ssid, absence_date, absence_school_code, earned_on of the pairs of closed periods, which stay partners while both stand.
    ``leas``: the codes of the LEAs whose results are wanted; default all. Minutes and days are whole numbers. The order of the input
    rows changes nothing.
    """
    engine = engine or PolarsEngine()
    done = work(tables, absent, law, policy, as_of, lea, attest, engine, leas, reported)
    return _tables(tables, done, rules.rule_version(law, policy), engine)


def compute_all(
    tables: Mapping[str, pl.DataFrame],
    absent: frozenset[tuple[str, str]],
    law: Law,
    policies: Mapping[str, Mapping[str, str]],
    as_of: date,
    lea: Lea,
    attest: Sequence[Attestation] = (),
    engine: Engine | None = None,
    reported: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Return the result tables of all LEAs of the data, each by its own policy.

    ``policies``: the whole policy by LEA code; an LEA that is not there has that of ``lea``. The rest as for ``compute``.
    """
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for code in sorted({lea.code, *owners(tables["schools"], lea.code)["lea"]}):
        groups.setdefault(tuple(sorted(policies.get(code, policies[lea.code]).items())), []).append(code)
    if len(groups) == 1:
        return compute(tables, absent, law, policies[lea.code], as_of, lea, attest, engine, reported=reported)
    parts = [compute(tables, absent, law, dict(policy), as_of, lea, attest, engine, leas, reported) for policy, leas in groups.items()]
    return several.together(parts)


def _tables(tables: Mapping[str, pl.DataFrame], done: Work, version: str, engine: Engine) -> dict[str, pl.DataFrame]:
    """Write down what the stages made."""
    book, setting, counted, paid = done.book, done.setting, done.counted, done.paid
    fails = {"session": engine.take(counted.session_fails), "row": engine.take(counted.row_fails), "cuts": engine.take(counted.cuts)}
    entries = results.entries_of(counted, paid, engine)
    credit, credit_sessions = results.credit_tables(book, done.matching, paid, setting, version, engine)
    return {
        "time_entries": results.time_entries(tables, book, entries, fails),
        "credits": credit,
        "credit_sessions": credit_sessions,
        "ledger": results.ledger(book, entries, done.matching, engine.take(done.earned), paid, setting, engine),
        "holds": results.holds(book, entries, fails, done.noted, setting),
    }
