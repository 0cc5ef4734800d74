"""What a field of the standard is called, in a JSON resource and in an element of interchange XML alike.

A field is told by its own name and the outermost reference in which it stands: ``studentReference.studentUniqueId``. JSON has flat
references and lists, XML nests identities in them and repeats elements; the names come out the same, whatever the case of their letters.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from recoup.adapters.reading import normal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from lxml import etree

#: Between the values of a field that has several.
SEVERAL = "\x1f"
#: Elements of XML whose fields stand one level higher in JSON.
_WRAPPING = frozenset({"AttendanceEvent", "BirthData", "EmploymentPeriod", "Name"})
_DESCRIPTOR = "Descriptor"

Path = tuple[str, ...]


def cells(leaves: Iterable[tuple[Path, str]], expected: Collection[str]) -> dict[str, str]:
    """Return the expected fields (as ``normal`` writes them) of one record, each under the name that it has there.

    Of a field at several depths the one nearest to the top counts; several of one depth are parted by ``SEVERAL``. A descriptor is its
    code: what follows ``#``.
    """
    found: dict[str, tuple[int, str, list[str]]] = {}
    for path, given in leaves:
        parts = [part for part in path if part not in _WRAPPING and not part.endswith("Identity")]
        name, value = parts[-1], given
        if given.startswith("uri://") and "#" in given:
            value = given.partition("#")[2]
            name += "" if name.endswith(_DESCRIPTOR) else _DESCRIPTOR
        elif name == "CodeValue" and len(parts) > 1:
            name = parts[-2] + _DESCRIPTOR
        reference = next((part for part in parts[:-1] if part.casefold().endswith("reference")), "")
        told = f"{reference}.{name}" if reference else name
        key = normal(told)
        if key not in expected:
            continue
        depth, _, values = found.get(key, (len(parts), told, []))
        if len(parts) < depth or not values:
            found[key] = (len(parts), told, [value])
        elif len(parts) == depth:
            values.append(value)
    return {told: SEVERAL.join(values) for _, told, values in found.values()}


def json_leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every plain value below a JSON value with its path; the places in lists are no part of it."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from json_leaves(below, (*path, str(name)))
    elif isinstance(value, list):
        for below in value:
            yield from json_leaves(below, path)
    elif value is not None:
        yield path, json.dumps(value) if isinstance(value, bool) else str(value).strip()


def xml_leaves(element: etree._Element, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every attribute and plain element below an element, by local names, with its path."""
    for name, value in element.attrib.items():
        yield (*path, local(name)), str(value).strip()
    for child in element:
        below = (*path, local(child.tag))
        if len(child) or child.attrib:
            yield from xml_leaves(child, below)
        if not len(child):
            yield below, (child.text or "").strip()


def local(tag: object) -> str:
    """Return the name of a tag without its namespace."""
    return cast("str", tag).rpartition("}")[2]
