"""The journal: what ran and how it ended, in one transaction each."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from recoup.errors import RecoupError
from recoup.ports import Finding, Input
from recoup.store import Journal, Output, Workspace

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 10, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_run_from_begin_to_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    run_id = journal.begin("run", NOON, school_year="2025-2026", as_of=date(2026, 1, 9), rule_version="2025-2026.1", config_hash="abc")
    assert re.fullmatch(r"20260110T120000123Z-[0-9a-f]{6}", run_id)
    [record] = journal.runs()
    assert (record.outcome, record.ended, record.started, record.as_of) == ("interrupted", None, NOON, date(2026, 1, 9))
    inputs = [Input("sis", "students", "students.csv", 1, "a" * 64, 3, 2, 1)]
    outputs = [Output("ledger.csv", 1, "b" * 64, 3), Output("note.md", 2, "c" * 64, None)]
    findings = [Finding("calpads_stas", "STAS0740E1", "error", 1, "text")]
    journal.record(run_id, inputs=inputs, outputs=outputs, findings=findings, counts={"students": 2, "staff": 0})
    journal.end(run_id, 4, NOON, "too many rows refused")
    journal.close()

    journal = Journal(tmp_path / "journal.sqlite")
    record = journal.run(run_id)
    assert (record.outcome, record.status, record.ended, record.message) == ("refused", 4, NOON, "too many rows refused")
    assert journal.inputs(run_id) == inputs
    assert journal.outputs(run_id) == outputs
    assert journal.findings(run_id) == findings
    assert journal.counts(run_id) == {"staff": 0, "students": 2}
    assert journal.good_runs() == []
    journal.close()


def test_run_ids_sort_by_time_and_the_history_is_newest_first(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    ids = [journal.begin("check", NOON.replace(second=second)) for second in range(3)]
    assert sorted(ids) == ids
    assert [record.run_id for record in journal.runs()] == ids[::-1]
    assert [record.run_id for record in journal.runs(1)] == ids[2:]
    journal.close()


def test_an_unknown_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    with pytest.raises(RecoupError, match="STORE_UNKNOWN_RUN"):
        journal.run("20260110T120000123Z-000000")
    journal.close()


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(RecoupError) as error:
        Journal(path)
    assert (error.value.code, error.value.status) == ("STORE_NEWER", 2)


def test_a_damaged_journal_is_told_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("no database at all, " * 100)
    with pytest.raises(RecoupError, match="STORE_JOURNAL") as error, Workspace.open(tmp_path, command="run"):
        raise AssertionError
    assert "SQLITE_NOTADB" in str(error.value)


def test_the_error_that_ends_a_run_is_kept(tmp_path: Path) -> None:
    with Workspace.open(tmp_path, command="run") as workspace:
        with pytest.raises(RecoupError), workspace.start():
            raise RecoupError("OUT_NOT_OURS", where="out")
        with pytest.raises(ZeroDivisionError), workspace.start():
            raise ZeroDivisionError("9000000001")
        with workspace.start():
            pass
        assert [(record.outcome, record.status) for record in workspace.journal.runs()] == [("done", 0), ("failed", 1), ("failed", 2)]
        assert [record.message for record in workspace.journal.runs()][:2] == ["", "ZeroDivisionError"]
