"""What people decided: the decisions of the workspace and those of a source in one table, and what each of them does in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import ledger
from recoup.errors import RecoupError
from recoup.ports import Decision, Finding
from recoup.schemas import TABLES, frame_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.ports import LeaRules
    from recoup.store import Disposition

TABLE = "dispositions"
#: The lineage of a decision that was recorded here; its line is the number in the journal.
SOURCE = "decisions"
#: Which knob reads a decision on where a day goes, and under which value.
READ_UNDER = {"match": ("match_order", "manual"), "assign_school": ("credit_school", "lea_choice")}

Tables = dict[str, pl.DataFrame]
Absent = frozenset[tuple[str, str]]


def merged(tables: Mapping[str, pl.DataFrame], absent: Absent, recorded: Sequence[Disposition], year: str) -> tuple[Tables, Absent]:
    """Return the tables with the decisions of the workspace, those of other school years left out.

    A decision whose session or student is in the data no more stays out, so that it can never reach further than it was meant to; one
    that a source brings back as it was recorded is one decision. ``DECISION_ID_TWICE`` (4) for an id with two contents.
    """
    names = TABLES[TABLE].names
    schema = frame_schema(TABLES[TABLE])
    mine = [one for one in recorded if one.school_year == year]
    rows = [{name: getattr(one, name) for name in names} | {"_source": SOURCE, "_file": SOURCE, "_line": one.number} for one in mine]
    ours = pl.DataFrame(rows, schema=schema)
    ours = ours.filter(
        (pl.col("session_id").is_null() | pl.col("session_id").is_in(tables["sessions"]["session_id"].implode()))
        & (pl.col("ssid").is_null() | pl.col("ssid").is_in(tables["students"]["ssid"].implode()))
    )
    theirs = tables[TABLE].select(list(schema))
    known = theirs.filter(pl.col("disposition_id").is_in(ours["disposition_id"].implode()))
    same = known.join(ours, on=names, how="semi", nulls_equal=True)
    if same.height < known.height:
        clash = known.filter(~pl.col("disposition_id").is_in(same["disposition_id"].implode()))["disposition_id"].sort()
        raise RecoupError("DECISION_ID_TWICE", TABLE, ids=", ".join(clash.head(5)))
    both = pl.concat([theirs.join(same, on="disposition_id", how="anti"), ours])
    if both.is_empty():
        return dict(tables), absent
    return {**tables, TABLE: both}, frozenset(place for place in absent if place[0] != TABLE)


def outcome(
    tables: Mapping[str, pl.DataFrame],
    results: Mapping[str, pl.DataFrame],
    leas: Sequence[LeaRules],
    recorded: Sequence[Disposition],
    year: str,
) -> tuple[tuple[Decision, ...], list[Finding]]:
    """Return every decision with what it does in a run, in the order of its moment; and a finding for those that do nothing (any more)."""
    decided = tables[TABLE].sort("decided_at", "disposition_id", nulls_last=False)
    rows = decided.select(TABLES[TABLE].names).to_dicts()
    known = {row["disposition_id"] for row in rows}
    names = TABLES[TABLE].names
    lost = [{name: getattr(one, name) for name in names} for one in recorded if one.school_year == year and one.disposition_id not in known]
    latest = {_subject(row): row["disposition_id"] for row in rows}
    on_holds = _on_holds(results["holds"])
    found, idle = [], []
    for row in [*lost, *rows]:
        if row["disposition_id"] not in known:
            effect = ""
        elif (last := latest[_subject(row)]) != row["disposition_id"]:
            effect = f"superseded by {last}"
        elif row["decision"] in READ_UNDER:
            effect = _on_credits(row, tables, results, leas)
        else:
            effect = on_holds.get(row["disposition_id"], "")
        if not effect:
            idle.append(row["disposition_id"])
        told = {name: row[name] or "" for name in ("disposition_id", "scope", "code", "decision", "decided_by")}
        found.append(Decision(**told, decided_at=row["decided_at"], effect=effect))
    message = f"Decisions that do nothing in this run: {', '.join(sorted(idle)[:10])}{', …' if len(idle) > 10 else ''}."
    return tuple(found), [Finding("", "DECISION_WITHOUT_EFFECT", "warn", len(idle), message)] if idle else []


def _subject(row: Mapping[str, object]) -> tuple[object, ...]:
    """Return what a decision is about; a later one about the same supersedes it, whichever way it goes."""
    if row["decision"] in READ_UNDER:
        return row["decision"], row["ssid"], row["date"]
    return tuple(row[name] for name in ("scope", "session_id", "ssid", "date", "code"))


def _on_holds(lines: pl.DataFrame) -> dict[str, str]:
    """Return what each decision on a hold did: the lines it released or left, and their minutes."""
    heard = lines.filter(pl.col("disposition_id").is_not_null())
    sums = heard.group_by("disposition_id").agg(
        lines=pl.len(), minutes=pl.col("minutes").sum(), released=(pl.col("severity") == "released").any()
    )
    return {
        row["disposition_id"]: f"{'released' if row['released'] else 'upheld'}: {row['lines']} lines, {row['minutes']} minutes"
        for row in sums.to_dicts()
    }


def _on_credits(
    row: Mapping[str, object], tables: Mapping[str, pl.DataFrame], results: Mapping[str, pl.DataFrame], leas: Sequence[LeaRules]
) -> str:
    """Return what a decision on where a day goes did, or an empty text; one that the LEA's policy does not read did nothing."""
    decision = str(row["decision"])
    knob, value = READ_UNDER[decision]
    owners = dict(ledger.owners(tables["schools"], leas[0].lea.code).select("school_code", "lea").iter_rows())
    reading = {one.lea.code for one in leas if one.policy[knob] == value}
    credits_ = results["credits"].filter(pl.col("ssid") == row["ssid"], pl.col("absence_date") == row["date"])
    for one in credits_.to_dicts():
        if owners.get(one["absence_school_code"]) not in reading:
            continue
        if decision == "match" and one["origin"] == "computed" and str(one["earned_on"]) == row["value"]:
            return "matched as decided"
        if decision == "assign_school" and one["absence_school_code"] == row["value"]:
            return "credited at the school decided on"
    return ""
