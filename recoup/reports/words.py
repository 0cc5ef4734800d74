"""The words that the story has in common on the terminal and on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The headline figures, in the order in which they are told.
FIGURES = {
    "days_earned": "days earned",
    "days_credited": "days credited",
    "days_applied": "of them applied before by the SIS or an earlier system",
    "days_attested": "of them rest on an attestation",
    "days_waiting": "days earned and waiting",
    "minutes_raw": "minutes recorded",
    "minutes_held": "minutes held",
    "minutes_cut": "minutes cut",
    "minutes_not_counted": "minutes below whole hours",
    "minutes_counted": "minutes counted",
    "minutes_used": "minutes used for days",
    "minutes_forfeited": "minutes forfeited",
    "minutes_banked": "minutes in the bank",
    "eligible_absences": "absences that can be recovered, those met included",
}
#: How a step is announced.
KINDS = {
    "hold": "Held,",
    "not_checked": "Held,",
    "unchecked": "Not checked,",
    "released": "By decision,",
    "attested": "On somebody's word,",
    "cut": "Cut,",
    "warn": "Warning,",
    "rounded": "Not counted,",
    "full_day": "Counted whole,",
    "forfeited": "Forfeited,",
    "lapsed": "Lapsed,",
}
#: The kinds of step of which is told what would change them.
MENDED = ("hold", "not_checked", "unchecked", "cut")


def count(number: int, thing: str) -> str:
    """Return a number with its thing in singular or plural."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Return words in a row, the last one after *and*."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def rule(row: Mapping[str, Any]) -> str:
    """Return the citation and grade behind a row, in brackets, or nothing."""
    return f"[{row['citation']}; {row['certainty']}]" if row["citation"] else ""


def where(source: Mapping[str, Any] | None) -> str:
    """Return file and line, or nothing for what no file says."""
    return f"{source['file']} line {source['line']}" if source else ""


def day_left(bank: Mapping[str, Any], *, several: bool) -> str:
    """Return what is in a bank and what the next day still needs."""
    lea = f"LEA {bank['lea']}: " if several else ""
    told = f"{lea}{count(bank['minutes_banked'], 'minute')} in the bank"
    if bank["minutes_to_next_day"] is None:
        return f"{told}."
    if bank["minutes_to_next_day"] == 0:
        return f"{told}: the next date on which time counts completes a day."
    return f"{told}: {count(bank['minutes_to_next_day'], 'more minute')} of {bank['minimum_schoolday']} complete the next day."


def mask(ssid: str) -> str:
    """Return an SSID with all but its last four digits masked."""
    return "•" * (len(ssid) - 4) + ssid[-4:]
