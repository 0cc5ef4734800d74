"""``recoup explain`` as a person meets it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from recoup.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.conftest import District


def call(district: District, *words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words), "--config", str(district.config)])


@pytest.fixture(scope="module")
def ran(kept_district: District) -> District:
    assert call(kept_district, "run", "--as-of", "2026-06-30").exit_code == 0
    return kept_district


def test_the_story_on_the_terminal(ran: District) -> None:
    result = call(ran, "explain", "9000000001")
    assert result.exit_code == 0, result.output
    for words in (
        "Student ••••••0001  A. A.",
        "Sat 2025-08-23  08:00-12:00  S1 Saturday Recovery",
        "240 recorded, 240 counted.",
        "day 1 is earned and takes 240",
        "participation.csv line 2",
        "Met the absence of Wed 2025-08-20",
        "attendance.csv line 2",
        "240 minutes",
    ):
        assert words in result.stdout
    assert not any(name in result.output for name in ("Ana", "Arce", "9000000001"))
    assert "Student 9000000001  Ana Arce" in call(ran, "explain", "9000000001", "--show-names").stdout


def test_the_story_for_machines(ran: District) -> None:
    document: dict[str, Any] = json.loads(call(ran, "explain", "9000000001", "--json").stdout)
    assert document["schema"] == "recoup.story/1"
    assert document["student"]["ssid"] == "••••••0001"
    place = {"source": "sis", "file": "participation.csv", "line": 2}
    assert document["days"][0]["paid_by"] == [{"session_id": "S1", "session_date": "2025-08-23", "minutes": 240, "source": place}]
    assert document["credits"][0]["absence_source"] == {"source": "sis", "file": "attendance.csv", "line": 2}


def test_the_story_as_a_page(ran: District) -> None:
    page = ran.folder / "story.html"
    result = call(ran, "explain", "1", "--local-id", "--html", page)
    assert (result.exit_code, result.stdout) == (0, "")
    assert str(page) in result.stderr
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    assert os.name == "nt" or page.stat().st_mode & 0o077 == 0
    assert not list(ran.folder.glob("*.building"))


def test_a_page_that_cannot_be_written_is_told(ran: District) -> None:
    result = call(ran, "explain", "9000000001", "--html", ran.folder / "gone" / "story.html")
    assert result.exit_code in (1, 2)
    assert "gone" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("words", "status"), [(["9999999999"], 2), (["9", "--local-id"], 2), ([], 2)])
def test_an_unknown_student_is_told_how_many_there_are(ran: District, words: list[str], status: int) -> None:
    result = call(ran, "explain", *words)
    assert result.exit_code == status
    assert "900000000" not in result.output
    assert not words or "2 students" in result.stderr


def test_without_a_good_run(district: District) -> None:
    assert "NO_GOOD_RUN" in call(district, "explain", "9000000001").stderr


def test_a_page_into_a_folder_that_is_not_there_says_so(ran: District) -> None:
    said = call(ran, "explain", "9000000001", "--html", ran.folder / "no" / "a.html")
    assert said.exit_code == 2
    assert "STORE_NO_FOLDER" in said.output
