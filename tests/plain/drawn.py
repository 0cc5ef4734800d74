"""Random sessions with their staff and who took part: half of what ``districts`` draws."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.plain.case import hhmm

if TYPE_CHECKING:
    from random import Random

FIRST, LAST = date(2025, 8, 18), date(2026, 6, 5)
MINUTES = [0, 29, 30, 45, 59, 60, 60, 61, 90, 119, 120, 120, 150, 179, 180, 180, 229, 230, 239, 240, 240, 241, 300, 360, 480]
EDGE_DATES = [
    date(2025, 7, 1),
    date(2026, 6, 30),
    date(2025, 8, 17),
    FIRST,
    LAST,
    LAST + timedelta(1),
    LAST + timedelta(8),
    date(2025, 7, 15),
]
DELIVERY = ["in_person"] * 20 + ["virtual", "hybrid", None, None]
STAFF: list[dict[str, Any]] = [
    *({"staff_id": f"T{number}", "certificated": True, "lea_employee": True, "credential_expires": "2030-06-30"} for number in range(1, 7)),
    {"staff_id": "LIFE", "certificated": True, "lea_employee": True},
    {"staff_id": "AIDE", "certificated": False, "lea_employee": True},
    {"staff_id": "FIRM", "certificated": True, "lea_employee": False},
    {"staff_id": "ASK1", "certificated": None, "lea_employee": True, "credential_expires": "2030-06-30"},
    {"staff_id": "ASK2", "certificated": True, "lea_employee": None},
    {"staff_id": "NO", "certificated": None, "lea_employee": False},
]


def often(rng: Random, share: float) -> bool:
    """Whether a thing of that share happens."""
    return rng.random() < share


def random_sessions(rng: Random, codes: list[str], people: list[str], crowd: list[str]) -> tuple[list[dict[str, Any]], ...]:
    """Return sessions, their staff and who took part; some share a date, an hour or a teacher, some hold a crowd."""
    pool = [FIRST + timedelta(rng.randint(0, 290)) for _ in range(6)] + rng.sample(EDGE_DATES, 3)
    pool += [date(2025, 9, 6) + timedelta(7 * rng.randint(0, 36)) for _ in range(8)]
    if often(rng, 0.2):
        pool = [date(2025, 7, 14) + timedelta(number) for number in range(7)]
    sessions, staffed, took_part = [], [], []
    for number in range(rng.randint(12, 26)):
        key, on = f"S{number:02}", rng.choice(pool)
        if often(rng, 0.02):
            on = rng.choice([date(2025, 6, 30), date(2026, 7, 1)])
        length = rng.choice([60, 61, 90, 120, 180, 230, 240, 240, 300, 480])
        start = (
            rng.choice([450, 480 - length % 480, 480, 540, 600, 869, 870, 900, 930])
            if on.weekday() < 5
            else rng.choice([480, 540, 540, 600])
        )
        start = max(0, start)
        pause = rng.choice([0, 0, 0, 15, 30, None])
        end = min(start + length, 1439)
        if often(rng, 0.02):
            start, end = 1320, 60
        teacher = f"T{number % 6 + 1}" if often(rng, 0.85) else rng.choice(STAFF)["staff_id"]
        team: list[tuple[str, str, int | None, int | None]] = [(teacher, "teacher", None, None)]
        if often(rng, 0.25):
            second = rng.choice([*(person["staff_id"] for person in STAFF), "END1", "END2", "GONE"])
            part = rng.choice([(None, None), (start + length // 2, None), (None, start + length // 2)]) if end > start else (None, None)
            team.append((second, rng.choice(["teacher", "teacher", "aide"]), *part))
        if often(rng, 0.05):
            team = rng.choice([[], [(teacher, "aide", None, None)], [("END1", "teacher", None, None)], [("ASK1", "teacher", None, None)]])
        if often(rng, 0.05) and end > start:
            team = [(staff, role, start, start + (end - start) * 2 // 3) for staff, role, _, _ in team]
        staffed += [
            {
                "session_id": key,
                "staff_id": staff,
                "role": role,
                "start_time": since if since is None else hhmm(since),
                "end_time": until if until is None else hhmm(until),
            }
            for place, (staff, role, since, until) in enumerate(team)
            if staff not in [one[0] for one in team[:place]]
        ]
        signer = teacher if often(rng, 0.94) else rng.choice([None, "AIDE", "T1", team[-1][0] if team else None])
        by_session = often(rng, 0.3)
        sessions.append(
            {
                "session_id": key,
                "program_name": "Academy",
                "school_code": rng.choice(codes),
                "date": on,
                "start_time": hhmm(start),
                "end_time": hhmm(end),
                "break_minutes": pause,
                "delivery": rng.choice(DELIVERY),
                "meal_offered": rng.choice([True, False, None]),
                "cancelled": often(rng, 0.04) or rng.choice([None, False]),
                "other_students_present": rng.choice([None] * 8 + [0, 5, 9, 10, 15, 18]),
                "verified_by": signer if by_session else None,
                "verified_at": f"{on}T23:30" if by_session else None,
            }
        )
        here = [ssid for ssid in people if often(rng, 0.6)]
        if crowd and often(rng, 0.3):
            here += rng.sample(crowd, rng.choice([4, 7, 9, 10, 11, 17, 19, 20, 21]))
        for ssid in here:
            took_part.append(random_row(rng, key, ssid, on, (start, end), pause or 0, None if by_session else signer))
    return sessions, staffed, took_part


def random_row(rng: Random, key: str, ssid: str, on: date, times: tuple[int, int], pause: int, signer: str | None) -> dict[str, Any]:
    """Return one student's row: mostly the scheduled minutes, else odd minutes, times, or verification."""
    start, end = times
    planned = max(0, end - start - pause)
    minutes: int | None = planned if often(rng, 0.7) else rng.choice(MINUTES)
    came = left = None
    if often(rng, 0.3):
        came, left = max(0, start + rng.choice([-10, 0, 0, 5, 30])), min(1439, max(0, end + rng.choice([-60, -30, 0, 0, 15])))
        if left < came and often(rng, 0.8):
            came, left = left, came
        if left >= came and often(rng, 0.2):
            minutes = None
        if often(rng, 0.1) and minutes is not None:
            left = None
    at = on + timedelta(rng.choice([0] * 12 + [-1, 4, 5, 6, 9]))
    return {
        "session_id": key,
        "ssid": ssid,
        "minutes": minutes,
        "sign_in": None if came is None else hhmm(came),
        "sign_out": None if left is None else hhmm(left),
        "verified_by": signer if often(rng, 0.97) else rng.choice([None, "T3", "FIRM"]),
        "verified_at": rng.choice([f"{at}T23:00", f"{at}T23:00", f"{at}T12:00", None]),
        "evidence_ref": None,
    }
