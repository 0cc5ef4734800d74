"""Class enrollments to stays at a school: one span from the first class to the last, broken only where days of a term lie between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column, known
from recoup.adapters.oneroster.people import STUDENT, split
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_ISO = r"^\d{4}-\d\d-\d\d$"
#: A session of this type is no term: its days are those of all terms, and of the vacations between them.
_WHOLE_YEAR = "schoolYear"
_BEGIN, _END = "beginDate", "endDate"


def class_terms(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return class, school, and title, type, first and last day of each academic session in which the class is held."""
    sessions, classes = frames.get("academicSessions"), frames.get("classes")
    if sessions is None or classes is None:
        names = ("classSourcedId", "schoolSourcedId", "title", "type", "startDate", "endDate", "_source", "_file")
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String) | {"_line": pl.Int64})
    held = classes.select(
        pl.col("sourcedId").alias("classSourcedId"), "schoolSourcedId", split(column(classes, "termSourcedIds")).alias("_session")
    ).explode("_session")
    # A day that is malformed is told where the session becomes a term.
    dated = sessions.filter(pl.col("startDate").str.contains(_ISO) & pl.col("endDate").str.contains(_ISO))
    wanted = dated.select(pl.col("sourcedId").alias("_session"), "title", pl.col("type"), "startDate", "endDate", *LINEAGE)
    return held.join(wanted, on="_session", how="inner", maintain_order="left").drop("_session")


