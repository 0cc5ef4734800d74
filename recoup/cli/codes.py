"""``recoup codes``: what the vendor's codes mean, and those of which nobody has said."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from recoup.cli.app import Ui, command, table
from recoup.errors import RecoupError


@command("codes")
@click.option("--source", metavar="NAME", help="The source in recoup.toml whose codes are listed; default: the only one.")
@click.option("--draft", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a crosswalk file to fill in.")
def codes(ui: Ui, source: str | None, draft: Path | None) -> None:
    """List the codes of the archived files, how often they stand there and what they mean; those without a meaning first.

    Codes are those of absences by school, grades, school types and enrollment status, and every code that was refused.
    """
    config = ui.config()
    from recoup import pipeline
    from recoup.pipeline.codes import codes as read

    found, hidden, text = read(config, source, pipeline.Request(say=ui.progress))
    if draft is not None:
        try:
            with draft.open("x", encoding="utf-8", newline="") as out:
                out.write(text)
        except FileExistsError:
            raise RecoupError("CODES_EXISTS", str(draft)) from None
        except OSError as fault:
            raise RecoupError("CONFIG_UNWRITABLE", str(draft), fault=type(fault).__name__) from None
    lost = sum(not one.means for one in found)
    rows = [(one.list, one.school, one.code or "(empty)", one.means or "NOT MAPPED", one.rows, one.description) for one in found]
    told = [table([("list", "school", "code", "means", "rows", ""), *rows]), "", f"{lost} codes have no meaning yet."]
    if hidden:
        told.append(f"{hidden} may be names or numbers of children, from a column that slipped, and are masked: --draft writes them whole.")
    if draft is not None:
        told.append(f"{draft} is written. Fill in its column means, and put it beside the source's other files.")
    ui.progress("")
    ui.result({"status": 0, "unmapped": lost, "codes": [asdict(one) for one in found]}, "\n".join(told))
