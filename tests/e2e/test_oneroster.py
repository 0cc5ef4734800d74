"""Rosters through OneRoster and the rest from another system: the ledger of the whole bundle, whichever way the rosters come."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import pytest

from recoup import config, pipeline
from recoup.errors import Exit, RecoupError
from recoup.pipeline.doctor import examine
from recoup.synthetic.aeries import write_aeries
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district
from recoup.synthetic.oneroster import write_kept, write_zips
from recoup.synthetic.oneroster_rest import write_oneroster_rest
from tests.e2e.ledgers import assert_same, ledgers
from tests.servers.loopback import serving
from tests.servers.oneroster import CLIENT, SECRET, TOKEN, OneRosterServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from recoup.config import Config

LATE = datetime(2026, 11, 22, 12, tzinfo=UTC)
TAIL = '[[exports]]\nexporter = "calpads_stas"\n'


def told(name: str) -> str:
    text = (files("recoup.synthetic") / f"{name}.toml").read_text(encoding="utf-8")
    return text[: text.index("[[exports]]")]


def written(folder: Path, text: str) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recoup.toml").write_text(text + TAIL, encoding="utf-8")
    return config.load(folder / "recoup.toml")


def api_config(folder: Path, system: OneRosterServer, sign_in: str = "oauth2", page_size: int = 40) -> Config:
    """The composed configuration with a server in the place of the files; the SSID is an extension there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client").write_text(CLIENT, encoding="utf-8")
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    token = "" if sign_in.startswith("oauth1") else f'token_url = "{system.url}{TOKEN}"\n'
    http = f'[sources.http]\nclient_id = {{ file = "client" }}\nclient_secret = {{ file = "secret" }}\n{token}page_size = {page_size}\n\n'
    mapping = '[sources.mapping.columns.users]\nssid = "metadata.stateStudentId"\n\n'
    text = told("oneroster")
    text = text.replace('location = "data"  ', f'location = "{system.url}{system.base}"  ', 1)
    text = text.replace('ssid = "userIds:SSID"', f'ssid = "mapped"\nsign_in = "{sign_in}"')
    return written(folder, text.replace("[[sources]]                  ", f"{http}{mapping}[[sources]]", 1))


