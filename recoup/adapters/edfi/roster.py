"""Schools, students, enrollments and staff: which of their codes is whose, and what follows from an association."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.edfi.naming import SEVERAL
from recoup.adapters.joining import column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.adapters.base import Job

_CDS = 14
_HALF = 7
_NOT_ENROLLED = "not_enrolled"
_STUDENT, _UNIQUE = "studentReference.studentUniqueId", "studentUniqueId"
#: CALPADS exit reasons, which need no explanation.
_REASON = r"^[A-Z]\d{3}$"
#: Columns of the model that must be there and that the standard has no place for: empty where no extension has them.
_EMPTY = ("instructionMode",)


def prepared(frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Return all feeds, those of the roster with the columns that follow from others."""
    ready = dict(frames)
    ready["schools"] = _schools(ready, job)
    ready["students"] = _students(ready, job)
    ready["studentSchoolAssociations"] = _enrollments(ready["studentSchoolAssociations"], job)
    if "staffs" in ready:
        ready["staffs"] = _staff(ready, job)
    return ready


def translated(job: Job, name: str, code: pl.Expr) -> pl.Expr:
    """Return what a code list says of a code; null where nothing."""
    return code.replace_strict(job.codes[name], default=None, return_dtype=pl.String)


def in_year(frame: pl.DataFrame, feed: str, days: tuple[str, str], job: Job) -> pl.DataFrame:
    """Leave out and count rows whose days, from the first column to the second, are all outside the school year."""
    first, last = (pl.col(name) if name in frame.columns else pl.lit(None, pl.String) for name in days)
    year = job.request.year
    outside = ((first > year.last.isoformat()) | (last < year.first.isoformat())).fill_null(value=False)
    kept = frame.filter(~outside)
    left = frame.height - kept.height
    job.desk.note(job.request.source, "LEFT_OTHER_YEAR", left, f"{feed}: {left} rows of other school years")
    return kept


def _identified(frame: pl.DataFrame, key: str, system: str, wanted: object) -> pl.DataFrame:
    """Return by ``key`` the first identification code of the wanted system, as ``_found``."""
    parts = frame.select(key, *(column(frame, name).str.split(SEVERAL).alias(name) for name in ("identificationCode", system)))
    even = parts.filter(pl.col("identificationCode").list.len() == pl.col(system).list.len())
    single = even.explode("identificationCode", system).filter(pl.col(system) == str(wanted))
    found = single.select(key, pl.col("identificationCode").alias("_found")).drop_nulls()
    return found.unique(key, keep="first", maintain_order=True)


