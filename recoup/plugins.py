"""What is installed by name: adapters, exporters and checks, found by their entry points, those of other packages included."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from recoup.errors import RecoupError, nearest

ADAPTERS = "recoup.adapters"
EXPORTERS = "recoup.exporters"


def installed(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, in order of name; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def load(group: str, name: str, where: str = "") -> object:
    """Import and return the object that ``name`` stands for; an unknown name is a ``RecoupError`` that tells the nearest."""
    points = installed(group)
    if name not in points:
        kind = group.removeprefix("recoup.").removesuffix("s")
        raise RecoupError("PLUGIN_UNKNOWN", where, kind=kind, name=name, known=", ".join(points), nearest=nearest(name, points))
    try:
        return points[name].load()
    except ImportError as fault:
        raise RecoupError("PLUGIN_BROKEN", where, name=name, module=points[name].value, fault=str(fault)) from fault
