"""The tables of the audit workbook (attendance-recovery-rules.md 16.4), out of a run: frames, and the columns they are shown with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law
from recoup.exporters import audit_ada, calpads_stas, days, sheets
from recoup.exporters.sheets import DIFFERENT, OK, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.ports import Run

_FACT = {"section": pl.String, "name": pl.String, "value": pl.String, "meaning": pl.String, "citation": pl.String, "certainty": pl.String}


def columns(sheet: str) -> list[Column]:
    """Return the columns of a sheet, in order."""
    return sheets.columns("workbook", sheet)


def _fact_table(rows: Sequence[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame([(*row, *[None] * (6 - len(row))) for row in rows], schema=_FACT, orient="row")


def facts(run: Run) -> pl.DataFrame:
    """Return the program's facts, the policy in force, who attested what, and what could not be checked."""
    year = law.load(run.year.name)
    rows: list[tuple[str, ...]] = [
        ("program", "LEA", run.lea.name, f"county-district code {run.lea.code}"),
        ("program", "school year", run.year.name, f"{run.year.first} to {run.year.last}", year.citation, year.certainty),
        ("program", "as of", str(run.as_of), "the last date that counts"),
        ("program", "rule version", run.rule_version, "year, revision of the law data, hash of the policy"),
    ]
    rows += _policies(run)
    rows += [("attested", item.check, item.by, f"since {item.on}; evidence: {item.evidence}") for item in run.attest]
    if run.without_attestations:
        resting = str(run.results["ledger"]["days_attested"].sum())
        stand = str(run.without_attestations["days_credited"])
        rows.append(("attested", "credited days that rest on an attestation", resting, "days of which any session rests on one"))
        rows.append(("attested", "credited days without any attestation", stand, "the ledger computed again, the attested checks holding"))
    unmade = run.results["holds"].filter(pl.col("severity").is_in(["not_checked", "attested"]))
    for code, severity, lines in unmade.group_by("code", "severity").len().sort("code", "severity").iter_rows():
        rule = law.hold_rules()[code]
        rows.append((severity.replace("_", " "), code, f"{lines} lines", "listed in Exceptions", rule.citation, rule.certainty))
    rows += [
        ("not in the data", f"{table}.{column}" if column else table, "absent", "what it would show is not checked")
        for table, column in sorted(run.absent)
    ]
    return _fact_table([*rows, *(("certainty", grade, meaning) for grade, meaning in law.GRADES.items())])


def _policies(run: Run) -> list[tuple[str, ...]]:
    """Return the policy in force, that of each further LEA where it differs, and the risks accepted."""
    rows: list[tuple[str, ...]] = []
    chosen = [("policy", run.policy)]
    for one in run.leas[1:]:
        rows.append(("program", "further LEA", one.lea.name, f"code {one.lea.code}; rules {one.rule_version}; {len(one.schools)} schools"))
        own = {name: value for name, value in one.policy.items() if run.policy.get(name) != value}
        chosen.append((f"policy of {one.lea.code}", own))
    for section, policy in chosen:
        for knob in law.knobs().values():
            value = policy.get(knob.name, knob.default if policy is run.policy else "")
            if knob.values and value:
                does = knob.values.get(value, "the minutes given in the configuration")
                rows.append((section, f"K{knob.number} {knob.name}", value, does, knob.citation, knob.certainty))
        rows += [(section, "risk accepted", "accept_risk = true", told) for told in law.accepted_risks(policy)]
    return rows


def rules(run: Run) -> pl.DataFrame:
    """Return the rules of the year: each value of law and each reason for a hold, with citation and certainty."""
    year = law.load(run.year.name)
    valued = [(name, fact, fact.help) for name, fact in {**year.facts, **year.type_minutes, **year.grade_minutes}.items()]
    valued += [(name, fact, "under K18 special_minutes = table only") for name, fact in year.table_minutes.items()]
    rows = [("law", name, law.shown(fact.on(run.as_of)), says, fact.citation, fact.certainty) for name, fact, says in valued]
    basis = "basis on which an enrollment's alternate minimum replaces a longer one"
    rows += [("law", name, "", basis, fact.citation, fact.certainty) for name, fact in year.bases.items()]
    rows += [("hold", rule.code, rule.severity, rule.message, rule.citation, rule.certainty) for rule in law.hold_rules().values()]
    return _fact_table(rows)


def _verdict(agrees: pl.Expr) -> pl.Expr:
    return pl.when(agrees).then(pl.lit(OK)).otherwise(pl.lit(DIFFERENT)).alias("tie")


