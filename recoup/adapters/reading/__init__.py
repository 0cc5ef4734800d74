"""What files really hold, read into text columns without a guess: encodings, dialects, workbooks, XML, archives."""

from __future__ import annotations

from recoup.adapters.reading.archive import members
from recoup.adapters.reading.fixed import read_fixed
from recoup.adapters.reading.records import Records, Trouble, normal
from recoup.adapters.reading.sniff import read_records

__all__ = ["Records", "Trouble", "members", "normal", "read_fixed", "read_records"]
