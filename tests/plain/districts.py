"""Small random districts, made so that every mechanism of the ledger is met often, and rows that the checks refuse never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.plain.bundle import KNOBS
from tests.plain.case import rows
from tests.plain.drawn import FIRST, LAST, STAFF, often, random_sessions
from tests.plain.reading import read

if TYPE_CHECKING:
    from tests.plain.bundle import Tables

LEA, NEIGHBOR = "1964733", "1964741"
GRADES = ["TK", "KN", *(f"{number:02}" for number in range(1, 13))]
SCHOOL_TYPES = [
    "elementary",
    "elementary",
    "middle",
    "high",
    "span",
    "continuation",
    "continuation",
    "opportunity",
    "community_day",
    "county_community",
    "juvenile_court",
    "early_college",
    "charter_classroom",
    "charter_nonclassroom",
    "charter_47612_1",
    "nonpublic",
]
CHECKS = ("qualifying_teacher", "ratio", "verification", "inside_school_day")
#: What a required check reads and a source may not have: tables, and a column that may be empty.
UNSEEN = (("staff", ""), ("session_staff", ""), ("calendar", "day_start"))
BASES = ["iep_46307", "iep_46307", "sec_46144", "sec_46146", "sec_46146_5", "double_session_46112"]


@dataclass(frozen=True)
class Drawn:
    """A random district and the choices of its run."""

    tables: Tables
    as_of: date
    attest: tuple[str, ...]


def random_policy(rng: Random) -> dict[str, Any]:
    """Return a policy over all knobs, about a third of them away from their defaults."""
    policy: dict[str, Any] = {name: rng.choice(values) for name, values in KNOBS.items() if often(rng, 0.5)}
    if often(rng, 0.2):
        policy["charter_minimum"] = {"TK/K-3": 200, "4-6": 220, "7-8": 250, "9-12": 300}
    policy["accept_risk"] = True
    return policy


def random_district(rng: Random) -> Drawn:
    """Return a random district; the same state of ``rng`` gives the same one."""
    kinds = ["span", rng.choice(["continuation", "elementary", "high"]), *rng.sample(SCHOOL_TYPES, 2)]
    codes = [f"600000{number}" for number in range(1, 5)]
    tracks: list[str | None] = rng.choice([[None], [None], [None], ["A", "B"]])
    neighbor = rng.choice([LEA, LEA, NEIGHBOR])
    schools = [
        {
            "school_code": code,
            "school_name": f"School {code}",
            "school_type": kind,
            "county_district_code": neighbor if code in codes[2:] else LEA,
            "local_school_id": code[-1],
            "independently_reporting_charter": kind == "charter_classroom" and often(rng, 0.3),
            "hourly_attendance": kind == "continuation" or None,
        }
        for code, kind in zip(codes, kinds, strict=True)
    ]
    people = [f"90000000{number:02}" for number in range(1, rng.randint(4, 9))]
    enrollments = [row for ssid in people for row in random_enrollments(rng, ssid, codes, tracks)]
    young = often(rng, 0.5)
    crowd = [f"90000001{number:02}" for number in range(24)] if often(rng, 0.5) else []
    enrollments += [
        enrolled(rng, ssid, codes[0], tracks, grade=rng.choice(["KN", "01"]) if young and place < 12 else "05")
        for place, ssid in enumerate(crowd)
    ]
    sessions, session_staff, participation = random_sessions(rng, codes, people, crowd)
    taught = sorted({row["date"] for row in sessions})
    attendance = random_attendance(rng, people, enrollments)
    unknown = dict.fromkeys(("invited_on", "elected_by", "election_ref", "enrolled_on", "left_on", "left_reason"))
    tables: Tables = {
        "schools": rows(*schools),
        "calendar": rows(*random_calendar(rng, codes, tracks)),
        "students": rows(
            *(
                {
                    "ssid": ssid,
                    "local_student_id": ssid[-6:],
                    "legal_first_name": "Ana",
                    "legal_last_name": "Case",
                    "birth_date": "2015-03-01",
                    "gender": "X",
                }
                for ssid in [*people, *crowd]
            )
        ),
        "enrollments": rows(*enrollments),
        "attendance": rows(*attendance),
        "sessions": rows(*sessions),
        "participation": rows(*participation),
        "staff": rows(
            *(
                {"credential_expires": None, "staff_name": "Name"} | person
                for person in [
                    *STAFF,
                    *(
                        {"staff_id": f"END{place}", "certificated": True, "lea_employee": True, "credential_expires": rng.choice(taught)}
                        for place in (1, 2)
                    ),
                ]
            )
        ),
        "session_staff": rows(*session_staff),
        "independent_study": rows(*random_study(rng, people, taught)),
        "applied_days": rows(*random_applied(rng, attendance, participation, sessions, codes)),
        "terms": rows(
            *(
                {"school_code": code, "term": term, "start": start, "end": end}
                for code in codes
                for term, start, end in (("1", "2025-08-18", "2025-12-19"), ("2", "2026-01-05", "2026-06-05"))
                if often(rng, 0.5)
            )
        ),
        "program_enrollments": rows(
            *(
                {"ssid": ssid, "program_name": "Academy", **unknown, "elected_on": rng.choice([None, "2025-07-01"])}
                for ssid in people
                if often(rng, 0.7)
            )
        ),
    }
    as_of = rng.choice([date(2026, 6, 30)] * 3 + [rng.choice(taught), date(2025, 12, 1)])
    for name in ("staff", "session_staff", "independent_study", "terms", "program_enrollments", "applied_days"):
        if often(rng, 0.08):
            del tables[name]
    optional = [
        ("sessions", "delivery"),
        ("sessions", "cancelled"),
        ("sessions", "other_students_present"),
        ("sessions", "meal_offered"),
        ("sessions", "verified_by"),
        ("enrollments", "absence_exempt"),
        ("enrollments", "exit_reason"),
        ("attendance", "not_recoverable"),
        ("session_staff", "start_time"),
        ("applied_days", "reporting_lea"),
        ("applied_days", "paid_elsewhere"),
    ]
    for name, column in optional:
        if often(rng, 0.06):
            tables[name] = [{key: value for key, value in row.items() if key != column} for row in tables.get(name, [])]
    attest = tuple(check for check in CHECKS if often(rng, 0.6)) if often(rng, 0.5) else ()
    tables = {name: found for name, found in tables.items() if found or name in ("attendance", "sessions", "participation")}
    if often(rng, 0.5):
        tables["dispositions"] = random_decisions(rng, tables, as_of, attest)
    for found in tables.values():
        rng.shuffle(found)
    return Drawn(tables, as_of, attest)


def unseen(drawn: Drawn, rng: Random) -> Drawn:
    """Return a district without some of what the required checks read, and somebody's word for most of these checks."""
    tables = dict(drawn.tables)
    for name, column in rng.sample(UNSEEN, rng.randint(1, len(UNSEEN))):
        if column:
            tables[name] = [row | {column: ""} for row in tables[name]]
        else:
            tables.pop(name, None)
    return Drawn(tables, drawn.as_of, tuple(check for check in CHECKS if often(rng, 0.8)))


