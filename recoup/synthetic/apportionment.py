"""What the synthetic district's attendance system counts for apportionment: the days attended, before any recovery."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from recoup import law
from recoup.synthetic.places import YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.synthetic.places import Row

#: Kinds of whole-day exception for which nothing is claimed.
_AWAY = frozenset({"excused", "unexcused", "suspension_out", "independent_study_non_ada"})
_COUNTED = ("10", "30")


def apportionment_rows(tables: Mapping[str, list[Row]], ends: Mapping[str, str]) -> list[Row]:
    """Return the rows of the table ``apportionment``: days of attendance by school, period and grade span, for each period's last day.

    ``tables``: the district's. A day at another school on a short-term enrollment is that school's; a student who never came has none.
    """
    spans = law.load(YEAR).grade_spans
    taught: dict[tuple[str, str], set[str]] = {}
    for row in tables["calendar"]:
        if row["is_instructional"] == "true":
            taught.setdefault((row["school_code"], row["track"]), set()).add(row["date"])
    in_order = {place: sorted(days) for place, days in taught.items()}
    away = {
        (row["ssid"], row["school_code"], row["date"]) for row in tables["attendance"] if row["full_day"] == "true" and row["kind"] in _AWAY
    }
    guests: dict[str, list[Row]] = {}
    for row in tables["enrollments"]:
        if row["enrollment_status"] == "30":
            guests.setdefault(row["ssid"], []).append(row)
    days: Counter[tuple[str, str, str]] = Counter()
    for row in tables["enrollments"]:
        if row["enrollment_status"] not in _COUNTED or row["exit_reason"] == "N470":
            continue
        ssid, school, last = row["ssid"], row["school_code"], row["exit_date"] or "9999"
        visits = [one for one in guests.get(ssid, ()) if one is not row and row["enrollment_status"] == "10"]
        attended = [
            day
            for day in in_order[school, row.get("track", "")]
            if row["entry_date"] <= day <= last
            and (ssid, school, day) not in away
            and not any(one["entry_date"] <= day <= (one["exit_date"] or "9999") for one in visits)
        ]
        for period, end in ends.items():
            days[school, period, spans[row["grade"]]] += bisect_right(attended, end)
    return [
        {
            "school_code": school,
            "period": period,
            "grade_span": span,
            "ada_line": "",
            "days_of_attendance": str(count),
            "source": "attendance register",
        }
        for (school, period, span), count in sorted(days.items())
    ]
