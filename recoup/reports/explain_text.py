"""A story for the terminal: at most 100 columns wide."""

from __future__ import annotations

import textwrap
from datetime import date
from typing import TYPE_CHECKING, Any

from recoup.reports.words import FIGURES, KINDS, MENDED, count, day_left, listed, rule, where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 100

Row = dict[str, Any]


def as_text(told: Mapping[str, Any]) -> str:
    """Lay a story out for a person. A rule, and what would release a hold, is told in full the first time and not again."""
    new = _Once()
    chapters = [
        _head(told, new),
        _chapter("What makes a day", [line for row in told["minimum_schooldays"] for line in _minimum(row, new)]),
        _chapter(
            "Sessions and the bank", [line for row in told["dates"] for line in _date(row, new, several=len(told["left"]["banks"]) > 1)]
        ),
        _chapter("Days earned", [line for row in told["days"] for line in _day(row, new)]),
        _chapter("Days credited", [line for row in told["credits"] for line in _credit(row, new)]),
        _chapter("Absences", [line for row in told["absences"] for line in _absence(row, new)]),
        _chapter("What is left", _left(told, new)),
    ]
    if told["notes"]:
        chapters.append(_chapter("Also noted", [line for row in told["notes"] for line in _step(row, 2, new)]))
    if told["doubtful"]:
        chapters.append(_chapter("What is not certain", _doubtful(told["doubtful"])))
    return "\n\n".join("\n".join(lines) for lines in chapters)


