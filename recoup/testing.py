"""Helps for those who write adapters and exporters: cases on disk, and golden files beside them.

A case is a folder: ``case.toml``, ``in/`` (a bundle), ``results/`` (the ledger's tables and the quarantine; without it they are
computed) and ``expected/``: the files that the exporters named in ``case.toml`` must write, and ``findings.csv``, what they must say;
``story_<name>.txt`` for the students of ``[stories]`` and ``reading_<name>.txt`` for the policies of ``[readings]``, as the terminal
shows them.

``python -m recoup.testing test CASE…`` shows what differs; ``python -m recoup.testing generate CASE…`` writes what is
missing, shows a diff of what differs, and overwrites that only with ``--force``.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import io
import sys
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from python_calamine import CalamineWorkbook

from recoup import law
from recoup.exporters import registry
from recoup.pipeline import again, explain
from recoup.pipeline.compare import reading
from recoup.ports import QUARANTINE, Attestation, Finding, Input, Lea, Run, SchoolYear
from recoup.reports import compare_text, explain_text
from recoup.schemas import RESULTS, TABLES, frame_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from recoup.schemas import Table


def _read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def _typed(name: str, kind: pl.DataType) -> pl.Expr:
    text = pl.col(name)
    if kind == pl.Boolean:
        return text == "true"
    if kind == pl.Int32:
        return (text.str.slice(0, 2).cast(pl.Int32) * 60 + text.str.slice(3, 2).cast(pl.Int32)).alias(name)
    if kind == pl.Datetime:
        return text.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us")
    return text.str.to_date("%Y-%m-%d") if kind == pl.Date else text.cast(kind)


def read_table(path: Path, table: Table) -> tuple[pl.DataFrame, frozenset[tuple[str, str]]]:
    """Read a table of a case, typed as a checked table is, with what is absent of it; a missing file is an empty table.

    The file's name stands for its hash in ``_file``.
    """
    types = {name: kind for name, kind in frame_schema(table).items() if not table.result or name in table.names}
    if not path.exists():
        return pl.DataFrame(schema=types), frozenset({(table.name, "")})
    raw = _read(path)
    if not table.result:
        lineage = {"_source": pl.lit("case"), "_file": pl.lit(path.name), "_line": pl.int_range(2, pl.len() + 2).cast(pl.String)}
        raw = raw.with_columns(**lineage)
    absent = frozenset((table.name, name) for name in types if name not in raw.columns)
    full = raw.with_columns(pl.lit(None, pl.String).alias(name) for _, name in absent)
    return full.select(_typed(name, kind) for name, kind in types.items()), absent


def load_run(case: Path) -> Run:
    """Return the run that the folder ``case`` describes; tables without a file are empty and absent."""
    told = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))
    first = int(told["school_year"][:4])
    day: type[date] = type(told["as_of"])
    read = {name: read_table(case / "in" / f"{name}.csv", table) for name, table in TABLES.items()}
    refused = case / "results" / "quarantine.csv"
    quarantine = _read(refused) if refused.exists() else pl.DataFrame(schema=dict.fromkeys(QUARANTINE, pl.String))
    run = Run(
        year=SchoolYear(told["school_year"], day(first, 7, 1), day(first + 1, 6, 30)),
        lea=Lea(**told["lea"]),
        as_of=told["as_of"],
        run_id=told["run_id"],
        rule_version=told.get("rule_version", ""),
        policy=told.get("policy", {}),
        attest=[Attestation(check, **who) for check, who in told.get("attest", {}).items()],
        tables={name: frame for name, (frame, _) in read.items()},
        absent=frozenset().union(*(absent for _, absent in read.values())),
        results={name: read_table(case / "results" / f"{name}.csv", table)[0] for name, table in RESULTS.items()},
        quarantine=quarantine.with_columns(pl.col("line").cast(pl.Int64)),
        inputs=[
            Input("case", path.stem, path.name, path.stat().st_size, path.name, height, height, 0)
            for path in sorted((case / "in").glob("*.csv"))
            for height in [read[path.stem][0].height]
        ],
    )
    return run if (case / "results").exists() else _computed(run)


def _computed(run: Run) -> Run:
    """Return a run with the ledger's own results."""
    policy = law.policy(run.policy)
    run = replace(run, policy=policy, rule_version=law.rule_version(law.load(run.year.name), policy))
    return replace(run, results=again.results(run, run.policies, run.attest))


