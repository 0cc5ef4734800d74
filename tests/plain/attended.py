"""Which time counts (``ledger.md`` 1): holds of sessions and of rows, cuts, and what is only listed."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from tests.plain.bundle import OPEN_COLUMNS, OPEN_TABLES, District, Row

DAY = 24 * 60
FIRST_DATE = date(2025, 7, 1)
#: The name of a required check in ``[attest]``, by the code of its hold.
CHECKS = {
    "no_qualifying_teacher": "qualifying_teacher",
    "ratio": "ratio",
    "not_verified": "verification",
    "inside_school_day": "inside_school_day",
}
NEVER_RELEASED = ("outside_fiscal_year", "after_as_of")
Span = tuple[int, int]


def shared(one: Span, other: Span) -> bool:
    """Whether two half-open intervals have a minute in common."""
    return max(one[0], other[0]) < min(one[1], other[1])


def settle(
    district: District, row: Row, scope: str, code: str, *, unknown: bool = False, silent: bool = False, final: bool = False
) -> None:
    """Hold a session or a row for one code, unless it is attested or released, and write the line.

    ``silent``: the input is missing for the whole district, which is said once and not line by line. ``final``: nobody can
    release it.
    """
    keys: dict[str, Any] = {"session": row["session_id"], "on": row["date"], "ssid": row["ssid"] if scope == "participation" else ""}
    if unknown and CHECKS[code] in district.attest:
        row["attested"].add(code)
        if not silent:
            district.note(scope, code, "attested", minutes=row["minutes_raw"], **keys)
        return
    decision = None if code in NEVER_RELEASED else district.decision(scope, code, **keys)
    released = not final and decision is not None and decision["decision"] == "release"
    severity = "released" if released else "not_checked" if unknown else "hold"
    if released:
        row["released"][code] = decision
    else:
        row["held"].add(code)
    if released or decision or not silent:
        district.note(scope, code, severity, minutes=row["minutes_raw"], disposition=decision["disposition_id"] if decision else "", **keys)


def attended(district: District) -> list[Row]:
    """Return every participation row with its minutes, holds, cuts, grade and minimum schoolday."""
    say_what_is_absent(district)
    sessions = {}
    for given in district.rows["sessions"]:
        session = dict(given, held=set(), attested=set(), released={}, people=[], ssid="")
        session["start"], session["end"] = given["start_time"], given["end_time"]
        if session["end"] <= session["start"]:
            session["end"] += DAY
        session["break"] = given["break_minutes"] or 0
        sessions[given["session_id"]] = session
    rows = [take_row(given, sessions[given["session_id"]]) for given in district.rows["participation"]]
    for session in sessions.values():
        session["minutes_raw"] = sum(row["minutes_raw"] for row in session["people"]) if session["people"] else None
        session["teachers"] = teachers(district, session, sessions)
    for row in rows:
        row["enrollment"] = district.in_force(row["ssid"], row["date"])
        row["minimum"] = district.minimum(row["enrollment"]) if row["enrollment"] and row["date"] >= FIRST_DATE else None
    for session in sessions.values():
        hold_session(district, session)
    for row in rows:
        if "after_as_of" not in row["session"]["held"]:
            hold_row(district, row)
    for row in rows:
        row["held"] |= row["session"]["held"]
        row["attested"] |= row["session"]["attested"]
        row["remaining"] = row["minutes_raw"]
    cut(district, [row for row in rows if not row["held"]])
    list_terms(district, list(sessions.values()))
    for ssid, spans in district.enrollments.items():
        if any(span.get("alternate_minimum_minutes") is not None and not span.get("alternate_minimum_basis") for span in spans):
            district.note("student", "alternate_without_basis", "warn", ssid=ssid)
    return rows


def say_what_is_absent(district: District) -> None:
    """Write one line for every check that an absent table or column silences."""
    codes = [code for table, silenced in OPEN_TABLES.items() if (table, "") in district.absent for code in silenced]
    codes += [code for place, code in OPEN_COLUMNS.items() if place in district.absent]
    for code in codes:
        district.note("lea", code, "attested" if CHECKS.get(code) in district.attest else "not_checked")


def take_row(given: Row, session: Row) -> Row:
    """Return a participation row joined to its session, with the interval it stands for."""
    row = dict(
        given,
        session=session,
        held=set(),
        attested=set(),
        released={},
        cuts={},
        minutes_counted=0,
        minutes_forfeited=0,
        date=session["date"],
    )
    came, left = given["sign_in"], given["sign_out"]
    row["both_times"] = came is not None and left is not None
    if row["both_times"] and left < came and session["end_time"] <= session["start_time"]:
        left += DAY
    row["span"] = (came, left) if row["both_times"] else (session["start"], session["end"])
    row["minutes_raw"] = given["minutes"]
    if row["minutes_raw"] is None:
        row["minutes_raw"] = max(0, left - came - session["break"])
    row["verifier"] = given.get("verified_by") or session.get("verified_by")
    row["verified"] = given.get("verified_at") or session.get("verified_at")
    session["people"].append(row)
    return row


# --- teachers and the ratio


def teachers(district: District, session: Row, sessions: dict[str, Row]) -> list[Row]:
    """Return the teachers of a session: id, interval, and whether each qualifies (``None`` = it cannot be told)."""
    staff = {row["staff_id"]: row for row in district.rows["staff"]}
    found = []
    for given in district.rows["session_staff"]:
        if given["session_id"] != session["session_id"] or given["role"] != "teacher":
            continue
        person = staff.get(given["staff_id"], {})
        facts = [person.get("certificated"), person.get("lea_employee")]
        expires = person.get("credential_expires")
        if expires is not None and expires < session["date"]:
            facts.append(False)
        if not person and ("staff", "") not in district.absent:
            facts = [False]
        qualifies = False if False in facts else None if None in facts else True
        if is_twice(district, given, session, sessions):
            if qualifies is not False:
                district.note("session", "teacher_twice", "warn", session=session["session_id"], on=session["date"])
            qualifies = False
        found.append({"staff_id": given["staff_id"], "span": staff_span(given, session), "qualifies": qualifies})
    return found


def staff_span(given: Row, session: Row) -> Span:
    """Return the interval of a session_staff row; an empty end is the session's."""
    start, end = given.get("start_time"), given.get("end_time")
    return session["start"] if start is None else start, session["end"] if end is None else end


