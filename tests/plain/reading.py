"""A slow, plain reading of the ledger: the words of ``ledger.md`` in loops and lists, for the engine to be held against.

It was written from the contract alone. Where the words leave a choice, the samples decide; where they are
silent, the reading that is stricter for the district. The choices:

Holds

1. A required check that cannot be made stands in ``holds`` under the check's own code with severity ``not_checked``
   (``attested`` where the configuration answers for it; the attestation's date bounds nothing).
2. A teacher qualifies, does not, or cannot be told (``certificated`` or ``lea_employee`` empty). One who does is enough; else one
   who cannot be told makes the teacher *and* the ratio not checked; verification looks at the verifier alone. The ratio counts
   only proven teachers. One attestation does not carry another check.
3. ``credential_expires`` empty: does not expire. ``other_students_present`` empty or absent: nobody.
4. ``teacher_twice`` takes the teacher from both sessions altogether, however short the overlap.
5. What is not one of the four required checks (``instruction_mode`` empty, no ``independent_study``) is listed as not checked and
   holds nothing.
6. ``crosses_midnight``: end not after start; the end is then on the next date.
7. Rows after as-of are held (``after_as_of``, no other check). They and ``outside_fiscal_year`` cannot be released. The calendar
   after as-of still tells a school's last day and how long a span of independent study is.
8. A decision names scope, the keys of that scope, and code; the latest ``decided_at`` wins, then the greater id. One on a student is
   heard on each of the student's rows, and a session or date that it names narrows it. A row
   released from ``not_enrolled`` uses the last enrollment; without any it stays held.
9. ``sec_46146`` under ``manual`` is the row hold ``three_quarter_day``; a release with value 180 makes 180 the day, else 240;
   never above the base.

Ratio

10. Presence is clipped to the session. A minute with students and no qualifying teacher in the room is a breach. The grace is
    compared with the sum of the minutes in breach. ``average``: student-minutes against teacher-minutes.

Minutes

11. Overlap is shared with the union of the earlier intervals, rows without remaining minutes included.
12. ``as_recorded``: no break is taken off in ``over_clock`` and ``over_session``.
13. The calendar row with more of track and grades filled wins, then track over grades, then fewer grades.
14. An alternate minimum of 0 is none. N470: as if the enrollment were not there. The next enrollment: earliest entry, then status,
    then school. A school's last instructional day: tracks and grades aside.
15. K16 cuts after the overlap; K19 ``void`` empties the bank of minutes, on the student's own school days; ``minutes_used`` of the
    ledger is of all days earned, waiting ones too, for the identity of the minutes.

Absences

16. A short-term span takes dates from every other school without a short-term span on that date. ``absence_at_two_schools`` is
    told among eligible absences and cannot be released.
17. ``block``: one day of another LEA ends the computed ones. Own applied days count towards ten in order of absence date.
18. An applied day to an absence after as-of is listed (``after_as_of``) and counts for nobody, as the absence does not; when it was
    recovered does not matter. An applied day takes its date: an absence of that date at
    another school is not recovered too (``credits`` has one row a student and date).
19. A school's LEA is its own code if it reports independently, else its county-district code. Each LEA has
    its own bank, absences, applied days and ten; a date's time is the LEA's of the enrollment in force. The row of ``ledger`` adds
    them up. An applied day with another ``reporting_lea`` takes of the ten of every other LEA.
20. ``match``: scope absence, date the absence's, value the earned date. ``assign_school``: value the school.
21. A reported pair comes before people's matches. Its absence is that of the student, LEA and date, whichever school keeps it now. When the
    ten no longer hold all reported pairs, those of the earliest absences stay.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.plain.attended import attended
from tests.plain.bank import bank
from tests.plain.bundle import District, Row, Tables, knobs
from tests.plain.matched import eligible_absences, match

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The columns of every result, and those that order its rows.
COLUMNS = {
    "time_entries": [
        "ssid",
        "session_id",
        "date",
        "school_code",
        "program_name",
        "start_time",
        "end_time",
        "minutes_raw",
        "minutes_cut",
        "minutes_counted",
        "minutes_forfeited",
        "outcome",
        "codes",
        "grade",
        "minimum_schoolday",
        "verified_by",
        "_source",
        "_file",
        "_line",
    ],
    "credits": [
        "ssid",
        "absence_date",
        "absence_school_code",
        "absence_kind",
        "earned_on",
        "credited_on",
        "origin",
        "minutes_used",
        "minimum_schoolday",
        "session_ids",
        "grade",
        "grade_span",
        "absence_source_code",
        "rule_version",
        "paid_elsewhere",
    ],
    "credit_sessions": ["ssid", "absence_date", "session_id", "session_date", "minutes_used"],
    "ledger": [
        "ssid",
        "minutes_raw",
        "minutes_held",
        "minutes_cut",
        "minutes_not_counted",
        "minutes_counted",
        "minutes_forfeited",
        "minutes_used",
        "minutes_banked",
        "days_earned",
        "days_credited",
        "days_applied",
        "days_waiting",
        "eligible_absences",
        "absences_left",
        "cap_left",
        "days_attested",
    ],
    "holds": ["scope", "session_id", "ssid", "date", "code", "severity", "message", "citation", "certainty", "disposition_id", "minutes"],
}

KEYS = {
    "time_entries": ["ssid", "session_id"],
    "credits": ["ssid", "absence_date"],
    "credit_sessions": ["ssid", "absence_date", "session_id"],
    "ledger": ["ssid"],
    "holds": ["scope", "session_id", "ssid", "date", "code"],
}


def key(table: str, row: Row) -> list[str]:
    """Return what orders a result row."""
    return [str(row[column] or "") for column in KEYS[table]]


def read(
    tables: Tables,
    *,
    policy: dict[str, Any] | None = None,
    as_of: date | None = None,
    attest: Iterable[str] = (),
    year: int = 2025,
    lea: str = "1964733",
    reported: Iterable[Row] = (),
) -> dict[str, list[Row]]:
    """Return the five result tables of a bundle.

    ``tables``: rows of text by table, an absent table or column left out; ``policy``: knobs by name;
    ``attest``: names of required checks; ``year``: the calendar year in which the fiscal year begins; ``reported``: credits of closed
    periods.
    """
    return results(district_of(tables, policy=policy, as_of=as_of, attest=attest, year=year, lea=lea, reported=reported))


def district_of(
    tables: Tables,
    *,
    policy: dict[str, Any] | None = None,
    as_of: date | None = None,
    attest: Iterable[str] = (),
    year: int = 2025,
    lea: str = "1964733",
    reported: Iterable[Row] = (),
) -> District:
    """Return the typed district with the choices of a run."""
    return District(tables, knobs(policy), as_of or date(year + 1, 6, 30), frozenset(attest), year, lea, list(reported))


def results(district: District) -> dict[str, list[Row]]:
    """Compute the five result tables."""
    rows = attended(district)
    banks = bank(district, rows)
    absences = eligible_absences(district)
    met: list[Row] = []
    ledger = []
    by_student: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_student[row["ssid"]].append(row)
    units = sorted({district.unit(school) for school in district.schools})
    for student in district.rows["students"]:
        ssid = student["ssid"]
        mine: list[Row] = []
        parts = []
        for unit in units:
            own = banks.get((ssid, unit), {"days": [], "banked": 0})
            credited, cap = match(district, ssid, unit, own["days"], absences[ssid, unit])
            parts.append({"own": own, "absences": absences[ssid, unit], "cap": cap, "given": credited})
            mine += credited
        met += mine
        ledger.append(summary(ssid, by_student[ssid], parts, mine))
    tables = {
        "time_entries": [time_entry(row) for row in rows],
        "credits": met,
        "credit_sessions": [
            row | {"session_id": part["session_id"], "session_date": part["date"], "minutes_used": minutes}
            for row in met
            for part, minutes in row["parts"]
        ],
        "ledger": ledger,
        "holds": district.holds,
    }  # fmt: skip
    return {
        name: sorted(({column: row[column] for column in COLUMNS[name]} for row in found), key=lambda row: key(name, row))
        for name, found in tables.items()
    }


def time_entry(row: Row) -> Row:
    """Return one row of ``time_entries``."""
    session, enrollment = row["session"], row["enrollment"]
    return row | {
        "school_code": session["school_code"],
        "program_name": session["program_name"],
        "start_time": hhmm(session["start_time"]),
        "end_time": hhmm(session["end_time"]),
        "minutes_cut": sum(row["cuts"].values()),
        "outcome": "held" if row["held"] else "cut" if row["cuts"] else "counted",
        "codes": ";".join(sorted({*row["held"], *row["cuts"]})),
        "grade": enrollment["grade"] if enrollment else "",
        "minimum_schoolday": row["minimum"],
        "verified_by": row["verifier"] or "",
    }


def hhmm(minutes: int) -> str:
    """Return minutes after midnight as ``HH:MM``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def summary(ssid: str, rows: list[Row], parts: list[dict[str, Any]], given: list[Row]) -> Row:
    """Return one row of ``ledger``, over all LEAs of the student."""
    kept = [row for row in rows if not row["held"]]
    days = [day for part in parts for day in part["own"]["days"]]
    return {
        "ssid": ssid,
        "minutes_raw": sum(row["minutes_raw"] for row in rows),
        "minutes_held": sum(row["minutes_raw"] for row in rows if row["held"]),
        "minutes_cut": sum(sum(row["cuts"].values()) for row in kept),
        "minutes_not_counted": sum(row["remaining"] - row["minutes_counted"] for row in kept),
        "minutes_counted": sum(row["minutes_counted"] for row in kept),
        "minutes_forfeited": sum(row["minutes_forfeited"] for row in kept),
        "minutes_used": sum(day["minimum"] for day in days),
        "minutes_banked": sum(part["own"]["banked"] for part in parts),
        "days_earned": len(days),
        "days_credited": len(given),
        "days_applied": sum(1 for row in given if row["origin"] == "applied"),
        "days_waiting": len(days) - sum(1 for row in given if row["parts"]),
        "eligible_absences": sum(len(part["absences"]) for part in parts),
        "absences_left": sum(left(part["absences"], part["given"]) for part in parts),
        "cap_left": max(0, min(part["cap"] for part in parts) - len(given)),
        "days_attested": sum(1 for row in given if any(part["attested"] for part, _ in row["parts"])),
    }


