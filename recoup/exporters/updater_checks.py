"""The hand-over checks of infinite-campus.md section 6, each under its number: what stops a row is left out and listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import days, facts, layout
from recoup.exporters.tables import shortened
from recoup.exporters.updater_rows import meets

if TYPE_CHECKING:
    from recoup.exporters.findings import Findings
    from recoup.ports import Run

#: Kinds of full-day absence that STAS0740E1 names (13.17, 13.19, 13.20).
_ABSENCES = ("suspension_out", "excused", "unexcused")
_FOREVER = pl.date(9999, 12, 31)
#: Characters that Campus has for a comment.
_COMMENT = 255


class Sieve:
    """Rows on their way out: each check takes rows away and says so."""

    def __init__(self, rows: pl.DataFrame, found: Findings) -> None:
        self.rows = rows
        self._found = found

    def stop(self, code: str, wrong: pl.Expr, **values: object) -> None:
        """Leave out the rows for which ``wrong`` is true."""
        self._found.add(code, self.rows.filter(wrong), file="", **values)
        self.rows = self.rows.filter(~wrong.fill_null(value=False))

    def warn(self, code: str, odd: pl.Expr) -> None:
        """Report the rows for which ``odd`` is true, and keep them."""
        self._found.add(code, self.rows.filter(odd))


def clean_comment(comment: pl.Expr, *, quotes: bool) -> pl.Expr:
    """Make a comment one line of plain ASCII; without quoting (``quotes`` false) double quotes become single ones."""
    plain = layout.squeeze(layout.fold(comment).str.replace_all(r"[\t\r\n\x00]", " ")).str.replace_all(r"[^ -~]", "")
    return plain if quotes else plain.str.replace_all('"', "'", literal=True)


def identify(run: Run, identifier: str, system: str) -> pl.DataFrame:
    """Return each student's ids as the files name them (``stateID``, ``studentNumber``, ``personID``) and how many students share the one
    that the file is matched by (``sharing``)."""
    persons = run.tables["student_ids"].filter(pl.col("system") == system).sort("from", nulls_last=False)
    person = persons.group_by("ssid").agg(pl.col("local_student_id").last().alias("personID"))
    ids = run.tables["students"].select("ssid", pl.col("ssid").alias("stateID"), pl.col("local_student_id").alias("studentNumber"))
    return ids.join(person, on="ssid", how="left").with_columns(pl.len().over(identifier).alias("sharing"))


def _stop_unknown(sieve: Sieve, identifier: str, columns: list[str]) -> None:
    key = pl.col(identifier)
    sieve.stop("ICU01", key.is_null() | (key == ""), identifier=identifier)
    if "stateID" in columns:
        sieve.stop("ICU02", ~pl.col("stateID").str.contains("^[0-9]{10}$"))
    if "studentNumber" in columns:
        sieve.stop("ICU03", pl.col("studentNumber").str.len_chars() > 15)
    sieve.stop("ICU04", pl.col("sharing").ne_missing(1), identifier=identifier)


def records(
    rows: pl.DataFrame, run: Run, found: Findings, district: str, identifier: str, columns: list[str], *, quotes: bool
) -> pl.DataFrame:
    """Return the records that may be handed over, their comments cleaned (checks 1 to 18 and 21)."""
    sieve = Sieve(rows, found)
    _stop_unknown(sieve, identifier, columns)
    start, end, comment = pl.col("start_date"), pl.col("end_date"), pl.col("comment")
    foreign = (pl.col("owner_district") != district).fill_null(value=False)
    others = sieve.rows.filter(foreign)
    sieve.stop("ICU05", foreign)
    sieve.stop("ICU06", start.is_null())
    sieve.stop("ICU07", end < start)
    sieve.stop("ICU21", pl.struct("ssid", "start_date").is_duplicated())
    sieve.rows = sieve.rows.sort("ssid", "start_date")
    previous = end.fill_null(_FOREVER).cum_max().shift(1).over("ssid")
    sieve.stop("ICU10", previous == _FOREVER)
    sieve.stop("ICU08", start <= previous)
    if ("program_records", "") in run.absent:
        found.add("ICU09:not_checked")
    theirs = others.select("ssid", entry_date="start_date", exit_date="end_date")
    sieve.rows = _touches(sieve.rows, theirs, "clash")
    sieve.stop("ICU09", pl.col("clash"))
    enrolled = days.enrollments(run).select("ssid", "entry_date", "exit_date")
    sieve.rows = _touches(sieve.rows, enrolled, "enrolled")
    sieve.stop("ICU11", ~pl.col("enrolled"))
    sieve.warn("ICU12", (start < run.year.first) | (end > run.year.last))
    sieve.warn("ICU13", start < law.school_year(law.school_years()[0]).first)
    clean = clean_comment(comment, quotes=quotes)
    sieve.warn("ICU16", comment.str.contains(r"[\t\r\n\x00]" if quotes else r'[\t\r\n\x00"]'))
    sieve.warn("ICU17", comment.str.to_lowercase().str.contains_any([row["word"] for row in facts.rows("layouts/sensitive_words.csv")]))
    sieve.warn("ICU18", comment.str.contains(r"[^\x00-\x7F]"))
    # What the SIS says is its own to shorten; what is put together here is shortened here.
    own, wide = pl.col("derived"), clean.str.len_chars() > _COMMENT
    sieve.warn("COMMENT_SHORTENED", own & wide)
    sieve.stop("ICU15", ~own & wide)
    clean = shortened(clean, _COMMENT)
    return sieve.rows.with_columns(clean.alias("comment"))


def _touches(rows: pl.DataFrame, spans: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add to records the column ``name``: whether one of the student's ``spans`` (``entry_date``..``exit_date``) shares a day with it."""
    met = rows.select("ssid", "start_date", "end_date").join(spans, on="ssid").filter(meets("start_date", "end_date"))
    met = met.select("ssid", "start_date").unique().with_columns(pl.lit(value=True).alias(name))
    return rows.join(met, on=["ssid", "start_date"], how="left", maintain_order="left").with_columns(pl.col(name).fill_null(value=False))


