"""The error catalogue and the code name each other: no failure without its sentence, no sentence that nothing says."""

from __future__ import annotations

import ast
import csv
import re
import string
from pathlib import Path

import pytest

import recoup
from recoup.errors import Exit, RecoupError, catalogue, nearest

PACKAGE = Path(recoup.__file__).parent


def named() -> set[str]:
    """Name every text in the code that has the form of a code of the catalogue."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)+", node.value):
                found.add(node.value)
    return found


def raised() -> set[str]:
    """Name every code that ``RecoupError`` is given literally."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RecoupError" and node.args:
                first = node.args[0]
                found |= {part.value for part in ast.walk(first) if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return found


def test_every_failure_has_its_sentence() -> None:
    assert raised() - set(catalogue()) == set()


def test_every_sentence_is_said_somewhere() -> None:
    assert set(catalogue()) - named() == set()


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_an_entry_can_be_filled_in_and_is_told_whole(code: str) -> None:
    entry = catalogue()[code]
    fields = {name for text in (entry.what, entry.mend) for _, name, _, _ in string.Formatter().parse(text) if name}
    told = str(RecoupError(code, "here", **dict.fromkeys(fields, "x")))
    assert told.startswith("here: ")
    assert told.endswith(f"[{code}]")
    assert entry.status in set(Exit)
    assert entry.what.strip()[-1] in ".:?}"
    assert entry.mend.strip()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.csv")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_row_of_our_own_tables_has_a_cell_too_many_or_too_few(path: Path) -> None:
    head, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    assert [row[0] for row in rows if len(row) != len(head)] == []


def test_every_page_that_is_named_is_there() -> None:
    data = (path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".csv", ".json", ".toml"})
    pages = {page for path in data for page in re.findall(r"docs/[a-z-]+\.md", path.read_text(encoding="utf-8"))}
    assert {page for page in pages if not (PACKAGE.parent / page).is_file()} == set()


def test_the_nearest_name() -> None:
    assert nearest("exportres", ["exporters", "run"]) == " Did you mean 'exporters'?"
    assert nearest("zzz", ["exporters", "run"]) == ""
