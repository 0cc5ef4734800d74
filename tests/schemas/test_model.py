"""The model's data hold together, and what is published from them says the same."""

from __future__ import annotations

import re
import subprocess
import sys
from string import Formatter

import jsonschema
import pytest

from recoup.errors import Exit, RecoupError
from recoup.schemas import CODES, RESULTS, RULES, TABLES, Table, datapackage, frame_schema, table_named, table_schema

ALL = [*TABLES.values(), *RESULTS.values()]
TYPES = {"text", "date", "time", "date-time", "bool", "int", "decimal"}


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_every_name_that_a_column_speaks_of_is_there(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert table.key
    for column in table.columns:
        assert column.type in TYPES
        assert column.description
        assert not column.codes or column.values == CODES[column.codes]
        assert not column.pattern or column.rule in RULES
        assert not column.not_before or table.column(column.not_before).type == column.type == "date"
        assert not column.key or not column.may_be_missing or column.nullable
        re.compile(column.pattern)
    assert list(frame_schema(table))[: len(table.names)] == list(table.names)


def test_every_parent_comes_before_its_children_and_has_a_key_of_one_column() -> None:
    places = {name: place for place, name in enumerate(TABLES)}
    for table in TABLES.values():
        for column in table.columns:
            if column.references:
                parent, key = column.references.split(".")
                assert places[parent] < places[table.name]
                assert TABLES[parent].key == (key,)


def test_the_tables_are_those_of_the_model() -> None:
    required = ["schools", "calendar", "students", "enrollments", "attendance", "sessions", "participation"]
    assert [table.name for table in ALL if table.required] == required
    assert [table.name for table in ALL if table.required and not table.may_be_empty] == ["schools", "calendar", "students", "enrollments"]
    assert len(TABLES) == 27
    assert list(RESULTS) == ["time_entries", "credits", "credit_sessions", "ledger", "holds"]
    assert TABLES["participation"].key == ("session_id", "ssid")
    assert [column.name for column in TABLES["calendar"].columns if column.may_be_missing] == ["track", "grades"]


def test_the_catalogue_is_whole() -> None:
    words = {
        *("table", "column", "columns", "description", "max_length", "values", "minimum", "not_before"),
        *("year", "lea", "rows", "other", "parent"),
    }
    for rule in RULES.values():
        assert rule.level in {"cell", "row", "table", "cross"}
        assert rule.severity in {"error", "warn", "info"}
        assert rule.table in TABLES or rule.table == "*"
        assert {name for _, name, _, _ in Formatter().parse(rule.message + rule.mend) if name} <= words
        assert rule.message.endswith(".")
        assert rule.mend.endswith(".")


def test_a_table_schema_tells_constraints_and_keys() -> None:
    schema = table_schema(TABLES["enrollments"])
    fields = {field["name"]: field for field in schema["fields"]}
    assert fields["ssid"]["constraints"] == {"required": True, "maxLength": 10, "pattern": "^(?:[0-9]{10})$"}
    assert fields["grade"]["constraints"]["enum"][:3] == ["TK", "KN", "01"]
    assert "constraints" not in fields["exit_date"]
    assert schema["primaryKey"] == ["ssid", "school_code", "entry_date"]
    assert {"fields": ["ssid"], "reference": {"resource": "students", "fields": ["ssid"]}} in schema["foreignKeys"]


def test_a_key_that_may_be_empty_is_unique_and_not_primary() -> None:
    schema = table_schema(TABLES["calendar"])
    assert "primaryKey" not in schema
    assert schema["uniqueKeys"] == [["school_code", "date", "track", "grades"]]


def test_a_data_package_refers_only_to_tables_that_it_holds() -> None:
    package = datapackage(["students", "participation", "ledger"])
    jsonschema.validate(
        package,
        {
            "type": "object",
            "required": ["name", "resources"],
            "properties": {"resources": {"type": "array", "items": {"required": ["name", "path", "schema"]}}},
        },
    )
    assert [resource["path"] for resource in package["resources"]] == ["students.csv", "participation.csv", "ledger.csv"]
    foreign = package["resources"][1]["schema"]["foreignKeys"]
    assert [key["reference"]["resource"] for key in foreign] == ["students"]


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(RecoupError) as caught:
        table_named("particpation")
    assert caught.value.status is Exit.USAGE
    assert "Did you mean 'participation'?" in str(caught.value)


def test_the_model_is_read_without_a_data_engine() -> None:
    code = "import recoup.schemas, sys; sys.exit(any(name in sys.modules for name in ('polars', 'pandera')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
