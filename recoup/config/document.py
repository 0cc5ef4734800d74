"""Writes ``docs/configuration.md`` from the JSON Schema of ``recoup.toml``: ``python -m recoup.config.document PAGE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recoup.config.read import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEAD = """\
# Configuration

One file, `recoup.toml`, says what a district reads, by which readings of the rules, and what it writes. `recoup init` writes it with a
word about each setting; `recoup doctor` shows every value in force with the line it comes from. It is looked for at `--config`, then at
the environment variable `RECOUP_CONFIG`, then at `./recoup.toml`.

- Relative paths are relative to the file.
- A secret is never written here, only where it lies: `{ env = "NAME" }` (a variable of the environment), `{ file = "path" }` (the first
  line of a file), or `{ keyring = "service/user" }` (the operating system's key store; needs the extra `keyring`).
- The file is checked as a whole before anything is fetched. A key that does not exist is an error that names the nearest one.
- `recoup schema config` prints the JSON Schema that this page is written from; an editor that knows it completes and checks the keys.

The smallest file that runs:

```toml
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
```

Keys marked \\* must be there.
"""
#: Of a key that must be there.
MARK = "\\*"

#: What a table's keys alone do not say, below its heading.
_NOTES = {
    "[[sources]]": "One entry for each place that files come from; several together make one district.",
    "[sources.sftp]": """\
For a location `sftp://user@host:22/path`. The server must be known by `known_hosts` or `fingerprint`; an unknown or changed key is
refused with what to do. [The page for a district's IT](district-it.md) walks through it.""",
    "[sources.http]": """\
For an adapter that fetches over HTTP, with an `https://` location (`http://` on this machine alone). Aeries wants `token`, PowerSchool
`client_id` and `client_secret`, OneRoster also `token_url`, Synergy a user id and its password in these; the certificate of the server is
always verified. Days of attendance since the last fetch, less `overlap_days`, are asked for again and replaced as a whole;
`recoup fetch --full` asks for the whole year. When a fetch fails, what the last whole one brought stands.""",
    "[sources.files]": """\
Feeds and their own file names are listed by `recoup adapters NAME`. In mode `full` the newest file, by the date in its name, else its
time, is the whole truth. In mode `append` all archived files of the year count together: of rows with the same key the later file's
counts, and each earlier one is listed in the quarantine as `REPLACED`.

```toml
[sources.files]
participation = { match = "AR_SESSIONS_*.csv", mode = "append" }
```""",
    "[sources.mapping]": """\
The district's own column names and codes, without a line of Python. `recoup adapters NAME` lists feeds, columns and code lists; a code
that is in no list is never guessed: its row goes to the quarantine with the line to add here.

```toml
[sources.mapping]
columns.students = { ssid = "State ID" }
codes.school_type = { "301" = "high" }
```""",
    "[precedence]": """\
[Sources compose](composing.md) tells what happens to rows that two sources have.

```toml
[precedence]
students = ["sis", "rosters"]
```""",
    "[fill]": """\
Nothing is filled in unless it stands here; what was filled in is counted in the run's findings (`FILLED`).

```toml
[fill]
enrollments = ["exit_reason", "instruction_mode"]
```""",
    "[limits]": """\
A gate closes (status 4, nothing is exported, the last good outputs stand) when more than the share *and* more than the count of rows
are concerned.""",
    "[attest]": """\
An attested check no longer holds its rows. Every report counts the credited days that rest on one, and says what would
stand without any.

```toml
[attest]
ratio = { by = "Director of Attendance", on = 2026-01-06, evidence = "binder 3" }
```""",
    "[policy]": """\
Where the law may be read in more than one way, each reading is a named setting with a default. [The rules](rules.md) list them with
their values, sources and how certain each is. `charter_minimum` (K13) also takes the charter's own minutes, for every grade span:

```toml
[policy]
time_unit = "minutes"
charter_minimum = { "TK/K-3" = 200, "4-6" = 240, "7-8" = 240, "9-12" = 240 }
```""",
    "[[exports]]": "What is written, in this order. An exporter may be named once.",
}


def page() -> str:
    """Return the text of ``docs/configuration.md``."""
    whole = schema()
    top = {name: rule for name, rule in whole["properties"].items() if rule["type"] not in {"object", "array"}}
    parts = [_HEAD, "## At the top of the file\n\n" + _table(top, whole["required"], whole)]
    for name, rule in whole["properties"].items():
        if name not in top:
            parts += _sections(name, rule, whole)
    return "\n".join(parts)


def _sections(name: str, rule: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section of a table of the file, and those of the tables inside it."""
    many = rule["type"] == "array"
    keys = rule["items"] if many else rule
    title = f"[[{name}]]" if many else f"[{name}]"
    known = keys.get("properties", {})
    nested = {key: inner for key, inner in known.items() if inner.get("type") == "object" and _told_apart(inner)}
    named = ", ".join(f"`{key}`" for key in keys.get("propertyNames", {}).get("enum", []))
    said = [text for text in (rule.get("description", ""), named and f"Its keys: {named}.", _NOTES.get(title, "")) if text]
    rows = {key: inner for key, inner in known.items() if key not in nested}
    if not known:
        own = keys.get("additionalProperties", {})
        rows = own.get("properties", {})
        keys = own
    table = [_table(rows, keys.get("required", []), whole)] if rows else []
    yield f"## {title}\n\n" + "\n\n".join([*said, *table]) + ("" if table else "\n")
    for key, inner in nested.items():
        yield from _sections(f"{name}.{key}", inner, whole)


def _told_apart(rule: Mapping[str, Any]) -> bool:
    """Tell whether a table inside a table has a section of its own: its keys, or those of its entries, are known."""
    entries = rule.get("additionalProperties")
    return "properties" in rule or (isinstance(entries, dict) and "properties" in entries)


def _table(rules: Mapping[str, Mapping[str, Any]], required: list[str], whole: Mapping[str, Any]) -> str:
    rows = []
    for name, rule in rules.items():
        found = {**whole["$defs"][rule["$ref"].rpartition("/")[2]], **rule} if "$ref" in rule else rule
        default = f"`{json.dumps(found['default'], ensure_ascii=False)}`" if "default" in found else ""
        meaning = " ".join(filter(None, [found.get("description", ""), _inside(found)])).replace("<", "&lt;")
        rows.append(f"| `{name}`{MARK if name in required else ''} | {_kind(rule, found)} | {default} | {meaning} |\n")
    return "| key | type | default | meaning |\n|---|---|---|---|\n" + "".join(rows)


def _kind(rule: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    if rule.get("$ref", "").endswith("/secret"):
        return "secret"
    if "enum" in found:
        return " or ".join(f"`{value}`" for value in found["enum"])
    names = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list", "object": "table"}
    return names.get(found["type"], str(found["type"]))


def _inside(found: Mapping[str, Any]) -> str:
    """Say the keys of a table that is written in one line."""
    if found.get("type") != "object" or "env" in found.get("properties", {}):
        return ""
    return "; ".join(f"`{key}`: {rule['description']}" for key, rule in found.get("properties", {}).items() if "description" in rule)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8", newline="\n")
