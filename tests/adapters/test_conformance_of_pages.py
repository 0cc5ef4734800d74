"""What comes over HTTP is held to what every adapter owes, as pages lie in the archive."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest

from recoup.adapters import registry
from recoup.conformance import LEA, YEAR, AdapterConformance
from recoup.ports import ReadRequest
from recoup.synthetic.aeries_api import write_aeries_api
from recoup.synthetic.district import make_district
from recoup.synthetic.edfi_api import write_edfi_api
from recoup.synthetic.oneroster_rest import write_oneroster_rest
from recoup.synthetic.powerschool_api import write_powerschool_api
from recoup.synthetic.synergy import write_synergy_server
from tests.servers import aeries, edfi, oneroster, powerschool, synergy
from tests.servers.fetching import fetched
from tests.servers.loopback import System, serving

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.ports import HttpAdapter
    from recoup.synthetic.district import District

pytestmark = pytest.mark.slow


class _Pages(AdapterConformance):
    """One small district behind a server of the tests, fetched once."""

    golden = False
    configuration: ClassVar[str]
    base: ClassVar[str] = ""
    secrets: ClassVar[dict[str, str]]
    options: ClassVar[dict[str, Any]] = {}
    mapping: ClassVar[dict[str, Any]] = {}

    @staticmethod
    def behind(district: District, folder: Path) -> System:
        """Write the server's files into ``folder / "server"``, those beside into ``beside``, and return the server."""
        raise NotImplementedError

    def request(self) -> ReadRequest:
        told = tomllib.loads((files("recoup.synthetic") / self.configuration).read_text(encoding="utf-8"))["sources"][0]
        options, mapping = {**told.get("options", {}), **self.options}, {**told.get("mapping", {}), **self.mapping}
        return ReadRequest("case", YEAR, LEA, options, mapping)

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _fetch(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        place = tmp_path_factory.mktemp(cls.adapter)
        folder = place / "in"
        folder.mkdir()
        with serving(cls.behind(make_district(students=16), place)) as system:
            adapter = cast("HttpAdapter", registry.get(cls.adapter))
            for page in fetched(adapter, system, cls.base, cls().request(), date(2026, 6, 30), 100, **cls.secrets):
                (folder / page.name).parent.mkdir(parents=True, exist_ok=True)
                (folder / page.name).write_bytes(page.path.read_bytes())
        beside = place / "beside"
        for path in beside.iterdir() if beside.is_dir() else ():
            (folder / path.name).write_bytes(path.read_bytes())
        cls.fixtures = folder


class TestAeriesApi(_Pages):
    adapter = "aeries_api"
    configuration = "aeries.toml"
    base = aeries.BASE
    secrets: ClassVar = {"token": aeries.CERTIFICATE}

    @staticmethod
    def behind(district: District, folder: Path) -> System:
        write_aeries_api(district, folder)
        return aeries.Aeries(folder / "server")


class TestPowerSchoolApi(_Pages):
    adapter = "powerschool_api"
    configuration = "powerschool.toml"
    secrets: ClassVar = {"client_id": powerschool.CLIENT, "client_secret": powerschool.SECRET}

    @staticmethod
    def behind(district: District, folder: Path) -> System:
        write_powerschool_api(district, folder)
        return powerschool.PowerSchool(folder / "server")


class TestSynergyService(_Pages):
    adapter = "synergy"
    configuration = "synergy.toml"
    secrets: ClassVar = {"client_id": synergy.USER, "client_secret": synergy.PASSWORD}

    @staticmethod
    def behind(district: District, folder: Path) -> System:
        write_synergy_server(district, folder)
        return synergy.Synergy(folder / "server", polls=1, apart=0.0)


class TestEdFiInterface(_Pages):
    adapter = "edfi"
    configuration = "edfi.toml"
    base = edfi.BASE
    secrets: ClassVar = {"client_id": edfi.CLIENT, "client_secret": edfi.SECRET}

    @staticmethod
    def behind(district: District, folder: Path) -> System:
        write_edfi_api(district, folder)
        return edfi.EdFi(folder / "server")


class TestOneRosterInterface(_Pages):
    adapter = "oneroster"
    configuration = "oneroster.toml"
    base = oneroster.V1P1
    secrets: ClassVar = {"client_id": oneroster.CLIENT, "client_secret": oneroster.SECRET}
    options: ClassVar = {"ssid": "mapped", "sign_in": "oauth1"}
    mapping: ClassVar = {"columns": {"users": {"ssid": "metadata.stateStudentId"}}}

    @staticmethod
    def behind(district: District, folder: Path) -> System:
        write_oneroster_rest(district, folder)
        return oneroster.OneRosterServer(folder / "server", version="1.1")
