"""``recoup init``: a commented configuration to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from recoup.cli.app import Ui, command
from recoup.errors import RecoupError


@command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--adapter", required=True, metavar="NAME", help="What reads the files; `recoup adapters` lists them.")
@click.option("--location", default="data", show_default=True, metavar="URL", help="A folder, sftp://user@host:22/path or https://host/path.")
def init(ui: Ui, folder: Path, adapter: str, location: str) -> None:
    """Write a commented recoup.toml into DIR; never overwrite."""
    from recoup import law, pipeline
    from recoup.adapters import registry
    from recoup.config import FILE_NAME
    from recoup.config.template import template

    found = registry.get(adapter)
    today = pipeline.now().astimezone(pipeline.LOCAL).date()
    begins = today.year if today.month > 6 else today.year - 1
    present, known = f"{begins}-{begins + 1}", law.school_years()
    text = template(adapter, location, present if present in known else known[-1], found.options, getattr(found, "sign_in", None))
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        raise RecoupError("CONFIG_EXISTS", str(path)) from None
    except OSError as fault:
        raise RecoupError("CONFIG_UNWRITABLE", str(path), fault=type(fault).__name__) from None
    ui.result({"status": 0, "written": str(path)}, f"{path} is written. Fill in your district, then: recoup doctor --config {path}")
