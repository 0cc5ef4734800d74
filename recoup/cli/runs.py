"""``recoup runs``: the history of a workspace."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from recoup.cli.app import Ui, command, table

if TYPE_CHECKING:
    from recoup.store import RunRecord, Workspace


@command("runs")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many runs to list, the newest first.")
def runs(ui: Ui, run_id: str | None, limit: int) -> None:
    """List what ran and how it ended.

    With RUN: what that run read, wrote and found, and what changed since the one before.
    """
    config = ui.config()
    from recoup.store import Workspace

    with Workspace.look(config.workspace) as workspace:
        if run_id:
            told = _one(workspace, run_id)
            ui.result(told, _one_as_text(told))
        else:
            records = workspace.runs(limit)
            rows = [
                (record.run_id, record.command, record.outcome, f"{record.started:%Y-%m-%d %H:%M} UTC", record.message)
                for record in records
            ]
            ui.result([_head(record) for record in records], table(rows) if rows else "Nothing has run in this workspace yet.")


def _head(record: RunRecord) -> dict[str, Any]:
    return {**asdict(record), "outcome": record.outcome}


def _one(workspace: Workspace, run_id: str) -> dict[str, Any]:
    journal = workspace.journal
    record = workspace.run(run_id)
    earlier = [other for other in journal.good_runs(record.school_year) if other < run_id]
    counts, before = journal.counts(run_id), journal.counts(earlier[0]) if earlier else {}
    return {
        **_head(record),
        "inputs": [asdict(item) for item in journal.inputs(run_id)],
        "outputs": [asdict(item) for item in journal.outputs(run_id)],
        "findings": [asdict(item) for item in journal.findings(run_id)],
        "tables": counts,
        "before": earlier[0] if earlier else None,
        "changed": {name: rows - before.get(name, 0) for name, rows in counts.items() if before and rows != before.get(name, 0)},
    }


def _one_as_text(told: dict[str, Any]) -> str:
    lines = [f"{told['run_id']}  recoup {told['command']}  {told['outcome']} (status {told['status']})  {told['message']}".rstrip()]
    started, ended = (f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "not" for moment in (told["started"], told["ended"]))
    lines.append(f"started {started}, ended {ended}, {told['school_year']} as of {told['as_of']}, rules {told['rule_version']}")
    for title, key, columns in (
        ("Read", "inputs", ("source", "name", "rows_read", "rows_refused")),
        ("Written", "outputs", ("name", "rows", "size")),
    ):
        if told[key]:
            lines += [f"{title}:", table([["" if item[column] is None else item[column] for column in columns] for item in told[key]])]
    if told["changed"]:
        lines += [f"Rows changed since {told['before']}:", table([(name, f"{change:+,}") for name, change in told["changed"].items()])]
    if told["findings"]:
        lines += ["Findings:", table([(item["export"], item["code"], item["rows"], item["message"]) for item in told["findings"]])]
    return "\n".join(lines)
