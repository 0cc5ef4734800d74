"""Reads ``recoup.toml``: checks the whole file against its JSON Schema, and keeps the line that every value came from."""

from __future__ import annotations

import csv
import json
import os
import re
import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recoup.config.model import URL, Config, ExportSetting, Files, Http, LeaSetting, Limit, Limits, Period, Secret, Sftp, Source, Value
from recoup.errors import RecoupError, nearest
from recoup.ports import Attestation, Lea

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.exceptions import ValidationError

FILE_NAME = "recoup.toml"
ENVIRONMENT = "RECOUP_CONFIG"

_HEADER = re.compile(r"^\s*\[(\[)?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")

_TYPES = {
    "object": "a table",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}

Key = tuple[str | int, ...]


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of ``recoup.toml``; the tables that it may name are those of the model's one definition."""
    folder = files("recoup") / "schemas"
    loaded: dict[str, Any] = json.loads((folder / "config.schema.json").read_text(encoding="utf-8"))
    tables = csv.DictReader((folder / "tables.csv").read_text(encoding="utf-8").splitlines())
    loaded["$defs"]["table"]["enum"] = [row["table"] for row in tables if row["result"] == "no"]
    return loaded


def locate(given: Path | None = None) -> Path:
    """Return the configuration's path: as given, else ``RECOUP_CONFIG``, else ``./recoup.toml``."""
    return given or Path(os.environ.get(ENVIRONMENT) or FILE_NAME)


def load(path: Path) -> Config:
    """Read and check a configuration file.

    Raises ``RecoupError`` (status 2) with file and line for a missing or unreadable file, an unknown key
    (with the nearest known one), a value that does not fit, and a secret given literally.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise RecoupError("CONFIG_MISSING", str(path)) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise RecoupError("CONFIG_UNREADABLE", str(path), fault=type(fault).__name__) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise RecoupError("CONFIG_NOT_TOML", str(path), fault=str(fault)) from None
    except RecursionError:
        raise RecoupError("CONFIG_NOT_TOML", str(path), fault="its brackets are nested too deep") from None
    lines = _lines(text)
    document = _plain(document)
    _check(document, path, lines)
    return _build(document, path, lines)


def _plain(node: Any) -> Any:
    """Return the document with TOML dates as ISO text, the only type of TOML that JSON Schema has no word for."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node.isoformat() if isinstance(node, date) else node


