"""The result tables, with ids, dates and words put back: time_entries, credited, credit_sessions, ledger, holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup import law as rules
from recoup.ledger.bank import UNITS
from recoup.ledger.days import SPREAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.ledger.encode import Book
    from recoup.ledger.engine import Engine
    from recoup.ledger.match import Matching
    from recoup.ledger.setting import Setting
    from recoup.ledger.time import Time

#: A hold line in numbers; what does not apply is null.
LINE = {
    "scope": pl.String,
    "sess": pl.Int64,
    "who": pl.Int64,
    "date": pl.Int64,
    "code": pl.String,
    "severity": pl.String,
    "said": pl.Int64,
    "minutes": pl.Int64,
}

#: More than the sessions of any LEA.
SESSIONS = 1_000_000_000
#: What a line says before the sentence of its code, where the code alone would say that the check failed.
OPENINGS = {"not_checked": "Could not be checked: ", "attested": "Not checked, but answered for: ", "released": "Released: "}
#: K8: the date that puts a credited day into a reporting period.
CREDITED_ON = {"later_of_both": pl.max_horizontal("date", "earned_on"), "absence_date": pl.col("date"), "earned_on": pl.col("earned_on")}


def _date(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int32).cast(pl.Date)


def _named(frame: pl.DataFrame, ids: pl.DataFrame, column: str) -> pl.DataFrame:
    """Add the id text for a number column."""
    return frame.join(ids.rename({"id": column}), on=ids.columns[0], how="left", maintain_order="left")


def entries_of(time: Time, paid: pl.DataFrame, engine: Engine) -> pl.DataFrame:
    """Return every participation row in its order, with what it counted (nulls where held); lapsed minutes count as forfeited."""
    rows = engine.take(time.rows.select("row", "who", "sess", "date", "minutes", "held", "attested", "enrolled", "grade", "schoolday"))
    worked = engine.take(time.worked.select("row", "remaining", "counted", "forfeited"))
    lapsed = paid.filter(pl.col("day").is_null()).group_by("row").agg(lapsed=pl.col("minutes").sum())
    if lapsed.height:
        worked = worked.join(lapsed, on="row", how="left").with_columns(pl.col("forfeited") + pl.col("lapsed").fill_null(0)).drop("lapsed")
    return rows.sort("row").join(worked, on="row", how="left", maintain_order="left")


def time_entries(tables: Mapping[str, pl.DataFrame], book: Book, entries: pl.DataFrame, fails: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one row a participation row, in order of ssid and session_id: what it counted, and why not more."""
    stands = pl.col("severity").is_in(["hold", "not_checked"]) & ~pl.col("released")
    by_session = entries.select("row", "sess").join(fails["session"].filter(stands), on="sess")
    codes = pl.concat([part.select("row", "code") for part in (by_session, fails["row"].filter(stands), fails["cuts"])])
    codes = codes.unique().sort("row", "code").group_by("row", maintain_order=True).agg(codes=pl.col("code").str.join(";"))
    source = tables["participation"][book.entries["origin"]]
    named = tables["sessions"].sort("session_id").select("date", "school_code", "program_name", "start_time", "end_time", by="verified_by")
    sessions = named[entries["sess"]]
    cut = pl.col("minutes") - pl.col("remaining")
    placed = fails["row"].filter((pl.col("code") == "not_enrolled") & pl.col("released"))["row"]
    known = pl.col("enrolled") | pl.col("row").is_in(placed.implode())
    outcome = pl.when("held").then(pl.lit("held")).when(cut > 0).then(pl.lit("cut")).otherwise(pl.lit("counted"))
    own = entries.join(codes, on="row", how="left", maintain_order="left").select(
        minutes_raw="minutes",
        minutes_cut=cut.fill_null(0),
        minutes_counted=pl.col("counted").fill_null(0),
        minutes_forfeited=pl.col("forfeited").fill_null(0),
        outcome=outcome,
        codes="codes",
        grade=pl.when(known).then("grade"),
        minimum_schoolday=pl.when(known).then("schoolday"),
    )
    verified = source.select("verified_by").with_columns(sessions["by"]).select(verified_by=pl.coalesce("verified_by", "by"))
    parts = [source.select("ssid", "session_id"), sessions.drop("by"), own, verified, source.select("_source", "_file", "_line")]
    return pl.concat(parts, how="horizontal")


