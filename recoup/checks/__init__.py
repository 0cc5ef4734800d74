"""The checks: canonical tables come in as text, and leave typed, proven, or as quarantine lines with their rule and mend."""

from recoup.checks.engine import Checked, check
from recoup.checks.precedence import Precedence

__all__ = ["Checked", "Precedence", "check"]
