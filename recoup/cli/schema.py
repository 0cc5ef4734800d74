"""``recoup schema``: the published shapes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import click

from recoup.cli.app import Ui, command
from recoup.errors import RecoupError, nearest


@command("schema")
@click.argument("what", metavar="table:NAME|config|manifest|mapping|story|comparison")
def schema(ui: Ui, what: str) -> None:
    """Print a table's Table Schema or a file's JSON Schema."""
    told = _schema(what)
    ui.result(told, json.dumps(told, ensure_ascii=False, indent=2))


def _schema(what: str) -> dict[str, Any]:
    from recoup import config, schemas

    kind, _, name = what.partition(":")
    if kind == "table" and name:
        return schemas.table_schema(schemas.table_named(name))
    if what == "config":
        return config.schema()
    if what in ("manifest", "story", "comparison"):
        loaded: dict[str, Any] = json.loads((files("recoup.schemas") / f"{what}.schema.json").read_text(encoding="utf-8"))
        return loaded
    if what == "mapping":
        mapping: dict[str, Any] = config.schema()["properties"]["sources"]["items"]["properties"]["mapping"]
        return mapping
    known = ["config", "manifest", "mapping", "story", "comparison", *(f"table:{table}" for table in (*schemas.TABLES, *schemas.RESULTS))]
    raise RecoupError("SCHEMA_UNKNOWN", name=what, nearest=nearest(what, known))
