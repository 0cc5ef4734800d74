"""``recoup adapters``: what can be read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from recoup.cli.app import Ui, command, table
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recoup.ports import Adapter, Exporter, Option


@command("adapters")
@click.argument("name", required=False)
def adapters(ui: Ui, name: str | None) -> None:
    """List what can be read; with NAME, its files and options."""
    from recoup.adapters import registry

    if name is None:
        tell_installed(ui, registry.names(), registry.get)
        return
    adapter = registry.get(name)
    told: dict[str, Any] = {
        "name": adapter.name,
        "summary": adapter.summary,
        "feeds": [asdict(feed) for feed in adapter.feeds],
        "options": [asdict(option) for option in adapter.options],
    }
    feeds = [(feed.name, feed.match or f"{feed.name}.csv", "required" if feed.required else "", feed.help) for feed in adapter.feeds]
    lines = [f"{adapter.name}: {adapter.summary}", "", "Files:", table(feeds)]
    ui.result(told, "\n".join([*lines, *options_as_text(adapter.options)]))


def tell_installed(ui: Ui, names: Sequence[str], get: Callable[[str], Adapter | Exporter]) -> None:
    """List what is installed; what cannot be loaded is listed with its fault and keeps no other from being shown."""

    def summary(name: str) -> str:
        try:
            return get(name).summary
        except RecoupError as fault:
            return str(fault)

    found = {name: summary(name) for name in names}
    ui.result([{"name": name, "summary": text} for name, text in found.items()], table(list(found.items())))


def options_as_text(options: Sequence[Option]) -> list[str]:
    """Lay out the options of an adapter or exporter."""
    if not options:
        return []
    rows = []
    for option in options:
        kind = "|".join(option.choices) or option.type
        rows.append((option.name, kind, "required" if option.required else f"default {option.default!r}", option.help))
    return ["", "Options:", table(rows)]
