"""What the parts of the road had to say, in the summary of a run."""

from __future__ import annotations

from typing import Any

from recoup.reports import summary


def said(export: str, code: str, rows: int) -> dict[str, Any]:
    return {"export": export, "code": code, "severity": "info", "rows": rows, "message": "…"}


def test_each_export_has_its_line_and_each_code_its_count() -> None:
    found = [
        said("crosscheck", "AGREE", 1150),
        said("crosscheck", "VENDOR_HIGHER", 4),
        said("opportunities", "NEAR_CAP", 21),
        said("opportunities", "NEAR_CAP", 1),
        said("absenteeism", "ALTERNATE_ASSUMED", 0),
    ]
    assert summary.findings_as_text(found) == [
        "Findings  crosscheck: AGREE 1,150, VENDOR_HIGHER 4",
        "          opportunities: NEAR_CAP 22",
        "          absenteeism: ALTERNATE_ASSUMED",
    ]


def test_a_run_without_findings_says_nothing_of_them() -> None:
    assert summary.findings_as_text([]) == []
