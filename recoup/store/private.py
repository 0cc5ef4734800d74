"""Files that people ask for by name and that hold values of children's records: for their owner alone, whole or not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.store.platform import private_file, replace, storing

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, over one that is there. Raises ``STORE_DENIED`` and its like (status 1 or 2)."""
    if not path.absolute().parent.is_dir():
        raise RecoupError("STORE_NO_FOLDER", where=str(path))
    building = path.with_name(f"{path.name}.building")
    with storing(path):
        try:
            private_file(building).write_bytes(content)
            replace(building, path)
        finally:
            building.unlink(missing_ok=True)
