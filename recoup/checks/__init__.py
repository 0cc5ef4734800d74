"""The checks: canonical tables come in as text, and leave typed, proven, or as quarantine lines with their rule and mend."""

from recoup.checks.engine import Checked, check

__all__ = ["Checked", "check"]
