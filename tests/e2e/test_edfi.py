"""The district behind an Ed-Fi ODS/API: whole the first time, by changes and deletes later, and the same ledger in the end."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import pytest

from recoup import config, pipeline
from recoup.errors import Exit, RecoupError
from recoup.pipeline.doctor import examine
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district
from recoup.synthetic.edfi_api import write_edfi_api
from recoup.synthetic.edfi_xml import write_edfi
from tests.e2e.ledgers import assert_same
from tests.e2e.test_api_shapes import LATE, bundle_config, no_waits, results
from tests.servers.edfi import BASE, CLIENT, SECRET, EdFi
from tests.servers.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recoup.config import Config

__all__ = ["no_waits"]

DAYS = "studentSchoolAttendanceEvents"
NOVEMBER = datetime(2025, 11, 14, 12, tzinfo=UTC)


def edfi_config(folder: Path, system: EdFi, options: str = "", page_size: int = 250) -> Config:
    text = (files("recoup.synthetic") / "edfi.toml").read_text(encoding="utf-8")
    text = text[: text.index("[[exports]]")] + '[[exports]]\nexporter = "calpads_stas"\n'
    text = text.replace('location = "data" ', f'location = "{system.url}{BASE}" ').replace(
        "[sources.options]\n", f"[sources.options]\n{options}\n"
    )
    secrets = f'client_id = {{ file = "client" }}\nclient_secret = {{ file = "secret" }}\npage_size = {page_size}\n'
    text = text.replace("[[sources]]                             #", f"[sources.http]\n{secrets}\n[[sources]] #")
    (folder / "client").write_text(CLIENT, encoding="utf-8")
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    path = folder / "recoup.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("students", "bad_rows", "version"), [(60, "none", "7.3"), (60, "none", "6.1"), (600, "survivable", "7.3"), (600, "survivable", "6.1")]
)
@pytest.mark.usefixtures("no_waits")
def test_the_ledger_over_the_interface_is_the_bundles(
    students: int, bad_rows: Literal["none", "survivable"], version: str, tmp_path: Path
) -> None:
    """By cursor and by offset; one answer in twenty is bad, and tokens run out."""
    district = make_district(students=students, bad_rows=bad_rows)
    write_bundle(district, tmp_path / "bundle" / "data")
    write_edfi_api(district, tmp_path / "edfi" / "data")
    with serving(EdFi(tmp_path / "edfi" / "data" / "server", bad=20, version=version)) as system:
        told = edfi_config(tmp_path / "edfi", system)
        found = results(told)
        assert system.wrong >= 3
        assert system.tokens > 1
        assert any("pageToken" in asked.query for asked in system.asked) == (version == "7.3")
        assert_same(found, results(told))
    assert_same(results(bundle_config(tmp_path / "bundle")), found)
    assert_same(found, results(told, offline=True))


class Road:
    """One small district behind an interface, and the workspace that fetches from it."""

    def __init__(self, folder: Path, system: EdFi) -> None:
        self.folder = folder
        self.system = system
        self.options = ""
        self.page_size = 250

    def config(self) -> Config:
        return edfi_config(self.folder, self.system, self.options, self.page_size)

    def fetch(self, *, full: bool = False) -> pipeline.Fetched:
        self.system.asked.clear()
        return pipeline.fetch_only(self.config(), pipeline.Request(full=full, clock=lambda: NOVEMBER))[0]

    def absences(self) -> set[tuple[str, str]]:
        """Student and date of every absence that is read now."""
        table = pipeline.check_only(self.config(), pipeline.Request(clock=lambda: LATE)).desk.checked.tables["attendance"]
        return {(ssid, str(day)) for ssid, day in table.select("ssid", "date").iter_rows()}

    def bounds(self) -> set[tuple[int, int]]:
        """From which change to which the attendance events were asked for."""
        asked = [one.query for one in self.system.asked if one.path.endswith(f"/{DAYS}")]
        return {(int(query.get("minChangeVersion", 0)), int(query.get("maxChangeVersion", 0))) for query in asked}

    @property
    def absent(self) -> dict[str, Any]:
        """An event of the interface that is an absence."""
        return next(row for row in self.system.rows[DAYS] if row.get("attendanceEventReason") == "ILL")


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    write_edfi_api(make_district(students=16), tmp_path / "data")
    with serving(EdFi(tmp_path / "data" / "server", uses=10_000)) as system:
        yield Road(tmp_path, system)


@pytest.mark.slow
def test_a_later_fetch_asks_for_what_changed_and_what_was_deleted(road: Road) -> None:
    road.fetch()
    first, before = road.system.newest, road.absences()
    assert road.bounds() == {(0, first)}
    gone, moved = road.absent, next(row for row in road.system.rows[DAYS][::-1] if row.get("attendanceEventReason") == "UNX")
    road.system.delete(DAYS, gone["id"])
    road.system.put(DAYS, {**moved, "eventDate": "2026-05-29"})
    road.system.put(DAYS, {**moved, "id": "new", "eventDate": "2026-05-28"})
    found = road.fetch()
    assert road.bounds() == {(first, first + 3)}
    assert len([name for name in found.new if DAYS in name]) == 2, "a page of changes and one of deletes"
    after = road.absences()
    assert {day for _, day in after - before} == {"2026-05-28", "2026-05-29"}
    assert {day for _, day in before - after} == {gone["eventDate"], moved["eventDate"]}


@pytest.mark.slow
def test_when_nothing_changed_no_page_is_kept_and_the_next_fetch_begins_there(road: Road) -> None:
    road.fetch()
    before = road.absences()
    road.system.newest += 5
    assert road.fetch().new == ("pages/credentials/2509-2514/0001.json",), "the row of the last number, which is asked for again"
    assert road.fetch().new == ()
    assert road.bounds() == {(road.system.newest, road.system.newest)}
    assert road.absences() == before


@pytest.mark.slow
def test_full_asks_for_everything(road: Road) -> None:
    road.fetch()
    road.fetch(full=True)
    assert road.bounds() == {(0, road.system.newest)}


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["newest", "oldest"])
def test_a_database_that_was_restored_or_has_forgotten_is_fetched_whole(changed: str, road: Road) -> None:
    """Numbers that it does not know (any more) say nothing; an absence that was deleted may be there again."""
    road.fetch()
    before, row = road.absences(), road.absent
    road.system.delete(DAYS, row["id"])
    road.fetch()
    assert len(road.absences()) == len(before) - 1
    road.system.rows[DAYS].append(row)
    if changed == "newest":
        road.system.newest -= 1
    else:
        road.system.newest += 10
        road.system.oldest = road.system.newest
    road.fetch()
    assert road.bounds() == {(0, road.system.newest)}
    assert road.absences() == before


@pytest.mark.slow
def test_without_change_queries_everything_is_fetched_each_time(road: Road) -> None:
    road.system.changes = False
    road.fetch()
    road.system.delete(DAYS, road.absent["id"])
    before = road.absences()
    road.fetch()
    assert road.bounds() == {(0, 0)}
    assert len(road.absences()) == len(before) - 1


@pytest.mark.slow
@pytest.mark.parametrize("version", ["7.3", "6.1"])
def test_pitfall_29_rows_that_others_change_while_pages_are_read_are_neither_lost_nor_twice(version: str, road: Road) -> None:
    """A row leaves the pages when it is touched, the counts differ, the resource is read again, and what left comes in the end."""
    road.system.version, road.page_size = version, 50
    touched = iter(road.system.rows[DAYS][:2])

    def somebody_writes() -> None:
        if road.system.asked[-1].path.endswith(f"/{DAYS}") and (row := next(touched, None)):
            road.system.put(DAYS, {**row, "eventDate": "2026-05-29"})

    road.system.meanwhile = somebody_writes
    road.fetch()
    assert next(touched, None) is None
    assert len(road.bounds()) == 2, "whole, and what was changed meanwhile"
    read = road.absences()
    road.fetch(full=True)
    assert road.absences() == read


@pytest.mark.slow
def test_pitfall_29_a_resource_that_never_stands_still_leaves_the_last_fetch(road: Road) -> None:
    road.fetch()
    before = road.absences()
    rows = iter(road.system.rows[DAYS] * 5)

    def somebody_writes() -> None:
        if road.system.asked[-1].path.endswith(f"/{DAYS}"):
            road.system.put(DAYS, {**next(rows), "eventDate": "2026-05-29"})

    road.page_size, road.system.meanwhile = 50, somebody_writes
    with pytest.raises(RecoupError) as caught:
        road.fetch(full=True)
    assert (caught.value.code, caught.value.status) == ("HTTP_COUNT", Exit.SOURCE)
    assert road.absences() == before


@pytest.mark.slow
def test_what_changes_meanwhile_is_brought_in_the_end(road: Road) -> None:
    """Somebody writes while another resource is read: the newest number has moved when all is there."""
    moved = road.absent

    def somebody_writes() -> None:
        if road.system.asked[-1].path.endswith("/credentials") and moved["eventDate"] != "2026-05-29":
            moved["eventDate"] = "2026-05-29"
            road.system.put(DAYS, moved)

    first, road.system.meanwhile = road.system.newest, somebody_writes
    road.fetch()
    assert road.bounds() == {(0, first), (first, first + 1)}
    assert "2026-05-29" in {day for _, day in road.absences()}


@pytest.mark.slow
def test_pitfall_29_a_page_that_the_host_refuses_is_named(road: Road) -> None:
    road.system.most = 100
    with pytest.raises(RecoupError) as caught:
        road.fetch()
    assert (caught.value.code, caught.value.status) == ("EDFI_PAGE_SIZE", Exit.SOURCE)
    road.page_size = 100
    road.fetch()
    assert road.absences()


@pytest.mark.slow
def test_a_claim_set_may_leave_out_what_is_optional_and_nothing_else(road: Road) -> None:
    road.system.denied = {"bellSchedules", "sessions"}
    found = road.fetch()
    left = {finding.message.split(" is left out")[0] for finding in found.findings if finding.code == "HTTP_DENIED"}
    assert {place.rpartition("/")[0] for place in left} >= {"sis: bellSchedules", "sis: sessions"}
    assert road.absences()
    road.system.denied = {"students"}
    with pytest.raises(RecoupError, match="HTTP_DENIED"):
        road.fetch(full=True)


@pytest.mark.slow
def test_changes_without_deletes_would_keep_what_is_gone(road: Road) -> None:
    road.fetch()
    road.system.put(DAYS, road.absent)
    road.system.denied = {"/deletes"}
    with pytest.raises(RecoupError) as caught:
        road.fetch()
    assert (caught.value.code, caught.value.status) == ("EDFI_CHANGES", Exit.SOURCE)
    road.options = "change_queries = false\nsnapshot = true"
    road.fetch()
    assert road.bounds() == {(0, 0)}
    assert {one.headers.get("Use-Snapshot") for one in road.system.asked if "/data/" in one.path} == {"true"}


@pytest.mark.slow
def test_a_token_that_is_refused_is_renewed_once_and_a_wrong_secret_is_told(road: Road) -> None:
    road.system.uses = 7
    road.fetch()
    assert road.system.tokens > 5
    assert road.absences()
    (road.folder / "secret").write_text("nobody", encoding="utf-8")
    with pytest.raises(RecoupError) as caught:
        pipeline.fetch_only(config.load(road.folder / "recoup.toml"), pipeline.Request())
    assert caught.value.code == "HTTP_SIGN_IN"
    assert "nobody" not in str(caught.value)


def test_the_doctor_says_what_the_interface_is(road: Road) -> None:
    told = {finding.topic: finding for finding in examine(road.config(), lambda: LATE)}["sis: system"]
    assert "ODS/API 7.3, data standard 5.2.0, 16 students, change queries on" in told.seen
    road.system.denied = {"schools"}
    fault = {finding.topic: finding.fault for finding in examine(road.config(), lambda: LATE)}["sis: system"]
    assert fault is not None
    assert fault.code == "HTTP_DENIED"


def test_a_year_may_stand_in_the_path(road: Road) -> None:
    road.options = 'data_path = "data/v3/{year}/ed-fi"\nchanges_path = "changeQueries/v1/{year}"'
    with pytest.raises(RecoupError, match="HTTP_NOT_FOUND"):
        road.fetch()
    assert not [asked for asked in road.system.asked if "Use-Snapshot" in asked.headers]
    assert {asked.path for asked in road.system.asked} >= {
        f"{BASE}/changeQueries/v1/2026/availableChangeVersions", f"{BASE}/data/v3/2026/ed-fi/schools"
    }  # fmt: skip


@pytest.mark.slow
def test_a_folder_is_read_without_a_server(tmp_path: Path) -> None:
    """The same adapter, a location that is no address: its files are interchange XML."""
    write_edfi(make_district(students=16), tmp_path / "data")
    text = (files("recoup.synthetic") / "edfi.toml").read_text(encoding="utf-8")
    (tmp_path / "recoup.toml").write_text(text, encoding="utf-8")
    told = config.load(tmp_path / "recoup.toml")
    (found, _) = pipeline.fetch_only(told, pipeline.Request())
    assert len(found.new) == 9
    assert pipeline.check_only(told, pipeline.Request()).desk.checked.tables["students"].height == 16
