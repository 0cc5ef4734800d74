"""Minutes of a date, and the bank in which they become days (``ledger.md`` 2 and 3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.plain.attended import in_order, study_spans

if TYPE_CHECKING:
    from datetime import date

    from tests.plain.bundle import District, Row


def whole_hours(minutes: int) -> int:
    """Round minutes down to whole hours."""
    return minutes // 60 * 60


def count_date(district: District, rows: list[Row], minimum: int) -> None:
    """Give each row of one student and date its counted and forfeited minutes."""
    remaining = [row["remaining"] for row in rows]
    unit, full_day = district.policy["time_unit"], district.policy["full_day_record"]
    each = [whole_hours(minutes) for minutes in remaining]
    counts = {"hour_floor_per_session": sum(each), "hour_floor_per_date": whole_hours(sum(remaining)), "minutes": sum(remaining)}[unit]
    if (full_day == "session" and max(remaining) >= minimum) or (full_day == "date" and sum(remaining) >= minimum):
        counts = max(counts, minimum)
    beyond = counts - sum(each)
    for row, hours in zip(rows, each, strict=True):
        more = min(beyond, row["remaining"] - hours)
        row["minutes_counted"] = hours + more
        beyond -= more
    over = max(0, counts - minimum) if district.policy["excess_same_date"] == "forfeit" else 0
    for row in reversed(rows):
        row["minutes_forfeited"] = min(over, row["minutes_counted"])
        over -= row["minutes_forfeited"]


def bank(district: District, rows: list[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return for each student and LEA the days earned, oldest first, and the minutes left in the bank.

    A day is ``{"date", "minimum", "parts": [(row, minutes)]}``; the parts are first in, first out over the sessions.
    """
    by_student: dict[tuple[str, str], dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row["held"]:
            by_student[row["ssid"], district.unit(row["enrollment"]["school_code"])][row["date"]].append(row)
    result = {}
    for (ssid, unit), by_date in by_student.items():
        voids = void_dates(district, ssid)
        purse: list[list[Any]] = []
        days = []
        for on in sorted(by_date):
            while voids and voids[0] <= on:
                voids.pop(0)
                empty(purse)
            group = in_order(by_date[on])
            minimum = max(row["minimum"] for row in group)
            count_date(district, group, minimum)
            purse += [[row, row["minutes_counted"] - row["minutes_forfeited"]] for row in group]
            if sum(minutes for _, minutes in purse) >= minimum:
                days.append({"date": on, "minimum": minimum, "parts": pay(purse, minimum)})
                if district.policy["day_remainder"] == "drop":
                    empty(purse)
        if voids:
            empty(purse)
        result[ssid, unit] = {"days": days, "banked": sum(minutes for _, minutes in purse)}
    return result


def pay(purse: list[list[Any]], minutes: int) -> list[tuple[Row, int]]:
    """Take minutes out of the bank, first in first out, and return what each row gave."""
    parts = []
    for entry in purse:
        given = min(minutes, entry[1])
        entry[1] -= given
        minutes -= given
        if given:
            parts.append((entry[0], given))
    return parts


def empty(purse: list[list[Any]]) -> None:
    """Empty the bank: what it held counts as forfeited."""
    for entry in purse:
        entry[0]["minutes_forfeited"] += entry[1]
        entry[1] = 0


def void_dates(district: District, ssid: str) -> list[date]:
    """K19 ``void``: the dates on which a span of independent study reached its 16th instructional day."""
    if district.policy["long_study_bank"] != "void":
        return []

    def is_school_day(on: date) -> bool:
        enrollment = district.in_force(ssid, on)
        return enrollment is not None and district.school_day(enrollment, on) is not None

    return sorted(days[15] for _, _, days in study_spans(district, ssid, is_school_day) if len(days) > 15 and days[15] <= district.as_of)
