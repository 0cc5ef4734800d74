"""The folder of a new adapter: a copy of the template, which reads its own small files from the first minute."""

from __future__ import annotations

import re
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}\Z")


def new_adapter(name: str, where: Path) -> list[Path]:
    """Write the folder ``where/name`` and return its files.

    Raises ``RecoupError`` (2): ``ADAPTER_NAME`` for a name that no package could have, ``ADAPTER_EXISTS`` when the folder is there.
    """
    if not _NAME.match(name):
        raise RecoupError("ADAPTER_NAME", name)
    target = where / name
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise RecoupError("ADAPTER_EXISTS", str(target)) from None
    except OSError as fault:
        raise RecoupError("CONFIG_UNWRITABLE", str(target), fault=type(fault).__name__) from None
    out = []
    with as_file(files("recoup.adapters").joinpath("template")) as template:
        for path in sorted(path for path in template.rglob("*") if path.suffix in {".csv", ".md", ".toml", ".py"}):
            place = target / path.relative_to(template)
            place = place.with_name(place.name.replace("test_template", f"test_{name}"))
            place.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".md":
                text = text.replace("{name}", name)
            place.write_text(text, encoding="utf-8", newline="")
            out.append(place)
    return out
