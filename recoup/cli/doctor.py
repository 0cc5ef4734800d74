"""``recoup doctor``: is everything there that a run needs?"""

from __future__ import annotations

import click

from recoup.cli.app import Ui, command, table


@command("doctor")
def doctor(ui: Ui) -> None:
    """Check all that a run needs, and say how to mend it.

    Configuration, credentials, host keys, reachability, disk, clock and permissions: one line each with the mend, after every
    setting in force with where it comes from. Nothing is fetched.
    """
    config = ui.config()
    from recoup.pipeline import now
    from recoup.pipeline.doctor import examine

    found = []
    for finding in examine(config, now):
        ui.progress(finding.topic)
        found.append(finding)
    ui.progress("")
    faults = [finding.fault for finding in found if finding.fault]
    told = {
        "status": int(faults[0].status) if faults else 0,
        "settings": [value._asdict() for value in config.values],
        "checks": [
            {
                "topic": finding.topic,
                "ok": finding.fault is None,
                "seen": finding.seen,
                "fault": str(finding.fault) if finding.fault else None,
            }
            for finding in found
        ],
    }
    rows = [("ok" if finding.fault is None else "FAULT", finding.topic, str(finding.fault or finding.seen)) for finding in found]
    settings = [(value.key, value.value, value.origin) for value in config.values]
    ui.result(told, f"{config.path}\n{table(settings)}\n\n{table(rows)}")
    if faults:
        click.get_current_context().exit(int(faults[0].status))
