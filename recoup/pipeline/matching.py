"""read → match: rows that name their student otherwise than by SSID, and the review list on which people confirm who is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.checks.people import Identified, Question, identify
from recoup.ports import Finding, Input
from recoup.store import matches, storing

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from recoup.store import Workspace

#: The source of the review list in the manifest; no configured source can be called so.
SOURCE = "(people)"


def matched(
    workspace: Workspace, tables: Mapping[str, pl.LazyFrame], names: Mapping[str, str]
) -> tuple[Identified, list[Finding], list[Input]]:
    """Find the SSIDs of rows that name their student otherwise, and write the review list anew.

    What people confirmed is archived as it was read, and is an input of the run. Raises ``MATCHES_UNREADABLE`` (2).
    """
    before, lines = matches.read(workspace.path)
    kept = [line for line in lines if matches.is_confirmed(line)]
    confirmed: dict[str, list[str]] = {}
    for line in kept:
        confirmed.setdefault(line["person"], []).append(line["ssid"])
    found = identify(tables, confirmed, names)
    if found.refused is None:
        return found, [], []
    # Half-filled lines of persons who are still asked for keep what was typed.
    typed = {(line["person"], line["ssid"]): line for line in lines if not matches.is_confirmed(line)}
    asked = [_line(question, typed) for question in found.questions if question.key not in confirmed]
    matches.write(workspace.path, [*kept, *asked], before)
    findings = []
    if asked:
        persons = len({line["person"] for line in asked})
        told = f"{persons} persons of sheets are not counted until someone confirms who they are, in {matches.FILE} of the workspace."
        findings.append(Finding("read", "MATCHES_TO_CONFIRM", "warn", found.refused.height, told))
    inputs = []
    if found.confirmed_rows:
        told = f"{found.confirmed_rows} rows count because a person confirmed whose they are ({matches.FILE})."
        findings.append(Finding("read", "MATCHES_CONFIRMED", "info", found.confirmed_rows, told))
        inputs.append(_archived(workspace, before, len(kept)))
    return found, findings, inputs


def _line(question: Question, typed: Mapping[tuple[str, str], matches.Line]) -> matches.Line:
    student = question.candidate
    half = typed.get((question.key, student.ssid if student else ""), {})
    return {
        "person": question.key,
        "source": question.source,
        "local_student_id": question.number,
        "name": question.name,
        "birth_date": question.born,
        "rows": str(question.rows),
        "why": question.why,
        "ssid": student.ssid if student else "",
        "student_number": student.number if student else "",
        "student_name": student.name if student else "",
        "student_birth_date": student.born if student else "",
        "confirmed_by": half.get("confirmed_by", ""),
        "confirmed_on": half.get("confirmed_on", ""),
    }


def _archived(workspace: Workspace, data: bytes, rows: int) -> Input:
    temp = workspace.archive.incoming()
    with storing(temp):
        temp.write_bytes(data)
    file = workspace.archive.admit(temp, SOURCE, "matches", matches.FILE).file
    return Input(SOURCE, "matches", file.name, file.size, file.sha256, rows, rows, 0)
