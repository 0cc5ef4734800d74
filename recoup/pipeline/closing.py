"""``recoup close``: what was reported for a period is frozen, and holds its pairs together in every later run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from recoup.errors import RecoupError
from recoup.exporters import padc, periods
from recoup.pipeline.plan import make_plan
from recoup.pipeline.road import last_good, open_job
from recoup.ports import Closing

if TYPE_CHECKING:
    from recoup.config import Config
    from recoup.pipeline.road import Request
    from recoup.ports import Run
    from recoup.store import Workspace


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks to be closed, who asks, and, for closing it again, why."""

    period: str
    by: str
    again: bool = False
    reason: str = ""


def close(config: Config, wish: Wish, request: Request) -> Closing:
    """Freeze what the last good run reports for a period, and return it.

    Raises ``RecoupError`` (2): ``NO_GOOD_RUN``; ``CLOSE_NO_PERIOD`` without its dates; ``CLOSE_EARLY`` before the run has reached its
    end; ``CLOSE_TWICE`` when it is closed and nobody asks for an amendment; ``CLOSE_NO_REASON``; ``CLOSE_FIRST``.
    """
    plan = make_plan(config, None)
    with open_job(plan, "close", request) as (workspace, _):
        run = last_good(workspace, config.school_year)
        before = next((closing for closing in run.closed if closing.period == wish.period), None)
        _may_close(wish, before, config)
        return workspace.closed.freeze(_closing(run, wish, before, workspace))


def _may_close(wish: Wish, before: Closing | None, config: Config) -> None:
    where, told = str(config.path), {"period": wish.period}
    if before is None and wish.again:
        raise RecoupError("CLOSE_FIRST", where, **told)
    if before is not None and not wish.again:
        raise RecoupError("CLOSE_TWICE", where, **told, by=before.closed_by, at=f"{before.closed_at:%Y-%m-%d}")
    if wish.again and not wish.reason.strip():
        raise RecoupError("CLOSE_NO_REASON", where, **told)


def _closing(run: Run, wish: Wish, before: Closing | None, workspace: Workspace) -> Closing:
    known = periods.periods(run).filter(pl.col("period") == wish.period)
    if known.is_empty():
        raise RecoupError("CLOSE_NO_PERIOD", f"run {run.run_id}", period=wish.period)
    ends = known["last_date"].to_list()
    if run.as_of < max(ends):
        raise RecoupError("CLOSE_EARLY", f"run {run.run_id}", period=wish.period, ends=max(ends), as_of=run.as_of)
    figures = padc.figures(run)
    return Closing(
        school_year=run.year.name,
        period=wish.period,
        generation=before.generation + 1 if before else 1,
        ends=max(ends),
        as_of=run.as_of,
        run_id=run.run_id,
        rule_version=run.rule_version,
        closed_by=wish.by,
        closed_at=workspace.clock(),
        reason=wish.reason.strip(),
        sha256="",
        credits=periods.counted(run).filter(pl.col("period") == wish.period).drop("period"),
        figures=figures.filter(pl.col("period") == wish.period),
        time=run.results["time_entries"].select("ssid", "session_id", "minutes_counted", "outcome"),
        absences=run.tables["attendance"].select("ssid", "school_code", "date", "kind", "full_day", "made_up_by", "not_recoverable"),
    )
