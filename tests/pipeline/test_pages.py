"""Sets of pages on their way from a server into the archive, and what the configuration says of the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from recoup import config, pipeline
from recoup.cli import main
from recoup.errors import Exit, RecoupError
from recoup.pipeline.pages import _loaded
from recoup.ports import PageSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def failing(*codes: str) -> Callable[[], Sequence[bytes]]:
    """Fail with each code in turn, and then bring a page."""
    left = list(codes)

    def load() -> Sequence[bytes]:
        if left:
            raise RecoupError(left.pop(0), page=2, counted=3, rows=2, status=403)
        return [b"[]"]

    return load


@pytest.mark.parametrize("code", ["HTTP_COUNT", "HTTP_PAGE_LOOP"])
def test_pages_that_do_not_fit_together_are_brought_once_more_and_no_oftener(code: str) -> None:
    assert [bodies for _, bodies in _loaded(iter([PageSet("students", "", failing(code))]), 2)] == [[b"[]"]]
    with pytest.raises(RecoupError) as caught:
        list(_loaded(iter([PageSet("students", "", failing(code, code))]), 2))
    assert (caught.value.code, caught.value.status) == (code, Exit.SOURCE)


def test_an_optional_set_may_be_missing_and_no_other() -> None:
    ((_, found),) = _loaded(iter([PageSet("terms", "", failing("HTTP_DENIED"), optional=True)]), 1)
    assert isinstance(found, RecoupError)
    for wanted in (PageSet("terms", "", failing("HTTP_DENIED")), PageSet("terms", "", failing("HTTP_SERVER"), optional=True)):
        with pytest.raises(RecoupError):
            list(_loaded(iter([wanted]), 1))


def test_sets_come_in_their_order_whatever_takes_long() -> None:
    sets = [PageSet("students", str(number), lambda number=number: [str(number).encode()]) for number in range(20)]  # type: ignore[misc]
    assert [bodies for _, bodies in _loaded(iter(sets), 4)] == [[str(number).encode()] for number in range(20)]


@pytest.mark.parametrize("adapter", ["aeries_api", "edfi", "powerschool_api"])
def test_init_writes_what_the_adapter_needs_to_sign_in(adapter: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["init", str(tmp_path), "--adapter", adapter, "--location", "https://sis.example.org/api"])
    assert done.exit_code == 0, done.output
    http = config.load(tmp_path / "recoup.toml").sources[0].http
    assert (http.token is not None, http.client_secret is not None) == (adapter == "aeries_api", adapter != "aeries_api")


def test_a_folder_for_an_interface_and_an_address_for_files_are_told_apart(tmp_path: Path) -> None:
    def code(adapter: str, location: str) -> str:
        path = tmp_path / "recoup.toml"
        path.write_text(
            f'school_year = "2025-2026"\n[lea]\ncounty_district_code = "1964733"\nname = "Cedar Valley Unified"\n'
            f'[[sources]]\nname = "sis"\nadapter = "{adapter}"\nlocation = "{location}"\n',
            encoding="utf-8",
        )
        with pytest.raises(RecoupError) as caught:
            pipeline.fetch_only(config.load(path), pipeline.Request())
        assert caught.value.status == Exit.USAGE
        return caught.value.code

    assert code("powerschool_api", "data") == "HTTP_NEEDS_URL"
    assert code("bundle", "https://sis.example.org") == "TRANSPORT_NO_HTTP"
    assert code("powerschool_api", "http://sis.example.org") == "HTTP_NO_TLS"
