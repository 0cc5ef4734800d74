"""Users to students and staff: by their roles, with ids that each district puts elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.errors import RecoupError
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

STUDENT = "student"
_SSID = r"^\d{10}$"
_PLACES = ("identifier", "userMasterIdentifier", "sourcedId", "username", "mapped")
#: {type:id} as 1.1 and 1.2 write it, with or without braces around a single one.
_TYPES = r"\{?([^{}:,]+):"


def split(cell: pl.Expr) -> pl.Expr:
    """Return the parts of a cell that lists ids between commas, without the blanks around them."""
    return cell.str.split(",").list.eval(pl.element().str.strip_chars()).list.eval(pl.element().filter(pl.element() != ""))


def check_place(option: str, place: str, where: str) -> None:
    """Hold an option that names a place of ids against those that there are (``OPTION_VALUE``, 2)."""
    if place not in _PLACES and not re.fullmatch(r"userIds:[^{}:,]+", place):
        raise RecoupError("OPTION_VALUE", where, name=option, known=", ".join((*_PLACES, "userIds:TYPE")), nearest="")


def place_of(users: pl.DataFrame, place: str, mapped: str) -> pl.Expr:
    """Return the ids that stand in a place: a column, one type of ``userIds``, or the column that the district has mapped."""
    if place.startswith("userIds:"):
        wanted = re.escape(place.partition(":")[2])
        return column(users, "userIds").str.extract(rf"(?i)(?:^|[{{,])\s*{wanted}\s*:\s*([^{{}},]*)").str.strip_chars().replace("", None)
    return column(users, mapped if place == "mapped" else place)


def roles_of(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Return the roles of users at orgs: ``roles`` of 1.2, or one of each org that a user of 1.1 names, without dates.

    Raises ``READ_FEED_MISSING`` (4) where neither tells any role.
    """
    if "roles" in frames:
        roles = frames["roles"]
        dates = (column(roles, name) for name in ("roleType", "beginDate", "endDate"))
        return roles.select("userSourcedId", "orgSourcedId", pl.col("role").str.to_lowercase(), *dates, *LINEAGE)
    users = frames["users"]
    if "role" not in users.columns:
        raise RecoupError("READ_FEED_MISSING", job.request.source, feed="roles", help="users has no roles, as in 1.2", match="roles.csv")
    return users.select(
        pl.col("sourcedId").alias("userSourcedId"),
        split(column(users, "orgSourcedIds")).alias("orgSourcedId"),
        column(users, "role").str.to_lowercase(),
        *(pl.lit(None, pl.String).alias(name) for name in ("roleType", "beginDate", "endDate")),
        *LINEAGE,
    ).explode("orgSourcedId")


def students(frames: Mapping[str, pl.DataFrame], roles: pl.DataFrame, job: Job) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the table ``students``, and by user key what enrollments need: ``ssid`` and the grade as it is written.

    Raises ``ONEROSTER_SSID`` (2) when the place that the option names holds no SSID of any student.
    """
    users = frames["users"]
    pupils = users.filter(pl.col("sourcedId").is_in(roles.filter(pl.col("role") == STUDENT)["userSourcedId"].implode()))
    same = job.options["ssid"] == job.options["local_id"] != "mapped"
    alike = f"users: {job.options['ssid']} holds the SSID, so that no local number is known; name its place with the option local_id"
    job.desk.note(job.request.source, "LOCAL_ID_UNKNOWN", pupils.height if same else 0, alike)
    pupils = pupils.with_columns(
        place_of(users, str(job.options["ssid"]), "ssid").alias("_ssid"),
        (pl.lit(None, pl.String) if same else place_of(users, str(job.options["local_id"]), "localId")).alias("_local"),
    )
    if pupils.height and not pupils["_ssid"].str.contains(_SSID).any():
        raise RecoupError("ONEROSTER_SSID", f"[[sources]] {job.request.source}", place=str(job.options["ssid"]), seen=_seen(pupils))
    more = frames.get("demographics")
    if more is None:
        job.desk.note(job.request.source, "NO_DEMOGRAPHICS", 1, "There is no file demographics: birth date and gender are unknown", "warn")
        more = pl.DataFrame(schema={"sourcedId": pl.String})
    told = more.select(pl.col("sourcedId"), column(more, "birthDate"), column(more, "sex").str.to_lowercase())
    codes = job.codes["sex"]
    gender = pl.col("sex").replace_strict(codes, default=pl.col("sex"), return_dtype=pl.String)
    joined = pupils.join(told.unique("sourcedId", keep="last", maintain_order=True), on="sourcedId", how="left", maintain_order="left")
    table = joined.select(
        pl.col("_ssid").alias("ssid"),
        pl.col("_local").alias("local_student_id"),
        pl.col("givenName").alias("legal_first_name"),
        pl.col("familyName").alias("legal_last_name"),
        pl.col("birthDate").alias("birth_date"),
        pl.when(gender != "none").then(gender).alias("gender"),
        *LINEAGE,
    )
    return table, pupils.select(pl.col("sourcedId").alias("userSourcedId"), pl.col("_ssid").alias("ssid"), column(users, "grades"))


def staff(frames: Mapping[str, pl.DataFrame], roles: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return the table ``staff``; what shows certification and employment is not in OneRoster."""
    users, wanted = frames["users"], [role.lower() for role in job.listed("staff_roles")]
    people = users.filter(pl.col("sourcedId").is_in(roles.filter(pl.col("role").is_in(wanted))["userSourcedId"].implode()))
    name = pl.concat_str("familyName", "givenName", separator=", ", ignore_nulls=True)
    return people.select(place_of(users, str(job.options["staff_id"]), "localId").alias("staff_id"), name.alias("staff_name"), *LINEAGE)


def _seen(pupils: pl.DataFrame) -> str:
    """Name the places where ten digits stand, with how many students have them: never a value.

    A type of ``userIds`` is told only where half of the students have it: of a cell that is written the other way round the name
    before the colon would be a child's.
    """
    types = pupils.select(column(pupils, "userIds").str.extract_all(_TYPES).list.unique().explode().str.strip_chars("{: "))
    common = types.to_series().drop_nulls().value_counts().filter(pl.col("count") * 2 >= pupils.height)
    places = [*_PLACES[:-1], *(f"userIds:{kind}" for kind in common["userIds"].sort())]
    counts = {place: pupils.select(place_of(pupils, place, "").str.contains(_SSID).sum()).item() or 0 for place in places}
    found = ", ".join(f"{place} ({count:,} of {pupils.height:,} students)" for place, count in counts.items() if count)
    return found or f"in none of {', '.join(places)}"
