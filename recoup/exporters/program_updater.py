"""Attendance Recovery records and services for Infinite Campus's Federal/State Program Updater, with their mapping sheet.

Facts: infinite-campus.md sections 1 to 3 and 6. The Updater works through a mapping that the district builds, so the file's shape is
ours and every part of it is an option; values are for a machine, so text that a spreadsheet would take for a formula stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import polars as pl

from recoup.errors import RecoupError, nearest
from recoup.exporters import facts, layout, updater_checks, updater_rows
from recoup.exporters.findings import Findings
from recoup.ports import Export, Option, Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recoup.ports import Finding, Run

#: Date formats that a mapping may be given, each as strftime writes it.
DATES = {
    "MM/DD/YYYY": "%m/%d/%Y",
    "M/D/YYYY": "%-m/%-d/%Y",
    "MM-DD-YYYY": "%m-%d-%Y",
    "YYYY-MM-DD": "%Y-%m-%d",
    "MMDDYYYY": "%m%d%Y",
    "YYYYMMDD": "%Y%m%d",
}
IDENTIFIERS = {"state_id": "stateID", "student_number": "studentNumber", "person_id": "personID"}
_DELIMITERS = {"csv": ",", "tab": "\t", "fixed": ""}
_LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}
_RECORD_COLUMNS = ["districtID", "startDate", "endDate", "comment"]
_SERVICE_COLUMNS = [
    *("districtID", "schoolNumber", "serviceType", "startDate", "endDate"),
    *("recordStartDate", "recordEndDate", "timeEarned", "daysUsed", "comments"),
]
RECORDS, SERVICES, MAPPING = "updater_records.csv", "updater_services.csv", "updater_mapping.md"


@dataclass(frozen=True, slots=True)
class _Settings:
    """The options of a run, made into what the writer needs."""

    format: str
    dialect: layout.Dialect
    dates: str
    identifier: str
    name: str
    district: str
    suffix: str
    records: layout.Layout
    services: layout.Layout
    types: Mapping[str, str]
    system: str
    automatic: str


def _columns(options: Mapping[str, object], identifier: str) -> tuple[list[str], list[str]]:
    """Return the columns of both files: those chosen, else those of the fact sheet's samples, led by the identifier."""
    lead = ["personID"] if identifier == "personID" else ["stateID", "studentNumber"]
    chosen = {"records": [*lead, *_RECORD_COLUMNS], "services": [identifier, *_SERVICE_COLUMNS]}
    for name, columns in cast("Mapping[str, Sequence[str]]", options["columns"]).items():
        if name not in chosen:
            known = ", ".join(chosen)
            raise RecoupError("OPTION_VALUE", "program_updater", name="columns", known=known, nearest=nearest(name, chosen))
        chosen[name] = list(columns)
        if identifier not in columns:
            raise RecoupError("UPDATER_NO_IDENTIFIER", f"program_updater columns.{name}", identifier=identifier)
    return chosen["records"], chosen["services"]


def _settings(run: Run, options: Mapping[str, object], code: str) -> _Settings:
    form = str(options["format"])
    identifier = IDENTIFIERS[str(options["identifier"])]
    header = form != "fixed" if options["header"] is None else bool(options["header"])
    dates = str(options["date_format"])
    own = code == run.lea.code
    district = (str(options["district_id"]) if own else "") or code
    if not re.fullmatch("[0-9]{7}", district):
        raise RecoupError("UPDATER_DISTRICT_ID", "program_updater district_id")
    types = {"Earned": "Earned", "Used": "Used"}
    for name, value in cast("Mapping[str, str]", options["type_values"]).items():
        if name not in types:
            known = ", ".join(types)
            raise RecoupError("OPTION_VALUE", "program_updater", name="type_values", known=known, nearest=nearest(name, types))
        types[name] = str(value)
    records, services = _columns(options, identifier)
    return _Settings(
        format=form,
        dialect=layout.Dialect(_DELIMITERS[form], header, _LINE_ENDS[str(options["line_end"])], DATES[dates], quotes=form == "csv"),
        dates=dates,
        identifier=identifier,
        name=next((one.lea.name for one in run.leas if one.lea.code == code), run.lea.name if own else "District"),
        district=district,
        suffix="" if own else f"_{code}",
        records=layout.load("updater_records", run.year.name).pick(records, "program_updater columns.records"),
        services=layout.load("updater_services", run.year.name).pick(services, "program_updater columns.services"),
        types=types,
        system=str(options["person_id_system"]),
        automatic=str(options["automatic_hours"]),
    )


def _record_fields(rows: pl.DataFrame, told: _Settings) -> pl.DataFrame:
    return rows.with_columns(pl.lit(told.district).alias("districtID"), startDate="start_date", endDate="end_date")


