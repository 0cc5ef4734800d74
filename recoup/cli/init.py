"""``recoup init``: a commented configuration to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recoup.cli.app import Ui, command
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from recoup.ports import Adapter, SchoolYear


@command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--adapter", required=True, metavar="NAME", help="What reads the files; `recoup adapters` lists them.")
@click.option(
    "--location", default="data", show_default=True, metavar="URL", help="A folder, sftp://user@host:22/path or https://host/path."
)
def init(ui: Ui, folder: Path, adapter: str, location: str) -> None:
    """Write a commented recoup.toml into DIR; never overwrite.

    Where the location is a folder with files, the codes in them that have no meaning yet go into crosswalk.csv there, to be filled in.
    """
    from recoup import law, pipeline
    from recoup.adapters import registry
    from recoup.config import FILE_NAME
    from recoup.config.template import template

    found = registry.get(adapter)
    today = pipeline.now().astimezone(pipeline.LOCAL).date()
    begins = today.year if today.month > 6 else today.year - 1
    present, known = f"{begins}-{begins + 1}", law.school_years()
    # An adapter with two ways in signs in only where the location is a server's.
    as_files = getattr(found, "files_alone", False) and not location.lower().startswith(("https://", "http://"))
    sign_in = None if as_files else getattr(found, "sign_in", None)
    beside = sign_in is not None and not hasattr(found, "files_alone")
    text = template(adapter, location, present if present in known else known[-1], found.options, sign_in, beside)
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        raise RecoupError("CONFIG_EXISTS", str(path)) from None
    except OSError as fault:
        raise RecoupError("CONFIG_UNWRITABLE", str(path), fault=type(fault).__name__) from None
    drafted = _crosswalk(found, folder / location, law.load(present if present in known else known[-1]).year)
    if drafted:
        ui.note(f"{drafted} is written: say in its column means what the codes stand for.")
    ui.result(
        {"status": 0, "written": str(path), "crosswalk": str(drafted or "")},
        f"{path} is written. Fill in your district, then: recoup doctor --config {path}",
    )


def _crosswalk(adapter: Adapter, place: Path, year: SchoolYear) -> Path | None:
    """Draft the crosswalk file beside the files that are there already, and return it; None when there is nothing to say or no place."""
    from recoup.pipeline.codes import draft_of

    text = draft_of(adapter, place, year)
    if not text:
        return None
    try:
        with (place / "crosswalk.csv").open("x", encoding="utf-8", newline="") as out:
            out.write(text)
    except OSError:
        return None
    return place / "crosswalk.csv"
