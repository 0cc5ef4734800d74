"""``python -m recoup.synthetic FOLDER``: write every case of ``FOLDER/synthetic.csv`` again, below ``FOLDER/<adapter>/<case>/in``."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from recoup.synthetic.aeries import write_aeries
from recoup.synthetic.aeries_api import write_aeries_api
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district
from recoup.synthetic.edfi_xml import write_edfi
from recoup.synthetic.eschoolplus import write_eschoolplus
from recoup.synthetic.infinite_campus import write_infinite_campus
from recoup.synthetic.oneroster import write_oneroster
from recoup.synthetic.oneroster_rest import write_oneroster_rest
from recoup.synthetic.powerschool import write_powerschool
from recoup.synthetic.powerschool_api import write_powerschool_api
from recoup.synthetic.q import write_q
from recoup.synthetic.schoolpathways import write_schoolpathways
from recoup.synthetic.schoolwise import write_schoolwise
from recoup.synthetic.sign_in_sheet import write_sign_in_sheet
from recoup.synthetic.synergy import write_synergy

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.synthetic.district import BadRows, District

SHAPES: dict[str, Callable[[District, Path], list[Path]]] = {
    "bundle": write_bundle,
    "aeries_files": write_aeries,
    "edfi": write_edfi,
    "eschoolplus_files": write_eschoolplus,
    "infinite_campus_files": write_infinite_campus,
    "oneroster": write_oneroster,
    "powerschool_files": write_powerschool,
    "q_files": write_q,
    "schoolpathways_files": write_schoolpathways,
    "schoolwise_files": write_schoolwise,
    "synergy": write_synergy,
}
#: Behind a server: its answers, and what lies beside. The tests serve them.
SERVED: dict[str, Callable[[District, Path], list[Path]]] = {
    "aeries_api": write_aeries_api,
    "oneroster_rest": write_oneroster_rest,
    "powerschool_api": write_powerschool_api,
}

#: A part of the story; the rest lies beside as a bundle.
PARTS: dict[str, Callable[[District, Path], list[Path]]] = {
    "sign_in_sheet": write_sign_in_sheet,
}


def write_cases(catalogue: Path, folder: Path) -> list[Path]:
    """Write every case that ``catalogue`` names (adapter, case, seed, students, bad_rows) below ``folder``; return the folders ``in``."""
    out = []
    with catalogue.open(encoding="utf-8", newline="") as lines:
        for case in csv.DictReader(lines):
            target = folder / case["adapter"] / case["case"] / "in"
            shutil.rmtree(target, ignore_errors=True)
            district = make_district(int(case["seed"]), int(case["students"]), cast("BadRows", case["bad_rows"]))
            (SHAPES | SERVED | PARTS)[case["adapter"]](district, target)
            out.append(target)
    return out


if __name__ == "__main__":
    for written in write_cases(Path(sys.argv[1]) / "synthetic.csv", Path(sys.argv[1])):
        print(written)  # noqa: T201 (a command of the checkout)
