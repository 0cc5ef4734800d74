"""A district runs tonight on Spark: the same files as on Polars."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from recoup.synthetic.bundle import write_bundle
from recoup.synthetic.district import make_district

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = ("ledger", "credits", "credit_sessions", "time_entries", "holds")


@pytest.mark.slow
def test_run_on_spark_writes_the_files_that_polars_writes(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed: make test-slow installs it")
    if not shutil.which("java"):
        pytest.skip("Java is not installed, and Spark runs on it")
    write_bundle(make_district(students=24), tmp_path / "data")
    text = (files("recoup.synthetic") / "demo.toml").read_text(encoding="utf-8")
    (tmp_path / "recoup.toml").write_text(text, encoding="utf-8")
    for engine in ("polars", "spark"):
        command = ["run", "--engine", engine, "--out", str(tmp_path / engine), "--quiet"]
        ended = subprocess.run([sys.executable, "-m", "recoup", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    for name in RESULTS:
        assert (tmp_path / "spark" / f"{name}.csv").read_bytes() == (tmp_path / "polars" / f"{name}.csv").read_bytes(), name
    for path in (tmp_path / "polars").glob("STAS_*.txt"):
        assert (tmp_path / "spark" / path.name).read_bytes() == path.read_bytes()
