"""Bytes to UTF-8: byte order marks, UTF-16, and the Windows-1252 of older desktop exports."""

from __future__ import annotations

import codecs

from recoup.errors import RecoupError

#: Marks at the head of a file and the encoding they announce; UTF-8 first, since it is the commonest.
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

#: What a cell holds where its bytes mean nothing in the encoding; the row is then refused.
UNREADABLE = "\ufffd"


def to_utf8(data: bytes, name: str) -> tuple[bytes, int]:
    """Return the text of a file as UTF-8 without a mark, and how many lines had to be read as Windows-1252.

    Lines that are UTF-8 stay UTF-8: files that were glued together from two programs have both. Raises
    ``READ_NOT_TEXT`` for what is no text at all.
    """
    mark, encoding = next(((mark, encoding) for mark, encoding in _MARKS if data.startswith(mark)), (b"", _without_mark(data)))
    data = data[len(mark) :]
    if encoding != "utf-8":
        return data.decode(encoding, "replace").encode("utf-8"), 0
    if not data.lstrip(b"\0"):
        raise RecoupError("READ_FILE_EMPTY" if not data else "READ_NOT_TEXT", name)
    if _is_utf8(data):
        return data, 0
    lines = data.split(b"\n")
    foreign = [index for index, line in enumerate(lines) if not _is_utf8(line)]
    for index in foreign:
        lines[index] = lines[index].decode("cp1252", "replace").encode("utf-8")
    return b"\n".join(lines), len(foreign)


def _without_mark(data: bytes) -> str:
    """UTF-16 without its mark shows as a zero in every second byte of the header."""
    head = data[:64]
    if len(head) >= 4 and not any(head[1::2]) and all(head[::2]):
        return "utf-16-le"
    if len(head) >= 4 and not any(head[::2]) and all(head[1::2]):
        return "utf-16-be"
    return "utf-8"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
