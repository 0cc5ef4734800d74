"""Eligible absences, and the earned days they meet (``ledger.md`` 5, 6 and 7)."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.plain.attended import FIRST_DATE
from tests.plain.bundle import District, Row, grade_span

if TYPE_CHECKING:
    from datetime import date

CAP = 10


def kinds(district: District) -> tuple[str, ...]:
    """Return the kinds of absence that can be recovered (K5, K6)."""
    study = ("independent_study_non_ada",) if district.policy["recover_non_ada_study"] == "yes" else ()
    suspension = ("suspension_out",) if district.policy["recover_suspension"] == "yes" else ()
    return ("excused", "unexcused", *suspension, *study)


def eligible_absences(district: District) -> dict[tuple[str, str], list[Row]]:
    """Return the eligible absences of each student and LEA in date order, one a date, each with its enrollment."""
    found: dict[tuple[str, str, date], list[Row]] = defaultdict(list)
    for row in district.rows["attendance"]:
        if row["date"] > district.as_of:
            district.note("absence", "after_as_of", "warn", ssid=row["ssid"], on=row["date"])
            continue
        if not district.first <= row["date"] <= district.last:
            continue
        if row["kind"] not in kinds(district) or not row["full_day"] or row.get("made_up_by") or row.get("not_recoverable"):
            continue
        spans = [
            span
            for span in at_school(district, row["ssid"], row["school_code"], row["date"])
            if span["enrollment_status"] in ("10", "30") and not district.ineligible(span) and district.school_day(span, row["date"])
        ]
        if spans and not lent(district, row["ssid"], row["school_code"], row["date"]):
            found[row["ssid"], district.unit(row["school_code"]), row["date"]].append(dict(row, enrollment=min(spans, key=district.rank)))
    result: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for (ssid, unit, on), rows in sorted(found.items()):
        in_force = district.in_force(ssid, on)
        rows.sort(key=lambda row: (in_force is None or row["school_code"] != in_force["school_code"], district.rank(row["enrollment"])))
        result[ssid, unit].append(rows[0])
        for row in rows[1:]:
            district.note("absence", "absence_at_two_schools", "hold", ssid=ssid, on=row["date"])
    return result


def at_school(district: District, ssid: str, school: str, on: date) -> list[Row]:
    """Return a student's enrollments at a school whose span holds a date."""
    return [span for span in district.enrollments[ssid] if span["school_code"] == school and district.holds_date(span, on)]


def lent(district: District, ssid: str, school: str, on: date) -> bool:
    """Whether a short-term span at another school, and none at this one, holds the date."""
    short = {
        span["school_code"] for span in district.enrollments[ssid] if span["enrollment_status"] == "30" and district.holds_date(span, on)
    }
    return bool(short) and school not in short


def match(district: District, ssid: str, unit: str, earned: list[Row], absences: list[Row]) -> tuple[list[Row], int]:
    """Return a student's credits in one LEA and how many of the ten it may give."""
    own, others = [], 0
    for row in district.rows["applied_days"]:
        if row["ssid"] == ssid and district.first <= row["absence_date"] <= district.last:
            mine = (row.get("reporting_lea") or district.unit(row["school_code"])) == unit
            if row["absence_date"] > district.as_of:
                if mine:
                    district.note("applied_day", "after_as_of", "warn", ssid=ssid, on=row["absence_date"])
            elif mine:
                own.append(row)
            elif row.get("reporting_lea"):
                others += 1
    other_lea = district.policy["other_lea_days"]
    cap = CAP if not others or other_lea == "ignore" else 0 if other_lea == "block" else max(0, CAP - others)
    days, open_absences = list(earned), list(absences)
    met: list[Row] = []
    own.sort(key=lambda row: row["absence_date"])
    taken: dict[date, Row] = {}
    for row in own:
        day = next((day for day in days if day["date"] == row["recovered_on"]), None)
        if day and not row.get("paid_elsewhere"):
            days.remove(day)
            taken[row["absence_date"]] = day
    for row in own:
        if row["absence_date"] not in taken and not row.get("paid_elsewhere") and days:
            taken[row["absence_date"]] = days.pop(0)
    for place, row in enumerate(own):
        day = taken.get(row["absence_date"])
        absence = next(
            (one for one in open_absences if (one["date"], one["school_code"]) == (row["absence_date"], row["school_code"])), None
        )
        listed = {
            "applied_without_time": day is None and not row.get("paid_elsewhere"),
            "applied_before_earned": day is not None and row["recovered_on"] is not None and day["date"] > row["recovered_on"],
            "applied_ineligible": absence is None,
            "applied_over_cap": place >= cap,
        }
        for code in (code for code, is_so in listed.items() if is_so):
            district.note("applied_day", code, "warn", ssid=ssid, on=row["absence_date"])
        if absence:
            open_absences.remove(absence)
        met.append(credit(district, ssid, row["absence_date"], row["school_code"], absence, day, applied=row))
    applied_on = {row["absence_date"] for row in own}
    open_absences = [absence for absence in open_absences if absence["date"] not in applied_on]
    partners = reported(district, ssid, unit, days, open_absences)
    days = [day for day in days if day not in [one for one, _ in partners]]
    open_absences = [absence for absence in open_absences if absence not in [one for _, one in partners]]
    room = max(0, cap - len(own))
    for day, absence in [*partners, *pairs(district, ssid, days, open_absences, max(0, room - len(partners)))][:room]:
        met.append(credit(district, ssid, absence["date"], absence["school_code"], absence, day))
    assign_schools(district, met, absences)
    return met, cap


