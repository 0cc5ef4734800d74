"""Supplemental Attendance to sessions, participation and session staff: only programs whose type code is attendance recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.errors import RecoupError
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from recoup.adapters.aeries_files.extract import Extract

_KEY = ("SC", "SE")
_OTHER = "sessions of programs that are not attendance recovery (ATP.TY is not in ar_type_codes)"


def tables(extract: Extract) -> dict[str, pl.DataFrame | None]:
    """Make ``sessions``, ``participation`` and ``session_staff`` (None when the district exports no ATR)."""
    groups = _groups(extract)
    atd = _recovery_only(extract, "ATD", extract.needed("ATD").rename({"SCL": "SC"}), groups)
    meetings = _meetings(extract, groups, atd)
    return {
        "sessions": _sessions(extract, meetings),
        "participation": _participation(extract, atd),
        "session_staff": _staff(extract, groups, meetings),
    }


def _groups(extract: Extract) -> pl.DataFrame:
    """Every session of ATS with its program's name, and ``_recovery``: whether that program is attendance recovery."""
    programs = extract.needed("ATP").unique("CD", keep="first", maintain_order=True)
    programs = programs.select(
        "CD", pl.col("NM").alias("program_name"), pl.col("TY").is_in(extract.job.listed("ar_type_codes")).alias("_recovery")
    )
    ats = extract.known(extract.needed("ATS"), programs, ["PG"], ["CD"], ("PROGRAM_UNKNOWN", "sessions", "ATS.PG"))
    return ats.with_columns(pl.col("_recovery").fill_null(value=False)).unique(_KEY, keep="first", maintain_order=True)


