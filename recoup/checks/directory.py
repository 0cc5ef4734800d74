"""Holds the district's schools against the state's list of schools, where a source gives it (table ``state_schools``).

The list decides nothing: what it says otherwise is a warning at the row of ``schools``, which names the list's own row.
"""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import polars as pl

from recoup.checks.lines import OTHER, lines
from recoup.schemas import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = ("county_district_code", "school_code")
#: The school code of a row that is about the district itself.
_DISTRICT = "0000000"
_CHARTER, _NONPUBLIC, _NONCLASSROOM = "charter_", "nonpublic", "charter_nonclassroom"
_VIRTUAL = ("exclusively", "primarily")
#: Columns that name an LEA: a district, or a charter that reports itself under its school code.
_LEAS = (("program_records", "owner_district"), ("applied_days", "reporting_lea"))
_ENDED, _PENDING = ("closed", "merged"), "pending"


@cache
def _kinds() -> pl.DataFrame:
    """The kinds of school that an ownership code allows, a row for each pair; ordinary kinds share their minimum days, and are one."""
    text = (files(__package__) / "ownership.csv").read_text(encoding="utf-8")
    pairs = [(row["code"], kind) for row in csv.DictReader(io.StringIO(text)) for kind in row["kinds"].split()]
    return pl.DataFrame(pairs, schema={"ownership_code": pl.String, "school_type": pl.String}, orient="row")


def against_state(tables: Mapping[str, pl.DataFrame], names: Mapping[str, str]) -> list[pl.DataFrame]:
    """Return quarantine lines of severity ``warn`` at rows of ``schools``, and at rows that name an LEA; none without the state's list.

    ``tables``: checked tables. ``names``: SHA-256 to the file's name. Nonpublic schools stand in another list of the state.
    """
    listed = tables["state_schools"].rename({"_file": OTHER[0], "_line": OTHER[1]}).drop("_source")
    if listed.is_empty():
        return []
    schools = tables["schools"].filter(pl.col("school_type") != _NONPUBLIC)
    districts = schools.join(listed, on="county_district_code", how="anti")
    unknown = schools.join(districts, on="school_code", how="anti").join(listed, on=_KEY, how="anti")
    elsewhere = unknown.join(_once(listed), on="school_code", how="inner", maintain_order="left", suffix="_state")
    both = schools.join(listed.drop("name"), on=_KEY, how="inner", maintain_order="left")
    found = {
        "CDS_DISTRICT_UNKNOWN": districts,
        "CDS_UNKNOWN": unknown.join(elsewhere, on="school_code", how="anti"),
        "CDS_OTHER_DISTRICT": elsewhere,
        "SCHOOL_NOT_OPEN": both.join(_days_not_open(both, tables), on="school_code", how="semi", maintain_order="left"),
        "SCHOOL_TYPE_DIFFERS": _other_kind(both),
        "CHARTER_DIFFERS": both.filter(_charter_differs()),
        "SCHOOL_VIRTUAL": both.filter(pl.col("virtual").is_in(_VIRTUAL), pl.col("school_type") != _NONCLASSROOM),
    }
    at_schools = [_lines(rows, code, "schools", RULES[code].column, names) for code, rows in found.items() if not rows.is_empty()]
    known = pl.concat([listed["county_district_code"], listed["school_code"]]).unique()
    strangers = [(table, name, tables[table].filter(~pl.col(name).is_in(known.implode()))) for table, name in _LEAS]
    return at_schools + [_lines(rows, "CDS_LEA_UNKNOWN", table, name, names) for table, name, rows in strangers if not rows.is_empty()]


def _lines(rows: pl.DataFrame, code: str, table: str, column: str, names: Mapping[str, str]) -> pl.DataFrame:
    rule = RULES[code]
    return lines(rows, table, [column], rule, (rule.message.replace("{column}", column), rule.mend), names)


def _once(listed: pl.DataFrame) -> pl.DataFrame:
    """The rows of schools whose code stands in the list once: of others nobody can say which is meant."""
    return listed.filter(pl.col("school_code") != _DISTRICT, pl.len().over("school_code") == 1)


def _days_not_open(both: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The days taught, and of sessions held, at a school while the list has it closed, merged or not open yet."""
    taught = tables["calendar"].filter("is_instructional").select("school_code", "date")
    held = tables["sessions"].filter(~pl.col("cancelled").fill_null(value=False)).select("school_code", "date")
    before = (pl.col("date") < pl.col("opened_on")).fill_null(pl.col("status") == _PENDING)
    after = (pl.col("date") > pl.col("closed_on")).fill_null(pl.col("status").is_in(_ENDED))
    span = both.select("school_code", "status", "opened_on", "closed_on")
    return pl.concat([taught, held]).unique().join(span, on="school_code").filter(before | after)


def _other_kind(both: pl.DataFrame) -> pl.DataFrame:
    """Schools, charters apart, whose ownership code is of another kind."""
    plain = both.filter(~pl.col("school_type").str.starts_with(_CHARTER), ~pl.col("charter").fill_null(value=False))
    told = plain.filter(pl.col("ownership_code").is_in(_kinds()["ownership_code"].implode()))
    return told.join(_kinds(), on=["ownership_code", "school_type"], how="anti", maintain_order="left")


def _charter_differs() -> pl.Expr:
    """A charter for one side only; a directly funded one that does not report itself here; a school that does and is no charter."""
    ours = pl.col("school_type").str.starts_with(_CHARTER)
    alone = pl.col("independently_reporting_charter").fill_null(value=False)
    funded = (pl.col("charter_funding") == "direct").fill_null(value=False)
    return (pl.col("charter") != ours).fill_null(value=False) | (funded & ~alone) | (alone & ~pl.col("charter").fill_null(value=True))
