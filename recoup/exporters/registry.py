"""The exporters that are installed, and their options made whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from recoup import plugins
from recoup.errors import RecoupError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.ports import Exporter, Option

_TYPES: Mapping[str, tuple[type, ...]] = {"text": (str,), "list": (list, tuple), "bool": (bool,), "int": (int,), "table": (dict,)}


def names() -> list[str]:
    """Return the names of all exporters, those of other packages included, in order; nothing is imported."""
    return list(plugins.installed(plugins.EXPORTERS))


def get(name: str, where: str = "") -> Exporter:
    """Return an exporter by name. Raises ``RecoupError`` (2) for an unknown name, with the nearest one, and for a broken plugin."""
    return cast("Exporter", plugins.load(plugins.EXPORTERS, name, where))


def _value(option: Option, given: object, where: str) -> object:
    kinds = _TYPES[option.type]
    if not isinstance(given, kinds) or (isinstance(given, bool) and bool not in kinds):
        raise RecoupError("EXPORT_OPTION_TYPE", where, name=option.name, type=option.type, help=option.help)
    if option.choices and given not in option.choices:
        close = nearest(str(given), option.choices)
        raise RecoupError("EXPORT_OPTION_VALUE", where, name=option.name, known=", ".join(option.choices), nearest=close)
    return given


def settings(exporter: Exporter, given: Mapping[str, object]) -> dict[str, object]:
    """Return the options of an exporter, defaults filled in.

    Raises ``RecoupError`` (2) for an unknown option, a value of the wrong type or outside its choices, and a required one left out.
    """
    where = f"[[exports]] {exporter.name}"
    known = {option.name: option for option in exporter.options}
    for name in given:
        if name not in known:
            raise RecoupError("EXPORT_OPTION_UNKNOWN", where, name=name, known=", ".join(known) or "none", nearest=nearest(name, known))
    for option in exporter.options:
        if option.required and option.name not in given:
            raise RecoupError("EXPORT_OPTION_REQUIRED", where, name=option.name, help=option.help)
    return {name: _value(option, given[name], where) if name in given else option.default for name, option in known.items()}
