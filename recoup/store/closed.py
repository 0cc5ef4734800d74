"""Closed periods: what was reported, frozen file by file, and never written again; a later closing is a generation of its own."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any, Final

from recoup.errors import RecoupError
from recoup.ports import Closing
from recoup.store.platform import private_folder, remove_tree, replace, storing, sync_folder, sync_tree
from recoup.store.records import ClosingRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from recoup.store.journal import Journal

_TABLES: Final = ("credits", "figures", "time", "absences")
_PAIR: Final = ("ssid", "absence_date", "absence_school_code", "earned_on")
_FACTS: Final = tuple(field.name for field in fields(Closing) if field.name not in _TABLES)


class Closed:
    """The closings of one workspace, ``<root>/<school year>_<period>_<generation>/<table>.parquet``, each with its row in the journal."""

    def __init__(self, root: Path, journal: Journal) -> None:
        self._root = root
        self._journal = journal

    def sweep(self) -> None:
        """Remove what killed closings left: folders that the journal does not know."""
        with storing(self._root):
            known = {_name(record) for record in self._journal.closings()}
            for folder in self._root.iterdir() if self._root.exists() else ():
                if folder.name not in known:
                    remove_tree(folder)

    def freeze(self, closing: Closing) -> Closing:
        """Keep a closing, and return it with the hash of its files; it is whole on the disk, or not there."""
        building, whole = self._root / "building", self._root / _name(closing)
        try:
            with storing(whole):
                private_folder(self._root)
                remove_tree(building)
                private_folder(building)
                for name in _TABLES:
                    getattr(closing, name).write_parquet(building / f"{name}.parquet")
                sync_tree(building)
                digest = _digest(building)
                replace(building, whole)
                sync_folder(self._root)
                self._journal.close_period(_record(changed(closing, sha256=digest)))
        except BaseException:
            remove_tree(building)
            raise
        return changed(closing, sha256=digest)

    def load(self, school_year: str) -> list[Closing]:
        """Return the newest closing of each period of a school year, in the order in which they were closed.

        ``CLOSED_DAMAGED`` (1) when frozen files are gone or are not what was frozen.
        """
        newest = {record.period: record for record in self._journal.closings() if record.school_year == school_year}
        return [self._load(record) for record in sorted(newest.values(), key=lambda record: record.closed_at)]

    def _load(self, record: ClosingRecord) -> Closing:
        import polars as pl

        folder = self._root / _name(record)
        with storing(folder):
            if not all((folder / f"{name}.parquet").is_file() for name in _TABLES) or _digest(folder) != record.sha256:
                raise RecoupError("CLOSED_DAMAGED", where=str(folder), period=record.period, generation=record.generation)
            # Not mapped into memory: Windows could not remove a file that a frame still looks into.
            tables: dict[str, Any] = {name: pl.read_parquet(folder / f"{name}.parquet", memory_map=False) for name in _TABLES}
        return Closing(**{name: getattr(record, name) for name in _FACTS}, **tables)


def closed_pairs(closings: Sequence[Closing]) -> pl.DataFrame | None:
    """Return the pairs that closed periods have reported (ssid, absence_date, absence_school_code, earned_on), or None without any.

    Where two closings know an absence or an earned day by different partners, the later one is right.
    """
    if not closings:
        return None
    import polars as pl

    newest = pl.concat([closing.credits.select(*_PAIR, "lea") for closing in reversed(closings)]).drop_nulls("earned_on")
    by_absence = newest.unique(["lea", "ssid", "absence_date"], keep="first", maintain_order=True)
    return by_absence.unique(["lea", "ssid", "earned_on"], keep="first", maintain_order=True).select(_PAIR)


def _record(closing: Closing) -> ClosingRecord:
    return ClosingRecord(**{name: getattr(closing, name) for name in _FACTS}, rows=closing.credits.height)


def _name(one: Closing | ClosingRecord) -> str:
    return f"{one.school_year}_{one.period}_{one.generation}"


def _digest(folder: Path) -> str:
    """Return one SHA-256 over the names and contents of the frozen files."""
    whole = hashlib.sha256()
    for name in _TABLES:
        with (folder / f"{name}.parquet").open("rb") as content:
            whole.update(f"{name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()
