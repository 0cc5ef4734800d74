"""Quarantine lines: one for each (row, failed check), with the offending value, where it stands and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.ports import LINEAGE, QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from recoup.schemas import Rule

#: Types of a quarantine frame.
SCHEMA = pl.Schema({name: pl.Int64() if name == "line" else pl.String() for name in QUARANTINE})
#: Columns by which another row is named in a message.
OTHER = ("_other_file", "_other_line")
#: Where it is of another source, that source.
OTHER_SOURCE = "_other_source"


def file_name(column: str, names: Mapping[str, str]) -> pl.Expr:
    """Return the expression for the file's name as the source spells it; its hash stands in where no name is known."""
    return pl.col(column).replace(list(names), list(names.values()))


def lines(
    rows: pl.DataFrame, table: str, columns: Sequence[str], rule: Rule, words: tuple[str, str], names: Mapping[str, str]
) -> pl.DataFrame:
    """Return the quarantine lines of ``rows``, which hold lineage, the ``columns`` as text and, for a rule about another row, OTHER.

    ``words``: message and mend, the brace ``{other}`` still open where the rule names another row.
    """
    message, mend = (pl.lit(text) for text in words)
    if OTHER[0] in rows.columns:
        before, _, after = words[0].partition("{other}")
        source = pl.concat_str(pl.col(OTHER_SOURCE), pl.lit(": ")) if OTHER_SOURCE in rows.columns else pl.lit("")
        place = (source.fill_null(""), file_name(OTHER[0], names), pl.col(OTHER[1]))
        message = pl.format(f"{_plain(before)}{{}}{{}}, line {{}}{_plain(after)}", *place)
    value = pl.concat_str([pl.col(name).fill_null("") for name in columns], separator=";")
    return rows.select(
        source=pl.col(LINEAGE[0]),
        file=file_name(LINEAGE[1], names),
        line=pl.col(LINEAGE[2]),
        table=pl.lit(table),
        column=pl.lit(";".join(columns)),
        value=value,
        code=pl.lit(rule.id),
        severity=pl.lit(rule.severity),
        message=message,
        mend=mend,
    )


def _plain(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def joined(parts: Iterable[pl.DataFrame], tables: Iterable[str]) -> pl.DataFrame:
    """Return all lines in one order that does not depend on the order of the input: table, source, file, line, column, code."""
    places = {table: place for place, table in enumerate(tables)}
    whole = pl.concat([pl.DataFrame(schema=SCHEMA), *(part.select(QUARANTINE).cast(SCHEMA) for part in parts)])
    place = pl.col("table").replace_strict(places, default=len(places), return_dtype=pl.Int32)
    return whole.sort(place, "source", "file", "line", "column", "code", maintain_order=True)
