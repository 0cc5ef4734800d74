"""The error catalogue: what went wrong, where, how to mend it, and the exit status it gives.

Every failure that a person can cause or meet is a row of ``errors.csv``; the code is stable and the
text may improve. A message carries file, line, column and code, never a value of a student's record.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Exit(IntEnum):
    """Exit statuses of the program, as ``docs/cli.md`` lists them."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    SOURCE = 3
    REFUSED = 4
    LOCKED = 5
    WITHHELD = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue: a stable code, its exit status, and the two sentences a person reads."""

    code: str
    status: Exit
    what: str
    mend: str


@cache
def catalogue() -> dict[str, Entry]:
    """Return every entry of ``errors.csv`` by its code."""
    lines = (files("recoup") / "errors.csv").read_text(encoding="utf-8").splitlines()
    return {row["code"]: Entry(row["code"], Exit(int(row["status"])), row["what"], row["mend"]) for row in csv.DictReader(lines)}


class RecoupError(Exception):
    """A failure that a person can act on.

    ``code`` is a row of the catalogue, ``where`` the file, key or host it arose at, and ``values``
    fill the braces of its two sentences. ``values`` must never hold a value of a student's record.
    """

    def __init__(self, code: str, where: str = "", **values: object) -> None:
        entry = catalogue()[code]
        self.code = code
        self.status = entry.status
        self.where = where
        self.what = entry.what.format(**values)
        self.mend = entry.mend.format(**values)
        super().__init__(code)

    def __str__(self) -> str:
        return f"{self.where + ': ' if self.where else ''}{self.what} {self.mend} [{self.code}]"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the known name nearest to ``word``, or an empty text."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""