def _service_fields(rows: pl.DataFrame, told: _Settings, run: Run) -> pl.DataFrame:
    """Services carry the dates of the fiscal year, as the vendor's own example does, and the record's dates as their link."""
    return rows.with_columns(
        pl.lit(told.district).alias("districtID"),
        pl.col("school_code").alias("schoolNumber"),
        pl.col("type").replace_strict(told.types, return_dtype=pl.String).alias("serviceType"),
        pl.lit(run.year.first).alias("startDate"),
        pl.lit(run.year.last).alias("endDate"),
        pl.col("start_date").alias("recordStartDate"),
        pl.col("end_date").alias("recordEndDate"),
        pl.col("hours").alias("timeEarned"),
        pl.col("days").alias("daysUsed"),
        pl.format("Total through {}", pl.col("last").dt.strftime(DATES[told.dates])).alias("comments"),
    )


def _columns_table(form: layout.Layout, told: _Settings) -> list[str]:
    fixed = told.format == "fixed"
    place = "start, length" if fixed else "position"
    lines = [f"| {place} | column | Campus field | type | required | grade | note |", "|---|---|---|---|---|---|---|"]
    at = 1
    for number, field in enumerate(form.fields, start=1):
        where = f"{at}, {field.width}" if fixed else str(number)
        at += field.width
        kind = told.dates if field.type == "date" else field.type
        required = "yes" if field.name == told.identifier else field.required
        lines.append(f"| {where} | {field.name} | {field.title} | {kind} | {required} | {field.certainty} | {field.note} |")
    return lines


def _checks_table(found: Sequence[Finding]) -> list[str]:
    lines = ["| check | kind | what | outcome |", "|---|---|---|---|"]
    for row in facts.rows("layouts/updater_checks.csv"):
        code = f"ICU{int(row['number']):02}"
        said = [finding for finding in found if finding.code == code and finding.severity != "info"]
        outcome = row["how"] if row["how"] != "tested" else "passed"
        if said:
            told = "left out" if said[0].severity == "error" else "to look at"
            rows = sum(finding.rows for finding in said)
            outcome = f"{rows} rows {told}" if rows else "not checked"
        lines.append(f"| {row['number']} | {row['kind']} | {row['title']} | {outcome} |")
    return lines


def _mapping(
    run: Run, told: _Settings, written: Mapping[str, tuple[layout.Layout, pl.DataFrame]], out: Path, found: Sequence[Finding]
) -> str:
    """Return the sheet that a person builds the import mapping from, and compares the result log with (checks 22, 36 and 37)."""
    ends = "CR LF" if told.dialect.line_end == "\r\n" else "LF"
    kinds = {"csv": "Comma Separated Values", "tab": "TAB Delimited", "fixed": "Fixed Width"}
    lines = [
        "# Mapping sheet: Attendance Recovery through the Federal/State Program Updater",
        "",
        f"{told.name} ({told.district}), school year {run.year.name}, as of {run.as_of}, rules {run.rule_version}.",
        "",
        f"- File type: {kinds[told.format]}; header row: {'yes' if told.dialect.header else 'no'}; line ends: {ends}; plain ASCII.",
        f"- Student identifier: {told.identifier}. Dates: {told.dates}. Each row is the total of the year to date, not an increment.",
        f"- serviceType: {', '.join(f'{name} = `{value}`' for name, value in told.types.items())}.",
        "- Order: load the records, look at the result log, then load the services. An import adds and edits; it never deletes.",
        "- Never open and save these files in a spreadsheet: ids would lose their zeros.",
        "- Grades: C documented by the vendor for this tool, S for a sibling tool, P third party, I inferred, U unconfirmed.",
        "- What is graded U wants a trial on a test site before the first real load.",
    ]
    for name, (form, rows) in written.items():
        lines += ["", f"## {name}", ""]
        if not rows.height:
            lines += ["Not written: there is no row to send."]
            continue
        digest = hashlib.sha256((out / name).read_bytes()).hexdigest()
        lines += [f"{rows.height} rows, {rows['ssid'].n_unique()} students, SHA-256 `{digest}`."]
        if form is told.services:
            lines += [f"{rows['hours'].sum()} hours earned, {rows['days'].sum()} days used."]
        lines += ["", *_columns_table(form, told)]
    if run.caveats:
        lines += ["", "## What the figures rest on", "", *(f"- {told}" for told in run.caveats)]
    return "\n".join([*lines, "", "## Checks before the hand-over", "", *_checks_table(found), ""])


