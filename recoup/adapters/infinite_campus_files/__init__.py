"""The adapter for files of Infinite Campus's ad hoc filters and Data Extract Utility."""

from recoup.adapters.infinite_campus_files.adapter import ADAPTER

__all__ = ["ADAPTER"]
