"""``recoup exporters``: what can be written."""

from __future__ import annotations

from dataclasses import asdict

import click

from recoup.cli.adapters import options_as_text, tell_installed
from recoup.cli.app import Ui, command


@command("exporters")
@click.argument("name", required=False)
def exporters(ui: Ui, name: str | None) -> None:
    """List what can be written; with NAME, its options."""
    from recoup.exporters import registry

    if name is None:
        tell_installed(ui, registry.names(), registry.get)
        return
    exporter = registry.get(name)
    told = {"name": exporter.name, "summary": exporter.summary, "options": [asdict(option) for option in exporter.options]}
    ui.result(told, "\n".join([f"{exporter.name}: {exporter.summary}", *options_as_text(exporter.options)]))
