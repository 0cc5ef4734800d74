"""One student's story from a saved run: every session, what it counted, every day earned, the absence it met, and the source lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.ports import Run


def story(run: Run, ssid: str, *, show_names: bool = False) -> dict[str, Any]:
    """Return all that the results say of one student; names as initials unless ``show_names``.

    Raises ``EXPLAIN_UNKNOWN_STUDENT`` (status 2) when the run has no such student.
    """
    person = _of(run.tables["students"], ssid).to_dicts()
    figures = _of(run.results["ledger"], ssid).to_dicts()
    if not person or not figures:
        raise RecoupError("EXPLAIN_UNKNOWN_STUDENT")
    files = {file.sha256: file.name for file in run.inputs}
    names = [person[0]["legal_first_name"] or "", person[0]["legal_last_name"] or ""]
    paid = _of(run.results["credit_sessions"], ssid).sort("absence_date", "session_date", "session_id").to_dicts()
    return {
        "ssid": ssid,
        "name": " ".join(name if show_names else f"{name[:1]}." for name in names if name),
        "run_id": run.run_id,
        "as_of": run.as_of,
        "rule_version": run.rule_version,
        "ledger": {key: value for key, value in figures[0].items() if key != "ssid"},
        "sessions": [
            _session(row, files) for row in _of(run.results["time_entries"], ssid).sort("date", "start_time", "session_id").to_dicts()
        ],
        "days": [
            {
                **{key: value for key, value in credit.items() if key != "ssid"},
                "paid_by": [
                    {key: row[key] for key in ("session_id", "session_date", "minutes_used")}
                    for row in paid
                    if row["absence_date"] == credit["absence_date"]
                ],
                "source": _absence_source(run, credit, files),
            }
            for credit in _of(run.results["credits"], ssid).sort("credited_on", "absence_date").to_dicts()
        ],
        "holds": [
            {key: row[key] for key in ("date", "session_id", "code", "severity", "message", "citation", "certainty", "minutes")}
            for row in _holds(run, ssid).sort("date", "session_id", "code").to_dicts()
        ],
    }


def _of(frame: pl.DataFrame, ssid: str) -> pl.DataFrame:
    return frame.filter(pl.col("ssid") == ssid)


def _holds(run: Run, ssid: str) -> pl.DataFrame:
    """Return the student's own lines, and those of whole sessions the student was in."""
    lines, theirs = run.results["holds"], _of(run.results["time_entries"], ssid).get_column("session_id").unique()
    of_session = (pl.col("scope") == "session") & pl.col("session_id").is_in(theirs.implode())
    return lines.filter((pl.col("ssid") == ssid) | of_session)


def _source(row: Mapping[str, Any], files: Mapping[str, str]) -> str:
    return f"{row['_source']}: {files.get(row['_file'], row['_file'][:12])} line {row['_line']}"


def _session(row: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    told = {key: value for key, value in row.items() if key not in ("ssid", "_source", "_file", "_line")}
    return {**told, "start_time": _clock(row["start_time"]), "end_time": _clock(row["end_time"]), "source": _source(row, files)}


def _clock(minutes: int | None) -> str:
    return "" if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


def _absence_source(run: Run, credit: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """Return where the absence stands; a day applied to an absence that is not in the data has no such line."""
    same = (pl.col("date") == credit["absence_date"]) & (pl.col("school_code") == credit["absence_school_code"])
    rows = _of(run.tables["attendance"], credit["ssid"]).filter(same).to_dicts()
    return _source(rows[0], files) if rows else ""


def as_text(told: Mapping[str, Any]) -> str:
    """Lay the story out for a person."""
    figures = told["ledger"]
    minutes = {"counted": "minutes_counted", "lost to whole hours": "minutes_not_counted", "cut": "minutes_cut", "held": "minutes_held"}
    days = {"earned": "days_earned", "credited": "days_credited", "waiting": "days_waiting"}
    parts = " + ".join(f"{figures[column]:,} {name}" for name, column in minutes.items())
    left = f"{figures['minutes_banked']} minutes banked; {figures['absences_left']} absences, {figures['cap_left']} of the yearly ten left"
    lines = [
        f"{told['ssid']}  {told['name']}  as of {told['as_of']}, rules {told['rule_version']}",
        "",
        f"Sessions: {len(told['sessions'])}. Minutes {figures['minutes_raw']:,} = {parts}.",
    ]
    lines += [line for row in told["sessions"] for line in _session_as_text(row)]
    lines += ["", f"Days: {', '.join(f'{figures[column]} {name}' for name, column in days.items())}; {left}."]
    lines += [line for row in told["days"] for line in _day_as_text(row)]
    if told["holds"]:
        lines += ["", "Holds, cuts and warnings:"]
        lines += [_hold_as_text(row) for row in told["holds"]]
    return "\n".join(lines)


def _session_as_text(row: Mapping[str, Any]) -> list[str]:
    counted = f"{row['minutes_raw']} min, {row['outcome']}: {row['minutes_counted']} counted"
    if row["minutes_cut"]:
        counted += f", {row['minutes_cut']} cut"
    if row["minutes_forfeited"]:
        counted += f", {row['minutes_forfeited']} above the day's minimum"
    codes = f"  [{row['codes']}]" if row["codes"] else ""
    day = f" of {row['minimum_schoolday']} for a day" if row["minimum_schoolday"] else ""
    clock = f"{row['start_time']}-{row['end_time']}"
    return [f"  {row['date']} {clock:<11}  {row['session_id']}  {counted}{day}{codes}", f"      {row['source']}"]


def _day_as_text(row: Mapping[str, Any]) -> list[str]:
    kind = f" ({row['absence_kind']})" if row["absence_kind"] else ""
    earned = f"earned {row['earned_on']}, {row['origin']}, counts on {row['credited_on']}"
    lines = [f"  absence {row['absence_date']}{kind} at {row['absence_school_code']}: {earned}"]
    lines += [f"      {paid['minutes_used']} min of {paid['session_id']} on {paid['session_date']}" for paid in row["paid_by"]]
    return [*lines, *([f"      {row['source']}"] if row["source"] else [])]


def _hold_as_text(row: Mapping[str, Any]) -> str:
    where = " ".join(str(part) for part in (row["date"], row["session_id"]) if part)
    law = f" ({row['citation']}; certainty {row['certainty']})" if row["citation"] else ""
    return f"  {row['severity']} {row['code']} {where}: {row['message']}{law}"
