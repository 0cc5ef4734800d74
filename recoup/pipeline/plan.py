"""What a run will do, settled before anything is fetched: a wrong name or setting is told at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from recoup import law
from recoup.adapters import registry as adapters
from recoup.errors import RecoupError, nearest
from recoup.exporters import registry as exporters
from recoup.ports import ReadRequest
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.config import Config, Source
    from recoup.law import Law
    from recoup.ledger import Engine
    from recoup.ports import Adapter, Exporter, Feed, HttpAdapter

#: Dates and times of the model are local to California.
LOCAL = ZoneInfo("America/Los_Angeles")


def now() -> datetime:
    """Return the present moment in UTC; the one clock that the program reads."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """A source with its adapter, the feeds under the district's own names and modes, and what the adapter is told."""

    source: Source
    adapter: Adapter
    feeds: tuple[Feed, ...]
    request: ReadRequest

    @property
    def http(self) -> HttpAdapter | None:
        """Return the adapter as one that fetches over HTTP, or None when it reads files only."""
        if not hasattr(self.adapter, "sign_in") or (getattr(self.adapter, "files_alone", False) and not self._is_url):
            return None
        return cast("HttpAdapter", self.adapter)

    @property
    def _is_url(self) -> bool:
        return self.source.location.lower().startswith(("https://", "http://"))

    @property
    def file_feeds(self) -> tuple[Feed, ...]:
        """Return the feeds that come as files."""
        paged = self.http.paged if self.http else frozenset()
        return tuple(feed for feed in self.feeds if feed.name not in paged)

    @property
    def file_location(self) -> str:
        """Return where the files lie; empty where the source has pages alone."""
        return self.source.beside if self.http else self.source.location


@dataclass(frozen=True, slots=True)
class PlannedExport:
    """An exporter with its options made whole."""

    exporter: Exporter
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration resolved: the law of the year, the whole policy of each LEA by its code, and every plugin it names.

    ``engine``: what the ledger is computed with, Polars where it is None.
    """

    config: Config
    law: Law
    policies: Mapping[str, Mapping[str, str]]
    as_of: date
    sources: tuple[PlannedSource, ...]
    exports: tuple[PlannedExport, ...]
    engine: Engine | None = None

    @property
    def policy(self) -> Mapping[str, str]:
        """Return the policy of the configured LEA, which any LEA without one of its own has too."""
        return self.policies[self.config.lea.code]

    @property
    def rule_version(self) -> str:
        """Return the name of the rules of the configured LEA."""
        return law.rule_version(self.law, self.policy)

    @property
    def config_hash(self) -> str:
        """Return the SHA-256 of the configuration file as it is now."""
        return hashlib.sha256(self.config.path.read_bytes()).hexdigest()


def make_plan(config: Config, as_of: date | None = None) -> Plan:
    """Resolve a configuration.

    ``as_of`` defaults to today in California, or to June 30 of the school year if that is earlier. Raises
    ``RecoupError`` (status 2) for an unknown adapter, feed, option, exporter, knob, value or year.
    """
    rules = law.load(config.school_year)
    year = rules.year
    if as_of is not None and not year.first <= as_of <= year.last:
        raise RecoupError("AS_OF_OUTSIDE_YEAR", as_of=as_of, year=year.name, first=year.first, last=year.last)
    for period in config.periods:
        if not year.first <= (period.starts or year.first) <= period.ends <= year.last:
            told = {"name": period.name, "year": year.name, "first": year.first, "last": year.last}
            raise RecoupError("CONFIG_PERIOD", f"{config.path}: [periods]", **told)
    today = now().astimezone(LOCAL).date()
    for one in config.attest:
        if one.on > today:
            raise RecoupError("CONFIG_ATTEST_AHEAD", f"{config.path}: [attest] {one.check}", on=one.on)
    _check_fill(config)
    return Plan(
        config=config,
        law=rules,
        policies=_policies(config),
        as_of=as_of or min(today, year.last),
        sources=tuple(_source(source, config, rules) for source in config.sources),
        exports=tuple(planned_export(setting.exporter, setting.options, config) for setting in config.exports),
    )


def _check_fill(config: Config) -> None:
    """Hold the columns of ``[fill]`` against the model: a key is never filled, since it says which row it is."""
    for table, columns in config.fill.items():
        model = TABLES[table]
        known = [column.name for column in model.columns if not column.key]
        for name in columns:
            if name not in known:
                what = "part of the key of" if name in model.key else "no column of"
                told = {"column": name, "what": what, "table": table, "known": ", ".join(known), "nearest": nearest(name, known)}
                raise RecoupError("CONFIG_FILL_COLUMN", f"{config.path}: [fill] {table}", **told)


def _policies(config: Config) -> dict[str, dict[str, str]]:
    """Return the whole policy of each configured LEA by its code; an LEA's own settings come before ``[policy]``."""
    common = law.policy(config.policy, f"{config.path}: [policy]")
    policies = {config.lea.code: common}
    for entry in config.leas:
        where = f"{config.path}: [[leas]] {entry.lea.code}"
        own = {law.setting_name(key): value for key, value in entry.policy.items()}
        if len(own) < len(entry.policy):
            # Named once by name and once by number: the law says which.
            law.policy(entry.policy, where)
        policies[entry.lea.code] = law.policy({**common, **own}, where)
    return policies


def _source(source: Source, config: Config, rules: Law) -> PlannedSource:
    where = f"{config.path}: source '{source.name}'"
    adapter = adapters.get(source.adapter, where, config.path.parent)
    known = {feed.name: feed for feed in adapter.feeds}
    for name in source.files:
        if name not in known:
            told = {"adapter": adapter.name, "name": name, "known": ", ".join(known), "nearest": nearest(name, known)}
            raise RecoupError("SOURCE_FEED_UNKNOWN", where, **told)
    for name, setting in source.files.items():
        known[name] = replace(known[name], match=setting.match or known[name].match, mode=setting.mode or known[name].mode)
    request = ReadRequest(source.name, rules.year, config.lea, source.options, source.mapping)
    adapters.settle(adapter, request)
    planned = PlannedSource(source, adapter, tuple(known.values()), request)
    if planned.http and not planned._is_url:  # noqa: SLF001 of the same module
        raise RecoupError("HTTP_NEEDS_URL", where, adapter=adapter.name)
    return planned


def planned_export(name: str, options: Mapping[str, object], config: Config) -> PlannedExport:
    """Return an exporter with its options made whole. Raises ``RecoupError`` (2) for an unknown name or option."""
    exporter = exporters.get(name, f"{config.path}: [[exports]]")
    return PlannedExport(exporter, exporters.settings(exporter, options))