def left(absences: list[Row], given: list[Row]) -> int:
    """Return how many eligible absences of one LEA no credit of it has met."""
    met = {(row["absence_date"], row.get("moved_from", row["absence_school_code"])) for row in given}
    return sum(1 for row in absences if (row["date"], row["school_code"]) not in met)


def stas(district: District, result: dict[str, list[Row]]) -> list[Row]:
    """Return fields 13.13 to 13.24 a student and school (``ledger.md`` 8), in order of school and SSID.

    Counts are ``None`` for the exempt; 13.24 is ``None`` for who neither took part nor has a credit.
    """
    took_part = {row["ssid"] for row in result["time_entries"]} | {row["ssid"] for row in result["credits"]}
    days_of_credit = Counter((row["ssid"], row["absence_school_code"]) for row in result["credits"])
    fields = {"suspension_out": "17", "suspension_in": "18", "excused": "19", "unexcused": "20", "independent_study_non_ada": "21",
              "independent_study_ada": "22"}  # fmt: skip
    rows = []
    for ssid, spans in district.enrollments.items():
        for school in sorted({span["school_code"] for span in spans}):
            here = [span for span in spans if span["school_code"] == school and span["enrollment_status"] in ("10", "30")]
            if not here:
                continue
            exempt = all(span.get("absence_exempt") for span in here)
            counts: dict[str, int | None] = dict.fromkeys(("13.15", "13.16", *(f"13.{number}" for number in fields.values())))
            if not exempt:
                days = expected_days(district, ssid, school, here)
                absent = [row for row in district.rows["attendance"] if (row["ssid"], row["school_code"]) == (ssid, school)]
                for kind, number in fields.items():
                    counts[f"13.{number}"] = sum(1 for row in absent if row["kind"] == kind and row["full_day"] and row["date"] in days)
                counts["13.15"] = len(days)
                counts["13.16"] = len(days) - sum(counts[f"13.{number}"] or 0 for number in fields.values())
            rows.append(
                {"school_code": school, "ssid": ssid, "13.13": "Y" if exempt else "N",
                 "13.14": "Y" if district.schools[school].get("hourly_attendance") else "N", **counts,
                 "13.24": None if exempt or ssid not in took_part else days_of_credit[ssid, school]}
            )  # fmt: skip
    return sorted(rows, key=lambda row: (row["school_code"], row["ssid"]))


def expected_days(district: District, ssid: str, school: str, here: list[Row]) -> set[date]:
    """Return the instructional days up to as-of inside any of these spans, less those of a short-term span elsewhere."""
    elsewhere = [span for span in district.enrollments[ssid] if span["enrollment_status"] == "30" and span["school_code"] != school]
    days = set()
    for (code, on), rows in district.calendar.items():
        if code != school or on > district.as_of or not district.first <= on <= district.last or not rows:
            continue
        for span in here:
            taken = span["enrollment_status"] == "10" and any(district.holds_date(other, on) for other in elsewhere)
            if district.holds_date(span, on) and district.school_day(span, on) and not taken:
                days.add(on)
    return days
