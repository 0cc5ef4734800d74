"""The adapters that are installed, those of other packages included. Nothing is imported until one is asked for."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from recoup import plugins
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from recoup.ports import Adapter, ReadRequest


def names() -> list[str]:
    """Return the names of all adapters, in order; nothing is imported."""
    return list(plugins.installed(plugins.ADAPTERS))


def _from_folder(name: str, folder: Traversable, where: str) -> Adapter:
    from recoup.adapters.base import FileAdapter

    try:
        return FileAdapter.from_folder(name, folder)
    except (OSError, KeyError, ValueError) as fault:
        # Of these only the name of a file or column is told, which is the adapter's own.
        raise RecoupError("ADAPTER_FOLDER", where, name=name, fault=f"{type(fault).__name__}: {fault}") from None


def get(name: str, where: str = "", beside: Path | None = None) -> Adapter:
    """Return an adapter by name, or by the path of its folder (``./our_sis``, relative to ``beside``).

    Raises ``RecoupError`` (2) for an unknown name, with the nearest one, and for a broken plugin."""
    if name.startswith((".", "/")):
        return _from_folder(Path(name).name, (beside or Path()) / name, where)
    try:
        found = plugins.load(plugins.ADAPTERS, name, where)
    except RecoupError:
        raise
    except Exception as fault:  # noqa: BLE001 whatever another package does while it is imported must not end in a stack trace
        raise RecoupError("ADAPTER_BROKEN", where, name=name, fault=type(fault).__name__) from None
    if isinstance(found, ModuleType):
        # A folder of data alone: its entry point names the package, and there is no Python in it.
        found = _from_folder(name, files(found.__name__), where)
    lacking = [part for part in ("name", "summary", "feeds", "options", "read") if not hasattr(found, part)]
    if lacking:
        raise RecoupError("ADAPTER_BROKEN", where, name=name, fault=f"it has no {', '.join(lacking)}")
    return cast("Adapter", found)


def settle(adapter: Adapter, request: ReadRequest) -> None:
    """Hold a request's options and mapping against what the adapter declares, before anything is fetched.

    Raises ``RecoupError`` (2). An adapter that has no ``settle`` of its own has only its options looked at.
    """
    own = getattr(adapter, "settle", None)
    if own is None:
        plugins.settings(adapter.options, request.options, f"[[sources]] {request.source}")
    else:
        own(request)
