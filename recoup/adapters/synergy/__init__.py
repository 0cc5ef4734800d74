"""Synergy by the reports of its web service, or the same reports as files."""

from recoup.adapters.synergy.adapter import ADAPTER

__all__ = ["ADAPTER"]
