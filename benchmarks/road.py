"""``make bench``: a large district through the whole road, beside a floor that computes nothing, in one run.

Each is a process of its own, in turn, ``--rounds`` times; wall time and peak memory (resident, as the system counts it for the
ended child) are medians. Recoup starts from an empty workspace each time: archive, checks, ledger, snapshot and all exports but
the workbook. The floor reads and hashes the same files and writes as many bytes of CSV and Parquet. Needs a POSIX system.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import data

CONFIG = """\
school_year = "2025-2026"
[lea]
county_district_code = "1964733"
name = "Cedar Valley Unified"
[[sources]]
name = "sis"
adapter = "bundle"
location = "data"
[[exports]]
exporter = "calpads_stas"
[[exports]]
exporter = "program_updater"
[[exports]]
exporter = "bundle"
"""
#: Done, and done with an export withheld: both go the whole road.
GOOD = (0, 6)


class Cost(NamedTuple):
    seconds: float
    mebibytes: float


def measured(command: list[str], folder: Path) -> Cost:
    """Run a program to its end and return what it cost; what it says is shown when it fails."""
    log = folder / "log.txt"
    with log.open("wb") as file:
        began = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONPATH": str(Path.cwd())}
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in GOOD:
        sys.exit(f"{' '.join(command)}\nended with {child.returncode}:\n{log.read_text(encoding='utf-8', errors='replace')}")
    per_mebibyte = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(seconds, usage.ru_maxrss / per_mebibyte)


def recoup(folder: Path) -> Cost:
    for name in (".recoup", "out", "out.previous"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return measured(
        [sys.executable, "-m", "recoup", "run", "--config", str(folder / "recoup.toml"), "--as-of", "2026-06-30", "--quiet"], folder
    )


def floor(folder: Path, csv_bytes: int, parquet_bytes: int) -> Cost:
    shutil.rmtree(folder / "floor", ignore_errors=True)
    return measured(
        [sys.executable, "-m", "benchmarks.floor", str(folder / "data"), str(folder / "floor"), str(csv_bytes), str(parquet_bytes)], folder
    )


def written(folder: Path) -> tuple[int, int]:
    """Return the bytes that a run left: text (and whatever else lies in OUT), and Parquet (workspace and OUT)."""
    out = [path for path in (folder / "out").rglob("*") if path.is_file()]
    parquet = [path for path in folder.rglob("*.parquet") if "floor" not in path.relative_to(folder).parts]
    return sum(p.stat().st_size for p in out if p.suffix != ".parquet"), sum(p.stat().st_size for p in parquet)


def bench(folder: Path, scale: float, rounds: int) -> None:
    rows = data.write(folder / "data", scale)
    (folder / "recoup.toml").write_text(CONFIG, encoding="utf-8")
    size = sum(path.stat().st_size for path in (folder / "data").iterdir())
    told = ", ".join(f"{rows[name]:,} {name}" for name in ("participation", "attendance", "students"))
    print(f"data: {told}; {size / 2**20:.0f} MiB")
    recoup(folder)  # warms the file cache, and says how much there is to write
    csv_bytes, parquet_bytes = written(folder)
    print(f"written: {csv_bytes / 2**20:.1f} MiB of CSV and other text, {parquet_bytes / 2**20:.1f} MiB of Parquet")
    costs: dict[str, list[Cost]] = {"floor": [], "recoup": []}
    for _ in range(rounds):
        costs["floor"].append(floor(folder, csv_bytes, parquet_bytes))
        costs["recoup"].append(recoup(folder))
    middle = {name: Cost(*(median(values) for values in zip(*found, strict=True))) for name, found in costs.items()}
    print(f"{'':8}{'seconds':>10}{'MiB peak':>10}   median of {rounds}")
    for name, cost in middle.items():
        print(f"{name:8}{cost.seconds:10.2f}{cost.mebibytes:10.0f}")
    ratios = (one / other for one, other in zip(middle["recoup"], middle["floor"], strict=True))
    print("{:8}{:10.2f}{:10.2f}".format("ratio", *ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 1,000,000 participation rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="work in this new folder and leave it there")
    given = parser.parse_args()
    if given.keep:
        given.keep.mkdir(parents=True)
        bench(given.keep.resolve(), given.scale, given.rounds)
        return
    with tempfile.TemporaryDirectory(prefix="recoup-bench-") as folder:
        bench(Path(folder), given.scale, given.rounds)


if __name__ == "__main__":
    main()
