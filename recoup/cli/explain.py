"""``recoup explain``: one student's story."""

from __future__ import annotations

import click

from recoup.cli.app import Ui, command


@command("explain")
@click.argument("ssid")
@click.option("--show-names", is_flag=True, help="Show the student's name; else only initials.")
def explain(ui: Ui, ssid: str, show_names: bool) -> None:
    """Tell one student's story from the last good run.

    Every session and what it counted, every day earned, the absence it met, and the rule and source line of each step.
    """
    config = ui.config()
    from recoup import pipeline
    from recoup.reports import explain
    from recoup.store import Workspace

    with Workspace.look(config.workspace) as workspace:
        told = explain.story(pipeline.last_good(workspace, config.school_year), ssid, show_names=show_names)
    ui.result(told, explain.as_text(told))
