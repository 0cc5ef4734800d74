"""``recoup export``: write exports again from the last good snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recoup.cli.app import Ui, command
from recoup.cli.run import out_option, tell

if TYPE_CHECKING:
    from pathlib import Path


@command("export")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@out_option
def export(ui: Ui, names: tuple[str, ...], out: Path | None) -> None:
    """Write exports again from the last good snapshot.

    OUT gets every configured export, and those named besides; another folder gets the named ones alone.
    """
    config = ui.config()
    from recoup import pipeline

    tell(ui, pipeline.export_again(config, names, pipeline.Request(out=out, say=ui.progress)))