def _write(run: Run, told: _Settings, options: Mapping[str, object], out: Path) -> Export:
    """Write the files of one district, whose part of a run this is."""
    found = Findings(ProgramUpdater.name, run)
    for form in (told.records, told.services):
        if form.version != run.year.name:
            found.add("LAYOUT_ASSUMED", year=run.year.name, version=form.version)
    ids = updater_checks.identify(run, told.identifier, told.system)
    given = updater_rows.given_records(run)
    own = given.filter(pl.col("owner_district").fill_null(told.district) == told.district)
    every = pl.concat([given, updater_rows.derived_records(run, own)]).join(ids, on="ssid", how="left").sort("ssid", "start_date")
    quotes = told.dialect.quotes
    kept = updater_checks.records(every, run, found, told.district, told.identifier, told.records.names, quotes=quotes)
    kept = updater_checks.unfit(_record_fields(kept, told), told.records, told.dialect, found)
    mine = every.filter(pl.col("owner_district").fill_null(told.district) == told.district)
    offered = updater_rows.services(run, mine).join(ids, on="ssid", how="left", maintain_order="left")
    sent = updater_checks.services(offered, kept, run, found, told.identifier, told.services.names, told.automatic)
    sent = updater_checks.unfit(_service_fields(sent, told, run), told.services, told.dialect, found)
    if options["records"] == "derived":
        kept = kept.filter("derived")
    named = {name: f"{name.partition('.')[0]}{told.suffix}.{name.partition('.')[2]}" for name in (RECORDS, SERVICES, MAPPING)}
    written = {named[RECORDS]: (told.records, kept), named[SERVICES]: (told.services, sent)}
    files = []
    for name, (form, rows) in written.items():
        if not rows.height:
            found.add("ICU22", 0, file=name)
            continue
        layout.write(rows, form, told.dialect, out / name)
        files.append(Written(name, rows.height))
    sheet = _mapping(run, told, written, out, found.found)
    (out / named[MAPPING]).write_text(sheet, encoding="utf-8", newline="\n")
    return Export([*files, Written(named[MAPPING], None)], found.found)


class ProgramUpdater:
    """Writes ``updater_records.csv``, ``updater_services.csv`` and ``updater_mapping.md``."""

    name = "program_updater"
    summary = "Infinite Campus: Attendance Recovery records and services for the Federal/State Program Updater"
    options: tuple[Option, ...] = (
        Option("format", "text", "csv", "File type of the import mapping.", choices=tuple(_DELIMITERS)),
        Option("identifier", "text", "state_id", "What the mapping matches students by.", choices=tuple(IDENTIFIERS)),
        Option("header", "bool", None, "Whether the first row names the columns; default: yes, but for fixed width."),
        Option("date_format", "text", "MM/DD/YYYY", "How dates are written.", choices=tuple(DATES)),
        Option("columns", "table", {}, "Columns of each file in order: { records = [...], services = [...] }."),
        Option("type_values", "table", {}, 'What the mapping calls the two types: { Earned = "...", Used = "..." }.'),
        Option("line_end", "text", "crlf", "How lines end.", choices=tuple(_LINE_ENDS)),
        Option("district_id", "text", "", "District ID on every row, 7 digits; default: the LEA's code."),
        Option("districts", "list", [], "Codes of the districts whose files are written, each its own; default: the LEA's alone."),
        Option("person_id_system", "text", "campus_person_id", "Which system of the table student_ids holds the Person ID."),
        Option("records", "text", "all", "Which records to send: all, or only those the SIS did not give.", choices=("all", "derived")),
        Option(
            "automatic_hours",
            "text",
            "as_recorded",
            "For whom Campus computes hours itself: as program_services says, all, or ignore that.",
            choices=("as_recorded", "all", "ignore"),
        ),
    )

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:
        """Write each district's two files and mapping sheet; a row that a check stops is left out and listed, an empty file not written."""
        placed = updater_rows.districts(run)
        known = [run.lea.code, *sorted(set(placed["district"]) - {run.lea.code})]
        codes = [str(code) for code in cast("Sequence[object]", options["districts"])] or [run.lea.code]
        for code in codes:
            if code not in known:
                told = ", ".join(known)
                raise RecoupError("OPTION_VALUE", self.name, name="districts", known=told, nearest=nearest(code, known))
        found = Findings(self.name, run)
        elsewhere = placed.filter(~pl.col("district").is_in(codes))["school_code"]
        away = run.results["credits"].filter(pl.col("absence_school_code").is_in(elsewhere.implode()))
        if away.height:
            found.add("ICU25", away.height, schools=elsewhere.len())
        parts = [_write(updater_rows.of_district(run, code), _settings(run, options, code), options, out) for code in dict.fromkeys(codes)]
        files = [file for part in parts for file in part.files]
        return Export(files, [*found.found, *(finding for part in parts for finding in part.findings)])


EXPORTER = ProgramUpdater()
