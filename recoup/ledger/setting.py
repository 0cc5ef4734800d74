"""What a run of the ledger is told, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from recoup.ledger.encode import day_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.law import Law


@dataclass(frozen=True, slots=True)
class Setting:
    """Law, policy, as-of, the codes of attested checks, and the codes of checks that lack their input.

    ``no_roster``: nobody says who taught which session; ``no_staff``: nobody says what a teacher may teach.
    """

    law: Law
    policy: Mapping[str, str]
    as_of: int
    attested: frozenset[str]
    blind: frozenset[str]
    no_roster: bool
    no_staff: bool

    def unchecked(self, code: str) -> str:
        """Return the severity of a check that could not be made: attested where somebody answers for it."""
        return "attested" if code in self.attested else "not_checked"

    def number(self, name: str) -> int:
        """Return a number that the LEA may set beside the knobs."""
        return int(self.policy[name])

    def dated(self, name: str, day: str = "date") -> nw.Expr:
        """Return a number of law as it is on each row's date, which may change within the year."""
        fact, year = self.law.facts[name], self.law.year
        number = nw.lit(fact.on(year.first))
        for since, value in fact.values:
            if year.first < since <= year.last:
                number = nw.when(nw.col(day) >= day_number(since)).then(nw.lit(value)).otherwise(number)
        return number
