"""PowerSchool by its REST interface: tables and PowerQueries through a plugin, read on as its files are."""

from recoup.adapters.powerschool_api.adapter import ADAPTER

__all__ = ["ADAPTER"]
