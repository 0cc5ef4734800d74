"""What ``recoup demo`` writes: the synthetic district's files and the configuration that reads them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.synthetic.apportionment import apportionment_rows
from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import District, make_district

if TYPE_CHECKING:
    from pathlib import Path

#: The file by which a folder is known to be a demo; only such a folder, or an empty one, is written into.
MARK = ".recoup-demo"


def write_demo(folder: Path) -> None:
    """Write ``data/`` (a bundle with some bad rows) and ``recoup.toml`` into ``folder``, made if it is not there.

    A demo that was written before is written again. Raises ``RecoupError`` ``DEMO_NOT_OURS`` (status 2), with
    nothing changed, when the folder holds anything else.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file())):
        raise RecoupError("DEMO_NOT_OURS", where=str(folder))
    text = (files("recoup.synthetic") / "demo.toml").read_text(encoding="utf-8")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text(
            "Written by recoup demo. Everything beside this file is made up and may be written again.\n", encoding="utf-8", newline="\n"
        )
        write_bundle(_reckoned(make_district(bad_rows="survivable"), text), folder / "data")
        (folder / "recoup.toml").write_text(text, encoding="utf-8", newline="\n")
    except OSError as fault:
        raise RecoupError("DEMO_CANNOT_WRITE", where=str(folder), fault=fault.strerror or type(fault).__name__) from None


def _reckoned(district: District, configuration: str) -> District:
    """Add what the LEA itself counts for the periods of the demo's configuration, so that Section A can be tied out."""
    ends = {name: period["ends"].isoformat() for name, period in tomllib.loads(configuration)["periods"].items()}
    return replace(district, tables={**district.tables, "apportionment": apportionment_rows(district.tables, ends)})
