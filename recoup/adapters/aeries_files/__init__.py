"""Aeries by files: what a district's own queries give of Aeries's tables, in any column order, with or without table prefixes."""

from recoup.adapters.aeries_files.adapter import ADAPTER

__all__ = ["ADAPTER"]
