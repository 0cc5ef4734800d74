"""Ed-Fi: an ODS/API by its REST interface, and interchange XML in files; both tell the same."""

from recoup.adapters.edfi.adapter import ADAPTER

__all__ = ["ADAPTER"]