def _local_ids(run: Run) -> pl.DataFrame:
    return run.tables["students"].select("ssid", "local_student_id")


def pupils(run: Run) -> pl.DataFrame:
    """Return the ledger, one row a student."""
    raw = pl.sum_horizontal("minutes_held", "minutes_cut", "minutes_not_counted", "minutes_counted")
    counted = pl.sum_horizontal("minutes_used", "minutes_banked", "minutes_forfeited")
    return (
        run.results["ledger"]
        .join(_local_ids(run), on="ssid", how="left")
        .with_columns(_verdict((pl.col("minutes_raw") == raw) & (pl.col("minutes_counted") == counted)))
        .sort("ssid")
    )


def matches(run: Run) -> pl.DataFrame:
    """Return every credited day with the absence it met, the program and every session date that paid for it."""
    programs = run.tables["sessions"].select("session_id", "program_name")
    paid = (
        run.results["credit_sessions"]
        .join(programs, on="session_id", how="left")
        .sort("ssid", "absence_date", "session_date", "session_id")
        .group_by("ssid", "absence_date", maintain_order=True)
        .agg(
            pl.col("session_date").dt.strftime("%Y-%m-%d").str.join("; ").alias("session_dates"),
            pl.col("program_name").drop_nulls().unique().sort().str.join("; ").alias("programs"),
        )
    )
    applied = run.tables["applied_days"].select("ssid", "absence_date", "applied_by", "applied_at")
    return (
        run.results["credits"]
        .join(paid, on=["ssid", "absence_date"], how="left")
        .join(applied.unique(["ssid", "absence_date"], keep="first", maintain_order=True), on=["ssid", "absence_date"], how="left")
        .join(_local_ids(run), on="ssid", how="left")
        .sort("ssid", "absence_date", "absence_school_code")
        .pipe(lambda rows: audit_ada.with_periods(run, rows))
    )


def payments(run: Run) -> pl.DataFrame:
    """Return which session gave how many minutes to which credited day."""
    return run.results["credit_sessions"].sort("ssid", "absence_date", "session_date", "session_id")


def sessions(run: Run) -> pl.DataFrame:
    """Return every session with its staff, its students, and what the ledger's ratio test said of it."""
    staff = (
        run.tables["session_staff"]
        .sort("session_id", "staff_id")
        .group_by("session_id")
        .agg(
            pl.col("staff_id").filter(pl.col("role") == "teacher").n_unique().cast(pl.Int64).alias("teachers"),
            pl.col("staff_id").filter(pl.col("role") == "teacher").unique(maintain_order=True).str.join("; ").alias("teacher_ids"),
            pl.col("staff_id").filter(pl.col("role") == "aide").n_unique().cast(pl.Int64).alias("aides"),
        )
    )
    present = pl.col("minutes_raw") > 0
    young = present & pl.col("grade").is_in(["TK", "KN"])
    time = (
        run.results["time_entries"]
        .group_by("session_id")
        .agg(
            pl.col("ssid").filter(present).n_unique().cast(pl.Int64).alias("students"),
            pl.col("ssid").filter(young).n_unique().cast(pl.Int64).alias("young"),
            pl.col("minutes_raw", "minutes_counted").sum(),
        )
    )
    noted = run.results["holds"].filter(pl.col("scope") == "session", pl.col("session_id").is_not_null())
    codes = noted.group_by("session_id").agg(
        pl.format("{} ({})", "code", "severity").unique().sort().str.join("; ").alias("codes"),
        pl.col("severity").filter(pl.col("code") == "ratio").first().alias("severity"),
        (pl.col("code") == "no_qualifying_teacher").any().alias("untaught"),
    )
    whole = run.results["holds"].filter(pl.col("scope") == "lea", pl.col("code") == "ratio")["severity"]
    breach = {"hold": "breach: held", "warn": "breach: warning", "released": "breach: released", "not_checked": "not checked"}
    otherwise = whole[0].replace("_", " ") if whole.len() else "within"
    few, many = (days.dated(run, name) for name in ("ratio_tk_kn", "ratio_other"))
    limit = pl.when(pl.col("young") > 0).then(few).otherwise(many)
    count = pl.col("teachers", "aides", "students", "young", "minutes_raw", "minutes_counted")
    people = pl.col("students") + pl.col("other_students_present").fill_null(0)
    return (
        run.tables["sessions"]
        .join(staff, on="session_id", how="left")
        .join(time, on="session_id", how="left")
        .join(codes, on="session_id", how="left")
        .with_columns(count.fill_null(0))
        .with_columns(
            limit.cast(pl.Int64).alias("limit"),
            pl.col("other_students_present").alias("others"),
            pl.when(pl.col("teachers") > 0).then(people / pl.col("teachers")).alias("per_teacher"),
            pl.when(pl.col("severity").is_not_null())
            .then(pl.col("severity").replace_strict(breach, default="see holds"))
            .when(pl.col("untaught").fill_null(value=False))
            .then(pl.lit("not tested: no teacher"))
            .otherwise(pl.lit(otherwise))
            .alias("ratio"),
        )
        .sort("date", "session_id")
    )


