"""Schools, students, enrollments, independent study and staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.joining import column
from recoup.ports import LINEAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.aeries_files.extract import Extract


def schools(extract: Extract) -> pl.DataFrame:
    """LOC to ``schools``; the district's own record has no school."""
    loc = extract.needed("LOC").join(extract.locations, on="CD", how="left", maintain_order="left")
    extract.leave_out("LOC", "LEFT_NO_SCHOOL", loc.filter(pl.col("school_code").is_null()), "they have no CDS school")
    loc = loc.filter(pl.col("school_code").is_not_null())
    types = extract.job.codes["school_type"]
    loc = loc.with_columns(_made(types, pl.col("CD")).alias("_type")).with_columns(pl.coalesce("_type", _made(types, column(loc, "TY"))))
    unmapped = pl.col("_type").is_null()
    extract.desk.refuse(loc.filter(unmapped), "CODE_UNMAPPED", "schools", "LOC.CD", "CD", 'school_type."<LOC.CD>" = "high", for example')
    county, district = pl.col("CC"), pl.col("DC")
    if extract.job.options["pad_cds"]:
        county, district = county.str.zfill(2), district.str.zfill(5)
    return loc.filter(~unmapped).select(
        "school_code",
        pl.col("NM").alias("school_name"),
        pl.col("_type").alias("school_type"),
        pl.concat_str(county, district).alias("county_district_code"),
        pl.col("CD").alias("local_school_id"),
        *_where(loc, IRC="independently_reporting_charter", HR="hourly_attendance"),
        *LINEAGE,
    )


def students(extract: Extract) -> pl.DataFrame:
    """STU to ``students``: one row a student, whatever number of schools."""
    people = extract.people
    more = extract.needed("STU").filter(pl.col("ID").is_in(people["ID"].implode())).height - people.height
    extract.desk.note(
        extract.job.request.source, "LEFT_SAME_STUDENT", more, f"STU: {more} rows left out: the same students at other schools"
    )
    genders = extract.job.codes["gender"]
    return people.select(
        "ssid",
        pl.col("ID").alias("local_student_id"),
        pl.col("FN").alias("legal_first_name"),
        pl.col("LN").alias("legal_last_name"),
        pl.col("BD").alias("birth_date"),
        pl.coalesce(_made(genders, pl.col("GN")), "GN").alias("gender"),
        *LINEAGE,
    )


def enrollments(extract: Extract) -> pl.DataFrame:
    """ENR to ``enrollments``, followed by the district-wide id through every school; CSE.AMD is the alternate minimum (EC 46307)."""
    enr = _of_the_year(extract)
    enr = extract.with_ssid(extract.with_school(enr, "ENR", "enrollments"), "ENR", "enrollments")
    codes = extract.job.codes
    status = column(enr, "ES").fill_null("").replace_strict(codes["enrollment_status"], default=None, return_dtype=pl.String)
    mode = column(enr, "PR").fill_null("").replace_strict(codes["program"], default=None, return_dtype=pl.String)
    if "PR" not in enr.columns:
        mode = pl.lit(None, pl.String)
    enr = enr.with_columns(status.alias("_status"), mode.alias("_mode"))
    if "ES" in enr.columns:
        lost = pl.col("_status").is_null()
        extract.desk.refuse(enr.filter(lost), "CODE_UNMAPPED", "enrollments", "ENR.ES", "ES", "enrollment_status")
        enr = enr.filter(~lost)
    else:
        extract.desk.note(
            extract.job.request.source, "STATUS_ASSUMED", enr.height, "ENR has no ES: every enrollment is taken as primary (10)", "warn"
        )
    if "PR" in enr.columns:
        strange = enr.filter(pl.col("_mode").is_null())
        extract.desk.refuse(
            strange, "CODE_UNMAPPED_WARN", "enrollments", "ENR.PR", "PR", 'program."<code>" = "classroom" or "nonclassroom"'
        )
    enr = _with_minimum(extract, enr)
    return enr.select(
        "ssid",
        "school_code",
        pl.col("ED").alias("entry_date"),
        pl.col("LD").alias("exit_date"),
        pl.coalesce(_made(codes["grade"], pl.col("GR")), "GR").alias("grade"),
        pl.col("_status").alias("enrollment_status"),
        pl.col("_mode").alias("instruction_mode"),
        *(name for name in ("alternate_minimum_minutes", "alternate_minimum_basis") if name in enr.columns),
        *_where(enr, AX="absence_exempt", TR="track"),
        *([pl.coalesce(_made(codes["exit_reason"], pl.col("ER")), "ER").alias("exit_reason")] if "ER" in enr.columns else []),
        *LINEAGE,
    )


def _of_the_year(extract: Extract) -> pl.DataFrame:
    """Leave out spans of other years: by ENR.YR where it is there (the start year), and by dates that do not touch the year."""
    enr = extract.needed("ENR")
    year = extract.job.request.year
    other = (pl.col("LD") < year.first.isoformat()) | (pl.col("ED") > year.last.isoformat())
    plain = pl.col("ED").str.contains(r"^\d{4}-\d\d-\d\d$") & (pl.col("LD").is_null() | pl.col("LD").str.contains(r"^\d{4}-\d\d-\d\d$"))
    other = (other & plain).fill_null(value=False)
    if "YR" in enr.columns:
        other = other | (~pl.col("YR").is_in([year.name, year.name[:4]])).fill_null(value=False)
    extract.leave_out("ENR", "LEFT_OTHER_YEAR", enr.filter(other), "enrollments of other school years")
    return enr.filter(~other)


def _with_minimum(extract: Extract, enr: pl.DataFrame) -> pl.DataFrame:
    cse = extract.frame("CSE")
    if cse is None:
        return enr
    minutes = cse.filter(pl.col("AMD").is_not_null() & (pl.col("AMD") != "0")).unique("ID", keep="last", maintain_order=True)
    minutes = minutes.select("ID", pl.col("AMD").alias("alternate_minimum_minutes"))
    basis = pl.when(pl.col("alternate_minimum_minutes").is_not_null()).then(pl.lit("iep_46307"))
    return enr.join(minutes, on="ID", how="left", maintain_order="left").with_columns(basis.alias("alternate_minimum_basis"))


def independent_study(extract: Extract) -> pl.DataFrame | None:
    """IND to ``independent_study``; None when the district exports none."""
    ind = extract.frame("IND")
    if ind is None:
        return None
    spans = extract.with_ssid(ind, "IND", "independent_study")
    return spans.select("ssid", pl.col("SD").alias("start_date"), pl.col("ED").alias("end_date"), *LINEAGE)


def staff(extract: Extract) -> pl.DataFrame | None:
    """STF to ``staff``; what STF does not show of certification and employment stays empty: *not checked*, never passed."""
    stf = extract.frame("STF")
    if stf is None:
        return None
    return stf.select(
        pl.col("ID").alias("staff_id"),
        pl.concat_str("LN", "FN", separator=", ", ignore_nulls=True).alias("staff_name"),
        column(stf, "CT").alias("certificated"),
        column(stf, "EM").alias("lea_employee"),
        column(stf, "CX").alias("credential_expires"),
        *_where(stf, SEID="seid", CN="credential_document_no", CF="credential_from"),
        *LINEAGE,
    )


def _made(codes: Mapping[str, str], value: pl.Expr) -> pl.Expr:
    return value.replace_strict(codes, default=None, return_dtype=pl.String)


def _where(frame: pl.DataFrame, **names: str) -> list[pl.Expr]:
    """Rename the optional columns that the export has."""
    return [pl.col(theirs).alias(ours) for theirs, ours in names.items() if theirs in frame.columns]
