"""``manifest.json``: what a run read, wrote, found and withheld, and the sign by which OUT is known as ours."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from recoup.store.journal import stamp
from recoup.store.records import Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from recoup.ports import Run, Written

NAME: Final = "manifest.json"


def measure(folder: Path, written: Iterable[Written]) -> list[Output]:
    """Size and hash every file below ``folder``, the manifest apart, in the order of the names.

    ``rows`` come from ``written``; a file that no exporter counted has None. ``ValueError``, a fault of
    an exporter, when one says it wrote a file that is not there.
    """
    rows = {file.name: file.rows for file in written}
    outputs = []
    for file in (path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name != NAME:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            outputs.append(Output(name, file.stat().st_size, digest, rows.pop(name, None)))
    if rows:
        raise ValueError(f"written and not there: {', '.join(sorted(rows))}")
    return sorted(outputs, key=lambda output: output.name)


def build(
    run: Run,
    *,
    recoup_version: str,
    started: datetime,
    ended: datetime,
    status: int,
    outputs: Iterable[Output],
    withheld: Mapping[str, str],
) -> dict[str, Any]:
    """Return the manifest of ``run``, its keys in the published order; ``withheld`` is exporter name to reason.

    Two runs that differ in run_id and times alone give manifests that differ in these alone.
    """
    return {
        "recoup_version": recoup_version,
        "rule_version": run.rule_version,
        "run_id": run.run_id,
        "started": stamp(started.replace(microsecond=0)),
        "ended": stamp(ended.replace(microsecond=0)),
        "as_of": run.as_of.isoformat(),
        "status": int(status),
        "policy": dict(sorted(run.policy.items())),
        "attest": {
            item.check: {"by": item.by, "on": item.on.isoformat(), "evidence": item.evidence}
            for item in sorted(run.attest, key=lambda item: item.check)
        },
        "leas": [
            {
                **asdict(one.lea),
                "rule_version": one.rule_version,
                "policy": dict(sorted(one.policy.items())),
                "schools": list(one.schools),
            }
            for one in run.leas
        ],
        "decisions": [{**asdict(one), "decided_at": one.decided_at and one.decided_at.isoformat()} for one in run.decisions],
        "without_attestations": dict(run.without_attestations),
        "inputs": sorted((asdict(item) for item in run.inputs), key=lambda item: tuple(item.values())),
        "outputs": [asdict(item) for item in outputs],
        "findings": sorted((asdict(item) for item in run.findings), key=lambda item: tuple(item.values())),
        "closed": [
            {"period": one.period, "generation": one.generation, "sha256": one.sha256, "rows": one.credits.height, "run_id": one.run_id}
            for one in run.closed
        ],
        "withheld": [{"export": export, "reason": reason} for export, reason in sorted(withheld.items())],
    }


def write(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``manifest.json`` into ``folder``: UTF-8, two spaces, ``\\n``."""
    (folder / NAME).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def read(folder: Path) -> dict[str, Any] | None:
    """Return the manifest in ``folder``, or None when there is none that Recoup could have written."""
    try:
        manifest = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(manifest, dict) and {"recoup_version", "run_id", "outputs"} <= manifest.keys()
    return manifest if ours else None
