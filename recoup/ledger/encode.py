"""From the typed tables to whole numbers: the form in which every engine computes alike.

A date is the count of days since 1970-01-01, a time the minutes after midnight, a date-time the minutes since
1970-01-01 00:00; students, sessions, schools and staff are their rank in the order of their ids, so that an
order by number is the contract's order by id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.law import Law

#: A day that no span reaches; still five digits.
FOREVER = 99_999
EPOCH = date(1970, 1, 1)
MIDNIGHT = 1440
#: The pairs of closed periods: the absence and the earned day that were reported as partners.
REPORTED = {"ssid": pl.String, "absence_date": pl.Date, "absence_school_code": pl.String, "earned_on": pl.Date}
#: Of several enrollments in force the short-term one comes first, then primary, secondary and non-ADA (ledger.md 4).
STATUS_ORDER = {"30": 0, "10": 1, "20": 2, "50": 3}


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True, slots=True)
class Book:
    """The ledger's input in numbers. Every frame is small but ``entries`` and ``absences``.

    ``entries``: row (in order of student and session), origin (its place in the table), who, sess, minutes,
    sign_in, sign_out, verifier (-1 nobody's id, null empty), verified.
    ``sessions``: sess, school, date, start, end, pause (scheduled break), delivery (1 in person, 0 not, null unknown), cancelled,
    others, meal, program. ``spans``: the enrollments that count - span, who, school, combo, grade, entry, exit, rank, eligible,
    minimum (key), alternate, three_quarter, bare_alternate, charter, continuation, counts, short_term, last_day.
    ``combos``: combo, school, track, grade, the kinds of school day that exist. ``calendar``: school, date, instructional,
    day_start, day_end, c_track, c_grade, breadth. ``minimums``: minimum, period, minutes, with ``turns``, the days on which a
    period begins. ``reported``: who, unit, date, earned_on of the pairs of closed periods, each absence and each earned day once.
    """

    who: pl.DataFrame
    sess: pl.DataFrame
    schools: pl.DataFrame
    entries: pl.DataFrame
    sessions: pl.DataFrame
    spans: pl.DataFrame
    combos: pl.DataFrame
    calendar: pl.DataFrame
    minimums: pl.DataFrame
    turns: tuple[int, ...]
    absences: pl.DataFrame
    applied: pl.DataFrame
    studies: pl.DataFrame
    staff: pl.DataFrame
    duties: pl.DataFrame
    elections: pl.DataFrame
    terms: pl.DataFrame
    decisions: pl.DataFrame
    matches: pl.DataFrame
    moves: pl.DataFrame
    reported: pl.DataFrame
    units: pl.DataFrame


def charter_minutes(value: str) -> dict[str, int]:
    """Return the minutes by grade span that K13 gives (``span=minutes;…``), or none for ``grade_span``."""
    return {span: int(minutes) for span, _, minutes in (part.partition("=") for part in value.split(";")) if minutes}


def owners(schools: pl.DataFrame, lea: str) -> pl.DataFrame:
    """Return school_code, lea, unit: the LEA that each school reports to, and its number; the LEA ``lea`` is 0.

    An independently reporting charter is an LEA of its own; any other school belongs to its county-district code (canonical-model.md).
    """
    own = pl.col("independently_reporting_charter").fill_null(value=False)
    code = pl.when(own).then("school_code").otherwise("county_district_code")
    found = schools.select("school_code", lea=code)
    numbers = {lea: 0} | {other: number for number, other in enumerate(sorted(set(found["lea"]) - {lea}), start=1)}
    return found.with_columns(unit=pl.col("lea").replace_strict(numbers, return_dtype=pl.Int64))


def _ids(name: str, values: pl.Series) -> pl.DataFrame:
    """Return (id, number) in the order of the ids."""
    return pl.DataFrame({"id": values.unique().drop_nulls().sort()}).with_row_index(name).with_columns(pl.col(name).cast(pl.Int64))


def _number(frame: pl.DataFrame, ids: pl.DataFrame, column: str) -> pl.DataFrame:
    """Replace an id column by its number, under the name that ``ids`` gives; an unknown id becomes null."""
    return frame.join(ids.rename({"id": column}), on=column, how="left", maintain_order="left").drop(column)


def _day(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int32).cast(pl.Int64)


def _day_text(column: str) -> pl.Expr:
    return pl.col(column).str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32).cast(pl.Int64)


def _minute(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64)


def _minimums(law: Law, policy: Mapping[str, str]) -> tuple[pl.DataFrame, tuple[int, ...], set[str]]:
    """Return the minimum schoolday by key ``type|grade`` and period, the days on which a period begins, and the types with a rule.

    A school type comes before the grade (K18 widens the list); a charter's own minutes by grade span come from K13.
    """
    types = {**law.type_minutes, **(law.table_minutes if policy["special_minutes"] == "table" else {})}
    charter = charter_minutes(policy["charter_minimum"])
    turns = sorted({since for fact in (*types.values(), *law.grade_minutes.values()) for since, _ in fact.values})
    rows = []
    for kind in ("", *types, *(law.charter_types if charter else ())):
        for grade, by_grade in law.grade_minutes.items():
            for period, turn in enumerate(turns, start=1):
                own = types[kind].on(turn) if kind in types else charter[law.grade_spans[grade]] if kind else None
                rows.append((f"{kind}|{grade}", period, own or by_grade.on(turn)))
    frame = pl.DataFrame(rows, {"minimum": pl.String, "period": pl.Int64, "minutes": pl.Int64}, orient="row")
    return frame, tuple(day_number(turn) for turn in turns), {*types, *(law.charter_types if charter else ())}


def _spans(
    tables: Mapping[str, pl.DataFrame], law: Law, types: set[str], who: pl.DataFrame, schools: pl.DataFrame, calendar: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the enrollments that count, numbered, and the kinds of school day (school, track, grade) they name."""
    kinds = tables["schools"].select("school_code", "school_type")
    basis = pl.col("alternate_minimum_basis").is_in(list(law.bases))
    not_here = pl.col("exit_reason").is_in(law.value("no_show_exits")).fill_null(value=False)
    excluded = pl.col("school_type").is_in(law.value("not_eligible_school_types"))
    away = pl.col("instruction_mode").is_in(law.value("not_eligible_instruction_modes"))
    spans = (
        tables["enrollments"]
        .filter(~not_here)
        .join(kinds, on="school_code", how="left")
        .with_columns(
            entry=_day("entry_date"),
            exit=_day("exit_date").fill_null(FOREVER),
            rank=pl.col("enrollment_status").replace_strict(STATUS_ORDER, default=None, return_dtype=pl.Int64),
            # Excluded outright; else unknown where the mode is; else eligible.
            eligible=pl.when(
                excluded.fill_null(value=False) | away.fill_null(value=False) | pl.col("absence_exempt").fill_null(value=False)
            )
            .then(False)
            .when(pl.col("instruction_mode").is_not_null())
            .then(True),
            minimum=pl.when(pl.col("school_type").is_in(list(types))).then("school_type").otherwise(pl.lit("")) + "|" + pl.col("grade"),
            alternate=pl.when(basis & (pl.col("alternate_minimum_minutes") > 0)).then("alternate_minimum_minutes"),
            three_quarter=(pl.col("alternate_minimum_basis") == "sec_46146").fill_null(value=False),
            bare_alternate=pl.col("alternate_minimum_minutes").is_not_null() & ~basis.fill_null(value=False),
            charter=pl.col("school_type").is_in(law.charter_types).fill_null(value=False),
            continuation=(pl.col("school_type") == "continuation").fill_null(value=False),
            counts=pl.col("enrollment_status").is_in(law.value("absence_statuses")),
            short_term=pl.col("enrollment_status") == "30",
        )
    )
    spans = _number(_number(spans, who, "ssid"), schools, "school_code").sort("school", "entry", "who", descending=[False, True, False])
    last_days = calendar.filter("instructional").group_by("school").agg(last_day=pl.col("date").max())
    combos = (
        spans.select("school", "track", "grade")
        .unique()
        .sort("school", "track", "grade")
        .with_row_index("combo")
        .with_columns(pl.col("combo").cast(pl.Int64))
    )
    spans = (
        spans.join(combos, on=["school", "track", "grade"], how="left", nulls_equal=True, maintain_order="left")
        .with_row_index("span")
        .with_columns(pl.col("span").cast(pl.Int64))
    )
    spans = spans.join(last_days, on="school", how="left", maintain_order="left")
    keep = [
        "span",
        "who",
        "school",
        "combo",
        "grade",
        "entry",
        "exit",
        "rank",
        "eligible",
        "minimum",
        "alternate",
        "three_quarter",
        "bare_alternate",
        "charter",
        "continuation",
        "counts",
        "short_term",
        "last_day",
    ]
    return spans.select(keep), combos


def encode(tables: Mapping[str, pl.DataFrame], law: Law, policy: Mapping[str, str], lea: str, closed: pl.DataFrame | None = None) -> Book:
    """Number the typed tables of one LEA. Rows whose student, session or school is not in its table were refused before."""
    who = _ids("who", tables["students"]["ssid"])
    sess = _ids("sess", tables["sessions"]["session_id"])
    schools = _ids("school", tables["schools"]["school_code"])
    staff_ids = _ids("teacher", pl.concat([tables["staff"]["staff_id"], tables["session_staff"]["staff_id"]]))

    def teacher(frame: pl.DataFrame, column: str) -> pl.DataFrame:
        named = frame.join(staff_ids.rename({"id": column, "teacher": "_t"}), on=column, how="left", maintain_order="left")
        return named.with_columns(pl.when(pl.col(column).is_not_null()).then(pl.col("_t").fill_null(-1)).alias(column)).drop("_t")

    sessions = _number(
        tables["sessions"].select(
            "session_id",
            "school_code",
            date=_day("date"),
            start=_minute("start_time"),
            # A session that crosses midnight is held, and ends on the next date.
            end=_minute("end_time") + pl.when(pl.col("end_time") <= pl.col("start_time")).then(MIDNIGHT).otherwise(0),
            pause=pl.col("break_minutes").fill_null(0),
            delivery=pl.col("delivery").is_in(law.value("in_person_deliveries")).cast(pl.Int64),
            cancelled=pl.col("cancelled").fill_null(value=False),
            others=pl.col("other_students_present").fill_null(0),
            meal=pl.col("meal_offered").fill_null(value=False),
            program="program_name",
            default_verifier="verified_by",
            default_verified=pl.col("verified_at").dt.epoch("s") // 60,
        ),
        sess,
        "session_id",
    )
    sessions = teacher(_number(sessions, schools, "school_code"), "default_verifier")
    entries = _number(
        tables["participation"]
        .with_row_index("origin")
        .select(
            "origin",
            "session_id",
            "ssid",
            "minutes",
            "verified_by",
            sign_in=_minute("sign_in"),
            sign_out=_minute("sign_out"),
            verified=pl.col("verified_at").dt.epoch("s") // 60,
        ),
        who,
        "ssid",
    )
    entries = teacher(_number(entries, sess, "session_id"), "verified_by").rename({"verified_by": "verifier"})
    entries = (
        entries.join(sessions.select("sess", "default_verifier", "default_verified", "end"), on="sess", how="left")
        .with_columns(
            verified=pl.coalesce("verified", "default_verified"),
            verifier=pl.coalesce("verifier", "default_verifier"),
            sign_out=pl.col("sign_out")
            + pl.when((pl.col("end") >= MIDNIGHT) & (pl.col("sign_out") < pl.col("sign_in"))).then(MIDNIGHT).otherwise(0),
        )
        .drop("default_verifier", "default_verified", "end")
        .sort("who", "sess")
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
    )
    calendar = _number(
        tables["calendar"]
        .sort("track", "grades", nulls_last=True)
        .with_columns(
            c_grade=pl.col("grades").str.split(";"),
            breadth=pl.col("grades").str.count_matches(";", literal=True).fill_null(0).cast(pl.Int64),
        )
        .explode("c_grade")
        .select(
            "school_code",
            "c_grade",
            "breadth",
            date=_day("date"),
            instructional="is_instructional",
            day_start=_minute("day_start"),
            day_end=_minute("day_end"),
            c_track="track",
        ),
        schools,
        "school_code",
    )
    minimums, turns, types = _minimums(law, policy)
    units = owners(tables["schools"], lea)
    by_school = _number(units, schools, "school_code").select("school", "lea", "unit")
    spans, combos = _spans(tables, law, types, who, schools, calendar)
    spans = spans.join(by_school.drop("lea"), on="school", how="left", maintain_order="left")
    absences = tables["attendance"].select(
        "ssid",
        "school_code",
        "kind",
        "source_code",
        "full_day",
        date=_day("date"),
        free=pl.col("made_up_by").is_null() & pl.col("not_recoverable").is_null(),
    )
    at = units.select("school_code", "unit")
    reported = units.unique("lea").select(reporting_lea="lea", own_unit="unit")
    applied = (
        tables["applied_days"]
        .join(at, on="school_code", how="left", maintain_order="left")
        .join(reported, on="reporting_lea", how="left", maintain_order="left")
        .select(
            "ssid",
            "school_code",
            named=pl.col("reporting_lea").is_not_null(),
            unit=pl.when(pl.col("reporting_lea").is_null()).then("unit").otherwise(pl.col("own_unit").fill_null(-1)),
            date=_day("absence_date"),
            recovered=_day("recovered_on"),
            paid=pl.col("paid_elsewhere").fill_null(value=False),
        )
    )
    studies = tables["independent_study"].select("ssid", first=_day("start_date"), last=_day("end_date"))
    duties = tables["session_staff"].select("session_id", "staff_id", "role", from_=_minute("start_time"), to=_minute("end_time"))
    staff = tables["staff"].select("staff_id", "certificated", "lea_employee", expires=_day("credential_expires"))
    elections = tables["program_enrollments"].select("ssid", program="program_name", elected_by="elected_by", elected=_day("elected_on"))
    terms = tables["terms"].select("school_code", "term", first=_day("start"), last=_day("end"))
    said = tables["dispositions"].sort("decided_at", "disposition_id", nulls_last=False)
    decided = said.select("disposition_id", "scope", "session_id", "ssid", "code", "decision", "value", date=_day("date"))
    decided = _number(_number(decided, sess, "session_id"), who, "ssid").with_row_index("said").with_columns(pl.col("said").cast(pl.Int64))
    # Of several decisions on where an absence goes the latest holds.
    placed = decided.filter(pl.col("decision").is_in(["match", "assign_school"]))
    by_date = placed.unique(["decision", "who", "date"], keep="last", maintain_order=True).sort("date", "disposition_id", nulls_last=False)
    kept = pl.DataFrame(schema=REPORTED) if closed is None else closed
    kept = kept.join(at, left_on="absence_school_code", right_on="school_code").select(
        "ssid", "unit", date=_day("absence_date"), earned_on=_day("earned_on")
    )
    matches = by_date.filter(pl.col("decision") == "match").select("who", "date", earned_on=_day_text("value"))
    moves = by_date.filter(pl.col("decision") == "assign_school").select("who", "date", school_code="value")
    return Book(
        who=who,
        sess=sess,
        schools=schools,
        entries=entries,
        sessions=sessions.drop("default_verifier", "default_verified"),
        spans=spans,
        combos=combos,
        calendar=calendar,
        minimums=minimums,
        turns=turns,
        absences=_number(_number(absences, who, "ssid"), schools, "school_code"),
        applied=_number(_number(applied, who, "ssid"), schools, "school_code"),
        studies=_number(studies, who, "ssid"),
        staff=_number(staff, staff_ids, "staff_id"),
        duties=_number(_number(duties, sess, "session_id"), staff_ids, "staff_id"),
        elections=_number(elections, who, "ssid"),
        terms=_number(terms, schools, "school_code"),
        decisions=decided.filter(pl.col("decision").is_in(["release", "uphold"])),
        matches=matches.with_row_index("nth"),
        moves=_number(moves, schools, "school_code").with_row_index("nth"),
        reported=_number(kept, who, "ssid").drop_nulls(),
        units=by_school,
    )
