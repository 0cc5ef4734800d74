"""What codes a source holds, how often, and which of them nobody has explained: for `recoup codes`, and the crosswalk file it drafts."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
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
_LIST = re.compile(r"codes\.(\w+)")
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


def seen(adapter: Adapter, reading: Reading) -> list[Seen]:
    """Return the codes of a reading: those of absences by school, grades, school types and status, and every code that was refused."""
    refused = reading.refused.filter(pl.col("code") == "CODE_UNMAPPED", pl.col("severity") == "error")
    found = [*_absences(reading), *_canonical(reading)]
    lists = getattr(getattr(adapter, "declaration", None), "codes", {})
    for column, value, mend, rows in refused.group_by("column", "value", "mend").len().sort("column", "value").iter_rows():
        named = _LIST.search(mend or "")
        name = named[1] if named and named[1] in lists else column
        found += [Seen(name, school, value or "", "", rows) for school in _schools(reading, value) if name == "absence"] or [
            Seen(name, "", value or "", "", rows)
        ]
    return sorted(found, key=lambda one: (bool(one.means), one.list, one.school, one.code))


def _absences(reading: Reading) -> list[Seen]:
    """The vendor's own table of codes, counted in the attendance; of a code that is no absence no row is left to count."""
    counts: dict[tuple[str, str], int] = {}
    if "attendance" in reading.tables:
        rows = reading.tables["attendance"].select("school_code", "source_code").collect().group_by("school_code", "source_code").len()
        counts = {(school, code): number for school, code, number in rows.iter_rows()}
    if "codes" not in reading.tables:
        return []
    table = reading.tables["codes"].collect()
    wanted = ("school_code", "code", "kind", "description")
    table = table.select(*(pl.col(name) if name in table.columns else pl.lit(None, pl.String).alias(name) for name in wanted))
    listed = table.unique(["school_code", "code"], keep="first", maintain_order=True)
    return [
        Seen("absence", school, code or "", kind or "present or unmapped", counts.get((school, code), 0), words or "")
        for school, code, kind, words in listed.iter_rows()
    ]


def _schools(reading: Reading, code: str) -> list[str]:
    """The schools, by the vendor's numbers, whose own table of codes has this one without a meaning."""
    if not {"codes", "schools"} <= reading.tables.keys():
        return []
    listed = reading.tables["codes"].filter(pl.col("code") == code, pl.col("kind").is_null()).select("school_code")
    schools = reading.tables["schools"].join(listed, on="school_code", how="semi").select("local_school_id").collect()
    return sorted(schools.to_series().drop_nulls())


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
    writer.writerows([one.list, one.school, year, one.code, "", one.description or f"{one.rows} rows"] for one in codes if not one.means)
    return text.getvalue()
