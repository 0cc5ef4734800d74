"""A saved run gone through once more: the ledger by the same rules, by others, or for one student alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recoup import law, ledger
from recoup.errors import RecoupError
from recoup.schemas import TABLES, frame_schema
from recoup.store import closed_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.law import Law
    from recoup.ports import Attestation, Run


def same_rules(run: Run) -> Law:
    """Return the law of a saved run; ``RUN_OTHER_RULES`` (status 2) where this version of the program has other rules."""
    rules = law.load(run.year.name)
    now = law.rule_version(rules, run.policy)
    if now != run.rule_version:
        raise RecoupError("RUN_OTHER_RULES", run.run_id, then=run.rule_version, now=now)
    return rules


def in_this_model(run: Run) -> Run:
    """Return a saved run with what the model has got since an earlier version saved it: tables and columns, empty and not given."""
    tables, absent = {}, set(run.absent)
    for name, table in TABLES.items():
        schema = frame_schema(table)
        saved = run.tables.get(name)
        if saved is None:
            tables[name] = pl.DataFrame(schema=schema)
            absent.add((name, ""))
            continue
        new = [column for column in schema if column not in saved.columns]
        absent |= {(name, column) for column in new}
        tables[name] = saved.with_columns(pl.lit(None, schema[column]).alias(column) for column in new).select(*schema)
    return replace(run, tables=tables, absent=frozenset(absent))


def reported(run: Run) -> pl.DataFrame | None:
    """Return the pairs that closed periods have reported, or None."""
    return closed_pairs(run.closed)


def results(run: Run, chosen: Mapping[str, Mapping[str, str]], attest: Sequence[Attestation]) -> dict[str, pl.DataFrame]:
    """Return the result tables of a saved run's data by other policies (by LEA) or attestations."""
    rules = law.load(run.year.name)
    return ledger.compute_all(run.tables, run.absent, rules, chosen, run.as_of, run.lea, attest, reported=reported(run))


def trace(run: Run, ssid: str) -> dict[str, pl.DataFrame]:
    """Return how the ledger came to one student's figures (``ledger.trace``), each LEA by its own policy."""
    rules, pairs = same_rules(run), reported(run)
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for code, policy in run.policies.items():
        groups.setdefault(tuple(sorted(policy.items())), []).append(code)

    def part(chosen: Mapping[str, str], leas: Sequence[str] | None) -> dict[str, pl.DataFrame]:
        return ledger.trace(run.tables, run.absent, rules, chosen, run.as_of, run.lea, ssid, run.attest, leas=leas, reported=pairs)

    parts = [part(dict(chosen), leas if len(groups) > 1 else None) for chosen, leas in groups.items()]
    found = {name: pl.concat([one[name] for one in parts], how="vertical_relaxed") for name in parts[0]}
    return found | {"placed": found["placed"].sort("date")}
