"""The run in less than a screen: rows read and refused, days earned and credited, what is held and why, the files written."""

from __future__ import annotations

from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from recoup.ports import Input, Run

#: Columns of a terminal that the text keeps to.
WIDTH = 100


def rows(inputs: Iterable[Input], quarantine: pl.DataFrame) -> dict[str, Any]:
    """Return the rows read, kept and refused, and the refused ones by rule; a row that failed two rules counts in both."""
    files = list(inputs)
    errors = quarantine.filter(pl.col("severity") == "error").group_by("code").agg(rows=pl.struct("source", "file", "line").n_unique())
    return {
        "read": sum(file.rows_read for file in files),
        "kept": sum(file.rows_kept for file in files),
        "refused": sum(file.rows_refused for file in files),
        "refused_by_code": errors.sort(["rows", "code"], descending=[True, False]).to_dicts(),
    }


def days(ledger: pl.DataFrame) -> dict[str, int]:
    """Return the sums of the ledger's days over all students, and how many of them earned one."""
    names = {
        "earned": "days_earned",
        "credited": "days_credited",
        "applied": "days_applied",
        "waiting": "days_waiting",
        "attested": "days_attested",
    }
    sums = {name: int(ledger.get_column(column).sum()) for name, column in names.items()}
    return {"students": ledger.height, "students_earning": ledger.filter(pl.col("days_earned") > 0).height, **sums}


