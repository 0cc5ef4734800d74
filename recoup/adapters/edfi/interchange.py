"""Interchange XML: which elements are records of which resource, and what references by id lead to."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from recoup.adapters.data import rows
from recoup.adapters.edfi.naming import cells, local, xml_leaves
from recoup.adapters.reading.text import to_utf8
from recoup.adapters.reading.xml import begins, read_children

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE = "_line"
#: The attribute by which older files let a reference lead to an element of the same file, and where it then stands.
_ID, _REF = "id", ".ref"


@cache
def resources() -> dict[str, str]:
    """Return the resource of every element that is read: ``Student`` is ``students``."""
    return {row["element"]: row["feed"] for row in rows("recoup.adapters.edfi", "resources.csv")}


@cache
def required() -> tuple[str, ...]:
    """Return the resources that there must be."""
    return tuple(row["feed"] for row in rows("recoup.adapters.edfi", "resources.csv") if row["required"] == "true")


def read_interchange(data: bytes, name: str) -> tuple[dict[str, bytes], int]:
    """Return by resource the records of an interchange file as JSON (cells and ``_line``), and how many elements no resource is made of.

    Raises ``READ_XML``, ``READ_XML_UNSAFE`` and ``READ_XML_LARGE`` (4).
    """
    text = to_utf8(data, name)[0]
    found: dict[str, list[dict[str, Any]]] = {}
    tags: dict[str, str] = {}
    named: dict[str, dict[str, Any]] = {}
    others = 0
    for line, element in read_children(text, name):
        tag = local(element.tag)
        feed = resources().get(tag)
        if feed is None:
            others += 1
            continue
        tags[feed] = tag
        record = {**cells(xml_leaves(element)), LINE: line}
        if _ID in element.attrib:
            named[str(element.attrib[_ID])] = record
        found.setdefault(feed, []).append(record)
    for feed, records in found.items():
        exact = begins(text, tags[feed])
        for number, record in enumerate(records):
            if len(exact) == len(records):
                record[LINE] = exact[number]
            _follow(record, named)
    return {feed: json.dumps(records).encode() for feed, records in found.items()}, others


def _follow(record: dict[str, Any], named: Mapping[str, Mapping[str, Any]]) -> None:
    """Put in the place of a reference by id the fields of the record that it leads to."""
    for name in [name for name in record if name.endswith(_REF)]:
        reference = name.removesuffix(_REF)
        for field, value in named.get(str(record.pop(name)), {}).items():
            if "." not in field and field not in {_ID, LINE}:
                record.setdefault(f"{reference}.{field}", value)
