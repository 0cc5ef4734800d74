"""What is installed by name: adapters, exporters and checks, found by their entry points, those of other packages included."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from recoup.errors import RecoupError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.ports import Option

ADAPTERS = "recoup.adapters"
EXPORTERS = "recoup.exporters"

#: The type names of options and what TOML gives for them.
_TYPES: Mapping[str, tuple[type, ...]] = {"text": (str,), "list": (list, tuple), "bool": (bool,), "int": (int,), "table": (dict,)}


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


def settings(options: Sequence[Option], given: Mapping[str, object], where: str) -> dict[str, object]:
    """Return the options of a plugin, defaults filled in.

    Raises ``RecoupError`` (2) for an unknown option, a value of the wrong type or outside its choices, and for a required one that is
    left out or empty.
    """
    known = {option.name: option for option in options}
    for name in given:
        if name not in known:
            raise RecoupError("OPTION_UNKNOWN", where, name=name, known=", ".join(known) or "none", nearest=nearest(name, known))
    for option in options:
        # A list left empty, as `recoup init` writes it, is an option that nobody has filled in.
        if option.required and given.get(option.name) in (None, "", [], ()):
            raise RecoupError("OPTION_REQUIRED", where, name=option.name, help=option.help)
    return {name: _fit(option, given[name], where) if name in given else option.default for name, option in known.items()}


def _fit(option: Option, value: object, where: str) -> object:
    kinds = _TYPES[option.type]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise RecoupError("OPTION_TYPE", where, name=option.name, type=option.type, help=option.help)
    if option.choices and value not in option.choices:
        close = nearest(str(value), option.choices)
        raise RecoupError("OPTION_VALUE", where, name=option.name, known=", ".join(option.choices), nearest=close)
    return value
