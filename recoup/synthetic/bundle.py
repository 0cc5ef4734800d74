"""The synthetic district as a bundle: one CSV file a canonical table."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from recoup.synthetic.district import District


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> None:
    """Write a delimited file with LF line ends; cells that need quotes get them. Same rows, same bytes, on every platform."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_bundle(district: District, folder: Path) -> list[Path]:
    """Write the district's tables, then its flaws at their ends, as ``<table>.csv`` below ``folder``; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for table, rows in district.tables.items():
        bad = [flaw for flaw in district.flaws if flaw.table == table]
        if not rows and not bad:
            continue
        header = list((rows or [flaw.row for flaw in bad])[0])
        lines = [[row[column] for column in header] for row in rows]
        lines += [[flaw.row[column] for column in header] + (["stray"] if flaw.ragged else []) for flaw in bad]
        path = folder / f"{table}.csv"
        write_csv(path, header, lines)
        out.append(path)
    return out
