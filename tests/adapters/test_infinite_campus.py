"""Campus's section hours as the totals that Campus itself says."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from recoup.adapters import registry
from recoup.conformance import LEA, YEAR, raw_files
from recoup.ports import RawFile, Reading, ReadRequest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "infinite_campus_files" / "small" / "in"
SECTION, PERSON, HOURS = "section.sectionID", "student.personID", "sectionStudentDetail.attendanceRecoveryHoursEarned"


def read(hours: Path) -> Reading:
    """The fixtures, with other section hours."""
    told = tomllib.loads((files("recoup.synthetic") / "infinite_campus.toml").read_text(encoding="utf-8"))["sources"][0]
    adapter = registry.get("infinite_campus_files")
    given = [
        RawFile(file.source, file.feed, file.name, file.sha256, hours.stat().st_size, hours) if file.feed == "sectionHours" else file
        for file in raw_files(adapter, FIXTURES)
    ]
    return adapter.read(given, ReadRequest("case", YEAR, LEA, told["options"], told["mapping"]))


@pytest.mark.parametrize(
    ("rows", "said", "summed"),
    [
        (["31023,9011,1", "31035,9011,11", "31035,9012,1", "31035,9013,2"], [("60", 2), ("840", 3)], 3),
        # Hours that cannot be read leave no total that would be too small.
        (["31035,9011,11", "31035,9012,several"], [(None, 2)], 2),
    ],
)
def test_hours_of_a_students_sections_at_a_school_are_one_total(
    rows: list[str], said: list[tuple[str | None, int]], summed: int, tmp_path: Path
) -> None:
    path = tmp_path / "sectionHours.csv"
    path.write_text("\n".join([f"{PERSON},{SECTION},{HOURS}", *rows, ""]), encoding="utf-8")
    reading = read(path)
    totals = reading.tables["reported_totals"].collect()
    assert totals.select("minutes_earned", "_line").rows() == said
    assert not totals.select("ssid", "school_code").is_duplicated().any()
    assert [finding.rows for finding in reading.left_out if finding.code == "SECTIONS_SUMMED"] == [summed]
