"""The adapter for files of PowerSchool's AutoSend and Data Export Manager."""

from recoup.adapters.powerschool_files.adapter import ADAPTER

__all__ = ["ADAPTER"]
