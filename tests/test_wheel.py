"""A wheel stands on its own: installed away from the checkout it has all of its data files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
DATA = (".csv", ".json", ".yaml", ".toml", ".md")


@pytest.mark.slow
def test_a_wheel_works_without_the_checkout(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("recoup-*.whl")
    place = tmp_path / "installed"
    with ZipFile(wheel) as packed:
        packed.extractall(place)
        names = set(packed.namelist())
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "recoup").rglob("*") if path.suffix in DATA}
    assert data <= names
    # The checkout is on no path here: -P keeps the present folder out, and the wheel's copy comes before an editable install.
    code = "import recoup, sys; print(recoup.__file__); from recoup.cli import main; main(prog_name='recoup')"
    arguments = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(place)!r}); {code}"]
    demo = subprocess.run([*arguments, "demo", str(tmp_path / "demo"), "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert demo.returncode == 0, demo.stderr
    first, _, document = demo.stdout.partition("\n")
    assert Path(first).is_relative_to(place)
    assert json.loads(document)["days"]["credited"] > 0
