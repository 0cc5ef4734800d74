"""XML reports: the repeated element is a record, its attributes and plain children are cells. Nothing is fetched, expanded or trusted."""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import TYPE_CHECKING, cast

from lxml import etree

from recoup.adapters.reading.records import Records, frame_of, normal
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: No report of one district's year comes near these.
MOST_BYTES = 2 * 2**30
MOST_DEPTH = 64
#: The tag of an element that has been read; no report's own can begin so.
_DONE = "_.done"


def read_xml(text: bytes, name: str, expected: Collection[str]) -> Records:
    """Read a report (UTF-8, whatever its declaration says) into text records.

    The record is the element whose attributes and plain children show most of the ``expected`` headers (as ``normal`` writes
    them), whatever its namespace; what its ancestors say holds for it too. A line is the line where the element begins. Raises
    ``READ_XML`` (broken, or none of the headers), ``READ_XML_UNSAFE`` (entities) and ``READ_XML_LARGE``.
    """
    _check(text, name)
    known = set(expected)
    shown: dict[str, set[str]] = {}
    count: Counter[str] = Counter()
    for element in _elements(text, name):
        tag = local(element.tag)
        found = {normal(header) for header in cells(element)} & known
        if found:
            shown.setdefault(tag, set()).update(found)
            count[tag] += 1
    if not shown:
        raise RecoupError("READ_XML_HEADERS", name)
    record = max(shown, key=lambda tag: (len(shown[tag]), count[tag]))
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    for element in _elements(text, name):
        if local(element.tag) == record:
            rows.append(_inherited(element) | cells(element))
            lines.append(cast("int", element.sourceline))
    exact = begins(text, record)
    if len(exact) == len(lines):
        lines = exact
    headers = tuple(dict.fromkeys(header for row in rows for header in row))
    return Records(headers, frame_of(headers, [[row.get(header, "") for header in headers] for row in rows], lines), ())


def read_children(text: bytes, name: str, depth: int = 1) -> Iterator[tuple[int, etree._Element]]:
    """Yield every child of the root, whole, with the line where it begins; it is let go of when the next one is asked for.

    ``depth``: 2 yields the children of the root's children instead. For files whose records are of several kinds, or hold records
    themselves. Raises ``READ_XML``, ``READ_XML_UNSAFE`` and ``READ_XML_LARGE``.
    """
    _check(text, name)
    for below, element in _ends(text, name):
        if below == depth:
            yield cast("int", element.sourceline), element
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]


def begins(text: bytes, record: str) -> list[int]:
    """Return the lines where elements of a name begin. The library's own count is not exact beyond line 65,535."""
    found, line, before = [], 1, 0
    for mark in re.finditer(rb"<(?:[\w.-]+:)?" + re.escape(record.encode()) + rb"(?=[\s/>])", text):
        line += text.count(b"\n", before, mark.start())
        before = mark.start()
        found.append(line)
    return found


def _check(text: bytes, name: str) -> None:
    if len(text) > MOST_BYTES:
        raise RecoupError("READ_XML_LARGE", name)
    if b"<!DOCTYPE" in text:
        # Entities need one, reports do not.
        raise RecoupError("READ_XML_UNSAFE", name)


def _elements(text: bytes, name: str) -> Iterator[etree._Element]:
    """Yield every element at its end, then let go of it, so that a large report never stands in memory whole."""
    for _, element in _ends(text, name):
        yield element
        if not _is_cell(element):
            element.clear()
            element.tag = _DONE
        before, parent = element.getprevious(), element.getparent()
        if before is not None and parent is not None and before.tag == _DONE:
            parent.remove(before)


def _ends(text: bytes, name: str) -> Iterator[tuple[int, etree._Element]]:
    """Yield every element at its end, with how many there are around it."""
    depth = 0
    try:
        reader = etree.iterparse(
            io.BytesIO(text), events=("start", "end"), encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, recover=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        for event, element in reader:
            if event == "start":
                depth += 1
                if depth > MOST_DEPTH:
                    raise RecoupError("READ_XML_LARGE", name)
                continue
            depth -= 1
            yield depth, element
    except etree.XMLSyntaxError as fault:
        # What the library says may quote the report.
        raise RecoupError("READ_XML", name, line=fault.lineno or 1) from None


def _is_cell(element: etree._Element) -> bool:
    """Whether an element may be a cell of its parent: no children, and text or nothing at all."""
    return not len(element) and bool(not element.attrib or (element.text or "").strip())


def local(tag: object) -> str:
    """Return a name without its namespace."""
    return str(tag).rpartition("}")[2]


def cells(element: etree._Element) -> dict[str, str]:
    """Return the attributes of an element and its children without children of their own, by local name; the first of a repeated one."""
    found = {local(key): str(value) for key, value in element.attrib.items()}
    for child in element:
        if child.tag != _DONE and _is_cell(child):
            found.setdefault(local(child.tag), child.text or "")
    return found


def _inherited(element: etree._Element) -> dict[str, str]:
    """What the ancestors say before the element begins; the nearest counts."""
    found: dict[str, str] = {}
    for above in element.iterancestors():
        for header, value in cells(above).items():
            found.setdefault(header, value)
    return found
