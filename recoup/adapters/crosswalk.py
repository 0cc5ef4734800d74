"""What codes a source holds, how often, and which of them nobody has explained: for `recoup codes`, and the crosswalk file it drafts."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.ports import Adapter, Reading

#: Canonical columns that come of codes: table, column that holds the school, column, and the code list that adapters name it by.
_COLUMNS = (
    ("enrollments", "school_code", "grade", "grade"),
    ("schools", "school_code", "school_type", "school_type"),
    ("enrollments", "school_code", "enrollment_status", "enrollment_status"),
)
#: The mend of a refused code, ``codes.absence."101/<code>" = …``: the list and, where codes differ by school, the vendor's number of it.
_MEND = r'codes\.(?<list>\w+)(?:\."(?<school>[^"/<]+)/)?'
#: What a code of the vendor's own table is that no absence is made of.
_NO_KIND = "present or unmapped"
HEADER = ("list", "school", "year", "code", "means", "description")


@dataclass(frozen=True, slots=True)
class Seen:
    """A code: the list it belongs to, its school (empty: all), what it means (empty: nobody has said), its rows, the vendor's words."""

    list: str
    school: str
    code: str
    means: str
    rows: int
    description: str = ""


#: A code in no list that is longer than this, or has as many digits as that, may be a name or number of a child: a column that slipped.
LONGEST, DIGITS = 8, 6


def masked(one: Seen) -> Seen:
    """Return a code as it may be shown: one without a meaning by its first character and length alone where it may be a child's value."""
    if one.means or (len(one.code) <= LONGEST and sum(character.isdigit() for character in one.code) < DIGITS):
        return one
    return replace(one, code=f"{one.code[0]}… ({len(one.code)} characters)")


def seen(adapter: Adapter, reading: Reading) -> list[Seen]:
    """Return the codes of a reading: those of absences by school, grades, school types and status, and every code that was refused."""
    found = [*_unmapped(adapter, reading), *_absences(reading), *_canonical(reading)]
    return sorted(found, key=lambda one: (bool(one.means), one.list, one.school, one.code))


def _unmapped(adapter: Adapter, reading: Reading) -> list[Seen]:
    """The codes that nobody has explained, each once: those of refused rows, and of the vendor's own table with its words for them."""
    lists = list(getattr(getattr(adapter, "declaration", None), "codes", {}))
    told = reading.refused.filter(pl.col("code") == "CODE_UNMAPPED", (pl.col("severity") == "error") | (pl.col("table") == "codes"))
    named = told.with_columns(pl.col("mend").str.extract_groups(_MEND).alias("_named")).unnest("_named")
    named = named.with_columns(pl.when(pl.col("list").is_in(lists)).then("list").otherwise("column").alias("list"))
    words = _words(reading)
    named = named.join(words.select("file", "line", "words"), on=["file", "line"], how="left", maintain_order="left")
    # A table that is not told by its lines serves where a code has the same words wherever nobody has explained it.
    alike = dict(words.drop_nulls().unique(["code", "words"]).filter(pl.len().over("code") == 1).select("code", "words").iter_rows())
    each = named.group_by("list", pl.col("school").fill_null(""), pl.col("value").fill_null("")).agg(
        (pl.col("table") != "codes").sum(), pl.col("words").drop_nulls().first()
    )
    return [
        Seen(name, school, code, "", rows, said or (alike.get(code, "") if name == "absence" else ""))
        for name, school, code, rows, said in each.iter_rows()
    ]


def _words(reading: Reading) -> pl.DataFrame:
    """What the vendor's own table of codes says of those without a meaning, by file and line."""
    names = {count.file.sha256: count.file.name for count in reading.files}
    table = _listed(reading).filter(pl.col("kind").is_null())
    return table.select(
        pl.col("_file").replace_strict(names, default=None, return_dtype=pl.String).alias("file"),
        pl.col("_line").alias("line"),
        "code",
        pl.col("description").alias("words"),
    ).unique(["file", "line"])


def _listed(reading: Reading) -> pl.DataFrame:
    """The vendor's own table of codes, where it has one."""
    kinds = {**dict.fromkeys(("school_code", "code", "kind", "description", "_file"), pl.String), "_line": pl.Int64}
    if "codes" not in reading.tables:
        return pl.DataFrame(schema=kinds)
    table = reading.tables["codes"].collect()
    return table.select(pl.col(name) if name in table.columns else pl.lit(None, kind).alias(name) for name, kind in kinds.items())


def _absences(reading: Reading) -> list[Seen]:
    """The vendor's own table of codes, counted in the attendance; of a code that is no absence no row is left to count."""
    counts: dict[tuple[str, str], int] = {}
    if "attendance" in reading.tables:
        rows = reading.tables["attendance"].select("school_code", "source_code").collect().group_by("school_code", "source_code").len()
        counts = {(school, code): number for school, code, number in rows.iter_rows()}
    listed = _listed(reading).unique(["school_code", "code"], keep="first", maintain_order=True)
    return [
        Seen("absence", school, code or "", kind or _NO_KIND, counts.get((school, code), 0), words or "")
        for school, code, kind, words in listed.select("school_code", "code", "kind", "description").iter_rows()
    ]


def _canonical(reading: Reading) -> list[Seen]:
    found = []
    for table, school, column, name in _COLUMNS:
        if table in reading.tables and column in reading.tables[table].collect_schema().names():
            known = TABLES[table].column(column).values
            # An empty cell is no code: what a source does not carry cannot be mapped.
            filled = reading.tables[table].select(school, column).drop_nulls(column).collect()
            counts = filled.group_by(column).len().sort(column)
            found += [Seen(name, "", value, value if value in known else "", rows) for value, rows in counts.iter_rows()]
    return found


def draft(codes: Sequence[Seen], year: str) -> str:
    """Return the text of a crosswalk file: the codes that nobody has explained, with ``means`` to be filled in."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for one in codes:
        if not one.means:
            counted = f"{one.rows} row{'s' * (one.rows != 1)}"
            writer.writerow([one.list, one.school, year, one.code, "", one.description or counted])
    return text.getvalue()
