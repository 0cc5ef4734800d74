"""A bundle as large as a large district: 1,000,000 participation rows, 500,000 absences and 50,000 students at scale 1.

Everything is arithmetic on row numbers, so the same scale gives the same bytes with any version of Polars.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from recoup.synthetic.places import LEA, weekdays

if TYPE_CHECKING:
    from pathlib import Path

STUDENTS, ABSENCES_EACH, VISITS_EACH, IN_A_GROUP = 50_000, 10, 20, 20
#: Types, lowest grade and number of grades of the schools, repeated over them.
TYPES = (("elementary", 1, 5), ("middle", 6, 3), ("high", 9, 4))
DAYS = [day for day in weekdays(date(2025, 8, 13), date(2026, 6, 5)) if not date(2025, 12, 22) <= day <= date(2026, 1, 2)][:180]
SATURDAYS = [date(2025, 8, 16) + timedelta(weeks=n) for n in range(35)]
FIRST = pl.Series(["Ana", "José", "Li", "Zoë", "Amir", "Priya", "Noah", "Mai", "Grace", "Mateo", "Emma"])
LAST = pl.Series(
    ["López", "Nguyen", "García Cruz", "Smith-Jones", "O'Brien", "Patel", "Xiong", "Kim", "Yang", "Lee", "Reyes", "Tran", "Baker"]
)
NOTHING = pl.lit(None, pl.String)


def number(name: str, count: int) -> pl.DataFrame:
    return pl.select(pl.int_range(count).alias(name))


def mix(column: str, salt: int, below: int) -> pl.Expr:
    """A number below ``below`` that looks drawn: two rounds of a multiplicative hash, within 63 bits."""
    once = (pl.col(column) + salt) * 2_654_435_761 % 4_294_967_291
    return (once * 40_503 + once // 65_536) % 4_294_967_291 % below


def pick(values: pl.Series | list[date], index: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(values)).gather(index)


def school_code(school: pl.Expr) -> pl.Expr:
    return (6_200_001 + school).cast(pl.String)


def clock(minutes: pl.Expr) -> pl.Expr:
    return (minutes // 60).cast(pl.String).str.zfill(2) + ":" + (minutes % 60).cast(pl.String).str.zfill(2)


def tables(scale: float = 1.0) -> dict[str, pl.DataFrame]:
    """The bundle's tables. Students come in groups of twenty of one school, each with a teacher and twenty dates."""
    groups = max(3, round(STUDENTS * scale) // IN_A_GROUP)
    count, schools = groups * IN_A_GROUP, min(60, groups)
    kinds, lowest, grades = (pl.Series(values) for values in zip(*TYPES, strict=True))
    school = number("school", schools).with_columns(type=pl.col("school") % len(TYPES))
    student = number("student", count).with_columns(
        ssid=(9_000_000_000 + 7 * pl.col("student")).cast(pl.String), group=pl.col("student") // IN_A_GROUP
    )
    student = student.with_columns(school=pl.col("group") % schools).with_columns(
        code=school_code(pl.col("school")), type=pl.col("school") % len(TYPES)
    )
    session = number("session", groups * VISITS_EACH).with_columns(
        group=pl.col("session") // VISITS_EACH, turn=pl.col("session") % VISITS_EACH
    )
    session = session.with_columns(
        whole=pl.col("turn") >= 17,
        session_id="S" + pl.col("session").cast(pl.String).str.zfill(7),
        staff_id="T" + pl.col("group").cast(pl.String).str.zfill(5),
        school_code=school_code(pl.col("group") % schools),
        length=pl.when(pl.col("turn") >= 17).then(240).otherwise(60 + 60 * (pl.col("turn") % 2)),
        date=pl.when(pl.col("turn") >= 17)
        .then(pick(SATURDAYS, (pl.col("group") + 5 * pl.col("turn")) % len(SATURDAYS)))
        .otherwise(pick(DAYS, (pl.col("group") * 3 + pl.col("turn") * 7) % len(DAYS))),
    ).with_columns(begin=pl.when("whole").then(510).otherwise(900))
    visit = (
        number("visit", count * VISITS_EACH)
        .with_columns(session=pl.col("visit") // IN_A_GROUP)
        .join(session, on="session", maintain_order="left")
    )
    visit = visit.with_columns(
        student=pl.col("group") * IN_A_GROUP + pl.col("visit") % IN_A_GROUP,
        late=pl.when(mix("visit", 1, 10) == 0).then(mix("visit", 2, 30)).otherwise(0),
    )
    missed = number("absence", count * ABSENCES_EACH).with_columns(
        student=pl.col("absence") // ABSENCES_EACH, turn=pl.col("absence") % ABSENCES_EACH
    )
    missed = missed.join(student, on="student", maintain_order="left").with_columns(
        date=pick(DAYS, (pl.col("student") * 11 + pl.col("turn") * 17) % len(DAYS)), dice=mix("absence", 3, 100)
    )
    return {
        "schools": school.select(
            school_code=school_code(pl.col("school")),
            school_name="School " + pl.col("school").cast(pl.String),
            school_type=pick(kinds, pl.col("type")),
            county_district_code=pl.lit(LEA),
            local_school_id=(pl.col("school") + 1).cast(pl.String),
            independently_reporting_charter=pl.lit(False),
            hourly_attendance=pl.lit(False),
        ),
        "calendar": school.join(pl.DataFrame({"date": DAYS}), how="cross").select(
            school_code=school_code(pl.col("school")),
            date="date",
            is_instructional=pl.lit(True),
            day_start=pl.lit("08:00"),
            day_end=pl.lit("14:30"),
        ),
        "students": student.select(
            "ssid",
            local_student_id=(200_001 + pl.col("student")).cast(pl.String),
            legal_first_name=pick(FIRST, mix("student", 4, len(FIRST))),
            legal_last_name=pick(LAST, mix("student", 5, len(LAST))),
            birth_date=pl.date(2019 - pick(lowest, pl.col("type")), 1 + mix("student", 6, 12), 1 + mix("student", 7, 28)),
            gender=pick(pl.Series(["F", "M"]), mix("student", 8, 2)),
        ),
        "enrollments": student.select(
            "ssid",
            school_code="code",
            entry_date=pl.lit(DAYS[0]),
            exit_date=pl.lit(None, pl.Date),
            grade=(pick(lowest, pl.col("type")) + mix("student", 9, 1000) % pick(grades, pl.col("type"))).cast(pl.String).str.zfill(2),
            enrollment_status=pl.lit("10"),
            instruction_mode=pl.lit("classroom"),
        ),
        "attendance": missed.select(
            "ssid",
            school_code="code",
            date="date",
            kind=pl.when(pl.col("dice") < 65)
            .then(pl.lit("excused"))
            .when(pl.col("dice") < 95)
            .then(pl.lit("unexcused"))
            .otherwise(pl.lit("suspension_out")),
            full_day=pl.col("dice") % 10 > 0,
            source_code=pl.when(pl.col("dice") < 65).then(pl.lit("E")).otherwise(pl.lit("U")),
            made_up_by=NOTHING,
            not_recoverable=pl.when(pl.col("dice") == 94).then(pl.lit("immunization")).otherwise(NOTHING),
        ),
        "sessions": session.select(
            "session_id",
            program_name=pl.when("whole").then(pl.lit("Saturday Academy")).otherwise(pl.lit("After School")),
            school_code="school_code",
            date="date",
            start_time=clock(pl.col("begin")),
            end_time=clock(pl.col("begin") + pl.col("length")),
            break_minutes=pl.lit(0),
            delivery=pl.when(mix("session", 10, 200) == 0).then(pl.lit("virtual")).otherwise(pl.lit("in_person")),
            cancelled=mix("session", 11, 300) == 0,
            other_students_present=pl.when(mix("session", 12, 150) == 0).then(4).otherwise(0),
        ),
        "participation": visit.join(student.select("student", "ssid"), on="student", maintain_order="left").select(
            "session_id",
            "ssid",
            minutes=pl.col("length") - pl.col("late"),
            sign_in=clock(pl.col("begin") + pl.col("late") - mix("visit", 17, 8)),
            sign_out=clock(pl.col("begin") + pl.col("length") + mix("visit", 18, 6)),
            verified_by=pl.when(mix("visit", 13, 250) == 0).then(pl.lit("")).otherwise(pl.col("staff_id")),
            verified_at=pl.col("date").cast(pl.String) + "T" + clock(1080 + mix("visit", 19, 120)),
            evidence_ref="sheet " + pl.col("session_id"),
        ),
        "staff": number("group", groups).select(
            staff_id="T" + pl.col("group").cast(pl.String).str.zfill(5),
            staff_name="Teacher " + pl.col("group").cast(pl.String),
            certificated=mix("group", 14, 200) > 0,
            lea_employee=pl.lit(True),
            credential_expires=pl.lit(date(2030, 6, 30)),
        ),
        "session_staff": session.select("session_id", "staff_id", role=pl.lit("teacher")),
        "independent_study": student.filter(pl.col("student") % 97 == 5).select(
            "ssid",
            start_date=pick(DAYS, mix("student", 15, 150)),
            end_date=pick(DAYS, mix("student", 15, 150) + 10 + mix("student", 16, 15)),
        ),
        "applied_days": missed.filter((pl.col("absence") % 120 == 3) & (pl.col("dice") < 94) & (pl.col("dice") % 10 > 0)).select(
            "ssid",
            absence_date="date",
            school_code="code",
            recovered_on=pl.col("date") + pl.duration(days=30),
            source=pl.lit("SIS"),
        ),
    }


def write(folder: Path, scale: float = 1.0) -> dict[str, int]:
    """Write the bundle below ``folder``; return rows by table."""
    folder.mkdir(parents=True, exist_ok=True)
    made = tables(scale)
    for name, frame in made.items():
        frame.write_csv(folder / f"{name}.csv", quote_style="necessary")
    return {name: frame.height for name, frame in made.items()}
