"""Sign-in sheets of a tool or an after-school provider: visits whose students have a number, or a name and a birth date."""

from recoup.adapters.sign_in_sheet.adapter import ADAPTER

__all__ = ["ADAPTER"]