def _lines(text: str) -> dict[Key, int]:
    """Return the line of every table and key that begins on a line of its own."""
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()

    def resolve(parts: list[str]) -> Key:
        """Put the index of the last ``[[array]]`` entry behind each name that is one."""
        path: Key = ()
        for part in parts:
            path = (*path, part)
            if path in counts:
                path = (*path, counts[path])
        return path

    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            parts = [a or b or c for a, b, c in _PART.findall(header[2])]
            if header[1]:
                array = (*resolve(parts[:-1]), parts[-1])
                counts[array] = counts.get(array, -1) + 1
            table = resolve(parts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = table
            for part in (a or b or c for a, b, c in _PART.findall(key[1])):
                path = (*path, part)
                found.setdefault(path, number)
    return found


def _where(path: Path, key: Key, lines: Mapping[Key, int]) -> str:
    """Return ``file:line`` of the key, or of the nearest table that holds it."""
    while key and key not in lines:
        key = key[:-1]
    return f"{path}:{lines[key]}" if key else str(path)


def _name(key: Key) -> str:
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def _check(document: dict[str, Any], path: Path, lines: Mapping[Key, int]) -> None:
    from jsonschema import Draft202012Validator

    faults = list(Draft202012Validator(schema()).iter_errors(document))
    if faults:
        raise _explain(
            min(faults, key=lambda fault: (lines.get(tuple(fault.absolute_path), 0), fault.validator != "additionalProperties")),
            path,
            lines,
        )
    names = [source["name"] for source in document["sources"]]
    for number, name in enumerate(names):
        if re.match(r"[^/]+//[^/@]*:[^/]*@", document["sources"][number]["location"]):
            place: Key = ("sources", number, "location")
            raise RecoupError("CONFIG_SECRET_LITERAL", _where(path, place, lines), key="sftp.password")
        if name in names[:number]:
            raise RecoupError("CONFIG_SOURCE_TWICE", _where(path, ("sources", number, "name"), lines), name=name)
    _check_composition(document, path, lines)
    exporters = [entry["exporter"] for entry in document.get("exports", ())]
    for number, name in enumerate(exporters):
        if name in exporters[:number]:
            raise RecoupError("CONFIG_EXPORT_TWICE", _where(path, ("exports", number, "exporter"), lines), name=name)
    codes = [document["lea"]["county_district_code"], *(entry["code"] for entry in document.get("leas", ()))]
    for number, code in enumerate(codes[1:]):
        if code in codes[: number + 1]:
            raise RecoupError("CONFIG_LEA_TWICE", _where(path, ("leas", number, "code"), lines), lea=code)
    if _folder(document, path, "workspace").is_relative_to(_folder(document, path, "out")):
        raise RecoupError("OUT_HOLDS_WORKSPACE", _where(path, ("workspace",), lines))
    year = document["school_year"]
    if int(year[5:]) != int(year[:4]) + 1:
        raise RecoupError("CONFIG_YEAR", _where(path, ("school_year",), lines), name=year)


def _check_composition(document: dict[str, Any], path: Path, lines: Mapping[Key, int]) -> None:
    """Hold ``[precedence]`` and ``[fill]`` against the sources that there are."""
    taken: dict[str, list[str] | None] = {source["name"]: source.get("tables") for source in document["sources"]}
    for table, ranked in document.get("precedence", {}).items():
        where = _where(path, ("precedence", table), lines)
        for name in ranked:
            if name not in taken:
                raise RecoupError("CONFIG_SOURCE_UNKNOWN", where, name=name, known=", ".join(taken), nearest=nearest(name, taken))
            if table not in (taken[name] or [table]):
                raise RecoupError("CONFIG_SOURCE_TABLES", where, name=name, table=table)
    for table in document.get("fill", {}):
        if table not in document.get("precedence", {}):
            raise RecoupError("CONFIG_FILL", _where(path, ("fill", table), lines), table=table)


def _explain(fault: ValidationError, path: Path, lines: Mapping[Key, int]) -> RecoupError:
    """Return the error that a person can act on. Values of the file are not repeated: one may be a secret by mistake."""
    key: Key = tuple(fault.absolute_path)
    found: Any = fault.instance
    rule: dict[str, Any] = dict(fault.schema) if isinstance(fault.schema, dict) else {}
    inside = f" in {_name(key)}" if key else ""
    known = list(rule.get("properties", {}))
    if rule.get("$ref") == "#/$defs/secret" or set(known) == {"env", "file", "keyring"}:
        return RecoupError("CONFIG_SECRET_LITERAL", _where(path, key, lines), key=_name(key))
    if fault.validator == "additionalProperties":
        extra = next(name for name in found if name not in known)
        where = _where(path, (*key, extra), lines)
        return RecoupError("CONFIG_UNKNOWN_KEY", where, key=extra, inside=inside, known=", ".join(known), nearest=nearest(extra, known))
    if "propertyNames" in fault.absolute_schema_path:
        extra = str(found)
        known = [str(name) for name in rule["enum"]]
        where = _where(path, (*key, extra), lines)
        return RecoupError("CONFIG_UNKNOWN_KEY", where, key=extra, inside=inside, known=", ".join(known), nearest=nearest(extra, known))
    if fault.validator == "required":
        missing = next(name for name in rule["required"] if name not in found)
        help_text = rule["properties"][missing].get("description", "see docs/configuration.md.")
        return RecoupError("CONFIG_REQUIRED", _where(path, key, lines), key=missing, inside=inside, help=help_text)
    return RecoupError("CONFIG_VALUE", _where(path, key, lines), key=_name(key), fault=_expected(fault), help=rule.get("description", ""))


def _expected(fault: ValidationError) -> str:
    """Say what was expected, from the rule that failed."""
    wanted: Any = fault.validator_value
    if fault.validator == "enum":
        return f"it must be one of {', '.join(map(str, wanted))}{nearest(str(fault.instance), map(str, wanted))}"
    if fault.validator == "type":
        return "it must be " + " or ".join(_TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
    texts = {
        "pattern": f"its form must be {wanted}",
        "minimum": f"it must be at least {wanted}",
        "maximum": f"it must be at most {wanted}",
        "minItems": f"it must have at least {wanted}",
        "uniqueItems": "nothing may stand in it twice",
        "minLength": "it is empty",
    }
    return texts.get(str(fault.validator), f"it breaks the rule {fault.validator}")


def _build(document: dict[str, Any], path: Path, lines: Mapping[Key, int]) -> Config:
    base = path.resolve().parent

    def day(key: Key, text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            help_text = "Write a day of the calendar as CCYY-MM-DD."
            raise RecoupError(
                "CONFIG_VALUE", _where(path, key, lines), key=_name(key), fault="there is no such day", help=help_text
            ) from None

    lea = document["lea"]
    limits = document.get("limits", {})
    return Config(
        path=path,
        school_year=document["school_year"],
        workspace=_folder(document, path, "workspace"),
        out=_folder(document, path, "out"),
        lea=Lea(lea["county_district_code"], lea["name"]),
        leas=tuple(LeaSetting(Lea(entry["code"], entry["name"]), entry.get("policy", {})) for entry in document.get("leas", ())),
        sources=tuple(_source(entry, base) for entry in document["sources"]),
        precedence={table: tuple(names) for table, names in document.get("precedence", {}).items()},
        fill={table: tuple(columns) for table, columns in document.get("fill", {}).items()},
        limits=Limits(
            quarantine=Limit(**{**_default("limits", "quarantine"), **limits.get("quarantine", {})}),
            shrink=Limit(**{**_default("limits", "shrink"), **limits.get("shrink", {})}),
        ),
        periods=tuple(
            Period(
                name=name,
                line=lines.get(("periods", name), 0),
                ends=day(("periods", name, "ends"), entry["ends"]),
                starts=day(("periods", name, "starts"), entry["starts"]) if "starts" in entry else None,
                days_taught=entry.get("days_taught"),
                divisor=entry.get("divisor"),
            )
            for name, entry in document.get("periods", {}).items()
        ),
        attest=tuple(
            Attestation(name, entry["by"], day(("attest", name, "on"), entry["on"]), entry["evidence"])
            for name, entry in sorted(document.get("attest", {}).items())
        ),
        policy=document.get("policy", {}),
        exports=tuple(ExportSetting(entry["exporter"], entry.get("options", {})) for entry in document.get("exports", ())),
        values=tuple(_values(document, schema(), path, lines, ())),
    )


def _folder(document: dict[str, Any], path: Path, key: str) -> Path:
    return path.resolve().parent / str(document.get(key, _default(key)))


def _default(*key: str) -> Any:
    """Return the default that the JSON Schema names for a key."""
    rule = schema()
    for part in key:
        rule = rule["properties"][part]
    return rule["default"]


def _source(entry: dict[str, Any], base: Path) -> Source:
    sftp = dict(entry.get("sftp", {}))
    for name in ("private_key", "known_hosts"):
        if name in sftp:
            sftp[name] = base / Path(sftp[name]).expanduser()
    for name in ("passphrase", "password"):
        if name in sftp:
            sftp[name] = _secret(sftp[name], base)
    http = dict(entry.get("http", {}))
    if "ca_bundle" in http:
        http["ca_bundle"] = base / Path(http["ca_bundle"]).expanduser()
    for name in ("token", "client_id", "client_secret"):
        if name in http:
            http[name] = _secret(http[name], base)
    lists: dict[str, tuple[str, ...]] = {name: tuple(entry[name]) for name in ("partial_suffixes", "tables") if name in entry}
    return Source(
        **{
            **entry,
            "location": _place(entry["location"], base),
            **({"beside": _place(entry["beside"], base)} if "beside" in entry else {}),
            **lists,
            "sftp": Sftp(**sftp),
            "http": Http(**http),
            "files": {feed: Files(**setting) for feed, setting in entry.get("files", {}).items()},
        }
    )


def _place(location: str, base: Path) -> str:
    return location if URL.match(location) else str(base / Path(location).expanduser())


def _secret(entry: Mapping[str, str], base: Path) -> Secret:
    ((kind, reference),) = entry.items()
    return Secret(kind, str(base / Path(reference).expanduser()) if kind == "file" else reference)


def _values(node: Any, rule: Mapping[str, Any], path: Path, lines: Mapping[Key, int], key: Key) -> Iterator[Value]:
    """Yield every value in force below ``node``: those of the file with their line, then the defaults of the schema."""
    if "$ref" in rule:
        rule = {**schema()["$defs"][rule["$ref"].rsplit("/", 1)[1]], **rule}
    if isinstance(node, dict) and set(rule.get("properties", ())) == {"env", "file", "keyring"}:
        ((kind, reference),) = node.items()
        origin = f"environment {reference}" if kind == "env" else f"{kind} {reference}"
        yield Value(_name(key), "(secret)", f"{_where(path, key, lines)}, {origin}")
    elif isinstance(node, dict):
        below = rule.get("properties", {})
        other = rule.get("additionalProperties", {})
        for name, value in node.items():
            yield from _values(value, below.get(name, other if isinstance(other, dict) else {}), path, lines, (*key, name))
        for name, entry in below.items():
            if name not in node and "default" in entry:
                yield Value(_name((*key, name)), json.dumps(entry["default"]), "default")
            elif name not in node and any("default" in inner for inner in entry.get("properties", {}).values()):
                yield from _values({}, entry, path, lines, (*key, name))
    elif isinstance(node, list) and node and isinstance(node[0], dict):
        for number, value in enumerate(node):
            yield from _values(value, rule.get("items", {}), path, lines, (*key, number))
    else:
        yield Value(_name(key), json.dumps(node, ensure_ascii=False), _where(path, key, lines))
