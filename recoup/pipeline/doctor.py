"""``recoup doctor``: everything that a run needs, looked at one by one before the night."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from recoup.config.template import PLACEHOLDER
from recoup.errors import RecoupError
from recoup.pipeline.pages import probe
from recoup.pipeline.plan import LOCAL, make_plan
from recoup.store import Workspace, feed_of, free_disk
from recoup.store.platform import mode_of
from recoup.transports import TransportSettings, open_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from recoup.config import Config, Secret
    from recoup.pipeline.plan import Plan, PlannedSource

#: Less than this is worth a word: raw files are kept, and OUT is built beside itself.
ENOUGH_DISK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was looked at, what was seen, and the fault with its mend, if there is one."""

    topic: str
    seen: str
    fault: RecoupError | None = None


def examine(config: Config, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Look at each thing a run needs, in the order in which a run would meet them; a fault does not end the round."""
    yield _try("district", lambda: _district(config))
    plan: Plan | None = None
    try:
        plan = make_plan(config)
        yield Finding("rules", f"{plan.rule_version}, as of {plan.as_of}")
        for entry in config.leas:
            own = [f"{name} = {value}" for name, value in plan.policies[entry.lea.code].items() if plan.policy.get(name) != value]
            yield Finding(f"LEA {entry.lea.code}", f"{entry.lea.name}: {', '.join(own) or 'the common policy'}")
        yield Finding("exports", ", ".join(planned.exporter.name for planned in plan.exports) or "none are configured")
    except RecoupError as fault:
        yield Finding("rules, adapters, exporters", "", fault)
    for source in config.sources:
        named = {name: getattr(source.sftp, name) for name in ("password", "passphrase")}
        named |= {name: getattr(source.http, name) for name in ("token", "client_id", "client_secret")}
        for name, secret in named.items():
            if secret is not None:
                yield _try(f"{source.name}: {name}", partial(_secret, secret))
        if (key := source.sftp.private_key) is not None and key.exists():
            yield _try(f"{source.name}: private key", partial(_key, key))
    if plan is not None:
        for planned in plan.sources:
            if planned.http:
                yield _try(f"{planned.source.name}: system", partial(probe, planned, clock().astimezone(LOCAL).date()))
            if planned.file_location:
                yield _try(f"{planned.source.name}: files", partial(_reach, planned))
    yield _try("workspace", lambda: _workspace(config, clock))
    yield _try("outputs", lambda: _outputs(config, clock))
    yield _try("disk", lambda: _disk(config))
    yield _try("clock", lambda: _clock(config, clock))


def _try(topic: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(topic, look())
    except RecoupError as fault:
        return Finding(topic, "", fault)


def _district(config: Config) -> str:
    if config.lea.code == PLACEHOLDER:
        raise RecoupError("DOCTOR_PLACEHOLDER", str(config.path))
    return f"{config.lea.name} ({config.lea.code}), {config.school_year}"


def _secret(secret: Secret) -> str:
    secret.reveal()
    return f"{secret} can be read"


def _key(path: Path) -> str:
    if mode_of(path) & 0o077:
        raise RecoupError("DOCTOR_KEY_OPEN", str(path))
    return str(path)


def _reach(planned: PlannedSource) -> str:
    """Sign in and list; nothing is fetched."""
    source, place = planned.source, planned.file_location
    with closing(open_transport(place, TransportSettings.of(source))) as transport:
        names = [file.name for file in transport.list_files()]
    wanted = [name for name in names if feed_of(name, planned.file_feeds, source.name)]
    if not wanted:
        raise RecoupError("DOCTOR_NO_FILES", place, seen=len(names), adapter=source.adapter)
    return f"{place}: {len(wanted)} files to read, {len(names) - len(wanted)} others"


def _workspace(config: Config, clock: Callable[[], datetime]) -> str:
    with Workspace.open(config.workspace, command="doctor", clock=clock) as workspace:
        return f"{workspace.path}: may be written, no other run is at work"


def _outputs(config: Config, clock: Callable[[], datetime]) -> str:
    with Workspace.look(config.workspace, clock=clock) as workspace:
        return f"{workspace.out.check(config.out)}: may be replaced"


def _disk(config: Config) -> str:
    free = free_disk(config.workspace)
    if free < ENOUGH_DISK:
        raise RecoupError("DOCTOR_DISK", str(config.workspace), free=f"{free / 1e6:,.0f} MB")
    return f"{free / 1e9:,.1f} GB free"


def _clock(config: Config, clock: Callable[[], datetime]) -> str:
    now = clock()
    with Workspace.look(config.workspace, clock=clock) as workspace:
        last = next((run.started for run in workspace.journal.runs(1)), None)
    if last is not None and last > now:
        raise RecoupError("DOCTOR_CLOCK", now=now.isoformat(), last=last.isoformat())
    return f"{now.astimezone(LOCAL):%Y-%m-%d %H:%M} in California"
