"""An adapter as data: a folder of small CSV files that says which files there are, what stands in them, and what becomes of it.

``docs/adapters.md`` is the guide for those who write such a folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

from recoup.adapters.data import rows
from recoup.ports import Feed, Option
from recoup.schemas import CODES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

#: The feed that every adapter with a folder has beside its own: what codes mean, by school and year (``recoup codes`` drafts it).
CROSSWALK = Feed(
    "crosswalk", ("codes",), match="crosswalk*.csv", help="Optional: what codes mean, by school and year; `recoup codes` drafts it"
)
#: What a list may turn codes into that is no list of the model.
_WORDS = {"bool": ("true", "false")}

_TYPED: Mapping[str, object] = {"list": (), "bool": False, "int": 0, "table": {}}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a feed.

    ``aliases``: other headers it is known by. ``type``: text, name, id, int, date, exit, time, seconds, hours, datetime or bool.
    ``forms``: the date forms it may have. ``targets``: what it becomes, as ``Target.of`` reads it. ``codes``: the list that
    translates it wherever its target names none. ``default``: what counts where the file has no such column, or an empty cell.
    """

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    type: str = "text"
    forms: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    codes: str = ""
    grade: str = ""
    meaning: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a column goes: a canonical ``table`` and ``column``, ``through`` a code list or a lookup, by the school in column ``per``."""

    table: str
    column: str
    through: str = ""
    per: str = ""

    @classmethod
    def of(cls, text: str, codes: str = "") -> Target:
        """Read ``table.column``, ``table.column@list``, ``table.column@lookup`` or ``table.column@list/School``.

        >>> Target.of("attendance.kind@absence/SchoolID")
        Target(table='attendance', column='kind', through='absence', per='SchoolID')
        """
        place, _, through = text.partition("@")
        table, _, column = place.partition(".")
        name, _, per = (through or codes).partition("/")
        return cls(table, column, name, per)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value found in another feed by a key there; a value that is not found refuses its row under ``code`` (none: it stays empty)."""

    feed: str
    key: str
    value: str
    code: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows of a feed are read: those whose ``column`` holds one of ``values`` are kept, or left out and counted."""

    feed: str
    column: str
    keep: bool
    values: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """Feeds, their columns and keys, the code lists that are shipped, and by list what a code may be turned into (none: anything).

    ``leaving``: by list the words that mean "no row at all", such as *present* for a code of absence. ``lenient``: by list what
    becomes of a code that is in it: ``refuse``, ``keep`` (as it stands) or ``empty``.
    """

    feeds: tuple[Feed, ...]
    columns: Mapping[str, tuple[Column, ...]]
    keys: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, Mapping[str, str]]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leaving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lenient: Mapping[str, str] = field(default_factory=dict)
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    @classmethod
    def load(cls, folder: str | Traversable) -> Declaration:
        """Read the declaration from a folder, or from that of a package, for example ``recoup.adapters.aeries_files``."""
        place = files(folder) if isinstance(folder, str) else folder

        def optional(name: str) -> list[dict[str, str]]:
            return rows(place, name) if place.joinpath(name).is_file() else []

        feeds = rows(place, "feeds.csv")
        columns: dict[str, list[Column]] = {row["feed"]: [] for row in feeds}
        for row in rows(place, "columns.csv"):
            columns[row["feed"]].append(_column(row))
        lists = optional("lists.csv")
        return cls(
            (*(_feed(row) for row in feeds), CROSSWALK),
            {feed: tuple(found) for feed, found in columns.items()} | {CROSSWALK.name: _crosswalk()},
            {row["feed"]: tuple(row["key"].split()) for row in feeds},
            {row["list"]: {code["code"]: code["kind"] for code in rows(place, f"codes/{row['list']}.csv")} for row in lists},
            {row["list"]: (*CODES.get(row["of"], _WORDS.get(row["of"], ())), *row["also"].split()) for row in lists},
            {row["list"]: tuple(row["also"].split()) for row in lists},
            {row["list"]: row.get("unmapped") or "refuse" for row in lists},
            {row["lookup"]: Lookup(row["feed"], row["key"], row["value"], row["code"]) for row in optional("lookups.csv")},
            tuple(_rule(row) for row in optional("rows.csv")),
        )


def load_options(folder: str | Traversable) -> tuple[Option, ...]:
    """Read the options that an adapter's folder declares in ``options.csv``; none without that file."""
    place = files(folder) if isinstance(folder, str) else folder
    return tuple(_option(row) for row in rows(place, "options.csv")) if place.joinpath("options.csv").is_file() else ()


def _option(row: Mapping[str, str]) -> Option:
    given: object = {"list": tuple(row["default"].split()), "bool": row["default"] == "true"}.get(row["type"], row["default"])
    if row["type"] in ("int", "table"):
        given = int(row["default"]) if row["default"] else _TYPED[row["type"]]
    return Option(row["option"], row["type"], given, row["help"], row["required"] == "true", tuple(row["choices"].split()))


def _feed(row: Mapping[str, str]) -> Feed:
    return Feed(row["feed"], tuple(row["tables"].split()), row["required"] == "true", row["match"], row.get("mode") or "full", row["help"])


def _column(row: Mapping[str, str]) -> Column:
    return Column(
        row["column"],
        aliases=tuple(row["aliases"].split()),
        required=row["required"] == "true",
        type=row["type"],
        forms=tuple(row["forms"].split()),
        targets=tuple(row.get("target", "").split()),
        codes=row.get("codes", ""),
        grade=row["grade"],
        meaning=row["meaning"],
        default=row.get("default") or "",
    )


def _rule(row: Mapping[str, str]) -> Rule:
    return Rule(row["feed"], row["column"], row["rule"] == "keep", tuple(row["values"].split()), row["reason"])


def _crosswalk() -> tuple[Column, ...]:
    def column(name: str, meaning: str, *, required: bool = True) -> Column:
        return Column(name, required=required, type="name", grade="V", meaning=meaning)

    return (
        column("list", "The code list, for example absence"),
        column("school", "The school in the vendor's own code; empty for all"),
        column("year", "School year, for example 2025-2026; empty for every year", required=False),
        column("code", "The vendor's code"),
        column("means", "The canonical code; empty while nobody has said"),
        column("description", "The vendor's own wording", required=False),
    )