def _recovery_only(extract: Extract, feed: str, frame: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows of other programs' sessions; rows of a session that is not known stay, for the checks to refuse."""
    joined = frame.join(groups.select(*_KEY, "_recovery"), on=_KEY, how="left", maintain_order="left")
    other = ~pl.col("_recovery").fill_null(value=True)
    extract.leave_out(feed, "LEFT_OTHER_PROGRAM", joined.filter(other), _OTHER)
    return joined.filter(~other).drop("_recovery")


def _session_id() -> pl.Expr:
    """School, session number and date: a session of Aeries meets on many dates, a canonical one on one."""
    return pl.concat_str("SC", "SE", "DT", separator="-").alias("session_id")


def _meetings(extract: Extract, groups: pl.DataFrame, atd: pl.DataFrame) -> pl.DataFrame:
    """One row a session and date: from ATC, else from the dates on which ATD has students; with what ATS says of the session."""
    atc = extract.frame("ATC")
    if atc is None:
        dates = atd.select(*_KEY, "DT", *LINEAGE).unique([*_KEY, "DT"], keep="first", maintain_order=True)
        dates = dates.join(groups.select(_KEY), on=_KEY, how="semi", maintain_order="left")
    else:
        dates = _recovery_only(extract, "ATC", atc, groups)
    told = groups.drop(*LINEAGE, "_recovery").rename({"ST": "_start", "ET": "_end"})
    return extract.known(dates, told, _KEY, _KEY, ("SESSION_UNKNOWN", "sessions", "ATC.SE"))


def _sessions(extract: Extract, meetings: pl.DataFrame) -> pl.DataFrame:
    meetings = meetings.join(extract.locations, left_on="SC", right_on="CD", how="left", maintain_order="left")
    delivery = []
    if "DL" in meetings.columns:
        known = extract.job.codes["delivery"]
        meetings = meetings.with_columns(pl.col("DL").replace_strict(known, default=None, return_dtype=pl.String).alias("delivery"))
        strange = meetings.filter(pl.col("delivery").is_null() & pl.col("DL").is_not_null())
        extract.desk.refuse(strange, "CODE_UNMAPPED_WARN", "sessions", "ATS.DL", "DL", 'delivery."<code>" = "in_person", for example')
        delivery = ["delivery"]
    optional = {"RM": "room", "CX": "cancelled", "OS": "other_students_present", "VB": "verified_by", "VD": "verified_at"}
    return meetings.select(
        _session_id(),
        "program_name",
        "school_code",
        pl.col("DT").alias("date"),
        pl.coalesce(column(meetings, "ST"), "_start").alias("start_time"),
        pl.coalesce(column(meetings, "ET"), "_end").alias("end_time"),
        column(meetings, "BM").fill_null("0").alias("break_minutes"),
        *delivery,
        *(pl.col(theirs).alias(ours) for theirs, ours in optional.items() if theirs in meetings.columns),
        *LINEAGE,
    )


def _participation(extract: Extract, atd: pl.DataFrame) -> pl.DataFrame:
    atd = extract.with_ssid(atd, "ATD", "participation")
    names = {"TI": "sign_in", "TO": "sign_out", "VB": "verified_by", "VD": "verified_at", "ER": "evidence_ref"}
    told = (column(atd, theirs).alias(ours) for theirs, ours in names.items())
    return atd.select(_session_id(), "ssid", pl.col("TM").alias("minutes"), *told, *LINEAGE)


def _staff(extract: Extract, groups: pl.DataFrame, meetings: pl.DataFrame) -> pl.DataFrame | None:
    """ATR to one row a meeting and person, between the dates that ATR gives."""
    atr = extract.frame("ATR")
    if atr is None:
        return None
    atr = _with_staff_id(extract, _recovery_only(extract, "ATR", atr, groups))
    atr = extract.known(atr, groups.select(_KEY), _KEY, _KEY, ("SESSION_UNKNOWN", "session_staff", "ATR.SE"))
    roles = extract.job.codes["role"]
    role = column(atr, "RL").replace_strict(roles, default=None, return_dtype=pl.String)
    atr = atr.with_columns(
        pl.when(column(atr, "RL").is_null()).then(pl.lit(extract.job.options["staff_role"])).otherwise(role).alias("role")
    )
    lost = pl.col("role").is_null()
    if "RL" in atr.columns:
        extract.desk.refuse(atr.filter(lost), "CODE_UNMAPPED", "session_staff", "ATR.RL", "RL", 'role."<code>" = "teacher" or "aide"')
    atr = atr.filter(~lost).select(
        *_KEY,
        "staff_id",
        "role",
        *(column(atr, name) for name in ("SD", "ED")),
        column(atr, "ST").alias("start_time"),
        column(atr, "ET").alias("end_time"),
        *LINEAGE,
    )
    within = (pl.col("SD").is_null() | (pl.col("SD") <= pl.col("DT"))) & (pl.col("ED").is_null() | (pl.col("ED") >= pl.col("DT")))
    on_dates = atr.join(meetings.select(*_KEY, "DT"), on=_KEY, how="inner", maintain_order="left").filter(within)
    return on_dates.select(_session_id(), "staff_id", "role", "start_time", "end_time", *LINEAGE)


def _with_staff_id(extract: Extract, atr: pl.DataFrame) -> pl.DataFrame:
    """Staff ids as ATR has them, else by the teacher number at the school (TCH)."""
    tch = extract.frame("TCH")
    if "TN" not in atr.columns or tch is None:
        if "ID" not in atr.columns:
            raise RecoupError("AERIES_ATR_STAFF", extract.job.request.source)
        return atr.rename({"ID": "staff_id"})
    teachers = tch.unique(["SC", "TN"], keep="first", maintain_order=True).select("SC", "TN", pl.col("ID").alias("_teacher"))
    found = atr.join(teachers, on=["SC", "TN"], how="left", maintain_order="left")
    found = found.with_columns(pl.coalesce(column(found, "ID"), "_teacher").alias("staff_id"))
    lost = pl.col("staff_id").is_null()
    extract.desk.refuse(found.filter(lost), "STAFF_UNKNOWN", "session_staff", "ATR.TN", "TN")
    return found.filter(~lost)
