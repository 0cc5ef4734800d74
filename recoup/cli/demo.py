"""``recoup demo``: a synthetic district and the whole road on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from recoup.cli.app import Ui, command
from recoup.cli.run import tell


@command("demo")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"))
def demo(ui: Ui, folder: Path) -> None:
    """Try it: a made-up district, and the whole road on it.

    Writes data, configuration and outputs into DIR (default: demo). No network, no credentials.
    """
    from recoup.config import FILE_NAME
    from recoup.synthetic.demo import write_demo

    ui.progress("writing a made-up district")
    write_demo(folder)
    ui = replace(ui, config_path=folder / FILE_NAME)
    config = ui.config()
    from recoup import pipeline

    ui.note(f"{folder} holds a made-up district's files (data), its configuration (recoup.toml) and what came of them (out).\n")
    tell(ui, pipeline.run(config, pipeline.Request(say=ui.progress)))
