"""``recoup new-adapter``: the folder of an adapter, to be filled with a vendor's columns."""

from __future__ import annotations

from pathlib import Path

import click

from recoup.cli.app import Ui, command


@command("new-adapter")
@click.argument("name")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
def new_adapter(ui: Ui, name: str, folder: Path) -> None:
    """Write the folder NAME of a new adapter into DIR, with examples, fixtures and a conformance test."""
    from recoup.adapters.scaffold import new_adapter as write

    written = write(name, folder)
    told = f'{folder / name} is written. Read its README.md; in recoup.toml: adapter = "./{name}". Test it with: pytest {folder / name}'
    ui.result({"status": 0, "written": [str(path) for path in written]}, told)
