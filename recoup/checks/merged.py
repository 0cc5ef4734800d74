"""Follows an SSID that the state has merged into another: rows under the old one count for its successor (table ``student_ids``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The tables that say who is who; in all others an SSID names the student that a row is about.
_WHO = ("students", "student_ids")


def follow_merged(tables: Mapping[str, pl.LazyFrame]) -> tuple[dict[str, pl.LazyFrame], int, int]:
    """Return the tables with merged SSIDs followed to a student, how many rows that concerns, and how many students stand under both.

    An SSID is followed only where it stands no longer in ``students`` and its successor does, over several mergers if need be; one with
    two successors is not. A student who still stands there under both is left alone: which record is right, the source must say.
    """
    made = dict(tables)
    if "students" not in made or not {"ssid", "successor_ssid"} <= set(_columns(made.get("student_ids"))):
        return made, 0, 0
    there = set(made["students"].select("ssid").collect()["ssid"].drop_nulls())
    pairs = made["student_ids"].select("ssid", "successor_ssid").drop_nulls().unique().collect()
    heirs = dict(pairs.filter(pl.len().over("ssid") == 1).iter_rows())
    last = {old: heir for old in heirs if (heir := _last(old, heirs)) in there and heir != old}
    moved = {old: heir for old, heir in last.items() if old not in there}
    rows = 0
    for name, lazy in made.items():
        if name in _WHO or not moved or "ssid" not in _columns(lazy):
            continue
        old = pl.col("ssid").is_in(list(moved))
        rows += lazy.select(old.sum()).collect().item()
        made[name] = lazy.with_columns(pl.col("ssid").replace(moved))
    return made, rows, len(last) - len(moved)


def _columns(lazy: pl.LazyFrame | None) -> list[str]:
    return [] if lazy is None else lazy.collect_schema().names()


def _last(ssid: str, heirs: Mapping[str, str]) -> str:
    """The SSID at the end of the mergers; of a ring the first one met twice, which is then no student's own."""
    seen = {ssid}
    while ssid in heirs and heirs[ssid] not in seen:
        ssid = heirs[ssid]
        seen.add(ssid)
    return ssid