def enrolled(rng: Random, ssid: str, school: str, tracks: list[str | None], **given: Any) -> dict[str, Any]:
    """Return an enrollment, ordinary but for what is given and for a few cells."""
    row = {
        "ssid": ssid,
        "school_code": school,
        "entry_date": FIRST,
        "exit_date": None,
        "grade": rng.choice(GRADES),
        "enrollment_status": "10",
        "instruction_mode": "classroom",
        "alternate_minimum_minutes": None,
        "alternate_minimum_basis": None,
        "absence_exempt": False,
        "exit_reason": None,
        "track": rng.choice(tracks),
    }
    if often(rng, 0.15):
        row |= {"alternate_minimum_minutes": rng.choice([100, 150, 180, 200, 300]), "alternate_minimum_basis": rng.choice([*BASES, None])}
    if often(rng, 0.04):
        row["instruction_mode"] = rng.choice(["nonclassroom", None, None])
    if often(rng, 0.04):
        row["absence_exempt"] = rng.choice([True, None])
    return row | given


def random_enrollments(rng: Random, ssid: str, codes: list[str], tracks: list[str | None]) -> list[dict[str, Any]]:
    """Return one student's enrollments: mostly one, else a transfer, an overlap, a gap, an odd end, or none."""
    home, other, third = rng.sample(codes, 3) if often(rng, 0.7) else codes[:3]
    grade = rng.choice(GRADES)
    turn = FIRST + timedelta(rng.randint(20, 200))
    later = min(LAST, turn + timedelta(rng.randint(0, 40)))

    def row(school: str, entry: date, end: date | None = None, status: str = "10", **given: Any) -> dict[str, Any]:
        chosen = grade if often(rng, 0.8) else rng.choice(GRADES)
        return enrolled(
            rng, ssid, school, tracks, entry_date=entry, exit_date=end, enrollment_status=status, grade=given.pop("grade", chosen), **given
        )

    pattern = rng.choice(
        [
            [row(home, FIRST)],
            [row(home, FIRST)],
            [row(home, FIRST, rng.choice([LAST, LAST - timedelta(1), turn, date(2026, 6, 30)]))],
            [row(home, FIRST, turn), row(other, turn + timedelta(1))],
            [row(home, FIRST, turn), row(other, turn + timedelta(rng.randint(2, 30)))],
            [row(home, FIRST, turn), row(home, later + timedelta(1))],
            [row(home, FIRST), row(other, turn, later, "30")],
            [row(home, FIRST), row(other, turn, later, "30"), row(third, turn, later, "30")],
            [row(home, FIRST), row(other, FIRST, rng.choice([None, turn]), rng.choice(["10", "20", "50"]))],
            [row(home, FIRST, later), row(other, turn)],
            [row(home, FIRST), row(other, turn)],
            [row(home, FIRST, status=rng.choice(["20", "50"]))],
            [row(home, turn)],
            [row(home, FIRST), row(other, turn, None, exit_reason="N470")],
            [row(home, FIRST, turn, exit_reason="N470")],
            [row(home, FIRST, LAST), row(other, date(2026, 8, 17), grade="09")],
            [],
        ]
    )
    return list(pattern)