def reported(district: District, ssid: str, unit: str, days: list[Row], absences: list[Row]) -> list[tuple[Row, Row]]:
    """Return the pairs that a closed period reported and that still stand, by absence date: the day is earned, the absence eligible."""
    found = []
    for row in sorted(district.reported, key=lambda row: row["absence_date"]):
        if row["ssid"] != ssid or row["absence_school_code"] not in district.schools or district.unit(row["absence_school_code"]) != unit:
            continue
        day = next((day for day in days if day["date"] == row["earned_on"]), None)
        absence = next((absence for absence in absences if absence["date"] == row["absence_date"]), None)
        if day and absence:
            found.append((day, absence))
    return found


def pairs(district: District, ssid: str, days: list[Row], absences: list[Row], room: int) -> list[tuple[Row, Row]]:
    """Return which earned day meets which absence (K14)."""
    order = district.policy["match_order"]
    days, absences = list(days), list(absences)
    found = []
    if order == "manual":
        for row in district.placed("match", ssid):
            day = next((day for day in days if day["date"].isoformat() == row["value"]), None)
            absence = next((one for one in absences if one["date"] == row["date"]), None)
            if day and absence:
                days.remove(day)
                absences.remove(absence)
                found.append((day, absence))
    if order == "newest_first":
        absences.reverse()
    return [*found, *zip(days, absences, strict=False)][:room]


def assign_schools(district: District, met: list[Row], absences: list[Row]) -> None:
    """K15 ``lea_choice``: move a credit to the school a person chose, as long as that school has absences for it."""
    if district.policy["credit_school"] != "lea_choice":
        return
    room = Counter(absence["school_code"] for absence in absences)
    for row in sorted(met, key=lambda row: row["absence_date"]):
        for choice in district.placed("assign_school", row["ssid"]):
            if choice["date"] == row["absence_date"]:
                there = sum(1 for one in met if one["absence_school_code"] == choice["value"])
                if there < room[choice["value"]]:
                    row.setdefault("moved_from", row["absence_school_code"])
                    row["absence_school_code"] = choice["value"]


def credit(district: District, ssid: str, on: date, school: str, absence: Row | None, day: Row | None, applied: Row | None = None) -> Row:
    """Return one row of ``credits``."""
    earned_on = day["date"] if day else applied["recovered_on"] if applied else None
    spans = at_school(district, ssid, school, on)
    enrollment = absence["enrollment"] if absence else min(spans, key=district.rank) if spans else district.in_force(ssid, on)
    row = absence or next(
        (one for one in district.rows["attendance"] if (one["ssid"], one["school_code"], one["date"]) == (ssid, school, on)), {}
    )
    minimum: Any = day["minimum"] if day else None
    if not day and earned_on and earned_on >= FIRST_DATE:
        then = district.in_force(ssid, earned_on)
        minimum = district.minimum(then) if then else None
    which = district.policy["credit_date"]
    later = max([one for one in (on, earned_on) if one])
    grade = enrollment["grade"] if enrollment else ""
    return {
        "ssid": ssid,
        "absence_date": on,
        "absence_school_code": school,
        "absence_kind": row.get("kind") or "",
        "earned_on": earned_on,
        "credited_on": later if which == "later_of_both" else on if which == "absence_date" else earned_on,
        "origin": "applied" if applied else "computed",
        "minutes_used": day["minimum"] if day else 0,
        "minimum_schoolday": minimum,
        "session_ids": ";".join(part["session_id"] for part, _ in day["parts"]) if day else "",
        "grade": grade,
        "grade_span": grade_span(grade),
        "absence_source_code": row.get("source_code") or "",
        "rule_version": "",
        "paid_elsewhere": bool(applied and applied.get("paid_elsewhere")),
        "parts": day["parts"] if day else [],
    }
