"""What is written for others to take further: the folder of a new adapter, and the plugin that a vendor's system needs."""

from __future__ import annotations

import re
import zipfile
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from recoup.errors import RecoupError

if TYPE_CHECKING:
    from pathlib import Path

    from recoup.ports import Adapter

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


def write_plugin(adapter: Adapter, where: Path) -> list[Path]:
    """Write the plugin that a district installs in the vendor's system: ``where/recoup_<adapter>.zip``, and its files to be read.

    Raises ``RecoupError`` (2): ``ADAPTER_NO_PLUGIN`` for an adapter whose system needs none, ``ADAPTER_EXISTS`` when one is there.
    """
    make = getattr(adapter, "plugin_files", None)
    if make is None:
        raise RecoupError("ADAPTER_NO_PLUGIN", adapter.name)
    parts: dict[str, bytes] = make()
    target = where / f"recoup_{adapter.name}.zip"
    out = [target, *(where / name for name in parts)]
    for path in out:
        if path.exists():
            raise RecoupError("ADAPTER_EXISTS", str(path))
    try:
        for path, content in zip(out[1:], parts.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as whole:
            for name, content in parts.items():
                whole.writestr(zipfile.ZipInfo(name), content)
    except OSError as fault:
        raise RecoupError("CONFIG_UNWRITABLE", str(where), fault=type(fault).__name__) from None
    return out
