"""A report of Synergy's web service in its three steps: ordered, asked after until it is done, and taken."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from recoup.adapters.synergy.envelope import Answer, opened, payload
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.ports import HttpClient

PATH = "service/RTCommunication.asmx/ProcessWebServiceRequest"
HANDLE = "Revelation.Reports"
#: A second session of one user within three seconds is refused: after so many seconds it no longer is.
_APART = 3.5
_ORDERS = 3
_AT_WORK = frozenset({"waiting", "inprogress"})
#: Seconds between two questions whether a report is done, the first and the longest.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 15.0
_NOT_US = re.compile(r"password|authenticat|user id|log ?in", re.IGNORECASE)
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Order:
    """Which report brings a feed, of which school (empty: all) and year, in which form, and its settings."""

    feed: str
    report: str
    school: str
    year: str
    output: str
    settings: Mapping[str, str]

    @property
    def text(self) -> str:
        """Return the order as the web service reads it."""
        settings = "".join(f"<OPTION PROPERTY={quoteattr(name)}>{escape(value)}</OPTION>" for name, value in self.settings.items())
        return (
            f"<ReportExecute><ID>{escape(self.report)}</ID><SCHOOL>{escape(self.school)}</SCHOOL><YEAR>{escape(self.year)}</YEAR>"
            f"<YEAREXT></YEAREXT><OUTPUTTYPE>{self.output}</OUTPUTTYPE><OPTION_GROUP>{settings}</OPTION_GROUP></ReportExecute>"
        )


class Reports:
    """One session with the web service; its calls come one after the other, since two at once would be two sessions."""

    def __init__(self, client: HttpClient, minutes: int) -> None:
        self._client = client
        self._minutes = minutes
        self._lock = threading.Lock()

    def load(self, order: Order) -> list[bytes]:
        """Return the answer that holds the report, as it came.

        Raises ``HTTP_SIGN_IN``, ``SYNERGY_REFUSED``, ``SYNERGY_FAILED``, ``SYNERGY_SLOW`` and ``HTTP_SHAPE`` (3).
        """
        job = self._ordered(order)
        self._until_done(order, job)
        # A report in XML comes as base64, one in CSV as text.
        encoded = "N" if order.output == "CSV" else "Y"
        asked = f"<ReportResult><JOBID>{escape(job)}</JOBID><FILE>Main</FILE><EncodeBase64>{encoded}</EncodeBase64></ReportResult>"
        body, answer = self._call("ReportResult", asked)
        try:
            payload(answer)
        except ValueError:
            raise RecoupError("HTTP_SHAPE", order.report, expected="a report in RESULT") from None
        return [body]

    def _ordered(self, order: Order) -> str:
        """Start the report and return its job; what may be another session of ours a moment ago is asked again."""
        said = ""
        for tried in range(_ORDERS):
            if tried:
                time.sleep(_APART)
            _, answer = self._call("ReportExecute", order.text)
            if job := answer.get("JOBID"):
                return job
            said = answer.error or answer.get("MESSAGE")
            if _NOT_US.search(said) and "second" not in said.lower():
                # Asking again with a wrong password would lock the account.
                raise RecoupError("HTTP_SIGN_IN", order.report, status="the web service says so")
        # No row has been read yet; digits are hidden all the same.
        raise RecoupError("SYNERGY_REFUSED", order.report, feed=order.feed, said=re.sub(r"\d", "#", said)[:_SHOWN] or "nothing")

    def _until_done(self, order: Order, job: str) -> None:
        wait, end = _FIRST_WAIT, time.monotonic() + self._minutes * 60
        while True:
            _, answer = self._call("ReportStatus", f"<ReportStatus><JOBID>{escape(job)}</JOBID></ReportStatus>")
            state = re.sub(r"\W", "", answer.get("STATE")).lower()
            if state == "error" or answer.error:
                # What it says may quote a row.
                raise RecoupError("SYNERGY_FAILED", order.report, feed=order.feed)
            if not state:
                raise RecoupError("HTTP_SHAPE", order.report, expected="the state of a report")
            if state not in _AT_WORK:
                return
            if time.monotonic() > end:
                raise RecoupError("SYNERGY_SLOW", order.report, minutes=self._minutes)
            time.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def _call(self, method: str, parameters: str) -> tuple[bytes, Answer]:
        form = {"webServiceHandleName": HANDLE, "methodName": method, "paramStr": parameters}
        with self._lock:
            answer = self._client.form(PATH, form, opened)
        return answer.body, answer.value
