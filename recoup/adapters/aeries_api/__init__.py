"""Aeries by its REST interface (v5), with query exports beside it for what the interface does not give."""

from recoup.adapters.aeries_api.adapter import ADAPTER

__all__ = ["ADAPTER"]
