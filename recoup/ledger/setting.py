"""What a run of the ledger is told, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.law import Law


@dataclass(frozen=True, slots=True)
class Setting:
    """Law, policy, as-of, the codes of attested checks, and the codes of checks that lack their input."""

    law: Law
    policy: Mapping[str, str]
    as_of: int
    attested: frozenset[str]
    blind: frozenset[str]

    def unchecked(self, code: str) -> str:
        """Return the severity of a check that could not be made: attested where somebody answers for it."""
        return "attested" if code in self.attested else "not_checked"
