"""The same district behind a vendor's interface: fetched page by page from a real server, and the same ledger in the end."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import pytest

from recoup import config, pipeline
from recoup.errors import Exit, RecoupError
from recoup.pipeline.doctor import examine
from recoup.synthetic.aeries_api import write_aeries_api
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district
from recoup.synthetic.powerschool_api import write_powerschool_api
from recoup.synthetic.synergy import write_synergy_server
from tests.e2e.ledgers import assert_same, ledgers
from tests.servers.aeries import BASE, CERTIFICATE, Aeries
from tests.servers.loopback import serving
from tests.servers.powerschool import CLIENT, SECRET, PowerSchool
from tests.servers.synergy import PASSWORD, USER, Synergy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from recoup.config import Config
    from tests.servers.loopback import System

#: Long after the synthetic year.
LATE = datetime(2026, 11, 22, 12, tzinfo=UTC)


def aeries_config(folder: Path, system: System, schools: str = "[]") -> Config:
    text = (files("recoup.synthetic") / "aeries.toml").read_text(encoding="utf-8")
    text = text[: text.index("[[exports]]")] + '[[exports]]\nexporter = "calpads_stas"\n'
    text = text.replace('adapter = "aeries_files"', 'adapter = "aeries_api"')
    text = text.replace('location = "data" ', f'location = "{system.url}{BASE}"\nbeside = "data/beside" ')
    text = text.replace("[sources.options]\n", f"[sources.options]\nschools = {schools}\n")
    path = folder / "recoup.toml"
    (folder / "certificate").write_text(CERTIFICATE, encoding="utf-8")
    path.write_text(text + '\n[sources.http]\ntoken = { file = "certificate" }\npage_size = 25\n', encoding="utf-8")
    return config.load(path)


def powerschool_config(folder: Path, system: System) -> Config:
    text = (files("recoup.synthetic") / "powerschool.toml").read_text(encoding="utf-8")
    text = text[: text.index("[[exports]]")] + '[[exports]]\nexporter = "calpads_stas"\n'
    http = '[sources.http]\nclient_id = { file = "client" }\nclient_secret = { file = "secret" }\npage_size = 250\n\n'
    text = text.replace('adapter = "powerschool_files"', 'adapter = "powerschool_api"').replace(
        "[[sources]]                 ", f"{http}[[sources]] "
    )
    path = folder / "recoup.toml"
    (folder / "client").write_text(CLIENT, encoding="utf-8")
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    path.write_text(text.replace('location = "data" ', f'location = "{system.url}"\nbeside = "data/beside" '), encoding="utf-8")
    return config.load(path)


def synergy_config(folder: Path, system: System) -> Config:
    text = (files("recoup.synthetic") / "synergy.toml").read_text(encoding="utf-8")
    text = text[: text.index("[[exports]]")] + '[[exports]]\nexporter = "calpads_stas"\n'
    (folder / "user").write_text(USER, encoding="utf-8")
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    http = '[sources.http]\nclient_id = { file = "user" }\nclient_secret = { file = "password" }\n\n'
    text = text.replace("[[sources]]                 ", f"{http}[[sources]] ").replace('location = "data" ', f'location = "{system.url}" ')
    (folder / "recoup.toml").write_text(text, encoding="utf-8")
    return config.load(folder / "recoup.toml")


def bundle_config(folder: Path) -> Config:
    text = (files("recoup.synthetic") / "demo.toml").read_text(encoding="utf-8")
    path = folder / "recoup.toml"
    path.write_text(text[: text.index("[[exports]]")] + '[[exports]]\nexporter = "calpads_stas"\n', encoding="utf-8")
    return config.load(path)


def results(of: Config, offline: bool = False) -> dict[str, pl.DataFrame]:
    """Run the road and return the ledger's tables and the state's files, as they lie in OUT."""
    return ledgers(pipeline.run(of, pipeline.Request(offline=offline, clock=lambda: LATE)))


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)


SYSTEMS = {
    "aeries": (write_aeries_api, Aeries, aeries_config),
    "powerschool": (write_powerschool_api, PowerSchool, powerschool_config),
    "synergy": (write_synergy_server, Synergy, synergy_config),
}


@pytest.mark.slow
@pytest.mark.parametrize(("students", "bad_rows"), [(60, "none"), (600, "survivable")])
@pytest.mark.parametrize("vendor", SYSTEMS)
@pytest.mark.usefixtures("no_waits")
def test_the_ledger_over_http_is_the_bundles(vendor: str, students: int, bad_rows: Literal["none", "survivable"], tmp_path: Path) -> None:
    """One answer in twenty is bad: a 500, a 429, JSON cut short, a connection that breaks."""
    write, server, told_by = SYSTEMS[vendor]
    district = make_district(students=students, bad_rows=bad_rows)
    write_bundle(district, tmp_path / "bundle" / "data")
    write(district, tmp_path / vendor / "data")
    with serving(server(tmp_path / vendor / "data" / "server", bad=20)) as system:
        told = told_by(tmp_path / vendor, system)
        found = results(told)
        assert system.wrong >= 4
    assert_same(results(bundle_config(tmp_path / "bundle")), found)
    assert_same(found, results(told, offline=True))


class Road:
    """One small district behind a server, and the workspace that fetches from it."""

    def __init__(self, folder: Path, system: Aeries) -> None:
        self.system = system
        self.folder = folder
        self.config = aeries_config(folder, system, schools='["101", "301"]')

    def fetch(self, now: datetime, *, full: bool = False) -> pipeline.Fetched:
        self.system.asked.clear()
        (found,) = pipeline.fetch_only(self.config, pipeline.Request(full=full, clock=lambda: now))
        return found

    def absences(self) -> set[tuple[str, str]]:
        """Student and date of every absence that is read now."""
        table = pipeline.check_only(self.config, pipeline.Request(clock=lambda: LATE)).desk.checked.tables["attendance"]
        return {(ssid, str(day)) for ssid, day in table.select("ssid", "date").iter_rows()}

    def windows(self) -> set[tuple[str, str]]:
        return {(asked.query["StartDate"], asked.query["EndDate"]) for asked in self.system.asked if "StartDate" in asked.query}


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    write_aeries_api(make_district(students=16), tmp_path / "data")
    with serving(Aeries(tmp_path / "data" / "server")) as system:
        yield Road(tmp_path, system)


NOVEMBER, DECEMBER = datetime(2025, 11, 14, 12, tzinfo=UTC), datetime(2025, 12, 3, 12, tzinfo=UTC)


def test_a_later_fetch_asks_only_for_days_since_the_last_and_the_overlap(road: Road) -> None:
    road.fetch(NOVEMBER)
    assert min(road.windows()) == ("20250701", "20250731")
    assert max(road.windows()) == ("20251101", "20251114")
    road.fetch(DECEMBER)
    assert road.windows() == {("20251015", "20251031"), ("20251101", "20251130"), ("20251201", "20251203")}
    road.fetch(DECEMBER, full=True)
    assert min(road.windows()) == ("20250701", "20250731")


@pytest.mark.slow
def test_an_absence_taken_back_in_the_overlap_is_gone_and_an_older_one_stays(road: Road) -> None:
    road.fetch(NOVEMBER)
    before = road.absences()
    for path in (road.system.folder / "schools").glob("*/attendance.json"):
        path.write_text("[]", encoding="utf-8")
    road.fetch(DECEMBER)
    after = road.absences()
    assert after == {(ssid, day) for ssid, day in before if day < "2025-10-15"}
    assert before - after


@pytest.mark.slow
def test_a_fetch_that_fails_leaves_the_last_round_and_its_watermarks(road: Road) -> None:
    road.fetch(NOVEMBER)
    before = road.absences()
    for path in (road.system.folder / "schools").glob("*/attendance.json"):
        path.write_text("[]", encoding="utf-8")
    (road.system.folder / "schools" / "301" / "calendar.json").unlink()
    with pytest.raises(RecoupError) as caught:
        road.fetch(DECEMBER)
    assert (caught.value.code, caught.value.status) == ("HTTP_NOT_FOUND", Exit.SOURCE)
    assert road.absences() == before
    (road.system.folder / "schools" / "301" / "calendar.json").write_text("[]", encoding="utf-8")
    road.fetch(DECEMBER)
    assert min(road.windows()) == ("20251015", "20251031")


def test_nothing_new_is_nothing_new(road: Road) -> None:
    assert road.fetch(NOVEMBER).new
    assert [name for name in road.fetch(NOVEMBER).new if "2025-10-15..2025-10-31" not in name] == []


def test_what_the_server_does_not_offer_is_left_out_and_said(road: Road) -> None:
    road.system.off = "AttendanceHistory"
    found = road.fetch(NOVEMBER)
    assert {finding.code for finding in found.findings if "history/" in finding.message} == {"HTTP_NOT_OFFERED"}
    assert road.absences()


def test_a_certificate_that_is_not_taken_ends_with_status_3_and_is_not_told(road: Road) -> None:
    (road.folder / "certificate").write_text("nobody", encoding="utf-8")
    with pytest.raises(RecoupError) as caught:
        road.fetch(NOVEMBER)
    assert (caught.value.code, caught.value.status) == ("HTTP_SIGN_IN", Exit.SOURCE)
    assert "nobody" not in str(caught.value)
    assert len([asked for asked in road.system.asked if asked.path.endswith("/schools")]) == 1


def test_pages_and_journal_hold_no_credential(road: Road) -> None:
    road.fetch(NOVEMBER)
    kept = [path for path in (road.folder / ".recoup").rglob("*") if path.is_file()]
    assert len(kept) > 12
    assert not [path for path in kept if CERTIFICATE.encode() in path.read_bytes()]


def test_the_doctor_signs_in_and_tells_what_it_sees(road: Road) -> None:
    told = {finding.topic: finding for finding in examine(road.config, lambda: LATE)}
    assert told["sis: system"].seen.endswith("database of 2025-2026, 2 schools")
    assert told["sis: token"].fault is None
    road.system.year = 2024
    fault = {finding.topic: finding.fault for finding in examine(road.config, lambda: LATE)}["sis: system"]
    assert fault is not None
    assert fault.code == "AERIES_YEAR"
