"""The only place that joins the rooms: from the configuration to what a command has to tell."""

from recoup.pipeline.closing import Wish, close
from recoup.pipeline.gather import Fetched
from recoup.pipeline.plan import LOCAL, make_plan, now
from recoup.pipeline.road import Inspection, Outcome, Request, check_only, export_again, fetch_only, last_good, run

__all__ = [
    "LOCAL",
    "Fetched",
    "Inspection",
    "Outcome",
    "Request",
    "Wish",
    "check_only",
    "close",
    "export_again",
    "fetch_only",
    "last_good",
    "make_plan",
    "now",
    "run",
]