def random_calendar(rng: Random, codes: list[str], tracks: list[str | None]) -> list[dict[str, Any]]:
    """Return the calendar of every school: weekdays, holidays, tracks, grades with a day of their own, hours unknown."""
    found = []
    days = [FIRST + timedelta(number) for number in range((LAST - FIRST).days + 1)]
    off = {day for day in days if often(rng, 0.04)} | {day for day in days if date(2025, 12, 22) <= day <= date(2026, 1, 2)}
    for code in codes:
        start, end = rng.choice([("08:00", "14:30"), ("08:00", "15:00"), ("08:30", "14:30")])
        last = LAST - timedelta(rng.choice([0, 0, 3]))
        own_grades = rng.choice([None, None, "TK;KN", "TK;KN;01;02;03"])
        for day in (day for day in days if day.weekday() < 5 and day <= last):
            row = {
                "school_code": code,
                "date": day,
                "is_instructional": day not in off,
                "day_start": start,
                "day_end": end,
                "track": None,
                "grades": None,
            }
            if often(rng, 0.03):
                row[rng.choice(["day_start", "day_end"])] = None
            for track in tracks if often(rng, 0.9) else [None]:
                found.append(row | {"track": track, "is_instructional": row["is_instructional"] and not (track and often(rng, 0.1))})
            if own_grades and often(rng, 0.5):
                found.append(row | {"grades": own_grades, "day_end": "12:00", "is_instructional": often(rng, 0.9)})
    return found