def credit_tables(
    book: Book, matching: Matching, paid: pl.DataFrame, setting: Setting, version: str, engine: Engine
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (credited, credit_sessions), in order of ssid and absence date (and session date)."""
    # The orders are made by number, one column at a time, and the ids put on last: sorting text costs the most here.
    order = (pl.col("who") * SPREAD + pl.col("date")) * SPREAD + pl.col("school")
    credited = engine.take(matching.credits).sort(order, "purse")
    credited = credited.with_row_index("credit")
    # Two LEAs of a student may each credit the same date.
    claim = (pl.col("who") * SPREAD + pl.col("date")).rle_id().cast(pl.Int64)
    keys = credited.with_columns(claim=claim).filter(pl.col("day").is_not_null()).select("credit", "claim", "purse", "day", absence="date")
    paid = paid.join(keys, on=["purse", "day"]).sort(pl.col("credit").cast(pl.Int64) * SPREAD + pl.col("place"))
    paid = paid.with_columns(session_id=book.sess["id"].gather(paid["sess"]), ssid=book.who["id"].gather(paid["purse"] // UNITS))
    ids = paid.group_by("credit").agg(session_ids=pl.col("session_id").str.join(";"), minutes_used=pl.col("minutes").sum())
    credited = credited.join(ids, on="credit", how="left", maintain_order="left")
    table = credited.select(
        ssid=book.who["id"].gather(credited["who"]),
        absence_date=_date("date"),
        absence_school_code=book.schools["id"].gather(credited["school"]),
        absence_kind="kind",
        earned_on=_date("earned_on"),
        credited_on=CREDITED_ON[setting.policy["credit_date"]].cast(pl.Int32).cast(pl.Date),
        origin=pl.when("applied").then(pl.lit("applied")).otherwise(pl.lit("computed")),
        minutes_used=pl.col("minutes_used").fill_null(0),
        minimum_schoolday="cost",
        session_ids="session_ids",
        grade="grade",
        grade_span=pl.col("grade").replace_strict(dict(setting.law.grade_spans), default=None, return_dtype=pl.String),
        absence_source_code="source_code",
        rule_version=pl.lit(version),
        paid_elsewhere="paid",
    )
    sessions = paid.sort(pl.col("claim") * SESSIONS + pl.col("sess"), maintain_order=True).select(
        "ssid", absence_date=_date("absence"), session_id="session_id", session_date=_date("date"), minutes_used="minutes"
    )
    return table, sessions


def ledger(
    book: Book, entries: pl.DataFrame, matching: Matching, earned: pl.DataFrame, paid: pl.DataFrame, setting: Setting, engine: Engine
) -> pl.DataFrame:
    """Return one row a student, in order of ssid: minutes in and out, days earned, credited and waiting, and what is left."""
    minutes = entries.group_by("who").agg(
        minutes_raw=pl.col("minutes").sum(),
        minutes_held=pl.col("minutes").filter("held").sum(),
        minutes_cut=(pl.col("minutes") - pl.col("remaining")).sum(),
        minutes_not_counted=(pl.col("remaining") - pl.col("counted")).sum(),
        minutes_counted=pl.col("counted").sum(),
        minutes_forfeited=pl.col("forfeited").sum(),
    )
    who = (pl.col("purse") // UNITS).alias("who")
    days = earned.group_by(who).agg(minutes_used=pl.col("cost").sum(), days_earned=pl.len().cast(pl.Int64))
    attested = entries.filter("attested").select("row")
    resting = paid.join(attested, on="row", how="semi").select("purse", "day").unique().with_columns(attested=pl.lit(value=True))
    credited = engine.take(matching.credits.select("purse", "day", "applied", "fits")).join(resting, on=["purse", "day"], how="left")
    counts = credited.group_by(who).agg(
        days_credited=pl.len().cast(pl.Int64),
        days_applied=pl.col("applied").sum().cast(pl.Int64),
        days_taken=pl.col("day").count().cast(pl.Int64),
        absences_met=pl.col("fits").sum().cast(pl.Int64),
        days_attested=pl.col("attested").sum().cast(pl.Int64),
    )
    cap = setting.law.value("annual_cap")
    # Of a student of two LEAs, the one in which other LEAs' days take more of the ten tells what is left.
    foreign = engine.take(matching.foreign).group_by(who).agg(pl.col("foreign").max())
    eligible = engine.take(matching.eligible.select("who")).group_by("who").agg(eligible_absences=pl.len().cast(pl.Int64))
    table = book.who.rename({"id": "ssid"})
    for part in (minutes, days, counts, eligible, foreign):
        table = table.join(part, on="who", how="left", maintain_order="left")
    table = table.with_columns(pl.exclude("who", "ssid").fill_null(0))
    return table.select(
        "ssid",
        "minutes_raw",
        "minutes_held",
        "minutes_cut",
        "minutes_not_counted",
        "minutes_counted",
        "minutes_forfeited",
        "minutes_used",
        minutes_banked=pl.col("minutes_counted") - pl.col("minutes_used") - pl.col("minutes_forfeited"),
        days_earned="days_earned",
        days_credited="days_credited",
        days_applied="days_applied",
        days_waiting=pl.col("days_earned") - pl.col("days_taken"),
        eligible_absences="eligible_absences",
        absences_left=pl.col("eligible_absences") - pl.col("absences_met"),
        cap_left=pl.max_horizontal(cap - pl.col("foreign") - pl.col("days_credited"), pl.lit(0)),
        days_attested="days_attested",
    )


def _lines(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        *(pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name) for name, kind in LINE.items())
    )


def holds(book: Book, entries: pl.DataFrame, fails: Mapping[str, pl.DataFrame], notes: pl.DataFrame, setting: Setting) -> pl.DataFrame:
    """Return every hold, cut, warning and unmade check, each with its sentence, citation and certainty, in order of its keys."""
    entries = entries.select("row", "sess", "who", "date", "minutes")
    sums = entries.group_by("sess").agg(pl.col("minutes").sum())
    dates = book.sessions.select("sess", "date")
    told = pl.col("listed") | pl.col("said").is_not_null()
    shown = pl.when("released").then(pl.lit("released")).otherwise("severity").alias("severity")
    sessions = (
        fails["session"].filter(told).with_columns(shown, scope=pl.lit("session")).join(dates, on="sess").join(sums, on="sess", how="left")
    )
    rows = fails["row"].filter(told).with_columns(shown, scope=pl.lit("participation")).join(entries, on="row")
    cuts = fails["cuts"].with_columns(scope=pl.lit("participation"), severity=pl.lit("cut")).join(entries.drop("minutes"), on="row")
    unmade = pl.DataFrame(
        [("lea", code, setting.unchecked(code)) for code in sorted(setting.blind)],
        {"scope": pl.String, "code": pl.String, "severity": pl.String},
        orient="row",
    )
    lines = pl.concat([_lines(part) for part in (sessions, rows, cuts, notes, unmade)])
    decisions = book.decisions.select("said", "disposition_id")
    meaning = pl.DataFrame(
        [(r.code, r.message, r.citation, r.certainty) for r in rules.hold_rules().values()],
        ["code", "message", "citation", "certainty"],
        orient="row",
    )
    lines = _named(_named(lines, book.who, "ssid"), book.sess, "session_id")
    lines = lines.join(decisions, on="said", how="left").join(meaning, on="code", how="left").with_columns(_date("date"))
    said = pl.col("severity").replace_strict(OPENINGS, default="", return_dtype=pl.String)
    lines = lines.with_columns(message=said + pl.col("message"))
    order = ["scope", "session_id", "ssid", "date", "code", "severity"]
    return lines.select(*order[:5], "severity", "message", "citation", "certainty", "disposition_id", "minutes").sort(
        order, nulls_last=False
    )
