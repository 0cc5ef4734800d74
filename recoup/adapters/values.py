"""Cell forms to canonical text: dates, times, flags and whole numbers. What fits no declared form stays as it is, for the checks to refuse.

A column has few distinct values, so each distinct value is converted once.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from recoup.adapters.data import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Years that programs write for "none": .NET's first (0001), and from SQL Server's first (1753) to the empty dates of desktop
#: databases (1899-12-30, 1900-01-01, 1905 …). No pupil or credential is so old. Other strange years are somebody's slip: refused.
_EMPTY_YEARS = frozenset({1, *range(1753, 1906)})

#: Day 0 of the serial numbers of spreadsheets, and the serials that a date of our time can have (1927 to 2173).
_SERIAL_ZERO = date(1899, 12, 30)
_SERIALS = range(10_000, 100_000)

#: Dates and times of the model are local to California.
_LOCAL = ZoneInfo("America/Los_Angeles")

_DAY_SECONDS = 24 * 60 * 60

_COMPACT, _COMPACT_LENGTH = "%Y%m%d", 8

_TRUE = frozenset({"1", "-1", "true", "t", "yes", "y", "x"})
_FALSE = frozenset({"0", "false", "f", "no", "n"})


@cache
def _forms() -> tuple[tuple[str, str, str], ...]:
    return tuple((row["form"], row["kind"], row["pattern"]) for row in rows("recoup.adapters", "forms.csv"))


def form_names() -> tuple[str, ...]:
    """The names of the date forms, in the order of ``forms.csv``."""
    return tuple(dict.fromkeys(form for form, kind, _ in _forms() if kind in {"date", "datetime"}))


def canonical(series: pl.Series, kind: str, forms: Sequence[str], *, serials: bool) -> pl.Series:
    """Return a text column in canonical form.

    ``kind``: ``date``, ``exit`` (the first day out, turned into the last day in), ``time``, ``seconds`` (since midnight), ``datetime``,
    ``bool``, ``int``, ``hours`` (decimal or H:MM, turned into minutes), ``cds_district`` and ``cds_school`` (the two sevens of 14
    digits); any other leaves the text alone but for SQL's ``NULL`` (``name`` leaves even that: there are people of that name).
    ``forms``: the date forms of the feed. ``serials``: the cells come from a workbook, so that a bare number may be a date.
    """
    if kind not in _CONVERTERS:
        return series if kind == "name" else series.replace("NULL", None)
    convert, patterns = _CONVERTERS[kind], _patterns(kind, forms)
    known = series.drop_nulls().unique()
    made = [None if value == "NULL" else convert(value, patterns, serials) for value in known]
    return series.replace_strict(known, pl.Series(made, dtype=pl.String), default=None, return_dtype=pl.String)


def _patterns(kind: str, forms: Sequence[str]) -> list[str]:
    """The patterns that a cell may have. No text fits two of them, so that their order does not matter."""
    if kind in {"time", "seconds"}:
        # Databases keep a time as a date-time of a meaningless day (1899-12-30, 1905-01-01).
        return [pattern for form, its, pattern in _forms() if its == "time" or (its == "datetime" and form in {"iso", "us"})]
    return [pattern for form, its, pattern in _forms() if form in forms and its in {"date", "datetime"}]


def _moment(text: str, patterns: list[str]) -> datetime | None:
    for index, pattern in enumerate(patterns):
        # Python reads %Y%m%d in seven digits too, and would be guessing.
        if pattern == _COMPACT and len(text) != _COMPACT_LENGTH:
            continue
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 local wall time, as the model keeps it
        except ValueError:
            continue
        # A column seldom mixes forms: the one that fitted is tried first next time.
        patterns.insert(0, patterns.pop(index))
        return moment
    return None


def _date(text: str, patterns: list[str], serials: bool) -> str | None:
    if _is_empty(text):
        return None
    if serials and text.isdecimal() and int(text) in _SERIALS:
        return (_SERIAL_ZERO + timedelta(days=int(text))).isoformat()
    moment = _moment(text, patterns)
    if moment is None:
        return text
    if moment.year in _EMPTY_YEARS:
        return None
    if moment.tzinfo and moment.time() != datetime.min.time():
        # Midnight here, told in another zone: 07:00 UTC in summer, 08:00 in winter. What is written as midnight is the day as written.
        moment = moment.astimezone(_LOCAL)
    # A date with a time of day is not a date: the time may have moved it over midnight.
    return text if moment.time() != datetime.min.time() else moment.date().isoformat()


def _exit(text: str, patterns: list[str], serials: bool) -> str | None:
    found = _date(text, patterns, serials)
    try:
        return found and (date.fromisoformat(found) - timedelta(days=1)).isoformat()
    except ValueError:
        return found


def _datetime(text: str, patterns: list[str], _serials: bool) -> str | None:
    if _is_empty(text):
        return None
    moment = _moment(text, patterns)
    if moment is None:
        return text
    if moment.year in _EMPTY_YEARS:
        return None
    local = moment.astimezone(_LOCAL) if moment.tzinfo else moment
    return local.replace(microsecond=0, tzinfo=None).isoformat()


def _time(text: str, patterns: list[str], _serials: bool) -> str | None:
    moment = _moment(text, patterns)
    return text if moment is None else moment.strftime("%H:%M")


def _seconds(text: str, patterns: list[str], serials: bool) -> str | None:
    if text.isdecimal() and int(text) < _DAY_SECONDS and int(text) % 60 == 0:
        return f"{int(text) // 3600:02d}:{int(text) // 60 % 60:02d}"
    return text if text.isdecimal() else _time(text, patterns, serials)


def _hours(text: str, _none: list[str], _serials: bool) -> str | None:
    clock = re.fullmatch(r"(\d{1,4}):([0-5]\d)", text)
    if clock:
        return str(int(clock[1]) * 60 + int(clock[2]))
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", text):
        return text
    minutes = Decimal(text) * 60
    # 1.33 hours is 80 minutes: two decimals cannot say it more exactly.
    return str(int(minutes.quantize(Decimal(1), ROUND_HALF_UP)))


def _bool(text: str, _none: list[str], _serials: bool) -> str | None:
    folded = text.casefold()
    return "true" if folded in _TRUE else "false" if folded in _FALSE else text


def _int(text: str, _none: list[str], _serials: bool) -> str | None:
    whole = re.fullmatch(r"([+-]?\d+)(?:\.0*)?", text)
    return str(int(whole[1])) if whole else text


def _cds_school(text: str, _none: list[str], _serials: bool) -> str | None:
    return text[7:] if re.fullmatch(r"\d{14}", text) else text


def _cds_district(text: str, _none: list[str], _serials: bool) -> str | None:
    return text[:7] if re.fullmatch(r"\d{14}", text) else text


def _is_empty(text: str) -> bool:
    return ("empty", "sentinel", text) in _forms()


_CONVERTERS: dict[str, Callable[[str, list[str], bool], str | None]] = {
    "date": _date,
    "exit": _exit,
    "seconds": _seconds,
    "hours": _hours,
    "cds_school": _cds_school,
    "cds_district": _cds_district,
    "datetime": _datetime,
    "time": _time,
    "bool": _bool,
    "int": _int,
}