def _schools(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    system, wanted = "educationOrganizationIdentificationSystemDescriptor", job.options["school_code_system"]
    schools, agency = frames["schools"], "localEducationAgencyReference.localEducationAgencyId"
    codes = _identified(schools, "schoolId", system, wanted)
    schools = schools.join(codes, on="schoolId", how="left", maintain_order="left").with_columns(column(schools, agency))
    if "localEducationAgencies" in frames:
        agencies = _identified(frames["localEducationAgencies"], "localEducationAgencyId", system, wanted).rename({"_found": "_agency"})
        schools = schools.join(agencies, left_on=agency, right_on="localEducationAgencyId", how="left", maintain_order="left")
    code, whole = pl.col("_found"), pl.col("_found").str.len_chars() == _CDS
    district = column(schools, "_agency").str.slice(0, _HALF)
    return schools.with_columns(
        pl.when(whole).then(code.str.slice(_HALF)).otherwise(code).alias("_code"),
        pl.coalesce(district, pl.when(whole).then(code.str.slice(0, _HALF))).alias("_district"),
        _told(schools, "school_type", "schoolCategoryDescriptor", job).alias("_type"),
        _told(schools, "charter", "charterStatusDescriptor", job).alias("_charter"),
    )


def _told(schools: pl.DataFrame, name: str, descriptor: str, job: Job) -> pl.Expr:
    """The school's own key where a code list has it, else the first of its descriptors."""
    own = pl.col("schoolId").is_in(list(job.codes[name]))
    return pl.when(own).then(pl.col("schoolId")).otherwise(column(schools, descriptor).str.split(SEVERAL).list.first())


def _students(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    key, unique = _STUDENT, _UNIQUE
    students = frames["students"]
    told = [frames[feed] for feed in ("studentIdentificationCodes", "studentEducationOrganizationAssociations") if feed in frames]

    def code(option: str, name: str) -> pl.DataFrame:
        parts = [_identified(frame, key, "studentIdentificationSystemDescriptor", job.options[option]) for frame in told]
        found = pl.concat([*parts, pl.DataFrame(schema={key: pl.String, "_found": pl.String})]).unique(key, keep="first")
        return found.rename({key: unique, "_found": name})

    for option, name in (("ssid_system", "_coded"), ("local_id_system", "_own")):
        students = students.join(code(option, name), on=unique, how="left", maintain_order="left")
    sexes = [frames[feed] for feed in ("studentDemographics", "studentEducationOrganizationAssociations") if feed in frames]
    sex = [frame.select(pl.col(key).alias(unique), column(frame, "sexDescriptor")).drop_nulls() for frame in sexes]
    if sex:
        one = pl.concat(sex).unique(unique, keep="first", maintain_order=True)
        students = students.join(one, on=unique, how="left", maintain_order="left")
    coded = job.options["ssid_from"] == "identification_code"
    return students.with_columns(
        pl.col("_coded" if coded else unique).alias("_ssid"),
        pl.coalesce("_own", unique).alias("_local"),
        pl.coalesce(column(students, "sexDescriptor"), column(students, "birthSexDescriptor")).alias("_gender"),
    )


def _enrollments(rows: pl.DataFrame, job: Job) -> pl.DataFrame:
    rows = in_year(rows, "studentSchoolAssociations", ("entryDate", "exitWithdrawDate"), job)
    # 2026 in JSON, 2025-2026 in XML.
    other = ~column(rows, "schoolYearTypeReference.schoolYear").str.ends_with(str(job.request.year.last.year)).fill_null(value=True)
    source, left = job.request.source, rows.filter(other).height
    job.desk.note(source, "LEFT_OTHER_YEAR", left, f"studentSchoolAssociations: {left} rows that name another school year")
    kind = translated(job, "enrollment_type", column(rows, "enrollmentTypeDescriptor"))
    rows = rows.filter(~other).with_columns(kind.alias("_kind"))
    gone = (pl.col("_kind") == _NOT_ENROLLED).fill_null(value=False)
    left = rows.filter(gone).height
    job.desk.note(source, "LEFT_BY_CODE", left, f"studentSchoolAssociations: {left} rows of students who are not enrolled as yet")
    given = column(rows, "exitWithdrawTypeDescriptor")
    reason = pl.coalesce(translated(job, "exit_reason", given), pl.when(given.str.contains(_REASON)).then(given))
    rows = rows.filter(~gone).with_columns(reason.alias("_reason"))
    left = rows.filter(given.is_not_null() & pl.col("_reason").is_null()).height
    told = f"studentSchoolAssociations: {left} exit types that no CALPADS code is told for (codes.exit_reason); they are left empty"
    job.desk.note(source, "EXIT_UNEXPLAINED", left, told, "warn")
    primary = pl.when(column(rows, "primarySchool") == "false").then(pl.lit("20")).otherwise(pl.lit("10"))
    return rows.with_columns(pl.coalesce("_kind", primary).alias("_status"), *(column(rows, name) for name in _EMPTY))


def of_this_year(frames: Mapping[str, pl.DataFrame], feeds: Sequence[str], job: Job) -> pl.DataFrame:
    """Return the students whom a row of ``feeds`` names: an interface keeps those of other years, too."""
    named = pl.concat([frames[feed].select(pl.col(_STUDENT).alias(_UNIQUE)) for feed in feeds if feed in frames]).unique()
    students = frames["students"]
    kept = students.join(named, on=_UNIQUE, how="semi", maintain_order="left")
    left = students.height - kept.height
    told = f"students: {left} who are not enrolled this year and of whom nothing is told"
    job.desk.note(job.request.source, "LEFT_OTHER_YEAR", left, told)
    return kept


def _staff(frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    staff = frames["staffs"]
    seid = _identified(staff, "staffUniqueId", "staffIdentificationSystemDescriptor", job.options["seid_system"])
    staff = staff.join(seid.rename({"_found": "_seid"}), on="staffUniqueId", how="left", maintain_order="left")
    name = pl.concat_str(column(staff, "lastSurname"), column(staff, "firstName"), separator=", ", ignore_nulls=True)
    staff = staff.with_columns(name.alias("_name"))
    employed = "staffEducationOrganizationEmploymentAssociations"
    if employed in frames:
        staff = staff.join(_employment(frames[employed], job), on="staffUniqueId", how="left", maintain_order="left")
    if "credentials" in frames:
        staff = staff.join(_credentials(staff, frames["credentials"], job), on="staffUniqueId", how="left", maintain_order="left")
        # Who has no credential at all has none that counts.
        staff = staff.with_columns(pl.col("_certificated").fill_null("false"))
    return staff


def _employment(rows: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Whether each person is the agency's employee: as any employment in this year says, if one says it."""
    rows = in_year(rows, "staffEducationOrganizationEmploymentAssociations", ("_", "endDate"), job)
    told = rows.select(
        pl.col("staffReference.staffUniqueId").alias("staffUniqueId"),
        translated(job, "employment", pl.col("employmentStatusDescriptor")).alias("_employee"),
    )
    return told.drop_nulls().group_by("staffUniqueId").agg(pl.col("_employee").max())


def _credentials(staff: pl.DataFrame, credentials: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Return by person the credential that counts: one without a last day, else the one with the latest."""
    key = "credentialIdentifier"
    held = staff.select("staffUniqueId", column(staff, f"credentialReference.{key}").str.split(SEVERAL).alias(key)).explode(key)
    kind = translated(job, "credential", column(credentials, "credentialTypeDescriptor"))
    teaching = translated(job, "teaching_credential", column(credentials, "teachingCredentialDescriptor"))
    counts = (kind == "true").fill_null(value=False) & (teaching != "false").fill_null(value=True)
    good = credentials.filter(counts).select(
        key, column(credentials, "issuanceDate").alias("_from"), column(credentials, "expirationDate").alias("_expires")
    )
    found = held.join(good.unique(key, keep="last", maintain_order=True), on=key, how="inner")
    latest = found.sort("_expires", descending=True, nulls_last=False).unique("staffUniqueId", keep="first", maintain_order=True)
    return latest.rename({key: "_document"}).with_columns(pl.lit("true").alias("_certificated"))
