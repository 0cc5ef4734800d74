"""One small run through the whole store, as the pipeline makes it, and what must hold of a workspace after any run."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl

from recoup.ports import Attestation, Finding, Input, Lea, Run, SchoolYear, Written
from recoup.store import Admitted, Published, Workspace, manifest

if TYPE_CHECKING:
    from pathlib import Path

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))
LEA = Lea("1964733", "Cedar Valley Unified")


def small_run(run_id: str, label: str = "first") -> Run:
    """A run of one student; ``label`` stands in its rows, so that two runs can be told apart."""
    lineage = {"_source": ["sis"], "_file": ["0" * 64], "_line": [2]}
    students = pl.DataFrame({"ssid": ["9000000001"], "legal_first_name": [label], "birth_date": [date(2012, 3, 4)], **lineage})
    sessions = pl.DataFrame({"session_id": ["S1"], "start_time": [930], **lineage}, schema_overrides={"start_time": pl.Int32})
    staff = students.clear()
    return Run(
        year=YEAR,
        lea=LEA,
        as_of=date(2026, 3, 31),
        run_id=run_id,
        rule_version="2025-2026.1",
        policy={"time_unit": "hour_floor_per_session", "opening_balance": "report"},
        attest=[Attestation("ratio", "Director of Attendance", date(2026, 1, 6), "binder 3")],
        tables={"students": students, "sessions": sessions, "staff": staff},
        absent=frozenset({("staff", ""), ("sessions", "room")}),
        results={"ledger": pl.DataFrame({"ssid": ["9000000001"], "days_earned": [1]})},
        quarantine=pl.DataFrame({"source": ["sis"], "code": ["SSID_CHECK"]}),
        inputs=[Input("sis", "students", "students.csv", 12, "a" * 64, 2, 1, 1)],
        findings=[Finding("calpads_stas", "STAS0740E1", "error", 1, "More than ten days."), Finding("", "NOT_CHECKED", "warn", 1, "staff")],
    )


def fetch(workspace: Workspace, content: str, name: str = "students.csv", feed: str = "students") -> Admitted:
    """Bring one file of the source ``sis`` into the archive."""
    temp = workspace.archive.incoming()
    temp.write_text(content, encoding="utf-8", newline="\n")
    return workspace.archive.admit(temp, "sis", feed, name, datetime(2026, 3, 30, tzinfo=UTC))


def road(place: Path, label: str) -> Published:
    """Fetch, snapshot, export and publish to ``place/out``; what is written depends on ``label`` alone."""
    with (
        Workspace.open(place / "ws", command="run") as workspace,
        workspace.start(school_year=YEAR.name, as_of=date(2026, 3, 31), rule_version="2025-2026.1", config_hash="c" * 64) as job,
    ):
        fetch(workspace, f"ssid\n{label}\n")
        fetch(workspace, "school_code\n0100001\n", "schools.csv", "schools")
        run = small_run(job.run_id, label)
        job.snapshot(run)
        out = job.build(place / "out")
        (out / "ledger.csv").write_text(f"ssid,{label}\n", encoding="utf-8", newline="\n")
        (out / "bundle").mkdir()
        (out / "bundle" / "students.csv").write_text(f"{label}\n" * 100, encoding="utf-8", newline="\n")
        published = job.publish(run, [Written("bundle/students.csv", 100), Written("ledger.csv", 1)])
        workspace.snapshots.prune(2)
        return published


def is_whole(out: Path) -> bool:
    """Tell whether ``out`` holds exactly what its manifest lists, byte for byte."""
    listed = manifest.read(out)
    if listed is None:
        return False
    found = {
        file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in out.rglob("*")
        if file.is_file() and file.name != manifest.NAME
    }
    return found == {output["name"]: output["sha256"] for output in listed["outputs"]}


def label_of(out: Path) -> str:
    """Return the label of the run that wrote ``out``."""
    return (out / "ledger.csv").read_text(encoding="utf-8").strip().removeprefix("ssid,")


def check_settled(place: Path) -> str:
    """Open the workspace as the next command does, assert that nothing is torn, and return the label of what OUT holds."""
    out = place / "out"
    with Workspace.open(place / "ws", command="check") as workspace:
        good = workspace.journal.good_runs()
        assert workspace.journal.open_swaps() == []
        assert {path.name for path in place.iterdir()} <= {"ws", "out", "out.previous"}
        assert {path.name for path in (place / "ws" / "snapshots").glob("*")} <= set(good)
        assert all(workspace.archive.verify(arrival.sha256) for arrival in workspace.journal.arrivals("sis"))
        assert not (place / "ws" / "archive" / "incoming").exists()
        for file in (path for path in (place / "ws" / "archive").rglob("*") if path.is_file()):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name
        for record in workspace.journal.runs():
            assert record.outcome in (["done"] if record.run_id in good else ["interrupted", "failed"])
        if not good:
            assert not out.exists()
            return ""
        assert is_whole(out)
        listed = manifest.read(out) or {}
        assert listed["run_id"] == good[0] == workspace.snapshots.last_good()
        assert [output.sha256 for output in workspace.journal.outputs(good[0])] == [output["sha256"] for output in listed["outputs"]]
        label = label_of(out)
        saved = workspace.snapshots.load(good[0])
        assert saved.tables["students"]["legal_first_name"].to_list() == [label]
        return label