def results(of: Config, offline: bool = False) -> dict[str, pl.DataFrame]:
    return ledgers(pipeline.run(of, pipeline.Request(offline=offline, clock=lambda: LATE)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(make_district(students=60), folder / "data")
    return results(written(folder, told("demo")))


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)


@pytest.mark.slow
def test_a_bulk_zip_and_its_delta_give_the_bundles_ledger(whole: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """OneRoster 1.2: September's bulk has a wrong name, a class too many and one too few; October's delta mends them."""
    write_zips(make_district(students=60), tmp_path / "data")
    assert_same(whole, results(written(tmp_path, told("oneroster"))))


@pytest.mark.slow
@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    ("version", "sign_in", "counts"), [("1.2", "oauth2", True), ("1.2", "oauth2_body", False), ("1.1", "oauth1", True)]
)
def test_the_interface_gives_the_bundles_ledger(
    version: str, sign_in: str, counts: bool, whole: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    """One answer in twenty is bad; the server's own limit on a page is below ours, and not every server counts."""
    district = make_district(students=60)
    write_oneroster_rest(district, tmp_path)
    write_kept(district, tmp_path / "run" / "data" / "kept")
    style = "body" if sign_in == "oauth2_body" else "basic"
    with serving(OneRosterServer(tmp_path / "server", bad=20, version=version, cap=15, style=style)) as system:
        system.counts = counts
        of = api_config(tmp_path / "run", system, sign_in)
        found = results(of)
        assert system.wrong >= 1
    assert_same(whole, found)
    assert_same(found, results(of, offline=True))


@pytest.mark.slow
@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("way", ["zips", "interface"])
def test_the_whole_district_with_bad_rows_student_for_student(way: Literal["zips", "interface"], tmp_path: Path) -> None:
    district = make_district(students=600, bad_rows="survivable")
    write_bundle(district, tmp_path / "whole" / "data")
    whole = results(written(tmp_path / "whole", told("demo")))
    assert whole["ledger"].height == 600
    if way == "zips":
        write_zips(district, tmp_path / "run" / "data")
        assert_same(whole, results(written(tmp_path / "run", told("oneroster"))))
        return
    write_oneroster_rest(district, tmp_path)
    write_kept(district, tmp_path / "run" / "data" / "kept")
    with serving(OneRosterServer(tmp_path / "server", bad=20)) as system:
        assert_same(whole, results(api_config(tmp_path / "run", system, page_size=100)))


@pytest.mark.slow
def test_rosters_before_an_attendance_feed_of_aeries(whole: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """Students and enrollments from OneRoster, calendar, absences and sessions from Aeries's query exports."""
    district = make_district(students=60)
    write_zips(district, tmp_path / "rosters")
    write_aeries(district, tmp_path / "data")
    rosters = told("oneroster").split("[[sources]]")[1].replace('location = "data"  ', 'location = "rosters"  ')
    rosters = rosters.replace("\n[sources.options]", '\ntables = ["students", "enrollments"]\n[sources.options]')
    text = told("aeries").replace("[[sources]]", f"[[sources]]{rosters}[[sources]]", 1) + (
        '[precedence]\nstudents = ["rosters", "sis"]\nenrollments = ["rosters", "sis"]\n[fill]\nenrollments = ["enrollment_status", '
        '"instruction_mode", "alternate_minimum_minutes", "alternate_minimum_basis", "absence_exempt", "exit_reason", "track"]\n'
    )
    assert_same(whole, results(written(tmp_path, text)))


class Roster:
    """A small district behind a server, and the configuration that fetches from it."""

    def __init__(self, folder: Path, system: OneRosterServer) -> None:
        self.system = system
        self.folder = folder
        self.config = api_config(folder / "run", system)

    def fetch(self) -> list[pipeline.Fetched]:
        self.system.asked.clear()
        return pipeline.fetch_only(self.config, pipeline.Request(clock=lambda: LATE))

    def queries(self, name: str) -> list[dict[str, str]]:
        return [dict(asked.query) for asked in self.system.asked if asked.path.endswith(f"/{name}")]


@pytest.fixture
def roster(tmp_path: Path) -> Iterator[Roster]:
    district = make_district(students=16)
    write_oneroster_rest(district, tmp_path)
    write_kept(district, tmp_path / "run" / "data" / "kept")
    with serving(OneRosterServer(tmp_path / "server")) as system:
        yield Roster(tmp_path, system)


def test_pages_are_sorted_by_their_key_limited_and_filtered(roster: Roster) -> None:
    roster.fetch()
    first = roster.queries("enrollments")[0]
    assert first == {"sort": "sourcedId", "orderBy": "asc", "filter": "role='student'", "limit": "40", "offset": "0"}
    assert len(roster.queries("enrollments")) > 1
    assert "filter" not in roster.queries("orgs")[0]


@pytest.mark.usefixtures("no_waits")
def test_pitfall_29_rows_that_move_between_pages_stop_the_fetch_and_what_was_fetched_stands(roster: Roster) -> None:
    roster.fetch()
    roster.system.moving = "enrollments"
    with pytest.raises(RecoupError, match="HTTP_PAGE_LOOP") as caught:
        roster.fetch()
    assert caught.value.status == Exit.SOURCE
    # Twice: once more in case somebody was changing the data.
    assert [query["offset"] for query in roster.queries("enrollments")].count("0") == 2
    inspected = pipeline.check_only(roster.config, pipeline.Request(clock=lambda: LATE))
    assert inspected.desk.checked.tables["students"].height == 16


@pytest.mark.slow
def test_pitfall_29_a_page_cap_below_ours_loses_no_row(roster: Roster) -> None:
    roster.system.cap = 7
    roster.fetch()
    assert [query["offset"] for query in roster.queries("students")] == ["0", "7", "14"]
    inspected = pipeline.check_only(roster.config, pipeline.Request(clock=lambda: LATE))
    assert inspected.desk.checked.tables["students"].height == 16


def test_a_collection_that_the_account_may_not_read_is_left_out_and_said(roster: Roster) -> None:
    roster.system.off = "demographics"
    rosters = roster.fetch()[0]
    assert [finding.code for finding in rosters.findings] == ["HTTP_DENIED"]
    findings = pipeline.check_only(roster.config, pipeline.Request(clock=lambda: LATE)).desk.findings
    assert "NO_DEMOGRAPHICS" in {finding.code for finding in findings}


def test_a_secret_that_is_not_taken_ends_with_status_3_and_is_not_told(roster: Roster) -> None:
    (roster.folder / "run" / "secret").write_text("nobody", encoding="utf-8")
    with pytest.raises(RecoupError, match="HTTP_SIGN_IN") as caught:
        roster.fetch()
    assert caught.value.status == Exit.SOURCE
    assert "nobody" not in str(caught.value)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("sign_in", ["oauth1", "oauth1_sha1"])
def test_signed_requests_are_taken_with_the_right_secret_only(sign_in: str, tmp_path: Path) -> None:
    """A nonce counts once, so that each page and each further try is signed anew."""
    write_oneroster_rest(make_district(students=16), tmp_path)
    with serving(OneRosterServer(tmp_path / "server", bad=5, version="1.1", cap=5)) as system:
        of = api_config(tmp_path / "run", system, sign_in)
        of = config.load(_without_kept(of.path))
        (rosters,) = pipeline.fetch_only(of, pipeline.Request(clock=lambda: LATE))
        assert len(rosters.new) > 10
        assert system.wrong > 2
        (tmp_path / "run" / "secret").write_text("nobody", encoding="utf-8")
        with pytest.raises(RecoupError, match="HTTP_SIGN_IN"):
            pipeline.fetch_only(of, pipeline.Request(clock=lambda: LATE))


def _without_kept(path: Path) -> Path:
    """Leave the second source out of a configuration."""
    text = path.read_text(encoding="utf-8")
    first, second, *_ = text.split("[[sources]]")[1:]
    assert "bundle" in second
    path.write_text(f"{text.split('[[sources]]')[0]}[[sources]]{first}{TAIL}", encoding="utf-8")
    return path


def test_a_token_is_asked_for_with_the_scope_that_the_server_wants(roster: Roster) -> None:
    text = (roster.folder / "run" / "recoup.toml").read_text(encoding="utf-8").replace("term_types = []", 'scope = "roster-core.readonly"')
    (roster.folder / "run" / "recoup.toml").write_text(text, encoding="utf-8")
    pipeline.fetch_only(config.load(roster.folder / "run" / "recoup.toml"), pipeline.Request(clock=lambda: LATE))
    (asked,) = (asked for asked in roster.system.asked if asked.path == TOKEN)
    assert b"scope=roster-core.readonly" in asked.body


def test_without_a_place_for_tokens_the_district_is_asked_for_it(roster: Roster) -> None:
    text = (roster.folder / "run" / "recoup.toml").read_text(encoding="utf-8")
    kept = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("token_url"))
    (roster.folder / "run" / "recoup.toml").write_text(kept, encoding="utf-8")
    with pytest.raises(RecoupError, match="HTTP_NO_TOKEN_URL") as caught:
        pipeline.fetch_only(config.load(roster.folder / "run" / "recoup.toml"), pipeline.Request(clock=lambda: LATE))
    assert caught.value.status == Exit.USAGE


def test_pages_and_journal_hold_no_credential(roster: Roster) -> None:
    roster.fetch()
    kept = [path for path in (roster.folder / "run" / ".recoup").rglob("*") if path.is_file()]
    assert len(kept) > 8
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]


def test_the_doctor_signs_in_and_tells_what_it_sees(roster: Roster) -> None:
    seen = {finding.topic: finding for finding in examine(roster.config, lambda: LATE)}
    assert seen["rosters: system"].fault is None
    assert "8 schools" in seen["rosters: system"].seen