def from_classes(rows: pl.DataFrame, held: pl.DataFrame, pupils: pl.DataFrame, places: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return the spans of students at schools, out of their classes there.

    ``rows``: the feed enrollments. ``held``: of ``class_terms``. ``pupils``: userSourcedId, ssid, grades. ``places``: schoolSourcedId,
    school_code. Rows of users that are no students and of unknown schools are refused, and so are those without any date.
    """
    mine = rows.filter(pl.col("role").str.to_lowercase() == STUDENT)
    left = rows.height - mine.height
    job.desk.note(job.request.source, "LEFT_BY_RULE", left, f"enrollments: {left} rows left out: roles other than student")
    mine = _placed(mine.with_columns(column(mine, _BEGIN), column(mine, _END)), pupils, places, "enrollments", job)
    of_class = held.group_by("classSourcedId").agg(_first=pl.col("startDate").min(), _last=pl.col("endDate").max())
    terms = held.filter(pl.col("type") != _WHOLE_YEAR)
    of_school = terms.group_by("schoolSourcedId").agg(_close=pl.col("endDate").max())
    dated = mine.join(of_class, on="classSourcedId", how="left", maintain_order="left").join(
        of_school, on="schoolSourcedId", how="left", maintain_order="left"
    )
    taken = dated.filter(
        (pl.col(_BEGIN).is_null() & pl.col("_first").is_not_null()) | (pl.col(_END).is_null() & pl.col("_last").is_not_null())
    )
    told = "enrollments: {} rows have an empty date, which is taken from the terms of their class"
    job.desk.note(job.request.source, "TERM_DATES", taken.height, told.format(taken.height))
    dated = dated.with_columns(
        pl.coalesce(_BEGIN, "_first").alias(_BEGIN),
        # With no end, and in the last term of the school or in none: still there.
        pl.when(pl.col(_END).is_not_null()).then(_END).when(pl.col("_last") < pl.col("_close")).then("_last").alias(_END),
    )
    whole = _with_dates(dated, "enrollments", job)
    return _merged(whole, held, job)


def from_roles(roles: pl.DataFrame, pupils: pl.DataFrame, places: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return the spans of students at schools as their roles tell them, with ``enrollment_status`` by the role's type.

    ``roles``: of ``people.roles_of``, the org named schoolSourcedId; the others as for :func:`from_classes`.
    """
    mine = roles.filter(pl.col("role") == STUDENT)
    whole = _with_dates(_placed(mine, pupils, places, "roles", job), "roles", job)
    codes = job.codes["role_type"]
    kind = pl.col("roleType").str.to_lowercase()
    unmapped = kind.is_not_null() & ~kind.is_in(list(codes))
    job.desk.refuse(whole.filter(unmapped), "CODE_UNMAPPED", "enrollments", "roles.roleType", "roleType", 'role_type."<code>" = "…"')
    whole = whole.filter(~unmapped)
    return whole.with_columns(kind.replace_strict(codes, default=None, return_dtype=pl.String).alias("enrollment_status"))


def _placed(rows: pl.DataFrame, pupils: pl.DataFrame, places: pl.DataFrame, feed: str, job: Job) -> pl.DataFrame:
    students = pupils.unique("userSourcedId", keep="last", maintain_order=True)
    place = f"{feed}.userSourcedId"
    found = known(job.desk, rows, students, ["userSourcedId"], ["userSourcedId"], ("STUDENT_UNKNOWN", "enrollments", place))
    where = "schoolSourcedId" if feed == "enrollments" else "orgSourcedId"
    refusal = ("SCHOOL_UNKNOWN", "enrollments", f"{feed}.{where}")
    return known(job.desk, found, places, ["schoolSourcedId"], ["schoolSourcedId"], refusal)


def _with_dates(rows: pl.DataFrame, feed: str, job: Job) -> pl.DataFrame:
    """Refuse rows without a first day, and pass on those whose days are malformed as they stand, for the checks to refuse."""
    lost = pl.col(_BEGIN).is_null()
    job.desk.refuse(rows.filter(lost), "ENROLLMENT_NO_DATE", "enrollments", f"{feed}.beginDate", _BEGIN)
    return rows.filter(~lost)


def _merged(rows: pl.DataFrame, held: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Put class enrollments of one student at one school together as long as no weekday of a term of that school lies between them."""
    sound = pl.col(_BEGIN).str.contains(_ISO) & pl.col(_END).str.contains(_ISO).fill_null(value=True)
    odd = rows.filter(~sound)
    place = ["ssid", "school_code"]
    days = (
        rows.filter(sound)
        .with_columns(
            _b=pl.col(_BEGIN).str.to_date(strict=False), _e=pl.col(_END).str.to_date(strict=False).fill_null(pl.date(9999, 12, 31))
        )
        .sort(*place, "_b", "_e", "_file", "_line", nulls_last=True)
        .with_columns(_until=pl.col("_e").cum_max().shift(1).over(place))
        .with_row_index("_row")
    )
    gaps = days.filter(pl.col("_b") > pl.col("_until") + pl.duration(days=1)).select(
        "_row", "schoolSourcedId", _first=pl.col("_until") + pl.duration(days=1), _last=pl.col("_b") - pl.duration(days=1)
    )
    terms = (
        held.filter(pl.col("type") != _WHOLE_YEAR)
        .select("schoolSourcedId", _start=pl.col("startDate").str.to_date(strict=False), _stop=pl.col("endDate").str.to_date(strict=False))
        .unique()
    )
    crossed = gaps.join(terms, on="schoolSourcedId").filter((pl.col("_start") <= pl.col("_last")) & (pl.col("_stop") >= pl.col("_first")))
    untold = gaps.join(terms.select("schoolSourcedId").unique(), on="schoolSourcedId", how="anti")
    allowed = job.options["gap_days"]
    away = pl.business_day_count("_first", pl.col("_last") + pl.duration(days=1))
    long = gaps.filter(away > (allowed if isinstance(allowed, int) else 0))
    breaks = long.filter(pl.col("_row").is_in(pl.concat([crossed["_row"], untold["_row"]]).implode()))["_row"]
    parts = days.with_columns(_stay=pl.col("_row").is_in(breaks.implode()).cast(pl.Int32).cum_sum().over(place))
    stays = parts.group_by([*place, "_stay"], maintain_order=True).agg(
        pl.col(_BEGIN).first(),
        pl.when(pl.col(_END).is_null().any()).then(None).otherwise(pl.col(_END).max()).first().alias(_END),
        pl.col("grades").first(),
        *(pl.col(name).first() for name in LINEAGE),
    )
    told = f"enrollments: {days.height} class enrollments make {stays.height} stays at schools"
    job.desk.note(job.request.source, "STAYS", days.height, told)
    columns = [*place, _BEGIN, _END, "grades", *LINEAGE]
    return pl.concat([stays.select(columns), odd.select(columns)])
