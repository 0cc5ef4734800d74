"""PowerSchool's answers as its tables, which are read on as its files are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recoup.adapters.paged import PagedAdapter, Record
from recoup.adapters.powerschool_api.fetching import Plugin, records, ways
from recoup.adapters.powerschool_api.plugin import plugin_files
from recoup.adapters.powerschool_files.adapter import ADAPTER as FILES
from recoup.adapters.powerschool_files.adapter import PowerSchoolFiles
from recoup.ports import SignIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recoup.ports import FetchRequest, HttpClient, PageSet


class PowerSchoolApi(PagedAdapter, PowerSchoolFiles):
    """The adapter for PowerSchool's REST interface."""

    def probe(self, client: HttpClient, request: FetchRequest) -> str:  # noqa: ARG002 every year is in one database
        """Look at every table, field and query that is needed."""
        plugin = Plugin(client, self.feeds, self.declaration.columns)
        return f"{plugin.check()} tables and queries are open, {plugin.page_size} rows a page"

    def fetch(self, client: HttpClient, request: FetchRequest) -> Iterator[PageSet]:
        """Look first, then name every set of pages to bring."""
        plugin = Plugin(client, self.feeds, self.declaration.columns)
        plugin.check()
        return plugin.sets(request)

    def plugin_files(self) -> dict[str, bytes]:
        """Return the files of the plugin that a district installs, by their path in its zip."""
        return plugin_files(self.declaration.columns)

    def flatten(self, feed: str, place: str, value: Any) -> Iterator[tuple[int, Record]]:  # noqa: ARG002 a table is the whole district's
        """Take the rows out of their wrapping."""
        yield from enumerate(records(value, feed), 1)


ADAPTER = PowerSchoolApi(
    "powerschool_api",
    "PowerSchool's REST interface: tables and PowerQueries through a plugin",
    FILES.declaration,
    FILES.options,
    frozenset(ways()),
    SignIn("oauth2", token_path="oauth/access_token/"),  # noqa: S106 a path
)
