"""The exporters that are installed, those of other packages included. Nothing is imported until one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from recoup import plugins
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.ports import Exporter


def names() -> list[str]:
    """Return the names of all exporters, in order; nothing is imported."""
    return list(plugins.installed(plugins.EXPORTERS))


def get(name: str, where: str = "") -> Exporter:
    """Return an exporter by name. Raises ``RecoupError`` (2) for an unknown name, with the nearest one, and for a broken plugin."""
    try:
        found = plugins.load(plugins.EXPORTERS, name, where)
    except RecoupError:
        raise
    except Exception as fault:  # noqa: BLE001 whatever another package does while it is imported must not end in a stack trace
        raise RecoupError("EXPORTER_BROKEN", where, name=name, fault=type(fault).__name__) from None
    lacking = [part for part in ("name", "summary", "options", "write") if not hasattr(found, part)]
    if lacking:
        raise RecoupError("EXPORTER_BROKEN", where, name=name, fault=f"it has no {', '.join(lacking)}")
    return cast("Exporter", found)


def settings(exporter: Exporter, given: Mapping[str, object]) -> dict[str, object]:
    """Return the options of an exporter, defaults filled in. Raises ``RecoupError`` (2) for one that is unknown or does not fit."""
    return plugins.settings(exporter.options, given, f"[[exports]] {exporter.name}")
