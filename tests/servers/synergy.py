"""A Synergy web service for reports as section 7.1 of the vendor sheet describes it; the reports that it has lie in files."""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from lxml import etree

from tests.servers.loopback import Asked, Reply, System

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

USER, PASSWORD = "svc-recoup", "pass-w0rd-of-synergy"
PATH = "/service/RTCommunication.asmx/ProcessWebServiceRequest"
_SESSION = "ASP.NET_SessionId"


class Synergy(System):
    """``polls``: how often a report is asked after before it is done. ``apart``: seconds that must lie between two sessions of one user,
    by ``clock``. ``failing``: reports that end in an error.

    Names of elements are in upper case in one answer and not in the next, and ``>`` is escaped in one and not in the next.
    """

    def __init__(self, folder: Path, bad: int = 0, polls: int = 6, apart: float = 3.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(folder, bad)
        self.polls = polls
        self.apart = apart
        self.clock = clock
        self.failing: set[str] = set()
        self.sessions: list[float] = []
        self._jobs: list[tuple[str, str]] = []
        self._waited: dict[int, int] = {}

    def answer(self, asked: Asked) -> Reply:
        if asked.method != "POST" or asked.path != PATH:
            return Reply(raw=b"<html>Not here</html>", status=404)
        form = {name: values[0] for name, values in parse_qs(asked.body.decode(), keep_blank_values=True).items()}
        if (form["userID"], form["password"]) != (USER, PASSWORD):
            return self._said('<RT_ERROR ERROR_MESSAGE="Invalid user id or password"><STACK_TRACE/></RT_ERROR>', {})
        headers = {}
        if _SESSION not in asked.headers.get("Cookie", ""):
            now = self.clock()
            if self.sessions and now - self.sessions[-1] < self.apart:
                return self._said('<RT_ERROR ERROR_MESSAGE="Only one session of a user within 3 seconds"/>', {})
            self.sessions.append(now)
            headers = {"Set-Cookie": f"{_SESSION}={len(self.sessions)}; path=/; HttpOnly"}
        return self._said(self._report(form["methodName"], etree.fromstring(form["paramStr"].encode())), headers)

    def _report(self, method: str, asked: etree._Element) -> str:
        told = {element.tag: element.text or "" for element in asked.iter()}
        if method == "ReportExecute":
            if not (self.folder / f"{told['ID']}.xml").is_file():
                return f"<REPORTEXECUTE><MESSAGE>Report {told['ID']} not found</MESSAGE></REPORTEXECUTE>"
            self._jobs.append((told["ID"], told["OUTPUTTYPE"]))
            return f"<REPORTEXECUTE><JOBID>{len(self._jobs)}</JOBID></REPORTEXECUTE>"
        number = int(told["JOBID"])
        report, output = self._jobs[number - 1]
        if method == "ReportStatus":
            waited = self._waited[number] = self._waited.get(number, 0) + 1
            if waited > self.polls and report in self.failing:
                return "<REPORTSTATUS><STATE>Error</STATE><MESSAGE>Conversion failed on value Rivera 9000000001</MESSAGE></REPORTSTATUS>"
            state = "Waiting" if waited == 1 else "InProgress" if waited <= self.polls else "Done"
            files = "<RESULT_FILE_GROUP><RESULT_FILE>Main</RESULT_FILE></RESULT_FILE_GROUP>"
            return f"<REPORTSTATUS><JOBID>{number}</JOBID><STATE>{state}</STATE><MESSAGE>{state}</MESSAGE>{files}</REPORTSTATUS>"
        data = (self.folder / f"{report}.{output.lower()}").read_bytes()
        result = base64.b64encode(data.decode().encode("utf-16")).decode() if told["EncodeBase64"] == "Y" else escape(data.decode())
        return f"<REPORTRESULT><JOBID>{number}</JOBID><RESULT>{result}</RESULT></REPORTRESULT>"

    def _said(self, inner: str, headers: dict[str, str]) -> Reply:
        odd = len(self.asked) % 2
        if odd:
            inner = re.sub(r"<(/?)(JOBID|STATE|REPORT\w+)>", lambda tag: f"<{tag[1]}{tag[2].title()}>", inner)
        text = escape(inner)
        text = text.replace("&gt;", ">") if odd else text
        body = f'<?xml version="1.0" encoding="utf-8"?>\r\n<string xmlns="http://edupoint.com/webservices/">{text}</string>'
        return Reply(raw=body.encode(), headers={"Content-Type": "text/xml; charset=utf-8", **headers})
