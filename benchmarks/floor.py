"""The floor: read and hash the same CSV files, write as many bytes of CSV and Parquet, and compute nothing.

``python -m benchmarks.floor DATA OUT CSV_BYTES PARQUET_BYTES``
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import polars as pl


def fill(frames: list[pl.DataFrame], out: Path, suffix: str, wanted: int) -> None:
    """Write the tables in turn until all but a hundredth of ``wanted`` bytes lie there; what a row takes is learnt from the last file."""
    written = turn = 0
    per_row: dict[int, float] = {}
    while wanted - written > wanted // 100:
        at = turn % len(frames)
        rows = frames[at].height
        frame = frames[at].head(max(1, int((wanted - written) / per_row[at]))) if at in per_row else frames[at].head(rows // 4 + 1)
        path = out / f"{turn}{suffix}"
        if suffix == ".csv":
            frame.write_csv(path)
        else:
            frame.write_parquet(path)
        written += path.stat().st_size
        per_row[at] = path.stat().st_size / frame.height
        turn += 1


def main(data: Path, out: Path, csv_bytes: int, parquet_bytes: int) -> None:
    out.mkdir(parents=True)
    frames = []
    for path in sorted(data.glob("*.csv")):
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
        frames.append(pl.read_csv(path, infer_schema=False))
    frames = sorted(frames, key=pl.DataFrame.estimated_size, reverse=True)[:2]
    fill(frames, out, ".csv", csv_bytes)
    fill(frames, out, ".parquet", parquet_bytes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