def is_twice(district: District, given: Row, session: Row, sessions: dict[str, Row]) -> bool:
    """Whether a person is in another session at the same time, in any role, cancelled sessions aside."""
    if session.get("cancelled") or session["date"] > district.as_of:
        return False
    for other in district.rows["session_staff"]:
        there = sessions[other["session_id"]]
        if other["staff_id"] != given["staff_id"] or there is session or there["date"] != session["date"] or there.get("cancelled"):
            continue
        if shared(staff_span(given, session), staff_span(other, there)):
            return True
    return False


def too_many(district: District, young: int, others: int, adults: int) -> bool:
    """Whether so many students, ``young`` of them TK or KN, are above what ``adults`` teachers may supervise (K9)."""
    if district.policy["mixed_ratio"] == "proportional":
        return 2 * young + others > 20 * adults
    return young + others > (10 if young else 20) * adults


def breach(district: District, session: Row, people: list[Row]) -> int:
    """Return the minutes of a session at which the room held too many of ``people`` and the others present (K10)."""
    start, end = session["start"], session["end"]
    measure = district.policy["ratio_measure"]
    guests = session.get("other_students_present") or 0
    adults = [teacher["span"] for teacher in session["teachers"] if teacher["qualifies"]]
    spans = []
    for row in people:
        came, left = (start, end) if measure == "enrolled" else row["span"]
        if max(came, start) < min(left, end):
            spans.append((max(came, start), min(left, end), row["ssid"], row["young"]))
    if measure == "average":
        length = end - start
        young = sum(left - came for came, left, _, is_young in spans if is_young)
        others = sum(left - came for came, left, _, is_young in spans if not is_young) + guests * length
        taught = sum(max(0, min(b, end) - max(a, start)) for a, b in adults)
        return length if too_many(district, young, others, taught) else 0
    edges = {start, end, *(edge for span in spans for edge in span[:2]), *(edge for span in adults for edge in span)}
    points = sorted(edge for edge in edges if start <= edge <= end)
    minutes = 0
    for a, b in itertools.pairwise(points):
        present = {ssid: is_young for came, left, ssid, is_young in spans if came <= a < left}
        young = sum(present.values())
        taught = sum(1 for came, left in adults if came <= a < left)
        if too_many(district, young, len(present) - young + guests, taught):
            minutes += b - a
    return minutes


def hold_for_ratio(district: District, session: Row) -> None:
    """Hold, warn or drop for the ratio (K9 to K11)."""
    people = [row for row in session["people"] if row["minutes_raw"] > 0]
    for row in people:
        row["young"] = bool(row["enrollment"]) and row["enrollment"]["grade"] in ("TK", "KN")
    minutes = breach(district, session, people)
    if not minutes:
        return
    how = district.policy["ratio_breach"]
    if minutes <= district.policy["ratio_grace_minutes"] or how == "warn":
        district.note("session", "ratio", "warn", session=session["session_id"], on=session["date"])
    elif how == "hold_session":
        settle(district, session, "session", "ratio")
    else:
        kept: list[Row] = []
        for row in sorted(people, key=lambda one: (one["span"][0], one["ssid"])):
            if breach(district, session, [*kept, row]):
                settle(district, row, "participation", "ratio")
            else:
                kept.append(row)