def services(
    rows: pl.DataFrame, kept: pl.DataFrame, run: Run, found: Findings, identifier: str, columns: list[str], automatic: str
) -> pl.DataFrame:
    """Return the services that may be handed over: those of the records ``kept`` that pass checks 1 to 4, 23 and 28 to 31."""
    cap = law.load(run.year.name).value("annual_cap")
    sieve = Sieve(rows, found)
    _stop_unknown(sieve, identifier, columns)
    used, student = pl.col("type") == "Used", pl.col("ssid")
    sieve.stop("ICU28", used & ~pl.col("days").is_between(1, cap), cap=cap)
    over = _overdrawn_students(run, cap)
    sieve.stop("ICU29", used & student.is_in(over.implode()), cap=cap)
    unpaid = run.results["credits"].filter(
        ~pl.col("paid_elsewhere").fill_null(value=False), pl.col("minutes_used") < pl.col("minimum_schoolday")
    )["ssid"]
    overdrawn = run.results["ledger"].filter(pl.col("minutes_used") > pl.col("minutes_counted"))["ssid"]
    sieve.stop("ICU30", used & student.is_in(pl.concat([unpaid, overdrawn]).implode()))
    _stop_automatic(sieve, run, found, automatic)
    known = kept.select("ssid", "start_date").with_columns(pl.lit(value=True).alias("record"))
    sieve.rows = sieve.rows.join(known, on=["ssid", "start_date"], how="left", maintain_order="left")
    sieve.stop("ICU23", pl.col("record").is_null())
    held = run.tables["program_services"].filter(
        pl.col("start_date") <= run.year.last, pl.col("end_date").is_null() | (pl.col("end_date") >= run.year.first)
    )
    if ("program_services", "") in run.absent:
        found.add("ICU35:not_checked")
    keys = ["ssid", "school_code", "service_type"]
    found.add("ICU35", held.join(rows.with_columns(service_type=pl.col("type").str.to_lowercase()), on=keys, how="anti"))
    return sieve.rows


def _overdrawn_students(run: Run, cap: int) -> pl.Series:
    """Return the students with more days than the cap or than absences, in any one LEA."""
    leas = days.reporting_leas(run).select("school_code", "lea")
    absent = run.tables["attendance"].filter(pl.col("full_day"), pl.col("kind").is_in(_ABSENCES), pl.col("date") <= run.as_of)
    absences = absent.join(leas, on="school_code").group_by("ssid", "lea").agg(pl.len().alias("absences"))
    credited = run.results["credits"].join(leas, left_on="absence_school_code", right_on="school_code").group_by("ssid", "lea").len("days")
    held = credited.join(absences, on=["ssid", "lea"], how="left").with_columns(pl.col("absences").fill_null(0))
    return held.filter((pl.col("days") > cap) | (pl.col("days") > pl.col("absences")))["ssid"]


def _stop_automatic(sieve: Sieve, run: Run, found: Findings, automatic: str) -> None:
    earned = pl.col("type") == "Earned"
    if automatic == "all":
        sieve.stop("ICU31", earned)
    elif automatic == "as_recorded":
        if {("program_services", ""), ("program_services", "auto_calculated")} & run.absent:
            found.add("ICU31:not_checked")
        computed = run.tables["program_services"].filter("auto_calculated")["ssid"]
        sieve.stop("ICU31", earned & pl.col("ssid").is_in(computed.implode()))


def unfit(rows: pl.DataFrame, form: layout.Layout, dialect: layout.Dialect, found: Findings) -> pl.DataFrame:
    """Leave out the rows of a file with a value that does not fit its column (check 19), and return the others."""
    wrong = layout.faults(rows, form, dialect)
    for (field,), misfits in wrong.group_by("field", maintain_order=True):
        found.add("ICU19", misfits, field=field)
    return rows.with_row_index("_row").filter(~pl.col("_row").is_in(wrong["row"].unique().implode())).drop("_row")
