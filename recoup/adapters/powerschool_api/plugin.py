"""The plugin that a district installs in PowerSchool, made of what the adapter reads: the fields to open, and the queries.

The tables' fields come from ``columns.csv`` of ``powerschool_files`` and ``ways.csv``, those of the queries from ``queries.csv``; the SQL
after the column list of each query lies in ``queries/``.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, cast

from lxml import etree

from recoup.adapters.data import rows
from recoup.adapters.powerschool_api.fetching import ways

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.adapters.base import Column

_HERE = "recoup.adapters.powerschool_api"
_SPACE = "http://plugin.powerschool.pearson.com"
_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
#: To be raised with every change, so that PowerSchool takes it for a newer plugin.
VERSION = "1.0"
#: Grades of columns that a PowerSchool is known to have; it may refuse a plugin that asks for a field that it has not.
_THERE = frozenset("VCPK")


def plugin_files(columns: Mapping[str, Sequence[Column]]) -> dict[str, bytes]:
    """Return the files of the plugin by their path in it; ``columns``: those of each feed."""
    return {"plugin.xml": _plugin(columns), "queries_root/recoup.named_queries.xml": _queries()}


def fields(columns: Mapping[str, Sequence[Column]]) -> list[tuple[str, str]]:
    """Return each table and field to open: what is read of tables, what they are sorted and chosen by, and what the queries give."""
    found = {tuple(row["field"].split(".")) for row in _query_columns()}
    for way in (way for way in ways().values() if way.way == "table"):
        # A feed is called as its table is.
        found |= {(way.feed, name) for name in (way.sort.upper(), way.dates) if name}
        found |= {(way.feed, column.name) for column in columns[way.feed] if _asked(column)}
    # PowerSchool does not tell names apart by case.
    once = {(table.lower(), name.lower()): (table, name) for table, name in sorted(found)}
    return sorted(once.values())


def others(columns: Mapping[str, Sequence[Column]]) -> list[str]:
    """Return what is read too where a district has it, under names that only the district can say."""
    read = {(row["feed"], row["column"]) for row in _query_columns()}
    return [
        f"{way.feed}.{column.name}"
        for way in ways().values()
        for column in columns[way.feed]
        if not column.name.startswith("_") and (not _asked(column) if way.way == "table" else (way.feed, column.name) not in read)
    ]


def _asked(column: Column) -> bool:
    return not column.name.startswith("_") and (column.required or column.grade in _THERE)


def _query_columns() -> list[dict[str, str]]:
    return rows(_HERE, "queries.csv")


def _plugin(columns: Mapping[str, Sequence[Column]]) -> bytes:
    root = etree.Element("plugin", nsmap=cast("dict[str, str]", {None: _SPACE, "xsi": _SCHEMA}))
    root.set(f"{{{_SCHEMA}}}schemaLocation", f"{_SPACE} plugin.xsd")
    root.attrib.update({"name": "Recoup", "version": VERSION, "description": "Lets Recoup read attendance and attendance recovery."})
    etree.SubElement(root, "oauth")
    request = etree.SubElement(root, "access_request")
    for table, name in fields(columns):
        etree.SubElement(request, "field", table=table, field=name, access="ViewOnly")
    told = ", ".join(others(columns))
    request.append(etree.Comment(f" Recoup reads these too; open them where your PowerSchool has them, under its own names: {told} "))
    publisher = etree.SubElement(root, "publisher", name="The Recoup authors")
    etree.SubElement(publisher, "contact", email="your-district@example.org")
    return _text(root)


def _queries() -> bytes:
    root = etree.Element("queries")
    for way in (way for way in ways().values() if way.way == "query"):
        told = [row for row in _query_columns() if row["feed"] == way.feed]
        query = etree.SubElement(root, "query", name=way.name, coreTable=told[0]["field"].partition(".")[0], flattened="true")
        etree.SubElement(query, "description").text = f"Recoup: {way.feed}"
        listed = etree.SubElement(query, "columns")
        for row in told:
            etree.SubElement(listed, "column", column=row["field"]).text = row["column"].lower()
        select = ",\n  ".join(row["select"] or row["field"] for row in told)
        rest = (files(_HERE) / "queries" / f"{way.feed}.sql").read_text(encoding="utf-8")
        etree.SubElement(query, "sql").text = etree.CDATA(f"\nSELECT\n  {select}\n{rest}")
    return _text(root)


def _text(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
