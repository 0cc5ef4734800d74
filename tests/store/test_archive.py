"""The raw archive keeps what came, once, unaltered; and chooses what a source reads now."""

from __future__ import annotations

import hashlib
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.errors import RecoupError
from recoup.ports import Feed, RemoteFile
from recoup.store import Workspace, date_in_name, feed_of
from recoup.store.platform import WINDOWS
from tests.store.road import YEAR, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STUDENTS = Feed("students", ("students",), match="STUDENTS_*.csv")
AR = Feed("participation", ("participation",), match="AR_SESSIONS_*.csv", mode="append")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "ws", command="fetch") as workspace:
        yield workspace


def bring(workspace: Workspace, name: str, content: str, modified: datetime | None = None) -> bool:
    temp = workspace.archive.incoming()
    temp.write_bytes(content.encode())
    return workspace.archive.admit(temp, "sis", "any", name, modified).new


def chosen(workspace: Workspace, *feeds: Feed) -> list[str]:
    return [file.name for file in workspace.archive.select("sis", feeds, YEAR).files]


def test_a_file_is_kept_as_it_came_under_its_hash(workspace: Workspace) -> None:
    temp = workspace.archive.incoming()
    content = b"\xff\xfes\x00s\x00\r"
    temp.write_bytes(content)
    file = workspace.archive.admit(temp, "sis", "students", "out/STUDENTS.csv").file
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.path == workspace.path / "archive" / file.sha256[:2] / file.sha256
    assert file.path.read_bytes() == content
    assert file.size == len(content)
    assert not temp.exists()
    assert not file.path.stat().st_mode & stat.S_IWRITE


def test_the_same_bytes_under_the_same_name_are_nothing_new(workspace: Workspace) -> None:
    assert bring(workspace, "students.csv", "a")
    assert not bring(workspace, "students.csv", "a")
    assert bring(workspace, "students.csv", "b")
    assert bring(workspace, "copy.csv", "a")
    assert len(workspace.journal.arrivals("sis")) == 3


def test_what_went_back_to_an_earlier_state_is_new_and_read(workspace: Workspace) -> None:
    feed = Feed("students", ("students",))
    for content in ("a", "b", "a"):
        assert bring(workspace, "students.csv", content)
    [file] = workspace.archive.select("sis", [feed], YEAR).files
    assert file.path.read_text() == "a"


def test_a_whole_copy_replaces_a_cut_one(workspace: Workspace) -> None:
    file = fetch(workspace, "whole").file
    file.path.chmod(0o600)
    file.path.write_text("cut")
    assert not workspace.archive.verify(file.sha256)
    with pytest.raises(RecoupError) as damaged:
        workspace.archive.select("sis", [Feed("students", ())], YEAR)
    assert damaged.value.code == "ARCHIVE_DAMAGED"
    fetch(workspace, "whole")
    assert workspace.archive.verify(file.sha256)


def test_verify_tells_altered_bytes_of_the_same_length(workspace: Workspace) -> None:
    file = fetch(workspace, "whole").file
    assert workspace.archive.verify(file.sha256)
    file.path.chmod(0o600)
    file.path.write_text("whole".upper())
    assert not workspace.archive.verify(file.sha256)
    assert not workspace.archive.verify("0" * 64)


def test_downloads_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws", command="fetch") as workspace:
        left = workspace.archive.incoming()
        left.write_text("half")
    with Workspace.open(tmp_path / "ws", command="fetch"):
        assert not left.exists()


@pytest.mark.skipif(WINDOWS, reason="this platform has no modes")
def test_what_is_kept_is_for_its_owner_alone(workspace: Workspace) -> None:
    fetch(workspace, "a")
    for path in (workspace.path, *workspace.path.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_file_is_fetched_again_only_when_it_can_have_changed(tmp_path: Path) -> None:
    now = datetime(2026, 1, 10, 8, tzinfo=UTC)
    old, fresh = now - timedelta(days=1), now - timedelta(seconds=1)
    with Workspace.open(tmp_path / "ws", command="fetch", clock=lambda: now) as workspace:
        bring(workspace, "old.csv", "abc", old)
        bring(workspace, "fresh.csv", "abc", fresh)
        bring(workspace, "undated.csv", "abc")
        has = workspace.archive.has
        assert has("sis", RemoteFile("old.csv", 3, old))
        assert not has("sis", RemoteFile("old.csv", 4, old))
        assert not has("sis", RemoteFile("old.csv", 3, fresh))
        assert not has("sis", RemoteFile("fresh.csv", 3, fresh))
        assert not has("sis", RemoteFile("undated.csv", 3))
        assert not has("other", RemoteFile("old.csv", 3, old))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("STUDENTS_2025-10-31.csv", datetime(2025, 10, 31, tzinfo=UTC)),
        ("STUDENTS20251031.csv", datetime(2025, 10, 31, tzinfo=UTC)),
        ("students 10-31-2025.txt", datetime(2025, 10, 31, tzinfo=UTC)),
        ("students_10312025.txt", datetime(2025, 10, 31, tzinfo=UTC)),
        ("x_20251031_0230.csv", datetime(2025, 10, 31, 2, 30, tzinfo=UTC)),
        ("x_2025-10-31T02-30-15.csv", datetime(2025, 10, 31, 2, 30, 15, tzinfo=UTC)),
        ("x_20251031023015.csv", datetime(2025, 10, 31, 2, 30, 15, tzinfo=UTC)),
        ("x_20251031_1234567.csv", datetime(2025, 10, 31, tzinfo=UTC)),
        ("2025_10_31/students.csv", datetime(2025, 10, 31, tzinfo=UTC)),
        ("2025-10-01/x_2025-10-31.csv", datetime(2025, 10, 31, tzinfo=UTC)),
        ("x_2025-08-01_2025-10-31.csv", datetime(2025, 10, 31, tzinfo=UTC)),
        ("1964733_20251031.csv", datetime(2025, 10, 31, tzinfo=UTC)),
        ("STAS_1964733_2025-2026.txt", None),
        ("students_2025-02-30.csv", None),
        ("students_2025103.csv", None),
        ("students_9202510311.csv", None),
        ("students.csv", None),
    ],
)
def test_the_date_in_a_name(name: str, expected: datetime | None) -> None:
    assert date_in_name(name) == expected


