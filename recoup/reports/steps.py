"""The steps of a story: what happened to minutes, days or absences, why, and the rule behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.reports.citations import Citations

Row = dict[str, Any]


def step(kind: str, code: str, minutes: int | None, says: str, rule: Mapping[str, str]) -> Row:
    """Return a step that no line of ``holds`` tells."""
    said = {"kind": kind, "code": code, "date": None, "minutes": minutes, "says": says, **rule}
    return said | {"release": "", "decision": None, "source": None}


def rounded(cites: Citations, row: Row, lost: int) -> list[Row]:
    """Return what whole hours took from a row of ``time_entries`` (``lost`` minutes), and when it is a full day record."""
    told = []
    if lost:
        says = f"Less than a whole hour ({cites.chosen('time_unit')})."
        told.append(step("rounded", "time_unit", lost, says, cites.knob("minutes counted", "time_unit")))
    # A row that is held may lie on a date before the law.
    if row["outcome"] == "held" or cites.policy["time_unit"] == "minutes":
        return told
    counted = row["minutes_counted"]
    if counted % cites.law.value("increment_minutes", row["date"]):
        says = f"A full day record: time that reaches the minimum schoolday ({cites.chosen('full_day_record')})."
        told.append(step("full_day", "full_day_record", counted, says, cites.knob("minutes counted", "full_day_record")))
    return told


def forfeited(cites: Citations, row: Row, lapsed: int) -> list[Row]:
    """Return what a row of ``time_entries`` gave away: above one day on its date, or (``lapsed`` minutes) when the bank was emptied."""
    above, told = row["minutes_forfeited"] - lapsed, []
    if above:
        says = f"Above one day on the date ({cites.chosen('excess_same_date')})."
        told.append(step("forfeited", "excess_same_date", above, says, cites.knob("minutes forfeited", "excess_same_date")))
    if lapsed:
        name = "day_remainder" if cites.policy["day_remainder"] == "drop" else "long_study_bank"
        says = f"Left in the bank when it was emptied ({cites.chosen(name)})."
        told.append(step("lapsed", name, lapsed, says, cites.knob("minutes forfeited", name)))
    return told
