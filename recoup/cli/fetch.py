"""``recoup fetch``: bring new raw files into the archive."""

from __future__ import annotations

import click

from recoup.cli.app import Ui, command
from recoup.cli.run import fetched


@command("fetch")
@click.option("--full", is_flag=True, help="Ask systems that answer over HTTP for the whole year again, not only since the last time.")
def fetch(ui: Ui, *, full: bool) -> None:
    """Bring new raw files into the archive; change nothing else."""
    config = ui.config()
    from recoup import pipeline

    found = pipeline.fetch_only(config, pipeline.Request(full=full, say=ui.progress))
    lines = []
    for one in found:
        lines.append(f"{one.source}: {len(one.new)} new, {len(one.known)} known already")
        lines += [f"  {name}" for name in one.new]
        lines += [f"  no feed asks for {name}" for name in one.unmatched] if ui.verbose else []
        lines += [f"  {finding.message}" for finding in one.findings]
    ui.progress("")
    ui.result({"status": 0, "sources": [fetched(one) for one in found]}, "\n".join(lines))
