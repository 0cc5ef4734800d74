"""Cell forms to canonical text: dates, times, flags and whole numbers. What fits no declared form stays as it is, for the checks to refuse.

A column has few distinct values, so each distinct value is converted once.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.data import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Dates up to this year are a program's way to write "none" (1899-12-30, 1900-01-01, 1905 …): no pupil or credential is so old.
_LAST_EMPTY_YEAR = 1905

#: Day 0 of the serial numbers of spreadsheets, and the serials that a date of our time can have (1927 to 2173).
_SERIAL_ZERO = date(1899, 12, 30)
_SERIALS = range(10_000, 100_000)

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

    ``kind``: ``date``, ``time``, ``datetime``, ``bool``, ``int``; any other leaves the text alone but for SQL's ``NULL``
    (``name`` leaves even that: there are people of that name). ``forms``: the date forms of the feed. ``serials``: the cells
    come from a workbook, so that a bare number may be a date.
    """
    convert = _CONVERTERS.get(kind)
    if convert is None:
        return series if kind == "name" else series.replace("NULL", None)
    known = series.drop_nulls().unique()
    made = [convert(value, tuple(forms), serials) for value in known]
    return series.replace_strict(known, pl.Series(made, dtype=pl.String), default=None, return_dtype=pl.String)


def _moment(text: str, forms: tuple[str, ...], kinds: frozenset[str]) -> datetime | None:
    for form, kind, pattern in _forms():
        if form in forms and kind in kinds:
            try:
                return datetime.strptime(text, pattern)  # noqa: DTZ007 local wall time, as the model keeps it
            except ValueError:
                continue
    return None


_DATES = frozenset({"date", "datetime"})


def _date(text: str, forms: tuple[str, ...], serials: bool) -> str | None:
    if text == "NULL" or ("empty", "sentinel", text) in _forms():
        return None
    if serials and text.isdecimal() and int(text) in _SERIALS:
        return (_SERIAL_ZERO + timedelta(days=int(text))).isoformat()
    moment = _moment(text, forms, _DATES)
    if moment is None:
        return text
    if moment.year <= _LAST_EMPTY_YEAR:
        return None
    # A date with a time of day is not a date: the time may have moved it over midnight.
    return text if moment.time() != datetime.min.time() else moment.date().isoformat()


def _datetime(text: str, forms: tuple[str, ...], _serials: bool) -> str | None:
    if text == "NULL" or ("empty", "sentinel", text) in _forms():
        return None
    moment = _moment(text, forms, _DATES)
    if moment is None:
        return text
    return None if moment.year <= _LAST_EMPTY_YEAR else moment.replace(microsecond=0).isoformat()


def _time(text: str, _given: tuple[str, ...], _serials: bool) -> str | None:
    if text == "NULL":
        return None
    # Databases keep a time as a date-time of a meaningless day (1899-12-30, 1905-01-01).
    moment = _moment(text, ("clock",), frozenset({"time"})) or _moment(text, ("iso", "us"), frozenset({"datetime"}))
    return text if moment is None else moment.strftime("%H:%M")


def _bool(text: str, _given: tuple[str, ...], _serials: bool) -> str | None:
    folded = text.casefold()
    return None if text == "NULL" else "true" if folded in _TRUE else "false" if folded in _FALSE else text


def _int(text: str, _given: tuple[str, ...], _serials: bool) -> str | None:
    whole = re.fullmatch(r"([+-]?\d+)(?:\.0*)?", text)
    return None if text == "NULL" else str(int(whole[1])) if whole else text


_CONVERTERS: dict[str, Callable[[str, tuple[str, ...], bool], str | None]] = {
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "bool": _bool,
    "int": _int,
}