# --- holds


def hold_session(district: District, session: Row) -> None:
    """Test a session as a whole."""
    on, key = session["date"], {"session": session["session_id"], "on": session["date"]}
    if on > district.as_of:
        settle(district, session, "session", "after_as_of")
        return
    no_roster = ("session_staff", "") in district.absent
    silent = no_roster or ("staff", "") in district.absent
    can = {teacher["qualifies"] for teacher in session["teachers"]}
    if True in can:
        hold_for_ratio(district, session)
    elif no_roster or None in can:
        settle(district, session, "session", "no_qualifying_teacher", unknown=True, silent=silent)
        settle(district, session, "session", "ratio", unknown=True, silent=silent)
    else:
        settle(district, session, "session", "no_qualifying_teacher")
    if session.get("cancelled"):
        settle(district, session, "session", "cancelled")
    if session.get("delivery") in ("virtual", "hybrid"):
        settle(district, session, "session", "not_in_person")
    elif not session.get("delivery") and ("sessions", "delivery") not in district.absent:
        district.note("session", "delivery_unknown", "warn", **key)
    if session["end_time"] <= session["start_time"]:
        settle(district, session, "session", "crosses_midnight")
    if not max(district.first, FIRST_DATE) <= on <= district.last:
        settle(district, session, "session", "outside_fiscal_year")
    open_rows = [row for row in district.calendar[session["school_code"], on] if row["is_instructional"]]
    timed = [(row["day_start"], row["day_end"]) for row in open_rows if row["day_start"] is not None and row["day_end"] is not None]
    if any(shared((session["start"], session["end"]), times) for times in timed):
        district.note("session", "host_school_day", "warn", **key)
    if (on.weekday() >= 5 or not open_rows) and not session.get("meal_offered") and ("sessions", "meal_offered") not in district.absent:
        district.note("session", "no_meal_record", "warn", **key)


def hold_row(district: District, row: Row) -> None:
    """Test one student's row."""
    session, on, ssid = row["session"], row["date"], row["ssid"]
    verify(district, row)
    elected = [
        one for one in district.rows["program_enrollments"] if one["ssid"] == ssid and one["program_name"] == session["program_name"]
    ]
    if ("program_enrollments", "") not in district.absent and not any(one["elected_on"] for one in elected):
        district.note("student", "no_election", "warn", ssid=ssid)
    if row["enrollment"] is None:
        last = district.in_force(ssid, on, released=True)
        settle(district, row, "participation", "not_enrolled", final=last is None)
        if "not_enrolled" in row["released"]:
            row["enrollment"] = last
    enrollment = row["enrollment"]
    if enrollment is None:
        return
    key = {"session": session["session_id"], "ssid": ssid, "on": on}
    if district.ineligible(enrollment):
        settle(district, row, "participation", "not_eligible")
    elif enrollment["instruction_mode"] is None:
        district.note("participation", "not_eligible", "not_checked", **key)
    if district.policy["long_study_bank"] != "keep" and in_long_study(district, ssid, on, enrollment):
        settle(district, row, "participation", "independent_study")
    day = district.school_day(enrollment, on)
    if day:
        if day["day_start"] is None or day["day_end"] is None:
            settle(district, row, "participation", "inside_school_day", unknown=True)
        elif shared((session["start"], session["end"]), (day["day_start"], day["day_end"])):
            settle(district, row, "participation", "inside_school_day")
    row["minimum"] = district.minimum(enrollment) if on >= FIRST_DATE else None
    if enrollment.get("alternate_minimum_basis") == "sec_46146" and district.policy["three_quarter_day"] == "manual":
        decide_three_quarters(district, row)
    if (
        district.schools[enrollment["school_code"]]["school_type"] == "charter_classroom"
        and district.policy["charter_minimum"] == "grade_span"
    ):
        district.note("participation", "charter_minimum", "warn", **key)


def decide_three_quarters(district: District, row: Row) -> None:
    """K12 ``manual``: the row is held until a person says what makes this student's day."""
    settle(district, row, "participation", "three_quarter_day")
    decision = row["released"].get("three_quarter_day")
    if decision and decision["value"] in ("180", "use_180_as_day"):
        row["minimum"] = 180


