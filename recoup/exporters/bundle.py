"""The canonical tables as a bundle: CSV files and ``datapackage.json``, the neutral form that the ``bundle`` adapter reads back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recoup.exporters.tables import write_table
from recoup.ports import Export, Written
from recoup.schemas import TABLES, datapackage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recoup.ports import Option, Run


class Bundle:
    """Writes ``bundle/``; a table or column that no source had is left out, so that *absent* stays absent when it is read again."""

    name = "bundle"
    summary = "The canonical tables as CSV with a Frictionless data package: what auditors and migration teams exchange"
    options: tuple[Option, ...] = ()

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:  # noqa: ARG002 - the port; a bundle has none
        """Write every table that a source had, rows in order of their keys."""
        folder = out / "bundle"
        folder.mkdir()
        names = [name for name in TABLES if (name, "") not in run.absent]
        package = datapackage(names)
        files = []
        for name, resource in zip(names, package["resources"], strict=True):
            table = TABLES[name]
            missing = [column for column in table.names if (name, column) in run.absent]
            resource["schema"]["fields"] = [field for field in resource["schema"]["fields"] if field["name"] not in missing]
            files.append(Written(f"bundle/{name}.csv", write_table(run.tables[name], table, folder / f"{name}.csv", missing)))
        text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
        (folder / "datapackage.json").write_text(text, encoding="utf-8", newline="\n")
        return Export([*files, Written("bundle/datapackage.json", None)])


EXPORTER = Bundle()
