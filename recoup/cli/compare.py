"""``recoup compare``: what another reading of the rules would change."""

from __future__ import annotations

from pathlib import Path

import click

from recoup.cli.app import Ui, command


@command("compare")
@click.option("--policy", "settings", multiple=True, metavar="NAME=VALUE", help="Another value of a policy setting; may be repeated.")
@click.option("--without-attestations", is_flag=True, help="As if nobody answered for the checks that the data cannot show.")
@click.option("--against", metavar="RUN", help="Another saved run instead of another reading; `recoup runs` lists them.")
@click.option("--each", "every", is_flag=True, help="Every other value of every policy setting, one after the other, in one table.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write every changed day as CSV, for its owner alone: it holds values of children's records.",
)
def compare(ui: Ui, settings: tuple[str, ...], without_attestations: bool, against: str | None, every: bool, out: Path | None) -> None:
    """Compare the last good run with another reading of the rules.

    Which days would fall, which would be added, of how many students, by reason, school and grade span. Nothing is changed, and nothing
    is exported.
    """
    asked = [bool(settings) or without_attestations, bool(against), every]
    if sum(asked) != 1 or (every and out):
        raise click.UsageError("Name one: --policy and --without-attestations, or --against, or --each (which writes no --out).")
    config = ui.config()
    from recoup import pipeline
    from recoup.pipeline import compare
    from recoup.reports.compare_text import as_text, each_as_text
    from recoup.store import Workspace
    from recoup.store.private import write_private

    with Workspace.look(config.workspace) as workspace:
        run = pipeline.last_good(workspace, config.school_year)
        other = workspace.snapshots.load(against) if against else None
    if every:
        document = compare.each(run, ui.progress)
        ui.progress("")
        ui.result(document, each_as_text(document))
        return
    found = (
        compare.against(run, other) if other else compare.reading(run, compare.parse(settings), without_attestations=without_attestations)
    )
    if out:
        write_private(out, found.rows().write_csv(line_terminator="\n").encode())
        ui.note(f"written: {out}")
    ui.result(found.told, as_text(found.told))
