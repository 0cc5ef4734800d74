"""Mutation testing of the ledger's rules: ``python -m tests.mutation [MODULE …] [--share N] [--again FILE] [--out FILE]``.

Each mutant of ``recoup/ledger`` runs in a process of its own, which imports the module with one fault, against the worked examples,
the districts of the knobs, and 200 fixed random districts under 16 policies (``trials.py``). It is killed at the first table that is not
what the sound program gives, once the plain reading has been seen to give the same. Those that survive are written down
with line and fault: they must be without effect on a credited day. No file of the program is touched.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import pickle
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.mutation.mutants import mutants, mutated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
LEDGER = ROOT / "recoup" / "ledger"
MODULES = ("minutes", "bank", "match", "days", "time", "supervision", "notes", "encode", "results", "setting")


#: What a mutant may take: bytes, and seconds.
MEMORY, PATIENCE = 6 * 2**30, 300


class Faulty(MetaPathFinder, Loader):
    """Imports one module of the ledger with a fault in it."""

    def __init__(self, module: str, source: str) -> None:
        self.name, self.source = f"recoup.ledger.{module}", source

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, self.name, "exec"), module.__dict__)


def record(path: Path) -> None:
    """Write down what the ledger is told in every trial, and what the sound program gives: the plain reading must say the same."""
    from recoup import law
    from recoup.ledger import compute
    from recoup.ports import Attestation
    from tests.ledger.engine import LEA, YEAR, checked, closed, kept, timed
    from tests.mutation.trials import trials
    from tests.plain.compare import differences
    from tests.plain.reading import read

    with path.open("wb") as written:
        for place, trial in enumerate(trials()):
            made = checked(trial.tables)
            attested = [Attestation(name, "Director of Attendance", YEAR.first, "binder 3") for name in trial.attest]
            as_of = trial.as_of or YEAR.last
            rules, policy = law.load(YEAR.name), law.policy(trial.policy)
            told = (made.tables, made.absent, rules, policy, as_of, LEA, attested, None, None, closed(trial.reported))
            given = compute(*told)
            rows = {name: [timed(row) for row in table.to_dicts()] for name, table in given.items()}
            plain = read(kept(trial.tables, made), policy=trial.policy, as_of=as_of, attest=trial.attest, reported=trial.reported)
            unlike = differences(plain, rows)
            if unlike:
                sys.exit(f"trial {place}: the program and the plain reading differ\n{unlike}")
            pickle.dump((told, given), written)


def recorded_trials(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the trials one by one, so that a mutant that dies early has read little."""
    with path.open("rb") as kept:
        while kept.peek(1):
            yield pickle.load(kept)


def one(module: str, number: int, recorded: Path) -> None:
    """Run one mutant: end with 1 at the first trial that it gives otherwise, with 0 when it survives them all."""
    # A join that lost its condition would take the machine along.
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    source = (LEDGER / f"{module}.py").read_text(encoding="utf-8")
    sys.meta_path.insert(0, Faulty(module, mutated(source, number)))
    from recoup.ledger import compute

    for place, (told, expected) in enumerate(recorded_trials(recorded)):
        try:
            given = compute(*told)
        except Exception:  # noqa: BLE001 - whatever stops a mutant has killed it
            sys.exit(f"trial {place}: stopped")
        unlike = [name for name, table in expected.items() if not table.equals(given[name])]
        if unlike:
            sys.exit(f"trial {place}: {', '.join(unlike)}")


def judge(module: str, number: int, recorded: Path) -> str:
    """Return how a mutant died, or an empty text when it survived."""
    command = [sys.executable, "-m", "tests.mutation", "--one", module, str(number), str(recorded)]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "POLARS_MAX_THREADS": "1"}, check=False
        )
    except subprocess.TimeoutExpired:
        return "did not end"
    return (ended.stderr.strip().splitlines() or ["stopped"])[-1] if ended.returncode else ""


def survivors(fates: Path) -> set[tuple[str, int]]:
    """Return module and number of the mutants that an earlier run did not kill."""
    with fates.open(encoding="utf-8", newline="") as lines:
        return {(row["module"], int(row["number"])) for row in csv.DictReader(lines) if not row["killed_by"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--share", type=int, default=1, help="only every N-th mutant")
    parser.add_argument("--again", type=Path, help="only the mutants that survived by this earlier --out, of the same text of the modules")
    parser.add_argument("--out", type=Path, default=ROOT / "mutation.csv", help="what became of each mutant")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one[0], int(given.one[1]), Path(given.one[2]))
        return
    sources = {module: (LEDGER / f"{module}.py").read_text(encoding="utf-8") for module in given.modules}
    wanted = [(module, n, *fault) for module, source in sources.items() for n, fault in enumerate(mutants(source)) if n % given.share == 0]
    if given.again:
        earlier = survivors(given.again)
        wanted = [mutant for mutant in wanted if mutant[:2] in earlier]
    with tempfile.TemporaryDirectory() as folder, given.out.open("w", encoding="utf-8", newline="") as lines:
        recorded = Path(folder) / "recorded"
        began = time.monotonic()
        record(recorded)
        print(f"{len(wanted)} mutants; the trials were recorded in {time.monotonic() - began:.0f} s", flush=True)
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(["module", "number", "line", "fault", "killed_by"])
        with ThreadPoolExecutor(given.jobs) as pool:
            fates = pool.map(lambda mutant: judge(mutant[0], mutant[1], recorded), wanted)
            survived = 0
            for mutant, fate in zip(wanted, fates, strict=True):
                table.writerow([*mutant, fate])
                lines.flush()
                survived += not fate
                if not fate:
                    print("survived:", f"{mutant[0]}.py line {mutant[2]}: {mutant[3]}", flush=True)
    print(f"{len(wanted) - survived} of {len(wanted)} killed ({100 * (len(wanted) - survived) / len(wanted):.1f} %)")


if __name__ == "__main__":
    main()
