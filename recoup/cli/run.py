"""``recoup run``: what a scheduler calls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recoup.cli.app import Ui, command

if TYPE_CHECKING:
    from datetime import date, datetime

    from recoup.pipeline import Fetched, Outcome

as_of_option = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The last date that counts, YYYY-MM-DD. [default: today in California, or June 30 if that is earlier]",
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where the outputs go. [default: out]"
)


@command("run")
@click.option("--dry-run", is_flag=True, help="Do all of it and publish nothing.")
@click.option("--offline", is_flag=True, help="Fetch nothing; run on the archive.")
@click.option("--strict", is_flag=True, help="Refuse (status 4) on any refused row or hold of a required check.")
@as_of_option
@out_option
@click.option(
    "--engine", type=click.Choice(["polars", "spark"]), default="polars", show_default=True, help="What the ledger is computed with."
)
def run(ui: Ui, dry_run: bool, offline: bool, strict: bool, as_of: datetime | None, out: Path | None, engine: str) -> None:
    """Run the whole road: what a scheduler calls.

    Fetch, read, check, compute the ledger, write every export, and swap the outputs in.
    """
    config = ui.config()
    from recoup import pipeline

    request = pipeline.Request(day(as_of), out, dry_run, offline, strict, engine=engine, say=ui.progress)
    tell(ui, pipeline.run(config, request))


def day(given: datetime | None) -> date | None:
    """Return the date of an option."""
    return given.date() if given else None


def tell(ui: Ui, outcome: Outcome) -> None:
    """Print the summary of a run and end with its status."""
    from recoup.reports import summary

    files = [(output.name, output.rows) for output in outcome.outputs]
    out = str(outcome.out) if outcome.out else ""
    told = summary.summarize(
        outcome.run, status=int(outcome.status), out=out, files=files, unchanged=outcome.unchanged, withheld=outcome.withheld
    )
    told["fetched"] = [fetched(one) for one in outcome.fetched]
    ui.progress("")
    ui.result(told, summary.as_text(told))
    if ui.quiet:
        # A scheduler's mail must say why the status is not 0.
        for name, reason in outcome.withheld.items():
            click.echo(
                f"recoup: {name} was withheld, all others were written: {reason}. The manifest's findings say what to mend.", err=True
            )
    click.get_current_context().exit(int(outcome.status))


def fetched(one: Fetched) -> dict[str, object]:
    """Return what a source brought, for ``--json``."""
    return {"source": one.source, "new": one.new, "known": len(one.known), "unmatched": one.unmatched}