def roster(run: Run) -> pl.DataFrame:
    """Return every row of participation with what it counted, who verified it, and the source line."""
    names = {item.sha256: item.name for item in run.inputs}
    evidence = run.tables["participation"].select(
        "session_id", "ssid", "sign_in", "sign_out", "evidence_ref", pl.col("verified_at").alias("own")
    )
    verified = run.tables["sessions"].select("session_id", "verified_at", "break_minutes")
    return (
        run.results["time_entries"]
        .join(evidence, on=["session_id", "ssid"], how="left")
        .join(verified, on="session_id", how="left")
        .join(_local_ids(run), on="ssid", how="left")
        .with_columns(
            pl.coalesce("own", "verified_at").alias("verified_at"),
            pl.col("_file").replace(names).alias("file"),
        )
        .sort("school_code", "date", "session_id", "ssid", nulls_last=True)
    )


def teachers(run: Run) -> pl.DataFrame:
    """Return the staff with their credentials and the sessions they are listed for."""
    dates = run.tables["sessions"].select("session_id", "date")
    role = pl.col("role")
    listed = (
        run.tables["session_staff"]
        .join(dates, on="session_id")
        .join(run.tables["staff"].select("staff_id", "credential_expires"), on="staff_id", how="left")
        .group_by("staff_id")
        .agg(
            pl.col("session_id").filter(role == "teacher").n_unique().cast(pl.Int64).alias("as_teacher"),
            pl.col("session_id").filter(role == "aide").n_unique().cast(pl.Int64).alias("as_aide"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
            pl.col("session_id")
            .filter((role == "teacher") & (pl.col("date") > pl.col("credential_expires")))
            .n_unique()
            .cast(pl.Int64)
            .alias("after_expiry"),
        )
    )
    counts = pl.col("as_teacher", "as_aide", "after_expiry").fill_null(0)
    return run.tables["staff"].join(listed, on="staff_id", how="full", coalesce=True).with_columns(counts).sort("staff_id")


_STAS_PARTS = ("attended", "suspension_out", "suspension_in", "excused", "unexcused", "independent_study_non_ada", "independent_study_ada")


def stas(run: Run) -> pl.DataFrame:
    """Return the rows of STAS, those of hourly schools too, each with the count of its credits."""
    counted = calpads_stas.rows(run).filter("public")
    balanced = pl.col("exempt") | (pl.col("expected") == pl.sum_horizontal(_STAS_PARTS))
    return counted.with_columns(_verdict((pl.col("recovery_days").fill_null(0) == pl.col("credits")) & balanced))


def exceptions(run: Run) -> pl.DataFrame:
    """Return everything that was held, cut, warned of, not checked, attested or released, and who decided on it, when and why."""
    decided = run.tables["dispositions"].select("disposition_id", "decision", "decided_by", "decided_at", "reason", "evidence_ref")
    lines = run.results["holds"].join(decided, on="disposition_id", how="left")
    return lines.sort("code", "scope", "session_id", "ssid", "date", nulls_last=False)


def refused(run: Run) -> pl.DataFrame:
    """Return the quarantine without the values, which stand in ``quarantine.csv`` only."""
    return run.quarantine.sort("source", "file", "line", "table", "column", "code", nulls_last=False)


def changes(run: Run) -> pl.DataFrame:
    """Return the change log: each decision of a person that altered what the data alone would give."""
    return run.tables["dispositions"].sort("decided_at", "disposition_id", nulls_last=False)


def sources(run: Run) -> pl.DataFrame:
    """Return the raw files of the run."""
    kinds = {column.name: pl.Int64 if column.kind == "int" else pl.String for column in columns("Sources") if not column.formula}
    table = pl.DataFrame([{name: getattr(item, name) for name in kinds} for item in run.inputs], schema=kinds)
    return table.with_columns(_verdict(pl.col("rows_read") == pl.col("rows_kept") + pl.col("rows_refused"))).sort("source", "feed", "name")
