"""Synergy's web service against a server that refuses sessions, waits, fails and writes names as it likes."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from recoup.adapters.synergy import ADAPTER
from recoup.errors import Exit, RecoupError
from recoup.ports import FetchRequest
from recoup.synthetic.district import make_district
from recoup.synthetic.synergy import write_synergy_server
from recoup.transports import HttpSettings, RetrySettings, open_http
from tests.servers.fetching import Told, asking, fetched, rows
from tests.servers.loopback import serving
from tests.servers.synergy import PASSWORD, USER, Synergy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from recoup.ports import RawFile

JUNE = date(2026, 6, 30)
#: A small part of the district's reports.
FEW = {"reports": {"ar_staff": "", "staff": "", "independent": ""}}


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


class Service:
    """A server with a district of sixteen students, and what our adapter fetches from it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        source = tomllib.loads((files("recoup.synthetic") / "synergy.toml").read_text(encoding="utf-8"))["sources"][0]
        self.told = source["options"], source["mapping"]
        self.clock = clock
        self.system = Synergy(folder / "server", clock=clock, polls=2)

    def fetch(self, password: str = PASSWORD, **options: object) -> list[RawFile]:
        request = asking({**self.told[0], **FEW, **options}, self.told[1])
        return fetched(ADAPTER, self.system, "", request, JUNE, 500, client_id=USER, client_secret=password)

    def refusal(self, password: str = PASSWORD, **options: object) -> RecoupError:
        with pytest.raises(RecoupError) as caught:
            self.fetch(password, **options)
        assert caught.value.status == Exit.SOURCE
        assert PASSWORD not in str(caught.value)
        return caught.value

    def asked(self, method: str) -> list[Mapping[str, str]]:
        forms = [{name: values[0] for name, values in parse_qs(asked.body.decode()).items()} for asked in self.system.asked]
        return [form for form in forms if form["methodName"] == method]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    write_synergy_server(make_district(students=16), tmp_path)
    clock = Clock()
    monkeypatch.setattr("recoup.adapters.synergy.fetching.time", _Sleeper(clock))
    found = Service(tmp_path, clock)
    with serving(found.system):
        yield found


class _Sleeper:
    """What the adapter knows of time."""

    def __init__(self, clock: Clock) -> None:
        self.sleep = clock.sleep
        self.monotonic = clock


def test_one_session_brings_all_reports_in_three_steps(service: Service) -> None:
    pages = service.fetch()
    assert len(service.system.sessions) == 1
    assert len(service.asked("ReportExecute")) == len(service.asked("ReportResult")) == len(pages) == 9
    assert len(service.asked("ReportStatus")) == 9 * 3
    assert all(page.name.startswith(f"pages/{page.feed}/") for page in pages)
    reading = ADAPTER.read(pages, asking(*service.told))
    assert len(rows(reading, "students")) == 16
    assert not reading.refused.height


def test_a_session_a_moment_after_another_is_asked_for_again_three_seconds_later(service: Service) -> None:
    begun = service.clock()
    service.system.sessions.append(begun)
    assert service.fetch()
    assert len(service.system.sessions) == 2
    assert service.system.sessions[1] - begun >= 3
    assert len(service.asked("ReportExecute")) == 10


def test_a_wrong_password_is_told_at_once_and_not_tried_again(service: Service) -> None:
    fault = service.refusal("not it")
    assert fault.code == "HTTP_SIGN_IN"
    assert "not it" not in str(fault)
    assert len(service.system.asked) == 1


def test_pages_hold_no_credential_and_no_session(service: Service) -> None:
    for page in service.fetch():
        data = page.path.read_bytes()
        assert PASSWORD.encode() not in data
        assert USER.encode() not in data
        assert b"ASP.NET_SessionId" not in data


def test_a_report_that_is_not_there_names_itself_and_what_to_do(service: Service) -> None:
    (service.system.folder / "U-RECOUP-DAILY.xml").unlink()
    fault = service.refusal()
    assert fault.code == "SYNERGY_REFUSED"
    assert "U-RECOUP-DAILY" in str(fault)
    assert "reports.daily" in str(fault)


def test_a_report_that_fails_tells_nothing_of_what_the_server_says(service: Service) -> None:
    service.system.failing.add("U-RECOUP-DAILY")
    fault = service.refusal()
    assert fault.code == "SYNERGY_FAILED"
    assert "Rivera" not in str(fault)
    assert "9000000001" not in str(fault)


def test_a_report_that_is_never_done_is_given_up(service: Service) -> None:
    service.system.polls = 10_000
    begun = service.clock()
    assert service.refusal(report_minutes=2).code == "SYNERGY_SLOW"
    assert 120 <= service.clock() - begun < 150
    assert len(service.system.asked) < 20


def test_reports_have_the_districts_names_settings_and_schools(service: Service) -> None:
    (service.system.folder / "U-RECOUP-BELL.xml").rename(service.system.folder / "U-OUR&BELLS.xml")
    pages = service.fetch(
        reports={**FEW["reports"], "bell": "U-OUR&BELLS"}, report_options={"daily": {"AsOfDate": "6/30/2026 <now>"}}, schools=["101", "102"]
    )
    orders = [form["paramStr"] for form in service.asked("ReportExecute")]
    assert len(orders) == 2 * 9
    assert orders[0].startswith(
        "<ReportExecute><ID>U-RECOUP-SCHOOL</ID><SCHOOL>101</SCHOOL><YEAR>2025</YEAR><YEAREXT></YEAREXT><OUTPUTTYPE>XML"
    )
    assert any("U-OUR&amp;BELLS" in order for order in orders)
    assert sum('<OPTION PROPERTY="AsOfDate">6/30/2026 &lt;now&gt;</OPTION>' in order for order in orders) == 2
    assert {page.name for page in pages} >= {"pages/daily/101/0001.json", "pages/daily/102/0001.json"}


def test_reports_in_csv_say_the_same(service: Service) -> None:
    one, other = (ADAPTER.read(service.fetch(output_type=form), asking(*service.told)) for form in ("XML", "CSV"))
    assert {form["paramStr"].rpartition("<EncodeBase64>")[2][0] for form in service.asked("ReportResult")} == {"Y", "N"}
    assert one.tables.keys() == other.tables.keys()
    for table in one.tables:
        assert rows(one, table) == rows(other, table), table


def test_the_probe_signs_in_and_runs_the_smallest_report(service: Service) -> None:
    settings = HttpSettings(client_id=Told(USER), client_secret=Told(PASSWORD), retry=RetrySettings(2, 0, 0))
    client = open_http(service.system.url, ADAPTER.sign_in, settings)
    told = ADAPTER.probe(client, FetchRequest(asking(*service.told), JUNE))
    client.close()
    assert told.startswith("the web service ran U-RECOUP-SCHOOL")
