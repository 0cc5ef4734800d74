"""CALPADS Student Absence Summary (STAS), one file for each reporting LEA, tested first under CALPADS's own codes.

Facts: ledger.md section 8 and the CALPADS file specification 17.0. Days of attendance recovery (13.24) are the count of the
ledger's credits; nothing here decides about a credit.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import days, layout
from recoup.exporters.findings import Findings
from recoup.ports import Export, Written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.ports import Option, Run

DIALECT = layout.Dialect(delimiter="^", header=False, line_end="\r\n", dates="%Y%m%d")
#: Absence fields whose days may not exceed what expected and attended days leave, with the code CALPADS reports.
_RANGES = {
    "STAS0307": "suspension_out",
    "STAS0309": "unexcused",
    "STAS0310": "excused",
    "STAS0311": "independent_study_non_ada",
    "STAS0588": "independent_study_ada",
}
_COUNTS = ("suspension_out", "suspension_in", "excused", "unexcused", "independent_study_non_ada", "independent_study_ada")
#: Tables whose refused rows leave days unknown.
_DAY_TABLES = ("attendance", "calendar", "students", "enrollments")
_FAULT_CODES = {"missing": "GERR0001", "too_long": "FRMT0001", "not_exact": "GERR0002", "code": "GERR0002", "characters": "FRMT0004"}


def clean_name(name: pl.Expr) -> pl.Expr:
    """Fold accents and take out what CALPADS does not allow in a name; letters keep their case."""
    return layout.squeeze(layout.fold(name).str.replace_all(r"[^A-Za-z0-9.'\s-]", ""))


def rows(run: Run) -> pl.DataFrame:
    """Return one row for each LEA, school and student that STAS asks for, in that order, nonpublic schools apart.

    Columns: ``lea``, ``school_code``, ``ssid``, ``hourly``, ``exempt``, ``enrolled_days`` (for CERT129), the counts of 13.15 to 13.22 by
    name, ``immunization``, ``credits`` (count of the ledger's credits), ``recovery_days`` (13.24). Counts and 13.24 of an exempt row
    are null, 13.24 of a student without participation and credit too.
    """
    schools = days.reporting_leas(run)
    rules = law.load(run.year.name)
    listed = pl.col("enrollment_status").is_in(rules.value("absence_statuses"))
    enrolled = days.enrollments(run).filter(listed).join(schools, on="school_code")
    spans = days.spans_until(enrolled.rename({"enrollment_status": "status"}), run.year.first, run.as_of)
    keys = ["lea", "school_code", "ssid"]
    ends = pl.col("exit_date").fill_null(date.fromisoformat(f"{run.year.last.year}-{rules.value('open_enrollment_ends')}"))
    people = spans.group_by(keys).agg(
        pl.col("hourly", "school_type").first(),
        pl.col("absence_exempt").fill_null(value=False).all().alias("exempt"),
        ((ends - pl.col("entry_date")).dt.total_days() + 1).clip(lower_bound=0).sum().alias("enrolled_days"),
    )
    days_credited = run.results["credits"].group_by(school_code="absence_school_code", ssid="ssid").agg(credits=pl.len().cast(pl.Int64))
    taking_part = pl.concat([run.tables["participation"].select("ssid"), run.results["credits"].select("ssid")]).unique()
    counted = (
        people.join(days.tally(run, spans), on=keys)
        .join(days_credited, on=["school_code", "ssid"], how="left")
        .join(taking_part.with_columns(pl.lit(value=True).alias("taking_part")), on="ssid", how="left")
        .with_columns(pl.col("credits").fill_null(0))
        .with_columns(
            (pl.col("expected") - pl.sum_horizontal(_COUNTS)).alias("attended"),
            pl.when("taking_part").then("credits").alias("recovery_days"),
        )
    )
    emptied = [pl.when(~pl.col("exempt")).then(name).alias(name) for name in ("expected", "attended", *_COUNTS, "recovery_days")]
    public = (pl.col("school_type") != "nonpublic") & ~pl.col("school_code").is_in(rules.value("nonpublic_school_codes"))
    return counted.with_columns(emptied).with_columns(public.fill_null(value=True).alias("public")).sort(keys)


def unknown_days(run: Run) -> pl.DataFrame:
    """Return the places (``_file``, ``_line``) of refused rows that leave days neither attended nor absent."""
    refused = pl.col("table").is_in(_DAY_TABLES) & (pl.col("severity") == "error") & (pl.col("code") != "DUPLICATE_SAME")
    return run.quarantine.filter(refused).select(_file="file", _line="line").unique(maintain_order=True)


def _records(run: Run, counted: pl.DataFrame) -> pl.DataFrame:
    """Put the fields of the layout together, with the lineage of the student's row."""
    students = run.tables["students"].select(
        "ssid",
        # CALPADS takes neither a blank nor a zero.
        pl.when(~pl.col("local_student_id").str.contains("^0+$")).then("local_student_id").alias("local_student_id"),
        clean_name(pl.col("legal_first_name")).alias("first_name"),
        clean_name(pl.col("legal_last_name")).alias("last_name"),
        "birth_date",
        "gender",
        "_file",
        "_line",
    )
    yes_no = {True: "Y", False: "N"}
    return counted.join(students, on="ssid", how="left", maintain_order="left").with_columns(
        pl.lit("STAS").alias("record_type"),
        pl.lit(None, pl.String).alias("transaction_type"),
        pl.concat_str("school_code", pl.lit(run.year.name), "ssid", separator="_").alias("local_record_id"),
        pl.col("lea").alias("reporting_lea"),
        pl.col("school_code").alias("school"),
        pl.lit(run.year.name).alias("year"),
        pl.col("exempt", "hourly").replace_strict(yes_no, return_dtype=pl.String),
        pl.lit(None, pl.String).alias("field_23"),
    )


def _say_names(found: Findings, run: Run, records: pl.DataFrame, form: layout.Layout) -> None:
    """Report every name that is not written as the source has it."""
    written = run.tables["students"].join(records.select("ssid"), on="ssid", how="semi")
    titles = {field.name: f"{field.number} {field.title}" for field in form.fields}
    for column, field in (("legal_first_name", "first_name"), ("legal_last_name", "last_name")):
        raw, clean, folded = pl.col(column), clean_name(pl.col(column)), layout.squeeze(layout.fold(pl.col(column)))
        found.add("NAME_FOLDED", written.filter(raw != clean, clean == folded), field=titles[field])
        found.add("NAME_STRIPPED", written.filter(clean != folded), field=titles[field])


def _preflight(found: Findings, run: Run, records: pl.DataFrame, form: layout.Layout, file: str) -> None:
    """Test the records of one file under CALPADS's codes, and the absence rule of EC 46211 that it tests under a code not published."""
    wrong = layout.faults(records, form, DIALECT)
    titles = {field.name: f"{field.number} {field.title}" for field in form.fields}
    for (field, fault), misfits in wrong.group_by(["field", "fault"], maintain_order=True):
        code = "FRMT0002" if field == "birth_date" and fault != "missing" else _FAULT_CODES[str(fault)]
        found.add(code, misfits, file, field=titles[str(field)])
    expected, attended = pl.col("expected"), pl.col("attended")
    found.add("STAS0318", records.filter((expected != pl.sum_horizontal("attended", *_COUNTS)) | (attended < 0)), file)
    for code, kind in _RANGES.items():
        found.add(code, records.filter(pl.col(kind) > expected - attended - pl.col("suspension_in")), file)
    cap = law.load(run.year.name).value("annual_cap")
    found.add("STAS0739", records.filter(~pl.col("recovery_days").is_between(0, cap)), file, cap=cap)
    found.add("STAS0313", records.filter(pl.col("exempt") == "Y"))
    found.add("CERT129", records.filter(expected > pl.col("enrolled_days")))


def _preflight_student(found: Findings, run: Run, counted: pl.DataFrame, lea: str, file: str) -> None:
    """Test what CALPADS tests over all schools of an LEA, rows of hourly schools included, and that every credit has a row to stand in."""
    cap = law.load(run.year.name).value("annual_cap")
    places = run.tables["students"].select("ssid", "_file", "_line")
    of_lea = counted.filter(pl.col("lea") == lea)
    sums = of_lea.group_by("ssid").agg(pl.col("credits", "immunization", *_COUNTS).sum()).join(places, on="ssid", how="left")
    claimed, recoverable = pl.col("credits"), pl.col("excused") + pl.col("unexcused")
    found.add("STAS0740E1", sums.filter(claimed > cap), file, cap=cap)
    over = claimed > recoverable + pl.col("suspension_out")
    found.add("AR_OVER_ABSENCES", sums.filter(over), file)
    found.add("AR_OVER_RECOVERABLE", sums.filter(~over, claimed > recoverable - pl.col("immunization")))
    schools = days.reporting_leas(run).filter(pl.col("lea") == lea)
    carrying = of_lea.filter(~pl.col("exempt"))
    adrift = (
        run.results["credits"]
        .join(schools, left_on="absence_school_code", right_on="school_code", how="semi")
        .join(carrying, left_on=["absence_school_code", "ssid"], right_on=["school_code", "ssid"], how="anti")
    )
    found.add("AR_NO_ROW", adrift.join(places, on="ssid", how="left"), file)


class CalpadsStas:
    """Writes ``STAS_<reporting LEA>_<school year>.txt``: caret, CRLF, ASCII, no header, 24 fields."""

    name = "calpads_stas"
    summary = "CALPADS Student Absence Summary with attendance recovery days (13.24), one file for each reporting LEA"
    options: tuple[Option, ...] = ()

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:  # noqa: ARG002 - the port; STAS has none
        """Write the files that CALPADS would take; one that it would refuse is withheld, with its codes and the rows."""
        found = Findings(self.name, run)
        form = layout.load("stas", run.year.name)
        if form.version != run.year.name:
            found.add("LAYOUT_ASSUMED", year=run.year.name, version=form.version)
        everybody = rows(run)
        counted = everybody.filter("public")
        places = run.tables["students"].select("ssid", "_file", "_line")
        found.add("STAS0651", everybody.filter(~pl.col("public")).join(places, on="ssid", how="left"))
        found.add("HOURLY_MINUTES", counted.filter("hourly").join(places, on="ssid", how="left"))
        unknown = unknown_days(run)
        records = _records(run, counted.filter(~pl.col("hourly")))
        _say_names(found, run, records, form)
        files = []
        leas = days.reporting_leas(run).get_column("lea").unique().sort()
        for lea in leas:
            file = f"STAS_{lea}_{run.year.name}.txt"
            mine = records.filter(pl.col("lea") == lea)
            _preflight_student(found, run, counted, lea, file)
            if mine.height:
                found.add("UNKNOWN_DAYS", unknown, file)
                _preflight(found, run, mine, form, file)
            if not mine.height or found.withholds(file):
                continue
            layout.write(mine, form, DIALECT, out / file)
            files.append(Written(file, mine.height))
        return Export(files, found.found, found.withheld)


EXPORTER = CalpadsStas()
