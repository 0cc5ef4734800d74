"""Fixed-width text: no header row, a layout instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.adapters.reading.records import Records, Trouble, frame_of
from recoup.adapters.reading.text import to_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence


def read_fixed(data: bytes, name: str, layout: Sequence[tuple[str, int, int]]) -> Records:
    """Read lines by a layout of column, first character (from 1) and width.

    A line that ends before the last column begins, but for blanks that an editor cut off, is trouble: it is not what the layout says.
    """
    text, foreign = to_utf8(data, name)
    needed = min(start for _, start, _ in layout)
    widest = max(start + width - 1 for _, start, width in layout)
    rows: list[list[str]] = []
    begins: list[int] = []
    troubles: list[Trouble] = []
    for line, content in enumerate(text.decode("utf-8", "replace").rstrip("\r\n\x1a").splitlines(), start=1):
        if not content.strip():
            continue
        if len(content) < needed or len(content.rstrip()) > widest:
            detail = f"{len(content.rstrip())} characters where the layout has {widest}"
            troubles.append(Trouble.of(line, "ROW_RAGGED", content, detail))
            continue
        rows.append([content[start - 1 : start - 1 + width] for _, start, width in layout])
        begins.append(line)
    headers = tuple(column for column, _, _ in layout)
    return Records(headers, frame_of(headers, rows, begins), troubles, (("ENCODING_1252", foreign),) if foreign else ())
