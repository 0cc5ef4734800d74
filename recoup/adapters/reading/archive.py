"""Zip files: sizes limited before and while reading, names taken as labels and never as paths."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: No district's year of attendance comes near these: bytes of all members together, members, and bytes out for a byte in.
_MOST_BYTES = 4 * 2**30
_MOST_MEMBERS = 10_000
_MOST_RATIO = 500
#: Below this size a high ratio is only a small file of few letters.
_RATIO_FROM = 50 * 2**20


def members(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield base name and bytes of every file in a zip, in order of name; folders and hidden files are passed over.

    Raises ``READ_ZIP``, ``READ_ZIP_LOCKED``, ``READ_ZIP_TOO_LARGE`` or ``READ_ZIP_TWICE`` (two members of one base name).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, name)
            labels = {info: PurePosixPath(info.filename.replace("\\", "/")).name for info in archive.infolist() if not info.is_dir()}
            shown = {info: label for info, label in labels.items() if label and not label.startswith((".", "__MACOSX"))}
            if len({label.casefold() for label in shown.values()}) < len(shown):
                raise RecoupError("READ_ZIP_TWICE", name)
            for info, label in sorted(shown.items(), key=lambda item: item[1]):
                if info.flag_bits & 1:
                    raise RecoupError("READ_ZIP_LOCKED", name)
                with archive.open(info) as member:
                    data = member.read(info.file_size + 1)
                if len(data) > info.file_size:
                    raise RecoupError("READ_ZIP_TOO_LARGE", name)
                yield label, data
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError):
        raise RecoupError("READ_ZIP", name) from None


def check_size(data: bytes, name: str) -> None:
    """Raise ``READ_ZIP`` or ``READ_ZIP_TOO_LARGE`` for zipped bytes (a workbook) that are broken or would unpack to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive, name)
    except zipfile.BadZipFile:
        raise RecoupError("READ_ZIP", name) from None


def _check(archive: zipfile.ZipFile, name: str) -> None:
    infos = archive.infolist()
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > _MOST_BYTES or len(infos) > _MOST_MEMBERS or (total > _RATIO_FROM and total > _MOST_RATIO * max(packed, 1)):
        raise RecoupError("READ_ZIP_TOO_LARGE", name)
