"""How an ODS/API is asked: which pages, by what, and what is made of an interface that answers otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from recoup.adapters.edfi import ADAPTER
from recoup.adapters.edfi.fetching import Ods, Versions
from recoup.errors import Exit, RecoupError
from recoup.transports import HttpSettings, RetrySettings, open_http
from tests.servers.edfi import BASE, CLIENT, SECRET, EdFi
from tests.servers.fetching import Told, asking
from tests.servers.loopback import Asked, Reply, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS = [{"id": f"{number:032x}", "studentUniqueId": str(number), "_version": number} for number in range(1, 8)]


class Odd(EdFi):
    """An interface whose answers ``twist`` changes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, uses=1000)
        self.twist: Callable[[Asked, Reply], Reply] = lambda asked, reply: reply

    def answer(self, asked: Asked) -> Reply:
        return self.twist(asked, super().answer(asked))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Odd]:
    (tmp_path / "students.json").write_text(json.dumps(ROWS), encoding="utf-8")
    (tmp_path / "staffs.json").write_text("[]", encoding="utf-8")
    with serving(Odd(tmp_path)) as found:
        yield found


def ods_of(system: EdFi, page_size: int = 3, **options: object) -> Ods:
    settings = HttpSettings(client_id=Told(CLIENT), client_secret=Told(SECRET), page_size=page_size, retry=RetrySettings(1, 0, 0))
    return Ods(open_http(system.url + BASE, ADAPTER.sign_in, settings), ADAPTER.settle(asking(options))[0], 2026)


def ids(pages: list[bytes]) -> list[list[str]]:
    return [[row["studentUniqueId"] for row in json.loads(page)] for page in pages]


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(RecoupError) as caught:
        call()
    assert caught.value.status == Exit.SOURCE
    return caught.value.code


@pytest.mark.parametrize(
    ("version", "paging", "cursor"),
    [("7.3", "auto", True), ("7.10", "auto", True), ("7.2", "auto", False), ("7.3", "offset", False), ("6.1", "cursor", True)],
)
def test_pages_come_by_cursor_where_the_interface_has_them(version: str, paging: str, cursor: bool, system: Odd) -> None:
    system.version = version
    assert ods_of(system, paging=paging).cursor == cursor


@pytest.mark.parametrize("paging", ["cursor", "offset"])
def test_a_resource_comes_whole_and_once(paging: str, system: Odd) -> None:
    ods = ods_of(system, paging=paging)
    assert ids(ods.load("students", 0, 7)) == [["1", "2", "3"], ["4", "5", "6"], ["7"]]
    assert ids(ods.load("students", 5, 6)) == [["5", "6"]]
    assert ods.load("staffs", 0, 7) == [b"[]"]
    assert ods.load("staffs", 5, 7) == []


def test_change_versions_are_known_by_either_spelling_and_may_be_off(system: Odd) -> None:
    assert ods_of(system).versions() == Versions(0, 7)
    system.twist = lambda asked, reply: (
        Reply({"OldestChangeVersion": 2, "NewestChangeVersion": "9"}) if "available" in asked.path else reply
    )
    assert ods_of(system).versions() == Versions(2, 9)
    assert ods_of(system, change_queries=False).versions() is None
    system.twist = lambda asked, reply: Reply({}) if "available" in asked.path else reply
    assert code_of(ods_of(system).versions) == "HTTP_SHAPE"
    system.twist, system.changes = lambda asked, reply: reply, False
    assert ods_of(system).versions() is None


def test_an_interface_that_says_nothing_of_itself_is_read_by_offset(system: Odd) -> None:
    system.twist = lambda asked, reply: Reply({}, 404) if asked.path == f"{BASE}/" else reply
    ods = ods_of(system)
    assert (ods.version, ods.standard, ods.cursor) == ("", "", False)
    assert len(ids(ods.load("students", 0, 7))) == 3


def test_an_answer_without_a_count_is_not_of_this_interface(system: Odd) -> None:
    system.twist = lambda asked, reply: Reply(reply.value, reply.status)
    assert code_of(lambda: ods_of(system).count("students")) == "HTTP_SHAPE"


def test_a_cursor_that_leads_back_is_seen(system: Odd) -> None:
    system.twist = lambda asked, reply: Reply(ROWS[:3], headers={"Next-Page-Token": "after-0"}) if "pageSize" in asked.query else reply
    assert code_of(lambda: ods_of(system).load("students", 0, 7)) == "HTTP_PAGE_LOOP"


def test_a_cursor_that_ends_too_soon_is_seen(system: Odd) -> None:
    system.twist = lambda asked, reply: Reply(reply.value) if "pageSize" in asked.query else reply
    assert code_of(lambda: ods_of(system).load("students", 0, 7)) == "HTTP_COUNT"


@pytest.mark.parametrize(("page_size", "code"), [(500, "EDFI_PAGE_SIZE"), (3, "HTTP_REFUSED")])
def test_a_page_that_is_refused_may_be_too_long(page_size: int, code: str, system: Odd) -> None:
    system.most = 2
    assert code_of(lambda: ods_of(system, page_size).load("students", 0, 7)) == code
