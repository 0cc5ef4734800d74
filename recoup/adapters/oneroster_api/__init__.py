"""OneRoster 1.1 and 1.2 by the REST interface, read on as its files are."""

from recoup.adapters.oneroster_api.adapter import ADAPTER

__all__ = ["ADAPTER"]
