"""For every test: on a build machine (RECOUP_NO_SKIP=1) a skip is a failure, since what it needs must be installed there; and no drawn
case fails for being slow, since the machine may be busy."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

settings.register_profile("house", deadline=None)
settings.load_profile("house")

NO_SKIP = os.environ.get("RECOUP_NO_SKIP") == "1"

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


def _forbid_skip(report: R) -> R:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and RECOUP_NO_SKIP=1 allows no skip: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _forbid_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _forbid_skip((yield))


# --- a district of two students that a person can follow ----------------------------------------------

CONFIG = """\
school_year = "2025-2026"
[lea]
county_district_code = "1964733"
name = "Cedar Valley Unified"
[[sources]]
name = "sis"
adapter = "bundle"
location = "data"
settle_seconds = 0
[[exports]]
exporter = "calpads_stas"
"""

#: Ana, of Alder School alone, and Ben, who moved on August 25 from Alder to Birch, a charter that is an LEA of its own.
#: Both were at the Saturday session of August 23: four hours, a whole day for their grade.
TABLES = {
    "schools": """\
school_code,school_name,school_type,county_district_code,local_school_id,independently_reporting_charter
6010000,Alder School,elementary,1964733,1,false
0190001,Birch Charter,charter_classroom,1964733,2,true
""",
    "calendar": "school_code,date,is_instructional,day_start,day_end\n"
    + "".join(
        f"{school},2025-08-{day},true,08:00,14:30\n"
        for school in ("6010000", "0190001")
        for day in (18, 19, 20, 21, 22, 25, 26, 27, 28, 29)
    ),
    "students": """\
ssid,local_student_id,legal_first_name,legal_last_name,birth_date,gender
9000000001,1,Ana,Arce,2015-03-01,F
9000000002,2,Ben,Bell,2015-04-01,M
""",
    "enrollments": """\
ssid,school_code,entry_date,exit_date,grade,enrollment_status,instruction_mode,exit_reason
9000000001,6010000,2025-08-18,,05,10,classroom,
9000000002,6010000,2025-08-18,2025-08-22,05,10,classroom,T160
9000000002,0190001,2025-08-25,,05,10,classroom,
""",
    "attendance": """\
ssid,school_code,date,kind,full_day,source_code,made_up_by
9000000001,6010000,2025-08-20,excused,true,A,
9000000002,6010000,2025-08-19,unexcused,true,U,
9000000002,0190001,2025-08-26,excused,true,A,
""",
    "sessions": """\
session_id,program_name,school_code,date,start_time,end_time,break_minutes,delivery,cancelled
S1,Saturday Recovery,6010000,2025-08-23,08:00,12:00,0,in_person,false
""",
    "participation": """\
session_id,ssid,minutes,sign_in,sign_out,verified_by,verified_at,evidence_ref
S1,9000000001,240,08:00,12:00,T1,2025-08-23T12:05,sheet 1
S1,9000000002,240,08:00,12:00,T1,2025-08-23T12:05,sheet 1
""",
    "staff": """\
staff_id,staff_name,certificated,lea_employee,credential_expires
T1,Tess Tran,true,true,2027-06-30
""",
    "session_staff": "session_id,staff_id,role\nS1,T1,teacher\n",
}


@dataclass(frozen=True)
class District:
    """A folder with ``recoup.toml`` and ``data/``."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "recoup.toml"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def edit(self, table: str, old: str, new: str) -> None:
        """Replace a text of a table that must stand there."""
        path = self.folder / "data" / f"{table}.csv"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")

    def configure(self, text: str) -> None:
        """Add lines to the configuration."""
        self.config.write_text(self.config.read_text(encoding="utf-8") + text, encoding="utf-8", newline="\n")

    def rows(self, name: str) -> list[dict[str, str]]:
        """Read a CSV of OUT."""
        with (self.out / name).open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))


def write_district(folder: Path) -> District:
    """Write the district of two students."""
    (folder / "data").mkdir()
    (folder / "recoup.toml").write_text(CONFIG, encoding="utf-8", newline="\n")
    for name, text in TABLES.items():
        (folder / "data" / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
    return District(folder)


@pytest.fixture
def district(tmp_path: Path) -> District:
    """Write the district of two students."""
    return write_district(tmp_path)


@pytest.fixture(scope="module")
def kept_district(tmp_path_factory: pytest.TempPathFactory) -> District:
    """Write it for tests that share one: a run of theirs is kept from one to the next."""
    return write_district(tmp_path_factory.mktemp("district"))
