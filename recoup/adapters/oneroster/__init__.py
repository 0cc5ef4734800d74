"""OneRoster 1.1 and 1.2 as CSV: rosters, to be composed with sources that have the calendar, absences and sessions."""

from recoup.adapters.oneroster.adapter import ADAPTER

__all__ = ["ADAPTER"]