@given(st.dates(datetime(2020, 1, 1).date(), datetime(2039, 12, 31).date()), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%m-%d-%Y", "%m%d%Y"]))  # noqa: DTZ001
def test_every_date_is_read_in_each_form(day: datetime, form: str) -> None:
    found = date_in_name(f"AR_SESSIONS_{day.strftime(form)}.csv")
    assert found is not None
    assert found.date() == day


def test_full_reads_the_newest_by_the_date_in_the_name_alone(workspace: Workspace) -> None:
    late = datetime(2026, 5, 1, tzinfo=UTC)
    bring(workspace, "STUDENTS_2026-01-31.csv", "january", datetime(2026, 1, 31, tzinfo=UTC))
    bring(workspace, "STUDENTS_10-31-2025.csv", "october", late)
    assert chosen(workspace, STUDENTS) == ["STUDENTS_2026-01-31.csv"]
    bring(workspace, "STUDENTS_10-31-2025.csv", "october, sent once more", late)
    assert chosen(workspace, STUDENTS) == ["STUDENTS_2026-01-31.csv"]
    bring(workspace, "students_20260131_0230.csv", "at night", datetime(2026, 1, 30, tzinfo=UTC))
    assert chosen(workspace, STUDENTS) == ["students_20260131_0230.csv"]


def test_without_a_date_the_newest_is_by_time_then_by_arrival(workspace: Workspace) -> None:
    one, two = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    bring(workspace, "STUDENTS_b.csv", "b", two)
    bring(workspace, "STUDENTS_a.csv", "a", one)
    assert chosen(workspace, STUDENTS) == ["STUDENTS_b.csv"]
    bring(workspace, "STUDENTS_c.csv", "c", two)
    assert chosen(workspace, STUDENTS) == ["STUDENTS_c.csv"]


def test_append_reads_all_of_the_school_year_in_order(workspace: Workspace) -> None:
    for name in (
        "AR_SESSIONS_2025-11-01.csv",
        "AR_SESSIONS_2025-10-01.csv",
        "AR_SESSIONS_2025-06-30.csv",
        "AR_SESSIONS_2026-07-01.csv",
        "ar_sessions_20251015_0230.CSV",
    ):
        bring(workspace, name, name)
    selection = workspace.archive.select("sis", [AR], YEAR)
    assert [file.name for file in selection.files] == [
        "AR_SESSIONS_2025-10-01.csv",
        "ar_sessions_20251015_0230.CSV",
        "AR_SESSIONS_2025-11-01.csv",
    ]
    assert [file.name for file in selection.other_years] == ["AR_SESSIONS_2025-06-30.csv", "AR_SESSIONS_2026-07-01.csv"]
    assert {file.feed for file in selection.files} == {"participation"}


def test_append_reads_the_same_bytes_once_and_every_version_of_a_name(workspace: Workspace) -> None:
    bring(workspace, "AR_SESSIONS_2025-10-01.csv", "rows")
    bring(workspace, "AR_SESSIONS_2025-10-01.csv", "rows, mended")
    bring(workspace, "AR_SESSIONS_2025-10-02.csv", "rows")
    selection = workspace.archive.select("sis", [AR], YEAR)
    assert [file.path.read_text() for file in selection.files] == ["rows, mended", "rows"]


def test_files_that_no_feed_asks_for_are_listed(workspace: Workspace) -> None:
    bring(workspace, "README.txt", "one")
    bring(workspace, "README.txt", "two")
    selection = workspace.archive.select("sis", [STUDENTS, AR], YEAR)
    assert selection.files == ()
    assert [(file.name, file.path.read_text()) for file in selection.unmatched] == [("README.txt", "two")]


def test_a_file_that_two_feeds_ask_for_is_an_error(workspace: Workspace) -> None:
    bring(workspace, "AR_SESSIONS_1.csv", "x")
    with pytest.raises(RecoupError) as error:
        workspace.archive.select("sis", [AR, Feed("sessions", ("sessions",), match="ar_*")], YEAR)
    assert (error.value.code, error.value.status) == ("ARCHIVE_TWO_FEEDS", 2)
    assert "participation, sessions" in str(error.value)


def test_a_pattern_is_held_against_the_last_part_or_the_whole() -> None:
    plain, whole = Feed("students", ()), Feed("students", (), match="2025*/students.csv")
    assert feed_of("Students.CSV", [plain]) is plain
    assert feed_of("2025-10-31/students.csv", [plain]) is plain
    assert feed_of("2025-10-31/students.csv", [whole]) is whole
    assert feed_of("students.csv", [whole]) is None
    assert feed_of("students.csv.bak", [plain]) is None


def test_sources_do_not_see_each_other_s_files(workspace: Workspace) -> None:
    fetch(workspace, "a")
    assert workspace.archive.select("other", [Feed("students", ())], YEAR).files == ()