def random_attendance(rng: Random, people: list[str], enrollments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return attendance exceptions: many eligible, some of each other kind, some at two schools on one date."""
    found = {}
    kinds = ["excused"] * 8 + ["unexcused"] * 6 + ["suspension_out", "suspension_in", "independent_study_ada", "independent_study_non_ada"]
    for ssid in people:
        at = [row["school_code"] for row in enrollments if row["ssid"] == ssid]
        days = [FIRST + timedelta(rng.randint(0, 290)) for _ in range(rng.choice([0, 3, 8, 14, 25]))]
        for day in (day for day in days if at and (day.weekday() < 5 or often(rng, 0.1))):
            for school in sorted(set(at)) if often(rng, 0.5) else [rng.choice(at)]:
                found[ssid, school, day] = {
                    "ssid": ssid,
                    "school_code": school,
                    "date": day,
                    "kind": rng.choice(kinds),
                    "full_day": often(rng, 0.92),
                    "source_code": rng.choice("EUX"),
                    "made_up_by": rng.choice([None] * 15 + ["saturday_school", "other"]),
                    "not_recoverable": rng.choice([None] * 15 + ["immunization"]),
                }
    return list(found.values())


def random_study(rng: Random, people: list[str], taught: list[date]) -> list[dict[str, Any]]:
    """Return spans of independent study of about fifteen schooldays around a session: whole, in two parts, or open."""
    found: dict[tuple[str, date], dict[str, Any]] = {}
    for ssid in people:
        if not often(rng, 0.35):
            continue
        around = rng.choice(taught)
        monday = around - timedelta(around.weekday() + rng.choice([0, 7, 14]))
        end = monday + timedelta(rng.choice([17, 18, 20, 21, 22, 28]))
        middle = monday + timedelta(rng.choice([4, 6, 9]))
        spans: list[tuple[date, date | None]] = rng.choice(
            [
                [(monday, end)],
                [(monday, middle), (middle + timedelta(1), end)],
                [(monday, monday + timedelta(4)), (monday + timedelta(7), end)],
                [(monday, monday + timedelta(4)), (monday + timedelta(8), end)],
                [(monday, middle + timedelta(3)), (middle, end)],
                [(monday, None)],
            ]
        )
        for start, stop in spans:
            found[ssid, start] = {"ssid": ssid, "start_date": start, "end_date": stop}
    return list(found.values())


def random_applied(
    rng: Random, attendance: list[dict[str, Any]], took_part: list[dict[str, Any]], sessions: list[dict[str, Any]], codes: list[str]
) -> list[dict[str, Any]]:
    """Return days already applied: to absences of any kind, with and without the session that paid for them."""
    dates = {row["session_id"]: row["date"] for row in sessions}
    found = {}
    heavy = often(rng, 0.2)
    for row in attendance:
        if not often(rng, 0.7 if heavy else 0.12):
            continue
        attended = [dates[one["session_id"]] for one in took_part if one["ssid"] == row["ssid"]]
        recovered = rng.choice(attended) if attended and often(rng, 0.7) else rng.choice([row["date"] + timedelta(3), None])
        recovered = recovered or row["date"] + timedelta(2)
        found[row["ssid"], row["date"]] = {
            "ssid": row["ssid"],
            "absence_date": row["date"],
            "school_code": row["school_code"] if often(rng, 0.92) else rng.choice(codes),
            "recovered_on": recovered,
            "source": "SIS",
            "paid_elsewhere": rng.choice([False, False, None, True]),
            "reporting_lea": rng.choice([None, None, None, LEA, NEIGHBOR, "1964000"]),
        }
    return list(found.values())


def random_decisions(rng: Random, tables: Tables, as_of: date, attest: tuple[str, ...]) -> list[dict[str, str]]:
    """Return decisions of people on holds that this district really has, and a few that touch nothing."""
    holds = [
        row
        for row in read(tables, as_of=as_of, attest=attest)["holds"]
        if row["severity"] in ("hold", "not_checked") and row["scope"] != "lea"
    ]
    holds = rng.sample(holds, min(len(holds), rng.randint(1, 12)))
    # One in five on a row is on the whole student, and may still name the session. A die of its own leaves the other draws as they were.
    die = Random(len(holds) * 1_000 + len(tables["participation"]))
    wide = [often(die, 0.2) and hold["scope"] == "participation" for hold in holds]
    found = [
        {
            "disposition_id": f"D{number}{again}",
            "scope": "student" if wide[number] else hold["scope"],
            "session_id": die.choice([hold["session_id"], None]) if wide[number] else hold["session_id"],
            "ssid": hold["ssid"],
            "date": rng.choice([hold["date"], None]) if hold["scope"] != "absence" else hold["date"],
            "code": hold["code"],
            "decision": rng.choice(["release", "release", "uphold"]),
            "value": rng.choice([None, "180"]),
            "decided_by": "A. Person",
            "decided_at": f"2026-01-{rng.randint(1, 28):02}T10:00",
            "reason": "seen",
            "evidence_ref": "binder",
        }
        for number, hold in enumerate(holds)
        for again in range(rng.choice([1, 1, 1, 2]))
    ]
    absences, taught = tables["attendance"], sorted({row["date"] for row in tables["sessions"]})
    chosen = rng.sample(absences, min(len(absences), 6))
    for number, row in enumerate([*chosen, *chosen[:2]]):
        decision, value = rng.choice([("match", rng.choice(taught)), ("assign_school", rng.choice(tables["schools"])["school_code"])])
        found.append(
            {
                "disposition_id": f"M{number}",
                "scope": "absence",
                "session_id": None,
                "ssid": row["ssid"],
                "date": row["date"],
                "code": None,
                "decision": decision,
                "value": value,
                "decided_by": "A. Person",
                "decided_at": f"2026-01-{rng.randint(14, 16)}T10:00",
                "reason": "asked",
                "evidence_ref": None,
            }
        )
    return rows(*found)
