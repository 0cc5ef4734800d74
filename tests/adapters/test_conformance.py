"""Every adapter of files is held to what every adapter owes; the template of `recoup new-adapter` too."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recoup.adapters import registry
from recoup.adapters.scaffold import new_adapter
from recoup.conformance import LEA, YEAR, AdapterConformance, main
from recoup.errors import RecoupError
from recoup.ports import ReadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.ports import RawFile

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"


class _Vendor(AdapterConformance):
    """A vendor whose tables the equality test holds to the bundle's."""

    golden = False
    configuration = ""

    def request(self) -> ReadRequest:
        told = tomllib.loads((files("recoup.synthetic") / self.configuration).read_text(encoding="utf-8"))["sources"][0]
        return ReadRequest("case", YEAR, LEA, told.get("options", {}), told.get("mapping", {}))


class TestTemplate(AdapterConformance):
    adapter = str(ROOT / "recoup" / "adapters" / "template")
    fixtures = ROOT / "recoup" / "adapters" / "template" / "fixtures" / "in"


class TestCdeDirectory(AdapterConformance):
    adapter = "cde_directory"
    fixtures = FIXTURES / "cde_directory" / "small" / "in"


class TestDataQuestAbsenteeism(AdapterConformance):
    adapter = "dataquest_absenteeism"
    fixtures = FIXTURES / "dataquest_absenteeism" / "small" / "in"


@pytest.mark.slow
class TestBundle(_Vendor):
    adapter = "bundle"
    fixtures = FIXTURES / "bundle" / "small" / "in"
    configuration = "demo.toml"


@pytest.mark.slow
class TestAeriesFiles(_Vendor):
    adapter = "aeries_files"
    fixtures = FIXTURES / "aeries_files" / "small" / "in"
    configuration = "aeries.toml"


@pytest.mark.slow
class TestPowerSchoolFiles(_Vendor):
    adapter = "powerschool_files"
    fixtures = FIXTURES / "powerschool_files" / "small" / "in"
    configuration = "powerschool.toml"


class TestEdFi(AdapterConformance):
    """Elements as the standard's own samples have them, of several versions of it."""

    adapter = "edfi"
    fixtures = FIXTURES / "edfi" / "small" / "in"


@pytest.mark.slow
class TestEschoolPlusFiles(_Vendor):
    """A vendor without any Python."""

    adapter = "eschoolplus_files"
    fixtures = FIXTURES / "eschoolplus_files" / "small" / "in"
    configuration = "eschoolplus.toml"


@pytest.mark.slow
class TestQFiles(_Vendor):
    adapter = "q_files"
    fixtures = FIXTURES / "q_files" / "small" / "in"
    configuration = "q.toml"


@pytest.mark.slow
class TestSchoolWiseFiles(_Vendor):
    adapter = "schoolwise_files"
    fixtures = FIXTURES / "schoolwise_files" / "small" / "in"
    configuration = "schoolwise.toml"


@pytest.mark.slow
class TestSchoolPathwaysFiles(_Vendor):
    adapter = "schoolpathways_files"
    fixtures = FIXTURES / "schoolpathways_files" / "small" / "in"
    configuration = "schoolpathways.toml"


@pytest.mark.slow
class TestOneRoster(_Vendor):
    """Rosters only; another source has the rest."""

    adapter = "oneroster"
    fixtures = FIXTURES / "oneroster" / "small" / "in"
    configuration = "oneroster.toml"


@pytest.mark.slow
class TestInfiniteCampusFiles(_Vendor):
    adapter = "infinite_campus_files"
    fixtures = FIXTURES / "infinite_campus_files" / "small" / "in"
    configuration = "infinite_campus.toml"


class TestSignInSheet(_Vendor):
    """A part of the story, whose students are known by number and name."""

    adapter = "sign_in_sheet"
    fixtures = FIXTURES / "sign_in_sheet" / "small" / "in"
    configuration = "sign_in_sheet.toml"


@pytest.mark.slow
class TestSynergy(_Vendor):
    adapter = "synergy"
    fixtures = FIXTURES / "synergy" / "small" / "in"
    configuration = "synergy.toml"


def test_a_new_adapter_reads_its_own_files_at_once(tmp_path: Path) -> None:
    written = new_adapter("our_sis", tmp_path)
    assert {"README.md", "feeds.csv", "test_our_sis.py"} <= {path.name for path in written}
    assert "{name}" not in (tmp_path / "our_sis" / "README.md").read_text(encoding="utf-8")
    assert registry.get("./our_sis", beside=tmp_path).summary.startswith("The files of a system")
    assert main([str(tmp_path / "our_sis"), str(tmp_path / "our_sis" / "fixtures" / "in")]) == 0


@pytest.mark.parametrize(("name", "code"), [("Our SIS", "ADAPTER_NAME"), ("our_sis", "ADAPTER_EXISTS")])
def test_a_new_adapter_overwrites_nothing(name: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "our_sis").mkdir()
    with pytest.raises(RecoupError, match=code) as caught:
        new_adapter(name, tmp_path)
    assert caught.value.status == 2


def test_a_folder_that_is_no_adapter_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(RecoupError, match="ADAPTER_FOLDER") as caught:
        registry.get("./nothing", beside=tmp_path)
    assert "feeds.csv" in str(caught.value)


def test_the_crosswalk_says_what_a_code_means_at_a_school_and_in_a_year(raw: Callable[..., RawFile]) -> None:
    adapter = registry.get(TestTemplate.adapter)
    told = TestTemplate().request()
    folder = TestTemplate.fixtures
    crosswalk = (
        "list,school,year,code,means,description\nabsence,12,2025-2026,?,unexcused,Not said\nabsence,12,2024-2025,?,excused,Last year\n"
        "whole_day,,,?,true,\nabsence,,,Z,,\nabsence,,,Y,gone fishing,\nabsent,,,Y,excused,\n"
    )
    given = [raw(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    reading = adapter.read([*given, raw("crosswalk.csv", crosswalk)], told)
    rows = reading.tables["attendance"].collect().select("ssid", "date", "kind").rows()
    assert ("9000000034", "2025-10-07", "unexcused") in rows
    assert sorted(reading.refused["code"]) == ["CROSSWALK_LIST", "CROSSWALK_VALUE"]
