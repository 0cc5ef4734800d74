"""Spreadsheets (xlsx, xls, ods) by Calamine: every cell to the text that the number or date stands for."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from recoup.adapters.reading.archive import check_size
from recoup.adapters.reading.records import Records, Trouble, frame_of, normal, unique_headers
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Collection

#: From here on a spreadsheet has lost digits (it keeps 15); the number stays in scientific form, which the checks refuse.
_EXACT = 1e15

#: Among so many filled rows the header is looked for.
_ABOVE = 12


def read_workbook(data: bytes, name: str, expected: Collection[str]) -> Records:
    """Read the sheet whose header knows most of the expected ones; ``_line`` is the sheet row.

    The header is the row, among the first, that knows most of them: people put a title above. Other sheets with as many are told of.
    Raises ``READ_WORKBOOK`` when the file cannot be opened and ``READ_FILE_EMPTY`` when no sheet has a header.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    if data.startswith(b"PK"):
        check_size(data, name)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [book.get_sheet_by_name(sheet).to_python(skip_empty_area=False) for sheet in book.sheet_names]
    except (CalamineError, OSError, ValueError):
        raise RecoupError("READ_WORKBOOK", name) from None
    tables = [[[cell_text(cell) for cell in row] for row in sheet] for sheet in sheets]
    tables = [table for table in tables if any(any(row) for row in table)]
    if not tables:
        raise RecoupError("READ_FILE_EMPTY", name)
    known = set(expected)
    starts = [_start(table, known) for table in tables]
    shown = [_shown(table[start], known) for table, start in zip(tables, starts, strict=True)]
    best = shown.index(max(shown))
    found = _records(tables[best], starts[best])
    left = sum(len(table) - start - 1 for table, start, count in zip(tables, starts, shown, strict=True) if 1 < count == shown[best])
    left -= len(tables[best]) - starts[best] - 1 if shown[best] > 1 else 0
    return replace(found, notes=(*found.notes, ("SHEETS_LEFT", left))) if left else found


def _shown(row: list[str], known: set[str]) -> int:
    return len({normal(cell) for cell in row if cell} & known)


def _start(table: list[list[str]], known: set[str]) -> int:
    """Return where the header is: of the first filled rows the one that knows most of the expected headers, else the first."""
    filled = [index for index, row in enumerate(table) if any(row)][:_ABOVE]
    return max(filled, key=lambda index: (_shown(table[index], known), -index))


def _records(table: list[list[str]], start: int) -> Records:
    width = max(index for index, cell in enumerate(table[start], start=1) if cell)
    headers, changed = unique_headers(table[start][:width])
    rows: list[list[str]] = []
    begins: list[int] = []
    troubles: list[Trouble] = []
    for line, row in enumerate(table[start + 1 :], start=start + 2):
        if any(row[width:]):
            troubles.append(Trouble.of(line, "ROW_RAGGED", "\t".join(row), f"cells beyond the {width} columns of the header"))
        elif any(row):
            rows.append(row[:width])
            begins.append(line)
    notes = (("HEADER_REPEATED", changed),) if changed else ()
    return Records(headers, frame_of(headers, rows, begins), troubles, notes, workbook=True)


def cell_text(cell: object) -> str:
    """Return a cell as text: dates and times in ISO form, whole numbers without ``.0``, numbers beyond 15 digits in scientific form.

    >>> cell_text(9000000001.0), cell_text(date(2026, 1, 5)), cell_text(1.5e16)
    ('9000000001', '2026-01-05', '1.5e+16')
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat(timespec="minutes")
    if isinstance(cell, timedelta):
        minutes = round(cell.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    if isinstance(cell, float):
        if abs(cell) >= _EXACT:
            return f"{cell:.15g}" if "e" in f"{cell:.15g}" else f"{cell:e}"
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell).strip()
