"""Rounds of a system that numbers its changes: what was fetched later is laid over what was fetched before."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from recoup.ports import PageSet, SchoolYear
from recoup.store import Workspace

if TYPE_CHECKING:
    from pathlib import Path

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))


def whole(through: int | None, feed: str = "students") -> PageSet:
    return PageSet(feed, "", list, through=through)


def changes(after: int, through: int, feed: str = "students") -> PageSet:
    return PageSet(feed, "", list, after=after, through=through)


class Fetches:
    """One workspace; ``fetch`` closes a round, ``shown`` names the pages in force."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fetch(self, *sets: tuple[PageSet, str], full: bool = False) -> None:
        with Workspace.open(self.folder, command="fetch") as workspace, workspace.rounds.begin("sis", YEAR) as made:
            for wanted, page in sets:
                made.admit(wanted, [page.encode()] if page else [])
            made.close(full=full)

    def shown(self) -> list[str]:
        with Workspace.open(self.folder, command="fetch") as workspace:
            return [file.name.removeprefix("pages/") for file in workspace.rounds.files("sis", YEAR)]

    def versions(self) -> dict[str, int]:
        with Workspace.open(self.folder, command="fetch") as workspace:
            return workspace.rounds.versions("sis", YEAR)


def test_changes_are_laid_over_the_whole_in_their_order(tmp_path: Path) -> None:
    district = Fetches(tmp_path)
    district.fetch((whole(10), "[1]"))
    district.fetch((changes(10, 12), "[2]"))
    district.fetch((changes(12, 15), "[3]"))
    assert district.shown() == ["students/0-10/0001.json", "students/10-12/0001.json", "students/12-15/0001.json"]
    assert district.versions() == {"students": 15}


def test_no_change_leaves_no_page_and_moves_the_number_on(tmp_path: Path) -> None:
    district = Fetches(tmp_path)
    district.fetch((whole(10), "[1]"))
    district.fetch((changes(10, 12), ""))
    assert (district.shown(), district.versions()) == (["students/0-10/0001.json"], {"students": 12})


def test_a_new_whole_replaces_all_before_also_when_changes_follow_in_one_round(tmp_path: Path) -> None:
    district = Fetches(tmp_path)
    district.fetch((whole(10), "[1]"))
    district.fetch((changes(10, 12), "[2]"))
    district.fetch((whole(20), "[3]"), (changes(20, 21), "[4]"))
    assert district.shown() == ["students/0-20/0001.json", "students/20-21/0001.json"]
    district.fetch((whole(30), "[5]"), full=True)
    assert district.shown() == ["students/0-30/0001.json"]


def test_what_was_not_fetched_again_and_what_no_longer_numbers_its_changes_begins_anew(tmp_path: Path) -> None:
    district = Fetches(tmp_path)
    district.fetch((whole(10), "[1]"), (whole(10, "staffs"), "[2]"))
    district.fetch((whole(None), "[3]"))
    assert (district.shown(), district.versions()) == (["students/0001.json"], {})
