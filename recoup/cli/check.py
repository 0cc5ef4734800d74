"""``recoup check``: read and validate the archive's files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from recoup.cli.app import Ui, command
from recoup.cli.run import as_of_option, day

if TYPE_CHECKING:
    from datetime import datetime


@command("check")
@as_of_option
def check(ui: Ui, as_of: datetime | None) -> None:
    """Check the archive's files and say what a run would refuse.

    Nothing outside the workspace is written; the refused rows with their mend are listed in a file of the workspace.
    """
    config = ui.config()
    from recoup import pipeline
    from recoup.reports import summary

    found = pipeline.check_only(config, pipeline.Request(day(as_of), say=ui.progress))
    desk = found.desk
    rows = summary.rows(desk.inputs, desk.checked.quarantine)
    told = {
        "status": int(found.closed.status) if found.closed else 0,
        "rows": rows,
        "files": [asdict(item) for item in desk.inputs],
        "tables": {name: frame.height for name, frame in desk.checked.tables.items()},
        "absent": sorted(".".join(filter(None, pair)) for pair in desk.checked.absent),
        "findings": [asdict(finding) for finding in desk.findings],
        "quarantine": str(found.quarantine),
        "error": {"code": found.closed.code, "what": found.closed.what, "mend": found.closed.mend} if found.closed else None,
    }
    lines = summary.rows_as_text(rows)
    lines += [f"Finding   {finding.code}: {finding.message}" for finding in desk.findings]
    lines.append(f"Refused   rows with their mend: {found.quarantine}")
    ui.progress("")
    ui.result(told, "\n".join(lines))
    if found.closed:
        ui.end(found.closed)