def holds(lines: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the lines of ``holds`` by severity and code, with the minutes they concern, the most frequent first."""
    found = lines.group_by("severity", "code").agg(lines=pl.len(), minutes=pl.col("minutes").sum())
    return found.sort(["severity", "lines", "code"], descending=[False, True, False]).to_dicts()


def leas(run: Run) -> list[dict[str, Any]]:
    """Return every LEA of the run with its schools, its rules, and what was credited there."""
    schools = pl.DataFrame(
        [(school, one.lea.code) for one in run.leas for school in one.schools],
        {"absence_school_code": pl.String, "lea": pl.String},
        orient="row",
    )
    credited = run.results["credits"].join(schools, on="absence_school_code").group_by("lea").agg(pl.len(), pl.col("ssid").n_unique())
    counts = {lea: (days, students) for lea, days, students in credited.iter_rows()}
    return [
        {
            **asdict(one.lea),
            "rule_version": one.rule_version,
            "schools": len(one.schools),
            "days_credited": counts.get(one.lea.code, (0, 0))[0],
            "students_credited": counts.get(one.lea.code, (0, 0))[1],
        }
        for one in run.leas
    ]


def summarize(
    run: Run, *, status: int, out: str, files: Sequence[tuple[str, int | None]], unchanged: bool, withheld: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the summary tells, for ``--json``; it holds no value of a student's record."""
    return {
        "status": status,
        "run_id": run.run_id,
        "lea": asdict(run.lea),
        "school_year": run.year.name,
        "as_of": run.as_of,
        "rule_version": run.rule_version,
        "risks": [finding.message for finding in run.findings if finding.code == "RISK_ACCEPTED"],
        "certainty": [finding.message for finding in run.findings if finding.code in ("RULES_UNCONFIRMED", "CERTAINTY")],
        "leas": leas(run),
        "rows": rows(run.inputs, run.quarantine),
        "days": days(run.results["ledger"]),
        "without_attestations": dict(run.without_attestations),
        "decisions": [asdict(decision) for decision in run.decisions],
        "holds": holds(run.results["holds"]),
        "minutes_held": int(run.results["ledger"].get_column("minutes_held").sum()),
        "out": out,
        "unchanged": unchanged,
        "files": [{"name": name, "rows": count} for name, count in files],
        "findings": [asdict(finding) for finding in run.findings],
        "withheld": [{"export": name, "reason": reason} for name, reason in withheld.items()],
    }


def as_text(told: Mapping[str, Any]) -> str:
    """Lay the summary out for a person."""
    day, row = told["days"], told["rows"]
    lines = [
        f"{told['lea']['name']} ({told['lea']['code']}), {told['school_year']} as of {told['as_of']}, rules {told['rule_version']}",
        "",
        *(line for risk in told["risks"] for line in _entry("Risk", risk, [])),
        *rows_as_text(row),
        (
            f"Days      {day['earned']:,} earned by {day['students_earning']:,} of {day['students']:,} students,"
            f" {day['credited']:,} credited"
            f" ({day['applied']:,} of them applied before), {day['waiting']:,} waiting"
        ),
    ]
    if fallen := told["without_attestations"]:
        stand = f"{fallen['days_credited']:,} would stand without any"
        lines.append(f"          {day['attested']:,} of the credited days rest on an attestation; {stand}")
    if len(told["leas"]) > 1:
        lines += _entry("LEAs", "days credited", [(f"{one['name']} ({one['code']})", one["days_credited"]) for one in told["leas"]])
    lines += [line for said in told["certainty"] for line in _entry("Certainty", said, [])]
    lines += _holds_as_text(told["holds"], told["minutes_held"])
    if told["decisions"]:
        lines += _entry("Decisions", f"{len(told['decisions']):,}", _effects(told["decisions"]))
    lines += findings_as_text(told["findings"])
    for one in told["findings"]:
        if one["export"] == "fetch" and one["severity"] == "warn":
            lines += _entry("Fetch", one["message"], [])
    for one in told["withheld"]:
        lines.append(f"Withheld  {one['export']}: {one['reason']}")
    lines += _files_as_text(told)
    return "\n".join(lines)


def rows_as_text(told: Mapping[str, Any]) -> list[str]:
    """Lay out the rows read and refused."""
    head = f"{told['read']:,} read, {told['kept']:,} kept, {told['refused']:,} refused"
    return _entry("Rows", head, [(reason["code"], reason["rows"]) for reason in told["refused_by_code"]])


def _holds_as_text(told: Sequence[Mapping[str, Any]], minutes: int) -> list[str]:
    lines: list[str] = []
    titles = {"hold": "Held", "not_checked": "Unchecked", "attested": "Attested", "released": "Released", "cut": "Cut", "warn": "Warnings"}
    for severity, title in titles.items():
        found = [(one["code"], one["lines"]) for one in told if one["severity"] == severity]
        if found:
            head = f"{sum(count for _, count in found):,}"
            if minutes and severity in ("hold", "not_checked"):
                # Checks that failed and checks that could not be made hold the minutes together; they are told once.
                head, minutes = f"{head} lines, {minutes:,} minutes held", 0
            lines += _entry(title, head, found)
    return lines


def _effects(decided: Sequence[Mapping[str, Any]]) -> list[tuple[str, int | None]]:
    """Return how many decisions did what; one that meets nothing any more did nothing."""
    counts: dict[str, int] = {}
    for one in decided:
        did = one["effect"].partition(":")[0].split(" by ")[0] or "without effect"
        counts[did] = counts.get(did, 0) + 1
    return list(counts.items())


def findings_as_text(told: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lay out what each part of the road had to say, by code; the sentences stand in the manifest."""
    counted: dict[str, dict[str, int]] = {}
    for one in told:
        codes = counted.setdefault(one["export"], {})
        codes[one["code"]] = codes.get(one["code"], 0) + one["rows"]
    lines: list[str] = []
    for export, codes in counted.items():
        lines += _entry("" if lines else "Findings", export, [(code, count or None) for code, count in codes.items()])
    return lines


def _files_as_text(told: Mapping[str, Any]) -> list[str]:
    if not told["out"]:
        return ["Files     none: a dry run publishes nothing"]
    same = " (nothing new: the same bytes as before)" if told["unchanged"] else ""
    names = [(file["name"], file["rows"]) for file in told["files"] if "/" not in file["name"]]
    folders = sorted({file["name"].split("/")[0] + "/" for file in told["files"] if "/" in file["name"]})
    names += [(name, None) for name in (*folders, "manifest.json")]
    # A path is never broken over two lines, so that it can be copied.
    return [f"Files     {told['out']}{same}", *_entry("", "", names)]


def _entry(title: str, head: str, items: Sequence[tuple[str, int | None]]) -> list[str]:
    """Lay out one entry: its title, its head, and what it counts, each with its number, over as many lines as it takes."""
    named = ", ".join(name if count is None else f"{name}\N{NO-BREAK SPACE}{count:,}" for name, count in items)
    text = ": ".join(part for part in (head, named) if part)
    lines = wrap(text, WIDTH, initial_indent=f"{title:<10}", subsequent_indent=" " * 10, break_on_hyphens=False, break_long_words=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
