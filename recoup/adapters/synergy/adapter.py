"""Synergy's reports to canonical tables, and the orders by which its web service brings them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.base import FileAdapter
from recoup.adapters.data import rows
from recoup.adapters.joining import column
from recoup.adapters.reading.text import to_utf8
from recoup.adapters.synergy.attendance import absences, reasons
from recoup.adapters.synergy.envelope import is_wrapped, opened, payload
from recoup.adapters.synergy.fetching import Order, Reports
from recoup.adapters.synergy.report import is_report, read_report
from recoup.errors import RecoupError, nearest
from recoup.ports import PageSet, SignIn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from recoup.adapters.base import Job
    from recoup.adapters.reading import Records
    from recoup.ports import FetchRequest, HttpClient, RawFile, ReadRequest

_PACKAGE = "recoup.adapters.synergy"
#: Which report brings a feed, as the guide asks districts to call them.
_REPORTS = {row["feed"]: row["report"] for row in rows(_PACKAGE, "feeds.csv")}
_NO_ADA = "50"


class Synergy(FileAdapter):
    """The adapter for Synergy: reports of its web service where the location is https://, the same reports as files elsewhere."""

    spoken = True
    files_alone = True
    sign_in = SignIn("form", fields=("userID", "password"))
    paged = frozenset(_REPORTS)

    def probe(self, client: HttpClient, request: FetchRequest) -> str:
        """Run the report on schools, and say how many it shows."""
        order = next(self._orders(request.read))
        (body,) = self._session(client, request.read).load(order)
        text, _ = to_utf8(payload(opened(body)), order.report)
        return f"the web service ran {order.report} ({len(text):,} bytes)"

    def fetch(self, client: HttpClient, request: FetchRequest) -> Iterator[PageSet]:
        """Name every report to bring, whole: the web service has no pages and no changes since."""
        session = self._session(client, request.read)
        for order in self._orders(request.read):
            yield PageSet(order.feed, order.school, partial(session.load, order), suffix="xml")

    def settle(self, request: ReadRequest) -> tuple[Mapping[str, object], Mapping[str, Mapping[str, str]]]:
        """Settle options and codes as every adapter, and hold the reports that are named against the feeds."""
        options, codes = super().settle(request)
        for option in ("reports", "report_options"):
            given = options[option]
            for feed in given if isinstance(given, dict) else ():
                if feed not in self.paged:
                    known = sorted(self.paged)
                    where, name = f"[[sources]] {request.source}", f"{option}.{feed}"
                    raise RecoupError("OPTION_VALUE", where, name=name, known=", ".join(known), nearest=nearest(feed, known))
        for feed in self.feeds:
            if feed.required and not self._named(options, feed.name):
                raise RecoupError("SYNERGY_REPORT_NEEDED", f"[[sources]] {request.source}", feed=feed.name, help=feed.help)
        return options, codes

    def records(self, file: RawFile, data: bytes, expected: Collection[str], job: Job) -> Records:
        """Read a report, out of what the web service wraps it in where it has not been taken out."""
        text, _ = to_utf8(data, file.name)
        if is_wrapped(text):
            try:
                data = payload(opened(text))
            except ValueError:
                raise RecoupError("SYNERGY_WRAPPING", file.name) from None
            text, _ = to_utf8(data, file.name)
        return read_report(text, file.name, expected) if is_report(text) else super().records(file, data, expected, job)

    def prepared(self, frames: Mapping[str, pl.DataFrame], job: Job) -> Mapping[str, pl.DataFrame]:
        """Take bell times into the calendar, two halves into a day, and work out what follows from other columns."""
        ready = dict(frames)
        ready["calendar"] = _with_bells(ready["calendar"], ready.pop("bell"))
        ready["reason"] = reasons(ready["reason"], job)
        ready["daily"] = absences(ready["daily"], ready["reason"], job)
        enroll = ready["enroll"]
        if "EXCLUDE_ADA_ADM" in enroll.columns:
            excluded = pl.col("EXCLUDE_ADA_ADM").is_not_null()
            status = pl.when(excluded).then(pl.lit(_NO_ADA)).otherwise(column(enroll, "ENROLLMENT_STATUS"))
            enroll = enroll.with_columns(status.alias("ENROLLMENT_STATUS"))
        if "ALT_MINIMUM" in enroll.columns:
            enroll = enroll.with_columns(pl.when(pl.col("ALT_MINIMUM").is_not_null()).then(pl.lit("iep_46307")).alias("_basis"))
        ready["enroll"] = enroll
        return ready

    def _session(self, client: HttpClient, request: ReadRequest) -> Reports:
        options, _ = self.settle(request)
        return Reports(client, int(str(options["report_minutes"])))

    def _orders(self, request: ReadRequest) -> Iterator[Order]:
        options, _ = self.settle(request)
        year = str(options["report_year"]) or str(request.year.first.year)
        schools = options["schools"]
        given = options["report_options"]
        for feed in self.feeds:
            report = self._named(options, feed.name)
            own = given.get(feed.name, {}) if isinstance(given, dict) else {}
            settings = {str(name): str(value) for name, value in own.items()}
            for school in (schools if isinstance(schools, (list, tuple)) and schools else ("",)) if report else ():
                yield Order(feed.name, report, str(school), year, str(options["output_type"]), settings)

    @staticmethod
    def _named(options: Mapping[str, object], feed: str) -> str:
        """Return the report of a feed; empty for one that is left out."""
        given = options["reports"]
        own = given.get(feed) if isinstance(given, dict) else None
        return _REPORTS.get(feed, "") if own is None else str(own)


def _with_bells(calendar: pl.DataFrame, bells: pl.DataFrame) -> pl.DataFrame:
    """Add the first and the last bell of the day's schedule."""
    key = ["SCHOOL_CODE", "BELL_SCHEDULE"]
    times = bells.group_by(key).agg(pl.col("START_TIME").min().alias("_opens"), pl.col("END_TIME").max().alias("_closes"))
    return calendar.join(times, on=key, how="left", maintain_order="left")


ADAPTER = Synergy.from_folder("synergy", _PACKAGE)
