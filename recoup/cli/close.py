"""``recoup close``: freeze what was reported for a period."""

from __future__ import annotations

import getpass

import click

from recoup.cli.app import Ui, command, table


@command("close")
@click.argument("period", metavar="P1|P2|ANNUAL", type=click.Choice(["P1", "P2", "ANNUAL"], case_sensitive=False))
@click.option("--by", metavar="NAME", help="Who closes it, as it stands in the record. [default: the account that runs Recoup]")
@click.option("--again", is_flag=True, help="Close an amended report: a new generation beside the old one.")
@click.option("--reason", metavar="TEXT", default="", help="Why it is closed again; needed with --again.")
def close(ui: Ui, period: str, by: str | None, again: bool, reason: str) -> None:
    """Freeze what the last good run reports for P1, P2 or ANNUAL.

    From then on its pairs of absence and earned day stay together while both stand, and every later difference is an amendment,
    listed with its reason in amendments.csv of OUT.
    """
    config = ui.config()
    from recoup import pipeline

    wish = pipeline.Wish(period.upper(), by or _account(), again, reason)
    done = pipeline.close(config, wish, pipeline.Request(say=ui.progress))
    ui.progress("")
    figures = done.figures.select("reporting_lea", "ada_line", "grade_span", "ar_days", "section_a_ada", "b8_ada").to_dicts()
    document = {
        "period": done.period,
        "generation": done.generation,
        "school_year": done.school_year,
        "ends": done.ends,
        "as_of": done.as_of,
        "run_id": done.run_id,
        "closed_by": done.closed_by,
        "closed_at": done.closed_at.isoformat(),
        "reason": done.reason,
        "credits": done.credits.height,
        "sha256": done.sha256,
        "figures": figures,
    }
    generation = f", generation {done.generation}" if done.generation > 1 else ""
    lines = [
        f"{done.period} of {done.school_year} is closed{generation}: {done.credits.height:,} credited days up to {done.ends},",
        f"as run {done.run_id} has them, by {done.closed_by}.",
        "",
        table([("LEA", "line", "span", "AR days", "Section A", "B-8"), *(tuple(row.values()) for row in figures)]),
    ]
    ui.result(document, "\n".join(lines))


def _account() -> str:
    """Return the name of the account; on a machine that does not know it, a word that says so."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown account"
