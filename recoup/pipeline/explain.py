"""``recoup explain``: finds the student in a saved run, goes the ledger's road with that student again, and has the story told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from recoup.errors import RecoupError
from recoup.pipeline import again
from recoup.reports import explain as reports

if TYPE_CHECKING:
    from recoup.ports import Run


def find_student(run: Run, given: str, *, local_id: bool = False) -> str:
    """Return the SSID of the student that ``given`` names: an SSID, or with ``local_id`` a local number.

    A local number is looked up among the students and in the crosswalk ``student_ids``; an SSID that was merged into another leads to
    its successor. Raises ``EXPLAIN_UNKNOWN_STUDENT`` and ``EXPLAIN_TWO_STUDENTS`` (status 2), which name nobody.
    """
    students, crosswalk = run.tables["students"], run.tables["student_ids"]
    if local_id:
        named = pl.col("local_student_id") == given
        found = {*students.filter(named)["ssid"], *crosswalk.filter(named)["ssid"]}
    else:
        found = {given}
    heirs = crosswalk.filter(pl.col("ssid").is_in(list(found)) & pl.col("successor_ssid").is_not_null())
    known = set(students.filter(pl.col("ssid").is_in([*found, *heirs["successor_ssid"]]))["ssid"])
    if not known:
        what = "local number" if local_id else "SSID"
        raise RecoupError("EXPLAIN_UNKNOWN_STUDENT", what=what, students=f"{students.height:,}")
    if len(known) > 1:
        raise RecoupError("EXPLAIN_TWO_STUDENTS", students=len(known))
    return str(known.pop())


def story(run: Run, ssid: str, *, show_names: bool = False) -> dict[str, Any]:
    """Return the story of one student of a saved run (``recoup.reports.explain``).

    Raises ``RUN_OTHER_RULES`` (status 2) where the rules are others now, or where they no longer lead to the saved figures: a story
    is told of the figures that were given out, or not at all.
    """
    trace = again.trace(run, ssid)
    if not _agrees(run, ssid, trace):
        raise RecoupError("RUN_OTHER_RULES", run.run_id, then=run.rule_version, now="others")
    return reports.story(run, ssid, trace, show_names=show_names)


def _agrees(run: Run, ssid: str, trace: dict[str, pl.DataFrame]) -> bool:
    """Tell whether the road leads to the saved figures of the student."""
    saved = run.results["ledger"].filter(pl.col("ssid") == ssid).to_dicts()[0]
    banked = trace["dates"].group_by("lea").agg(pl.col("bank").last())["bank"].sum()
    figures = {"days_earned": trace["days"].height, "minutes_banked": banked, "eligible_absences": trace["eligible"].height}
    met = set(run.results["credits"].filter(pl.col("ssid") == ssid)["absence_date"])
    return all(saved[name] == value for name, value in figures.items()) and met >= set(trace["days"]["absence_date"].drop_nulls())
