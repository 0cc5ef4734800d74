"""The page on the exports names each exporter, its options and what it says."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from recoup import plugins
from recoup.exporters import crosscheck_causes, registry
from recoup.exporters.sheets import columns

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
OURS = sorted(point.name for point in entry_points(group=plugins.EXPORTERS) if point.value.startswith("recoup."))


@pytest.mark.parametrize("name", OURS)
def test_every_exporter_has_its_section_and_every_option_its_name(name: str) -> None:
    assert [option.name for option in registry.get(name).options if f"`{option.name}`" not in SECTIONS[name]] == []


def test_every_cause_is_explained() -> None:
    assert [cause for cause in crosscheck_causes.catalogue() if f"`{cause}`" not in SECTIONS["crosscheck"]] == []


def test_every_column_of_our_own_making_is_explained() -> None:
    made = [column.name for column in columns("opportunities", "Students") if f"`{column.name}`" not in SECTIONS["opportunities"]]
    known = {"ssid", "local_student_id", "legal_last_name", "legal_first_name", "school_code", "school_name", "grade"}
    assert set(made) == known | {"eligible_absences", "days_credited", "minutes_banked"}, "what the ledger or the student's row explains"
