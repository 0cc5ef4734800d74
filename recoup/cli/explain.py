"""``recoup explain``: one student's story."""

from __future__ import annotations

from pathlib import Path

import click

from recoup.cli.app import Ui, command


@command("explain")
@click.argument("student", metavar="SSID")
@click.option("--local-id", is_flag=True, help="SSID is the student's local number instead.")
@click.option("--show-names", is_flag=True, help="Show the student's name and whole SSID; else initials and the last four digits.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the story as one page, for its owner alone.",
)
def explain(ui: Ui, student: str, local_id: bool, show_names: bool, page: Path | None) -> None:
    """Tell one student's story from the last good run.

    Every session with what it counted and why, what would release a hold, the bank after each date, every day earned, the absence it
    met or why it waits, and what is left; with the rule, its certainty and the source line of each step.
    """
    config = ui.config()
    from recoup import pipeline
    from recoup.pipeline import explain
    from recoup.reports.explain_text import as_text
    from recoup.store import Workspace
    from recoup.store.private import write_private

    with Workspace.look(config.workspace) as workspace:
        run = pipeline.last_good(workspace, config.school_year)
    told = explain.story(run, explain.find_student(run, student, local_id=local_id), show_names=show_names)
    if page:
        from recoup.reports.explain_html import as_html

        write_private(page, as_html(told))
        ui.note(f"written: {page}")
    ui.result(told, "" if page else as_text(told))