def verify(district: District, row: Row) -> None:
    """Test that a qualifying teacher of the session verified the row, and when."""
    session, verifier, verified = row["session"], row["verifier"], row["verified"]
    no_roster = ("session_staff", "") in district.absent
    silent = no_roster or ("staff", "") in district.absent
    can = [teacher["qualifies"] for teacher in session["teachers"] if teacher["staff_id"] == verifier]
    if not verifier:
        settle(district, row, "participation", "not_verified")
    elif no_roster or (can and can[0] is None):
        settle(district, row, "participation", "not_verified", unknown=True, silent=silent)
    elif not can or not can[0]:
        settle(district, row, "participation", "not_verified")
    if verified is not None:
        key = {"session": session["session_id"], "ssid": row["ssid"], "on": row["date"]}
        if (verified.date() - row["date"]).days > district.policy["verify_within_days"]:
            district.note("participation", "verified_late", "warn", **key)
        minute = (verified.date() - row["date"]).days * DAY + verified.hour * 60 + verified.minute
        if minute < session["end"]:
            district.note("participation", "verified_early", "warn", **key)


def in_long_study(district: District, ssid: str, on: date, enrollment: Row) -> bool:
    """Whether a date lies in a span of independent study with more than 15 instructional days of this enrollment's school."""
    return any(
        start <= on <= end and len(days) > 15
        for start, end, days in study_spans(district, ssid, lambda day: district.school_day(enrollment, day) is not None)
    )


def study_spans(district: District, ssid: str, is_school_day: Any) -> list[tuple[date, date, list[date]]]:
    """Return spans of independent study with their instructional days; those that touch, or have none between them, are one."""
    given = [(row["start_date"], row["end_date"] or district.as_of) for row in district.rows["independent_study"] if row["ssid"] == ssid]
    merged: list[tuple[date, date]] = []
    for start, end in sorted(span for span in given if span[0] <= span[1]):
        if merged and not any(map(is_school_day, dates(merged[-1][1] + timedelta(1), start - timedelta(1)))):
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return [(start, end, [day for day in dates(start, end) if is_school_day(day)]) for start, end in merged]


def dates(first: date, last: date) -> list[date]:
    """Return every date from the first to the last, both included."""
    return [first + timedelta(days) for days in range((last - first).days + 1)]


# --- cuts


def cut(district: District, rows: list[Row]) -> None:
    """Cut the rows left: over the clock, over the session, overlapping; then the week of a continuation student (K16)."""
    by_date: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in rows:
        by_date[row["ssid"], row["date"]].append(row)
    weeks: dict[tuple[str, date], int] = defaultdict(int)
    weekly = district.policy["continuation_weekly"]
    for (ssid, on), group in sorted(by_date.items()):
        earlier: list[Span] = []
        for row in in_order(group):
            session = row["session"]
            pause = session["break"] if district.policy["breaks"] == "subtract_scheduled" else 0
            if row["both_times"]:
                take(district, row, "over_clock", row["remaining"] - max(0, row["span"][1] - row["span"][0] - pause))
            take(district, row, "over_session", row["remaining"] - max(0, session["end"] - session["start"] - pause))
            take(district, row, "overlap", min(row["remaining"], covered(row["span"], earlier)))
            earlier.append(row["span"])
            if weekly != "off" and district.schools[row["enrollment"]["school_code"]]["school_type"] == "continuation":
                monday = on - timedelta(on.weekday())
                over = weeks[ssid, monday] + row["remaining"] - 15 * 60
                if over > 0 and weekly == "warn":
                    district.note("student", "weekly_hours", "warn", ssid=ssid, on=monday)
                elif weekly == "cap":
                    take(district, row, "weekly_hours", over)
                weeks[ssid, monday] += row["remaining"]


def in_order(rows: list[Row]) -> list[Row]:
    """Order the rows of a student and date: start of the interval, then session_id."""
    return sorted(rows, key=lambda row: (row["span"][0], row["session_id"]))


def take(district: District, row: Row, code: str, minutes: int) -> None:
    """Cut minutes off a row, and say so."""
    if minutes > 0:
        row["cuts"][code] = minutes
        row["remaining"] -= minutes
        district.note("participation", code, "cut", session=row["session_id"], ssid=row["ssid"], on=row["date"], minutes=minutes)


def covered(span: Span, earlier: list[Span]) -> int:
    """Return how many minutes of an interval lie in any of the earlier ones."""
    return sum(1 for minute in range(*span) if any(start <= minute < end for start, end in earlier))


def list_terms(district: District, sessions: list[Row]) -> None:
    """List the terms, over by as-of, in which a school that offers sessions held none."""
    held = [session for session in sessions if not session.get("cancelled") and session["date"] <= district.as_of]
    for term in district.rows["terms"]:
        offered = [session["date"] for session in held if session["school_code"] == term["school_code"]]
        if term["end"] <= district.as_of and offered and not any(term["start"] <= day <= term["end"] for day in offered):
            district.note("lea", "no_session_in_term", "warn", on=term["start"])
