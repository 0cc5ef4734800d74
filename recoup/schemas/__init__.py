"""The canonical model as data: one definition of every table, from which all else is made.

``tables.csv``, ``columns.csv`` and ``codes.csv`` are the only place where the model is written down for the
program. The frames, the rules, the Pandera schemas, the Table Schemas and ``datapackage.json`` follow from them.
This module imports no data engine, so that ``recoup schema`` answers at once.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from recoup.errors import RecoupError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

__all__ = [
    "CODES",
    "RESULTS",
    "RULES",
    "TABLES",
    "Column",
    "Rule",
    "Table",
    "datapackage",
    "frame_schema",
    "read_rows",
    "table_named",
    "table_schema",
]

#: Version of the bundle: a column is renamed or dropped only together with a new one.
BUNDLE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    ``type`` is one of text, date, time, date-time, bool, int, decimal. ``nullable``: an empty cell is *unknown*, not a fault.
    ``pattern`` must match the whole text. ``codes`` is the name of the list in ``codes.csv``, ``values`` its codes. ``rule``
    is the rule that speaks when pattern or list fails. ``identifier``: a spreadsheet may have mangled it. ``in_year``: the
    date must lie in the fiscal year. ``not_before`` names the column whose date this one may not precede. ``references`` is
    ``table.column`` of the parent.
    """

    name: str
    type: str
    description: str
    key: bool = False
    may_be_missing: bool = False
    nullable: bool = False
    max_length: int | None = None
    pattern: str = ""
    codes: str = ""
    values: tuple[str, ...] = ()
    rule: str = ""
    identifier: bool = False
    minimum: int | None = None
    in_year: bool = False
    not_before: str = ""
    references: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: ``required`` ones must be there, and those that may not be empty must hold a row."""

    name: str
    description: str
    required: bool
    may_be_empty: bool
    result: bool
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in the model's order."""
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell one row from another, in the model's order."""
        return tuple(column.name for column in self.columns if column.key)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """The columns that a file of this table may not lack."""
        return tuple(column.name for column in self.columns if not column.may_be_missing)

    def column(self, name: str) -> Column:
        """Return the column ``name``; KeyError when the table has none of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the rule catalogue.

    ``level``: ``cell`` and ``row`` rules look at one row, ``table`` rules at rows beside each other, ``cross`` rules at
    another table. ``severity``: ``error`` refuses the row, ``warn`` and ``info`` keep it. ``table`` and ``column`` are ``*``
    where ``columns.csv`` says which columns the rule speaks of. Braces in the two sentences are filled in; never a value.
    """

    id: str
    table: str
    column: str
    level: str
    severity: str
    threshold: str
    citation: str
    message: str
    mend: str


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of this package."""
    return list(csv.DictReader((files("recoup.schemas") / name).read_text(encoding="utf-8").splitlines()))


def _number(text: str) -> int | None:
    return int(text) if text else None


def _column(row: dict[str, str], codes: Mapping[str, tuple[str, ...]]) -> Column:
    return Column(
        name=row["column"],
        type=row["type"],
        description=row["description"],
        key=row["key"] == "yes",
        may_be_missing=row["may_be_missing"] == "yes",
        nullable=row["nullable"] == "yes",
        max_length=_number(row["max_length"]),
        pattern=row["pattern"],
        codes=row["codes"],
        values=codes[row["codes"]] if row["codes"] else (),
        rule=row["rule"],
        identifier=row["identifier"] == "yes",
        minimum=_number(row["minimum"]),
        in_year=row["in_year"] == "yes",
        not_before=row["not_before"],
        references=row["references"],
    )


def _codes() -> dict[str, tuple[str, ...]]:
    lists: dict[str, list[str]] = {}
    for row in read_rows("codes.csv"):
        lists.setdefault(row["list"], []).append(row["code"])
    return {name: tuple(codes) for name, codes in lists.items()}


def _tables(codes: Mapping[str, tuple[str, ...]]) -> list[Table]:
    columns: dict[str, list[Column]] = {}
    for row in read_rows("columns.csv"):
        columns.setdefault(row["table"], []).append(_column(row, codes))
    return [
        Table(
            name=row["table"],
            description=row["description"],
            required=row["required"] == "yes",
            may_be_empty=row["may_be_empty"] == "yes",
            result=row["result"] == "yes",
            columns=tuple(columns[row["table"]]),
        )
        for row in read_rows("tables.csv")
    ]


#: Code lists by name.
CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(_codes())
_ALL = _tables(CODES)
#: The canonical tables, required ones first, in the model's order.
TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL if not table.result})
#: The tables that the ledger makes.
RESULTS: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL if table.result})

#: The rule catalogue by stable id.
RULES: Mapping[str, Rule] = MappingProxyType({row["id"]: Rule(**row) for row in read_rows("checks.csv")})


def table_named(name: str) -> Table:
    """Return the canonical or result table ``name``. Raises ``SCHEMA_UNKNOWN_TABLE`` (status 2), the nearest name with it."""
    table = TABLES.get(name) or RESULTS.get(name)
    if table is None:
        known = [*TABLES, *RESULTS]
        raise RecoupError("SCHEMA_UNKNOWN_TABLE", name=name, nearest=nearest(name, known), known=", ".join(known))
    return table


def frame_schema(table: Table) -> dict[str, pl.DataType]:
    """Return the Polars types of a checked table, in the model's order, lineage last.

    A time is minutes after midnight (Int32): every engine has integers, few have times. A decimal keeps four places exactly.
    """
    import polars as pl

    types: dict[str, pl.DataType] = {
        "text": pl.String(),
        "date": pl.Date(),
        "time": pl.Int32(),
        "date-time": pl.Datetime("us"),
        "bool": pl.Boolean(),
        "int": pl.Int64(),
        "decimal": pl.Decimal(18, 4),
    }
    lineage: dict[str, pl.DataType] = {"_source": pl.String(), "_file": pl.String(), "_line": pl.Int64()}
    return {column.name: types[column.type] for column in table.columns} | lineage


_FIELD_TYPES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "text": {"type": "string"},
        "date": {"type": "date", "format": "%Y-%m-%d"},
        "time": {"type": "time", "format": "%H:%M"},
        "date-time": {"type": "datetime", "format": "any"},
        "bool": {"type": "boolean", "trueValues": ["true", "True", "TRUE"], "falseValues": ["false", "False", "FALSE"]},
        "int": {"type": "integer"},
        "decimal": {"type": "number"},
    }
)


def _field(column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if not column.nullable:
        constraints["required"] = True
    if column.max_length is not None:
        constraints["maxLength"] = column.max_length
    if column.pattern:
        constraints["pattern"] = f"^(?:{column.pattern})$"
    if column.values:
        constraints["enum"] = list(column.values)
    if column.minimum is not None:
        constraints["minimum"] = column.minimum
    field: dict[str, Any] = {"name": column.name, **_FIELD_TYPES[column.type], "description": column.description}
    return field | ({"constraints": constraints} if constraints else {})


def table_schema(table: Table, among: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the Frictionless Table Schema of ``table``.

    ``among`` names the tables beside it: a foreign key to another one is left out, since it could not be followed.
    A key that may hold an empty cell is a ``uniqueKeys``, because a primary key may not.
    """
    beside = None if among is None else set(among)
    keys = [column for column in table.columns if column.key]
    schema: dict[str, Any] = {"fields": [_field(column) for column in table.columns], "missingValues": [""]}
    if keys and not any(column.nullable for column in keys):
        schema["primaryKey"] = list(table.key)
    elif keys:
        schema["uniqueKeys"] = [list(table.key)]
    foreign = [
        {"fields": [column.name], "reference": {"resource": parent, "fields": [field]}}
        for column in table.columns
        if column.references
        for parent, field in [column.references.split(".")]
        if beside is None or parent in beside
    ]
    return schema | ({"foreignKeys": foreign} if foreign else {})


def datapackage(tables: Iterable[str]) -> dict[str, Any]:
    """Return the ``datapackage.json`` of a bundle that holds ``tables``. Raises ``SCHEMA_UNKNOWN_TABLE`` (status 2)."""
    found = [table_named(name) for name in tables]
    return {
        "profile": "tabular-data-package",
        "name": "recoup-bundle",
        "title": "Attendance recovery data, canonical model",
        "version": BUNDLE_VERSION,
        "resources": [
            {
                "name": table.name,
                "path": f"{table.name}.csv",
                "profile": "tabular-data-resource",
                "title": table.description,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "dialect": {"delimiter": ",", "lineTerminator": "\n", "header": True},
                "schema": table_schema(table, [other.name for other in found]),
            }
            for table in found
        ],
    }
