"""The house stands as docs say: imports go down only, the help is quick, dependencies are explained, locks name no host."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: The floors, from the top. Rooms of one floor do not import one another, but for those of SHARED.
FLOORS = (
    {"cli"},
    {"pipeline"},
    {"adapters", "transports", "store", "ledger", "exporters", "reports", "synthetic"},
    {"checks", "law"},
    {"schemas", "config", "plugins"},
    {"ports"},
    {"errors"},
)
SEES_ALL = {"testing", "conformance"}
HEAVY = ("polars", "pandera", "narwhals", "paramiko", "lxml", "xlsxwriter", "jsonschema", "python_calamine", "yaml", "requests")


def floor(room: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"recoup/{room} stands on no floor: give it a place in tests/test_house.py and in CONTRIBUTING.md")


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "recoup").parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Name the rooms of recoup that a module imports, anywhere in it."""
    package = ("recoup", *path.relative_to(ROOT / "recoup").parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = (base + (node.module or "")).rstrip(".")
            names = [f"recoup.{alias.name}" for alias in node.names] if module == "recoup" else [module]
        found |= {name.split(".")[1] for name in names if name.startswith("recoup.") and name != "recoup.__version__"}
    return found


#: The template of a new adapter is copied out of the house; what it imports there is no arrow of the house.
MODULES = sorted(path for path in (ROOT / "recoup").rglob("*.py") if "template" not in path.parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    room = room_of(path)
    if room in SEES_ALL | {"__init__", "__main__"}:
        return
    wrong = {other for other in imported_rooms(path) if other != room and (other in SEES_ALL or floor(other) <= floor(room))}
    assert not wrong, f"{room} imports {', '.join(sorted(wrong))}, which is not below it"


def test_help_loads_no_heavy_library() -> None:
    code = f"import sys, recoup.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_is_quick() -> None:
    def seconds() -> float:
        before = os.times()
        subprocess.run([sys.executable, "-m", "recoup", "--help"], capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    # Time of the processor, the best of three: what else the machine does is not ours to test.
    assert min(seconds() for _ in range(3)) < 0.25


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    named = {re.split(r"[\[<>=!~ ]", line)[0].lower() for line in project["dependencies"] + extras}
    explained = set(re.findall(r"^\| `([^`]+)`", (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == explained


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_links_of_the_front_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^):]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_locks_hold_hashes_and_name_no_host_or_path(lock: Path) -> None:
    for line in lock.read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[^ ]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|#.*|", line), line
        assert "/" not in line
