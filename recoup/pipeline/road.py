"""The road itself: fetch → read → check → ledger → export, in one workspace, under one lock, one run at a time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from recoup import ledger
from recoup.errors import Exit, RecoupError
from recoup.exporters import amendments
from recoup.exporters import registry as exporters
from recoup.exporters.tables import QUARANTINE_FILE, write_quarantine, write_tables
from recoup.ledger.time import REQUIRED
from recoup.pipeline import again, decisions, figures
from recoup.pipeline.desk import close_gates, read_and_check
from recoup.pipeline.gather import Fetched, fetch
from recoup.pipeline.plan import LOCAL, make_plan, now, planned_export
from recoup.ports import Run
from recoup.store import Workspace, closed_pairs, manifest, storing
from recoup.store.platform import private_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from recoup.config import Config
    from recoup.pipeline.desk import Desk
    from recoup.pipeline.plan import Plan, PlannedExport
    from recoup.ports import Closing, Export, Finding, Written
    from recoup.store import Disposition, Job, Output

    Say = Callable[[str], None]


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks of a run, beyond the configuration."""

    as_of: date | None = None
    out: Path | None = None
    dry_run: bool = False
    offline: bool = False
    strict: bool = False
    full: bool = False
    engine: str = "polars"
    say: Callable[[str], None] = _silent
    clock: Callable[[], datetime] = now


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: everything that a summary tells of it. ``out`` is None when nothing was published."""

    run: Run
    status: Exit
    fetched: Sequence[Fetched]
    out: Path | None
    outputs: Sequence[Output]
    unchanged: bool
    withheld: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What ``recoup check`` found; ``closed`` is the gate that a run would meet."""

    desk: Desk
    quarantine: Path
    closed: RecoupError | None


def run(config: Config, request: Request) -> Outcome:
    """Run the whole road and publish OUT; ``dry_run`` computes and writes all of it where nobody looks, and publishes nothing.

    Returns with status 0 or 6. Raises ``RecoupError`` with the status that ``docs/cli.md`` names: 2, 3, 4 or 5, 1 for a disk
    that fails. The last good outputs stand in every such case.
    """
    plan = replace(make_plan(config, request.as_of), engine=ledger.engine_named(request.engine))
    out = request.out or config.out
    with open_job(plan, "run", request) as (workspace, job):
        workspace.out.check(out)
        fetched = [] if request.offline else _fetch(workspace, plan, request)
        request.say("reading and checking")
        desk = read_and_check(workspace, plan)
        # A run that a gate stops has read these too.
        workspace.journal.record(job.run_id, inputs=desk.inputs, findings=desk.findings)
        _gates(workspace, desk, config)
        request.say("computing the ledger")
        said = [finding for source in fetched for finding in source.findings]
        closed = workspace.closed.load(config.school_year)
        done = compute(plan, desk, job.run_id, said, workspace.journal.dispositions(), request.say, closed)
        if request.strict:
            _be_strict(done)
        folder = job.build(out)
        done, written = _write(done, folder)
        exported = _export(done, plan.exports, folder, request.say)
        return _publish(done, exported, written, fetched, request, workspace, job)


def _write(done: Run, folder: Path) -> tuple[Run, list[Written]]:
    """Write the ledger's tables, and what differs from closed periods, which the run then tells."""
    amended, said = amendments.write(done, folder)
    return replace(done, findings=[*done.findings, *said]), [*write_tables(done, folder), *amended]


def _export(done: Run, exports: Sequence[PlannedExport], folder: Path, say: Callable[[str], None]) -> dict[str, Export]:
    """Run the exporters in the order of the configuration and return the outcome of each by name.

    Raises ``EXPORT_FILE_TWICE`` (2) when one has written over another's file or has taken the manifest's name.
    """
    exported: dict[str, Export] = {}
    writers = {manifest.NAME: "recoup"}
    for planned in exports:
        name = planned.exporter.name
        say(f"writing {name}")
        exported[name] = planned.exporter.write(done, planned.options, folder)
        for file in exported[name].files:
            if file.name in writers:
                raise RecoupError("EXPORT_FILE_TWICE", f"[[exports]] {name}", file=file.name, other=writers[file.name])
            writers[file.name] = name
    return exported


def _publish(
    done: Run,
    exported: Mapping[str, Export],
    written: list[Written],
    fetched: Sequence[Fetched],
    request: Request,
    workspace: Workspace,
    job: Job,
) -> Outcome:
    """Put what was built in OUT's place, or, on a dry run, measure and remove it."""
    for one in exported.values():
        written += one.files
    done = replace(done, findings=[*done.findings, *(finding for one in exported.values() for finding in one.findings)])
    withheld = {name: one.withheld for name, one in exported.items() if one.withheld}
    status = Exit.WITHHELD if withheld else Exit.DONE
    if request.dry_run:
        outputs = manifest.measure(workspace.out.building(job.run_id), written)
        job.end(status)
        return Outcome(done, status, fetched, None, outputs, unchanged=False, withheld=withheld)
    job.snapshot(done)
    published = job.publish(done, written, status=status, withheld=withheld)
    return Outcome(done, status, fetched, published.out, published.outputs, published.unchanged, withheld)


