"""``recoup exporters``: what can be written."""

from __future__ import annotations

from dataclasses import asdict

import click

from recoup.cli.adapters import options_as_text
from recoup.cli.app import Ui, command, table


@command("exporters")
@click.argument("name", required=False)
def exporters(ui: Ui, name: str | None) -> None:
    """List what can be written; with NAME, its options."""
    from recoup.exporters import registry

    if name is None:
        found = {each: registry.get(each).summary for each in registry.names()}
        ui.result([{"name": each, "summary": summary} for each, summary in found.items()], table(list(found.items())))
        return
    exporter = registry.get(name)
    told = {"name": exporter.name, "summary": exporter.summary, "options": [asdict(option) for option in exporter.options]}
    ui.result(told, "\n".join([f"{exporter.name}: {exporter.summary}", *options_as_text(exporter.options)]))
