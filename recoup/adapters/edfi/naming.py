"""What a field of the standard is called, in a JSON resource and in an element of interchange XML alike.

A field is told by its own name and the outermost reference in which it stands: ``studentReference.studentUniqueId``. JSON has flat
references and lists, XML nests identities in them and repeats elements; the names come out the same, whatever the case of their letters.
"""

from __future__ import annotations

import json
from functools import lru_cache
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


def cells(leaves: Iterable[tuple[Path, str]], expected: Collection[str] | None = None) -> dict[str, str]:
    """Return the expected fields (as ``normal`` writes them, none for all) of one record, each under the name that it has there.

    Of a field at several depths the one nearest to the top counts; several of one depth are parted by ``SEVERAL``. A descriptor is its
    code: what follows ``#``.
    """
    found: dict[str, tuple[int, str, list[str]]] = {}
    for path, given in leaves:
        coded = given.startswith("uri://") and "#" in given
        told, key, depth = _named(path, coded=coded)
        if expected is not None and key not in expected:
            continue
        value = given.partition("#")[2] if coded else given
        before = found.get(key)
        if before is None or depth < before[0]:
            found[key] = (depth, told, [value])
        elif depth == before[0]:
            before[2].append(value)
    return {told: SEVERAL.join(values) for _, told, values in found.values()}


@lru_cache(maxsize=4096)
def _named(path: Path, *, coded: bool) -> tuple[str, str, int]:
    """Return what the field at a path is called, the same as ``normal`` writes it, and its depth; ``coded``: its value is a descriptor."""
    parts = [part for part in path if part not in _WRAPPING and not part.endswith("Identity")]
    name = parts[-1]
    if coded:
        name += "" if name.endswith(_DESCRIPTOR) else _DESCRIPTOR
    elif name == "CodeValue" and len(parts) > 1:
        name = parts[-2] + _DESCRIPTOR
    reference = next((part for part in parts[:-1] if part.casefold().endswith("reference")), "")
    told = f"{reference}.{name}" if reference else name
    return told, normal(told), len(parts)


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