def compute(
    plan: Plan,
    desk: Desk,
    run_id: str,
    findings: Sequence[Finding] = (),
    recorded: Sequence[Disposition] = (),
    say: Say = _silent,
    closed: Sequence[Closing] = (),
) -> Run:
    """Compute the ledger of every LEA over checked tables, what people decided, and what closed periods have reported.

    Raises ``POLICY_INPUT_MISSING`` (2) for a reading that no source gives the input of, ``DECISION_ID_TWICE`` (4).
    """
    checked, config, year = desk.checked, plan.config, plan.law.year
    tables, absent = decisions.merged(checked.tables, checked.absent, recorded, year.name)
    leas = figures.leas_of(plan, tables["schools"], absent)
    reported = closed_pairs(closed)
    results = figures.count(plan, tables, absent, plan.as_of, config.attest, reported)
    if config.attest:
        say("computing the ledger without what rests on a word")
    fallen = figures.without_attestations(plan, tables, absent, results, reported)
    sums = figures.sums(fallen["ledger"]) if fallen else {}
    decided, idle = decisions.outcome(tables, results, leas, recorded, year.name)
    return Run(
        year=year,
        lea=config.lea,
        as_of=plan.as_of,
        run_id=run_id,
        rule_version=plan.rule_version,
        policy=plan.policy,
        attest=config.attest,
        tables=tables,
        absent=absent,
        results=results,
        quarantine=checked.quarantine,
        inputs=desk.inputs,
        findings=[*figures.told(plan, leas, tables["schools"], results, sums), *idle, *findings, *desk.findings],
        closed=closed,
        leas=leas,
        decisions=decided,
        without_attestations=sums,
        fallen=fallen["credits"] if fallen else None,
    )


def _be_strict(done: Run) -> None:
    """Stop (status 4) on any refused row and on any hold of a required check."""
    refused = sum(item.rows_refused for item in done.inputs)
    required = pl.col("code").is_in(list(REQUIRED.values()))
    holds = done.results["holds"].filter(required & pl.col("severity").is_in(["hold", "not_checked"])).height
    if refused or holds:
        raise RecoupError("GATE_STRICT", refused=refused, holds=holds)


def fetch_only(config: Config, request: Request) -> list[Fetched]:
    """Bring new raw files into the archive; nothing else changes. Raises as ``run`` does."""
    plan = make_plan(config, request.as_of)
    with open_job(plan, "fetch", request) as (workspace, _):
        return _fetch(workspace, plan, request)


def _fetch(workspace: Workspace, plan: Plan, request: Request) -> list[Fetched]:
    until = request.clock().astimezone(LOCAL).date()
    return fetch(workspace, plan.sources, request.say, dispose=not request.dry_run, full=request.full, until=until)


def check_only(config: Config, request: Request) -> Inspection:
    """Read and check the archive's files, and tell what a run would refuse; the refused rows go to a file of the workspace.

    Raises as ``run`` does, but for the gates, which it returns.
    """
    plan = make_plan(config, request.as_of)
    with open_job(plan, "check", request) as (workspace, job):
        request.say("reading and checking")
        desk = read_and_check(workspace, plan)
        workspace.journal.record(job.run_id, inputs=desk.inputs, findings=desk.findings)
        try:
            _gates(workspace, desk, config)
        except RecoupError as closed:
            job.end(closed.status, str(closed))
            return Inspection(desk, workspace.path / QUARANTINE_FILE, closed)
        return Inspection(desk, _keep_quarantine(workspace, desk), None)


def _gates(workspace: Workspace, desk: Desk, config: Config) -> None:
    """Stop where a limit is passed; the refused rows are then in the workspace, since no OUT shows them."""
    # July's first run has no table to be held against: last June's are of another year.
    last = workspace.snapshots.last_good(config.school_year)
    (workspace.path / QUARANTINE_FILE).unlink(missing_ok=True)
    try:
        close_gates(desk, config.limits, workspace.journal.counts(last) if last else {})
    except RecoupError:
        _keep_quarantine(workspace, desk)
        raise


def _keep_quarantine(workspace: Workspace, desk: Desk) -> Path:
    path = private_file(workspace.path / QUARANTINE_FILE)
    with storing(path):
        write_quarantine(desk.checked.quarantine, path)
    return path


def export_again(config: Config, names: Sequence[str], request: Request) -> Outcome:
    """Write exports again from the last good snapshot.

    OUT gets every configured export and those named besides; another folder (``request.out``) gets the named
    ones alone, or all where none is named. Raises ``RecoupError`` (2) for an unknown name and when there was no good run yet.
    """
    with Workspace.look(config.workspace, clock=request.clock) as workspace:
        saved = last_good(workspace, config.school_year)
    plan = make_plan(config, saved.as_of)
    configured = {planned.exporter.name: planned for planned in plan.exports}
    named = {name: configured.get(name) or planned_export(name, {}, config) for name in names}
    chosen = named if named and request.out else configured | named
    with open_job(plan, "export", request) as (workspace, job):
        findings = [finding for finding in saved.findings if finding.export not in (*exporters.names(), amendments.NAME)]
        done = replace(saved, run_id=job.run_id, findings=findings)
        folder = job.build(request.out or config.out)
        done, written = _write(done, folder)
        exported = _export(done, list(chosen.values()), folder, request.say)
        return _publish(done, exported, written, (), request, workspace, job)


def last_good(workspace: Workspace, school_year: str) -> Run:
    """Return the last good run of a school year as it was saved, with the periods closed by now. ``NO_GOOD_RUN`` (2) without one."""
    run_id = workspace.snapshots.last_good(school_year)
    if run_id is None:
        raise RecoupError("NO_GOOD_RUN", str(workspace.path), year=school_year)
    return replace(again.in_this_model(workspace.snapshots.load(run_id)), closed=workspace.closed.load(school_year))


@contextmanager
def open_job(plan: Plan, command: str, request: Request) -> Iterator[tuple[Workspace, Job]]:
    """Open the workspace under its lock and begin a run in its journal."""
    with (
        Workspace.open(plan.config.workspace, command=command, clock=request.clock) as workspace,
        workspace.start(
            school_year=plan.law.year.name, as_of=plan.as_of, rule_version=plan.rule_version, config_hash=plan.config_hash
        ) as job,
    ):
        yield workspace, job
