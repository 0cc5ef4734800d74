"""Reads a bundle: one file a canonical table, columns by their canonical names, values as they are for the checks to judge."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from recoup.adapters.base import Column, Declaration, FileAdapter, inner_file
from recoup.ports import Feed
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recoup import schemas
    from recoup.ports import RawFile

#: The feed of a zip that holds the tables.
ZIP = "bundle"


def _column(table: str, column: schemas.Column) -> Column:
    # "name": the text is taken as it stands, so that the checks see what the bundle says.
    return Column(
        column.name, required=not column.may_be_missing, type="name", targets=(f"{table}.{column.name}",), meaning=column.description
    )


def _declaration() -> Declaration:
    feeds = [Feed(table.name, (table.name,), match=f"{table.name}.csv", help=table.description) for table in TABLES.values()]
    columns = {table.name: tuple(_column(table.name, column) for column in table.columns) for table in TABLES.values()}
    whole = Feed(ZIP, tuple(TABLES), match="*.zip", help="All tables in one zip")
    return Declaration((*feeds, whole), columns, {}, {})


class Bundle(FileAdapter):
    """The adapter of the neutral form that migration teams and auditors exchange."""

    closed = True

    def opened(self, file: RawFile) -> Iterator[tuple[RawFile, bytes]]:
        """Yield the file, or of a zip the members named like a table; ``datapackage.json`` and whatever else lies there is passed over."""
        if file.feed != ZIP:
            yield from super().opened(file)
            return
        from recoup.adapters.reading import members

        for name, data in members(file.path, file.name):
            table = PurePosixPath(name).stem.casefold()
            if table in TABLES and name.casefold().endswith((".csv", ".txt", ".tsv", ".xlsx")):
                yield inner_file(file, name, table, data), data


ADAPTER = Bundle("bundle", "The canonical tables as CSV files in a folder or a zip", _declaration())
