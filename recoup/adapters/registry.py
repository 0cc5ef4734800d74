"""The adapters that are installed, those of other packages included. Nothing is imported until one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from recoup import plugins
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from recoup.ports import Adapter, ReadRequest


def names() -> list[str]:
    """Return the names of all adapters, in order; nothing is imported."""
    return list(plugins.installed(plugins.ADAPTERS))


def get(name: str, where: str = "") -> Adapter:
    """Return an adapter by name. Raises ``RecoupError`` (2) for an unknown name, with the nearest one, and for a broken plugin."""
    try:
        found = plugins.load(plugins.ADAPTERS, name, where)
    except RecoupError:
        raise
    except Exception as fault:  # noqa: BLE001 whatever another package does while it is imported must not end in a stack trace
        raise RecoupError("ADAPTER_BROKEN", where, name=name, fault=type(fault).__name__) from None
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
