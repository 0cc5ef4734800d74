"""A story as one page that needs nothing else: headings and tables that a screen reader can follow, and that print well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import html
from lxml.html.builder import (
    BODY,
    CAPTION,
    CLASS,
    H1,
    H2,
    HEAD,
    HEADER,
    HTML,
    MAIN,
    META,
    SECTION,
    STYLE,
    TABLE,
    TBODY,
    TD,
    TH,
    THEAD,
    TITLE,
    TR,
    P,
)

from recoup.reports.words import FIGURES, KINDS, MENDED, count, day_left, listed, rule, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lxml.html import HtmlElement

Row = dict[str, Any]

_STYLE = """
body { font: 1rem/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 2px solid #1f4e79; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0 1.5rem; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { border: 1px solid #767676; padding: .3rem .5rem; text-align: left; vertical-align: top; }
thead th { background: #e8eef4; } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } thead { display: table-header-group; }
  tr { break-inside: avoid; } h2 { break-after: avoid; } thead th { background: none; } @page { size: landscape; margin: 12mm; } }
"""


def as_html(told: Mapping[str, Any]) -> bytes:
    """Return a story as an HTML page in UTF-8; every text of it is escaped."""
    person = told["student"]
    title = f"Attendance recovery of student {person['ssid']}, {told['school_year']}"
    page = HTML(
        HEAD(META(charset="utf-8"), META(name="viewport", content="width=device-width, initial-scale=1"), TITLE(title), STYLE(_STYLE)),
        BODY(HEADER(H1(title), *_head(told)), MAIN(*(section for section in _sections(told)))),
        lang="en",
    )
    written: bytes = html.tostring(page, doctype="<!DOCTYPE html>", encoding="utf-8", pretty_print=True)
    return written


def _head(told: Mapping[str, Any]) -> list[HtmlElement]:
    person, lea = told["student"], told["lea"]
    lines = [
        f"{person['name']} · {lea['name']} ({lea['code']}) · as of {told['as_of']}",
        f"Run {told['run_id']}, rules {told['rule_version']}. Student: {where(person['source'])}.",
    ]
    lines += [f"Attested: {one['check']}, by {one['by']}, since {one['on']}; evidence: {one['evidence']}." for one in told["attested"]]
    if told["without_attestations"]:
        lines.append(f"Days credited that would stand without any attestation: {told['without_attestations']['days_credited']}.")
    lines += [f"Risk: {risk}" for risk in told["risks"]]
    if told["doubtful"]:
        grades = sorted({row["certainty"] for row in told["doubtful"]})
        lines.append(f"Some of these figures rest on facts graded {listed(grades)}: see What is not certain.")
    return [P(line) for line in lines]


def _sections(told: Mapping[str, Any]) -> Iterable[HtmlElement]:
    figures = told["figures"]
    yield _section("In short", _table("Days and minutes of the year", ("", ""), [(FIGURES[name], figures[name]) for name in FIGURES]))
    if told["policy"]:
        chosen = [(f"K{one['k']} {one['name']}", one["value"], one["lea"] or "", one["means"], rule(one)) for one in told["policy"]]
        titles = ("Setting", "Value", "For LEA", "Means", "Rule")
        yield _section("Policy", _table("Settings that are not the default", titles, chosen))
    yield _section("What makes a day", _minimums(told["minimum_schooldays"]))
    yield _section("Sessions and the bank", _sessions(told["dates"]), _banks(told["dates"]), _steps(told["dates"]))
    yield _section("Days earned", _days(told["days"]))
    yield _section("Days credited", _credits(told["credits"]))
    yield _section("Absences", _absences(told["absences"]))
    yield _section("What is left", *(P(line) for line in _left(told["left"])))
    if told["notes"]:
        yield _section("Also noted", _table("Notes on the student", _STEP, [_step(row["date"] or "", "", row) for row in told["notes"]]))
    if told["doubtful"]:
        rows = [(row["citation"], row["certainty"], row["means"], listed(row["figures"])) for row in told["doubtful"]]
        head = ("Source", "Grade", "Which means", "Figures that rest on it")
        yield _section("What is not certain", _table("Facts graded C, D or U that this story rests on", head, rows))


def _section(title: str, *content: HtmlElement) -> HtmlElement:
    return SECTION(H2(title), *content)


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> HtmlElement:
    """Return a table with its caption; the first cell of each row is the row's heading, whole numbers stand to the right."""
    if not rows:
        return P(f"{caption}: none.")
    body = [TR(TH(str(first), scope="row"), *(_cell(value) for value in rest)) for first, *rest in rows]
    heads = [THEAD(TR(*(TH(text, scope="col") for text in head)))] if any(head) else []
    return TABLE(CAPTION(caption), *heads, TBODY(*body))


def _cell(value: object) -> HtmlElement:
    if isinstance(value, int) and not isinstance(value, bool):
        return TD(f"{value:,}", CLASS("number"))
    return TD("" if value is None else str(value))


def _minimums(rows: Sequence[Row]) -> HtmlElement:
    head = ("From", "To", "Minutes", "Because", "School", "Rule", "Source")
    cells = [
        (
            row["from"],
            row["to"],
            row["minutes"],
            row["because"],
            f"{row['school_code']} {row['school_name'] or ''}",
            rule(row),
            where(row["source"]),
        )
        for row in rows
    ]
    return _table("Minutes that make a day", head, cells)


def _sessions(dates: Sequence[Row]) -> HtmlElement:
    head = ("Date", "Session", "Time", "Recorded", "Held", "Cut", "Below the hour", "Counted", "Of them forfeited", "Source")
    columns = ("minutes_raw", "minutes_held", "minutes_cut", "minutes_not_counted", "minutes_counted", "minutes_forfeited")
    cells = [
        (
            day["date"],
            f"{row['session_id']} {row['program_name'] or ''}".rstrip(),
            f"{row['start_time'] or '?'}–{row['end_time'] or '?'}",
            *(row[column] for column in columns),
            where(row["source"]),
        )
        for day in dates
        for row in day["sessions"]
    ]
    return _table("Sessions, in minutes", head, cells)


def _banks(dates: Sequence[Row]) -> HtmlElement:
    head = ("Date", "LEA", "Minimum schoolday", "Into the bank", "Day earned", "Taken for it", "Lapsed", "Bank after")
    columns = ("lea", "minimum_schoolday", "put", "day", "taken", "lapsed", "after")
    return _table(
        "The bank after each date, in minutes",
        head,
        [(day["date"], *(day["bank"][column] for column in columns)) for day in dates if day["bank"]],
    )


_STEP = ("Date", "Session", "What", "Minutes", "Why", "Rule", "Decided, or released by", "Source")


def _step(day: str, session: str, step: Row) -> tuple[object, ...]:
    decision = step["decision"]
    said = step["release"] if step["kind"] in MENDED else ""
    if decision:
        said = f"{_decision(decision)} {said}".rstrip()
    return day, session, f"{KINDS[step['kind']]} {step['code']}", step["minutes"], step["says"], rule(step), said, where(step["source"])


def _decision(one: Row) -> str:
    told = f"{one['disposition_id']} ({one['decision']}) by {one['decided_by'] or '?'}: {one['reason'] or ''}"
    return f"{told} ({where(one['source'])})."


def _steps(dates: Sequence[Row]) -> HtmlElement:
    cells = [_step(day["date"], row["session_id"], step) for day in dates for row in day["sessions"] for step in row["steps"]]
    return _table("Holds, cuts, roundings and warnings", _STEP, cells)


def _days(rows: Sequence[Row]) -> HtmlElement:
    head = ("Day", "Earned on", "Minutes", "Paid by", "Absence met, or why it waits")
    cells = []
    for row in rows:
        paid = "; ".join(
            f"{one['minutes']} of {one['session_id']} ({one['session_date']}, {where(one['source'])})" for one in row["paid_by"]
        )
        waits = " ".join(f"{step['says']} {rule(step)}" for step in row["waits"])
        met = f"It waits: {waits}"
        if row["absence_date"]:
            place = where(row["absence_source"])
            met = f"{row['absence_date']} at {row['absence_school_code']}{f' ({place})' if place else ''}"
        cells.append((row["named"], row["earned_on"], row["minutes"], paid, met))
    return _table("Days earned", head, cells)


def _credits(rows: Sequence[Row]) -> HtmlElement:
    head = ("Absence", "School", "Kind", "Paid by", "Counts on", "Counts at", "Rules", "Decided", "Notes", "Source")
    cells = []
    for row in rows:
        day = f"day {row['day']}" if row["day"] else "paid elsewhere" if row["paid_elsewhere"] else "no earned day"
        cited = [f"{row[name]['says']} {rule(row[name])}" for name in ("matched", "dated", "school") if row[name]]
        sources = "; ".join(filter(None, (where(row["absence_source"]), where(row["applied_source"]))))
        notes = " ".join(f"{KINDS[note['kind']]} {note['code']}: {note['says']} {rule(note)}" for note in row["notes"])
        cells.append(
            (
                row["absence_date"],
                row["school_of_absence"],
                row["absence_kind"],
                f"{day}, {row['origin']}",
                row["credited_on"],
                row["absence_school_code"],
                "; ".join(cited),
                " ".join(_decision(one) for one in row["decisions"]),
                notes,
                sources,
            )
        )
    return _table("Days credited", head, cells)


def _absences(rows: Sequence[Row]) -> HtmlElement:
    head = ("Date", "School", "Kind", "Code", "Whole day", "What became of it", "Source")
    states = {"met": "met", "open": "can still be recovered"}
    cells = [
        (
            row["date"],
            row["school_code"],
            row["kind"],
            row["source_code"],
            "yes" if row["full_day"] else "no",
            states.get(row["status"]) or f"{row['why']['says']} {rule(row['why'])}",
            where(row["source"]),
        )
        for row in rows
    ]
    return _table("Attendance exceptions", head, cells)


def _left(left: Row) -> list[str]:
    lines = [
        f"{count(left['absences'], 'absence')} that can be recovered.",
        f"{count(left['cap'], 'day')} under the cap of the year. {rule(left['rule'])}",
    ]
    lines.append(f"{count(left['days_waiting'], 'day')} earned and waiting.")
    return [*lines, *(day_left(bank, several=len(left["banks"]) > 1) for bank in left["banks"])]
