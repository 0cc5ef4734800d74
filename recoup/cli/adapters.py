"""``recoup adapters``: what can be read."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from recoup.cli.app import Ui, command, table
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recoup.ports import Adapter, Exporter, Option


@command("adapters")
@click.argument("name", required=False)
@click.option(
    "--plugin",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write into DIR the plugin that the system of NAME needs, to be installed there.",
)
def adapters(ui: Ui, name: str | None, plugin: Path | None) -> None:
    """List what can be read; with NAME, its files and options."""
    from recoup.adapters import registry
    from recoup.adapters.scaffold import write_plugin

    if plugin is not None:
        if name is None:
            raise click.UsageError("--plugin needs the NAME of an adapter.")
        written = [str(path) for path in write_plugin(registry.get(name), plugin)]
        ui.result({"status": 0, "written": written}, "\n".join([*(f"{path} is written." for path in written), "Install the zip."]))
        return
    if name is None:
        tell_installed(ui, registry.names(), registry.get)
        return
    adapter = registry.get(name)
    # A plugin that reads something else than files with headers has no columns to declare.
    columns = getattr(getattr(adapter, "declaration", None), "columns", {})
    told: dict[str, Any] = {
        "name": adapter.name,
        "summary": adapter.summary,
        "feeds": [{**asdict(feed), "columns": [asdict(column) for column in columns.get(feed.name, ())]} for feed in adapter.feeds],
        "options": [asdict(option) for option in adapter.options],
    }
    lines = [f"{adapter.name}: {adapter.summary}", "", "Files, and their columns (* required):"]
    for feed in adapter.feeds:
        lines.append(f"  {feed.name}  {feed.match or f'{feed.name}.csv'}{'  required' if feed.required else ''}  {feed.help}")
        # A name with an underscore before it is worked out of the others.
        asked = (column for column in columns.get(feed.name, ()) if not column.name.startswith("_"))
        named = " ".join(column.name + "*" * column.required for column in asked)
        lines += wrap(named, 96, initial_indent="      ", subsequent_indent="      ")
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
    lines = ["", "Options:"]
    for option in options:
        kind = "|".join(option.choices) or option.type
        default = "no default" if option.default is None else f"default {json.dumps(option.default, ensure_ascii=False)}"
        needed = "required" if option.required else default
        lines += wrap(f"{option.name} ({kind}, {needed})", 96, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        lines += wrap(option.help, 96, initial_indent="      ", subsequent_indent="      ")
    return lines