def _shown(run: Run, told: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what the terminal shows of the stories and readings that a case names."""
    shown = {f"story_{name}.txt": explain_text.as_text(explain.story(run, ssid)) for name, ssid in told.get("stories", {}).items()}
    for name, policy in told.get("readings", {}).items():
        shown[f"reading_{name}.txt"] = compare_text.as_text(reading(run, policy).told)
    return {name: f"{text}\n".encode() for name, text in shown.items()}


def _findings(found: Sequence[Finding], withheld: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["export", "code", "severity", "rows", "message"])
    writer.writerows([item.export, item.code, item.severity, item.rows, item.message] for item in found)
    writer.writerows([name, "withheld", "", "", why] for name, why in withheld.items() if why)
    return text.getvalue()


def _cells(path: Path, sheet: str) -> bytes:
    """Return what a sheet of a workbook shows, as CSV."""
    text = io.StringIO()
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    whole = ([int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(whole)
    return text.getvalue().encode()


def actual(case: Path, out: Path) -> dict[str, bytes]:
    """Run the case's exporters into the empty folder ``out`` and return what they wrote, by name, ``findings.csv`` with it.

    Of a workbook the ``sheets`` that ``case.toml`` names are returned, each as CSV.
    """
    run = load_run(case)
    told = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))
    exports = {}
    for name, options in told.get("exports", {}).items():
        exporter = registry.get(name)
        exports[name] = exporter.write(run, registry.settings(exporter, options), out)
    written: dict[str, bytes] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.suffix == ".xlsx":
            shown = [sheet for sheet in CalamineWorkbook.from_path(str(path)).sheet_names if sheet in told["sheets"]]
            written |= {f"{name.removesuffix('.xlsx')}/{sheet}.csv": _cells(path, sheet) for sheet in shown}
        elif path.is_file():
            written[name] = path.read_bytes()
    findings = [finding for export in exports.values() for finding in export.findings]
    written |= _shown(run, told)
    if not exports:
        return written
    said = _findings(findings, {name: export.withheld for name, export in exports.items()})
    return written | {"findings.csv": said.encode()}


def difference(name: str, expected: bytes, found: bytes) -> str:
    """Return a unified diff of two texts, line ends made visible; empty when the bytes are the same."""
    before, after = (part.decode(errors="replace").replace("\r", "\\r").splitlines(keepends=True) for part in (expected, found))
    return "" if expected == found else "".join(difflib.unified_diff(before, after, f"expected/{name}", f"written/{name}")) or "line ends\n"


def compare(case: Path, found: Mapping[str, bytes]) -> list[str]:
    """Return a diff for every file that is not as expected, not expected, or expected and not written; none when all is well."""
    folder = case / "expected"
    expected = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    unlike = [difference(name, expected[name], found[name]) for name in sorted(expected.keys() & found.keys())]
    unmet = [f"expected and not written: {name}\n" for name in sorted(expected.keys() - found.keys())]
    unknown = [f"written and not expected: {name}\n" for name in sorted(found.keys() - expected.keys())]
    return [*filter(None, unlike), *unmet, *unknown]


def generate(case: Path, found: Mapping[str, bytes], *, force: bool = False) -> list[str]:
    """Write the expected files that are missing, and with ``force`` the others too; return the diffs of what was left alone."""
    left = []
    for name, content in found.items():
        path = case / "expected" / name
        if path.exists() and not force:
            left.append(difference(name, path.read_bytes(), content))
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return [*filter(None, left)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare or write golden files; 1 when something differs."""
    parser = argparse.ArgumentParser(prog="python -m recoup.testing", description="Compare or write the golden files of cases.")
    parser.add_argument("what", choices=["test", "generate"])
    parser.add_argument("case", type=Path, nargs="+", help="folder with case.toml")
    parser.add_argument("--force", action="store_true", help="overwrite expected files that differ")
    told = parser.parse_args(arguments)
    differs = 0
    for case in told.case:
        with tempfile.TemporaryDirectory() as out:
            found = actual(case, Path(out))
        left = compare(case, found) if told.what == "test" else generate(case, found, force=told.force)
        differs += len(left)
        sys.stdout.writelines(left)
        if left and told.what == "generate":
            sys.stderr.write(f"{case}: {len(left)} files differ and were left as they are; --force overwrites them\n")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