class _Once:
    """What was told before is not told again."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, text: str) -> str:
        """Return the text the first time, and nothing later."""
        if text in self._told:
            return ""
        self._told.add(text)
        return text


def _wrap(text: str, indent: int, hang: int = 2) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + hang), break_on_hyphens=False, break_long_words=False
    )


def _aside(text: str, source: str) -> list[str]:
    """Set a source at the right edge, on a line of its own where there is no room beside the text."""
    room = WIDTH - len(text) - 2
    if len(source) <= room:
        return [f"{text}{source:>{WIDTH - len(text)}}"]
    return [*_wrap(text.lstrip(), len(text) - len(text.lstrip())), f"{source:>{WIDTH}}"]


def _chapter(title: str, lines: Sequence[str]) -> list[str]:
    return [title.upper(), *(lines or ["  None."])]


def _on(day: str) -> str:
    """Return a date with its weekday."""
    return f"{date.fromisoformat(day):%a} {day}"


def _head(told: Mapping[str, Any], new: _Once) -> list[str]:
    person, figures = told["student"], told["figures"]
    lea = f"{told['lea']['name']} ({told['lea']['code']}), {told['school_year']} as of {told['as_of']}"
    lines = [
        *_aside(f"Student {person['ssid']}  {person['name']}".rstrip(), where(person["source"])),
        lea,
        f"run {told['run_id']}, rules {told['rule_version']}",
        "",
    ]
    lines += [
        f"  {figures[name]:>6,}  {title}" for name, title in FIGURES.items() if figures[name] or name in ("days_earned", "days_credited")
    ]
    if told["without_attestations"]:
        lines.append(f"  {told['without_attestations']['days_credited']:>6,}  days credited would stand without any attestation")
    lines += [line for risk in told["risks"] for line in ("", *_wrap(f"Risk: {risk}", 2))]
    if told["doubtful"]:
        grades = sorted({row["certainty"] for row in told["doubtful"]})
        lines += ["", *_wrap(f"Some of these figures rest on facts graded {listed(grades)}: see WHAT IS NOT CERTAIN.", 2)]
    for one in told["attested"]:
        lines += _wrap(f"Attested: {one['check']}, by {one['by']}, since {one['on']}; evidence: {one['evidence']}.", 2)
    for one in told["policy"]:
        means = f": {one['means']}" if one["means"] != one["value"] else ""
        whose = f" for LEA {one['lea']}" if one["lea"] else ""
        lines += _wrap(f"Policy K{one['k']} {one['name']} = {one['value']}{whose}{means}. {new(rule(one))}", 2)
    return lines


def _minimum(row: Row, new: _Once) -> list[str]:
    minutes = "no minutes" if row["minutes"] is None else f"{row['minutes']} minutes"
    span = row["from"] if row["from"] == row["to"] else f"{row['from']} to {row['to']}"
    place = f"{row['school_code']} {row['school_name'] or ''}".rstrip()
    return [*_aside(f"  {minutes}, {span}", where(row["source"])), *_wrap(f"{row['because']}, at {place}. {new(rule(row))}", 6, 0)]


def _date(row: Row, new: _Once, *, several: bool) -> list[str]:
    lines = [line for session in row["sessions"] for line in _session(row["date"], session, new)]
    bank = row["bank"]
    if bank is None:
        return [*lines, "      Nothing of this date goes into the bank."]
    of = f" of LEA {bank['lea']}" if several else ""
    told = f"{bank['put']} into the bank{of}"
    if bank["day"]:
        told += f"; day {bank['day']} is earned and takes {bank['taken']}"
    if bank["lapsed"]:
        told += f"; {bank['lapsed']} lapse"
    return [*lines, *_wrap(f"{told}. {'This' if several else 'The'} bank holds {count(bank['after'], 'minute')}.", 6)]


def _session(day: str, row: Row, new: _Once) -> list[str]:
    clock = f"{row['start_time'] or '?'}-{row['end_time'] or '?'}"
    name = f"{row['session_id']} {row['program_name'] or ''}".rstrip()
    parts = [f"{row['minutes_raw']} recorded"]
    parts += [
        f"{row[column]} {word}"
        for column, word in (
            ("minutes_held", "held"),
            ("minutes_cut", "cut"),
            ("minutes_not_counted", "below the hour"),
            ("minutes_counted", "counted"),
            ("minutes_forfeited", "of them forfeited"),
        )
        if row[column] or column == "minutes_counted"
    ]
    lines = [*_aside(f"  {_on(day)}  {clock}  {name}", where(row["source"])), *_wrap(f"{', '.join(parts)}.", 6)]
    return [*lines, *(line for step in row["steps"] for line in _step(step, 6, new, row["source"]))]


def _decision(one: Row, indent: int) -> list[str]:
    said = f"Decision {one['disposition_id']} ({one['decision']}) by {one['decided_by'] or '?'}: {one['reason'] or 'no reason given'}."
    return _aside(f"{' ' * indent}{said}", where(one["source"]))


def _step(step: Row, indent: int, new: _Once, above: Row | None = None) -> list[str]:
    """Tell a step; its source where it is another than that of the line above."""
    minutes = f" {count(step['minutes'], 'minute')}:" if step["minutes"] else ""
    day = f" {step['date']}:" if indent == 2 and step["date"] else ""
    place = f" ({where(step['source'])})" if step["source"] and step["source"] != above else ""
    said = f"{KINDS[step['kind']]} {step['code']}:{day}{minutes} {step['says']}{place} {new(rule(step))}"
    lines = _wrap(said.rstrip(), indent)
    if step["decision"]:
        lines += _decision(step["decision"], indent + 2)
    release = new(step["release"]) if step["kind"] in MENDED else ""
    opening = "" if step["kind"] == "unchecked" else "Released by: "
    return [*lines, *(_wrap(f"{opening}{release}", indent + 2) if release else [])]


def _day(row: Row, new: _Once) -> list[str]:
    paid = " + ".join(f"{one['minutes']} of {one['session_id']} ({one['session_date']}, {where(one['source'])})" for one in row["paid_by"])
    lines = [f"  Day {row['named']}  earned on {_on(row['earned_on'])}", *_wrap(f"{row['minutes']} minutes: {paid}.", 6)]
    if row["absence_date"]:
        met = f"      Met the absence of {_on(row['absence_date'])} at {row['absence_school_code']}."
        return [*lines, *_aside(met, where(row["absence_source"]))]
    return [*lines, *(line for step in row["waits"] for line in _wrap(f"It waits: {step['says']} {new(rule(step))}", 6))]


def _credit(row: Row, new: _Once) -> list[str]:
    kind = ", ".join(filter(None, (row["absence_kind"], row["absence_source_code"] and f"code {row['absence_source_code']}")))
    absence = f"  Absence {_on(row['absence_date'])}  {row['school_of_absence']}{f'  ({kind})' if kind else ''}"
    lines = _aside(absence, where(row["absence_source"]))
    if row["origin"] == "applied":
        paid = "paid elsewhere" if row["paid_elsewhere"] else f"paid by day {row['day']}" if row["day"] else "without an earned day"
        lines += _aside(f"      Applied by the SIS or an earlier system, {paid}.", where(row["applied_source"]))
    else:
        lines += _wrap(f"Met by day {row['day']} ({row['matched']['says']}). {new(rule(row['matched']))}", 6)
    lines += _wrap(
        f"Counts on {_on(row['credited_on']) if row['credited_on'] else '?'} ({row['dated']['says']}). {new(rule(row['dated']))}", 6
    )
    lines += _wrap(f"Counts at {row['absence_school_code']} ({row['school']['says']}). {new(rule(row['school']))}", 6)
    lines += [line for one in row["decisions"] for line in _decision(one, 6)]
    return [*lines, *(line for step in row["notes"] for line in _step(step, 6, new, row["applied_source"]))]


def _absence(row: Row, new: _Once) -> list[str]:
    part = "" if row["full_day"] else ", part of the day"
    state = {"met": "met", "open": "can still be recovered", "not_eligible": "not recovered"}[row["status"]]
    code = f" {row['source_code']}" if row["source_code"] else ""
    lines = _aside(f"  {_on(row['date'])}  {row['school_code']}  {row['kind']}{code}{part}: {state}", where(row["source"]))
    why = row["why"]
    return [*lines, *(_wrap(f"{why['says']} {new(rule(why))}", 6) if why else [])]


def _left(told: Mapping[str, Any], new: _Once) -> list[str]:
    left = told["left"]
    lines = [f"  {count(left['absences'], 'absence')} that can be recovered", f"  {count(left['cap'], 'day')} under the cap of the year"]
    lines += [f"  {count(left['days_waiting'], 'day')} earned and waiting", *_wrap(new(rule(left["rule"])), 6)]
    return [*lines, *(line for bank in left["banks"] for line in _wrap(day_left(bank, several=len(left["banks"]) > 1), 2))]


def _doubtful(rows: Sequence[Row]) -> list[str]:
    return [
        line for row in rows for line in _wrap(f"{row['certainty']}  {row['citation']} ({row['means']}): {listed(row['figures'])}", 2, 3)
    ]
