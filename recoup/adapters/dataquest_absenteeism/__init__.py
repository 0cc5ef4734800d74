"""The state's downloadable chronic absenteeism file."""

from recoup.adapters.dataquest_absenteeism.adapter import ADAPTER

__all__ = ["ADAPTER"]
