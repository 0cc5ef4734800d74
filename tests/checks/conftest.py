"""A district of one school and two students: small enough to hold in the head, and clean until a test soils it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from recoup.checks import Checked, Precedence, check
from recoup.ports import QUARANTINE, Lea, SchoolYear

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from importlib.metadata import EntryPoint

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))
LEA = Lea("1964733", "Cedar Valley Unified")
CLEAN = {
    "schools": """school_code,school_name,school_type,county_district_code,local_school_id
6010000,Cedar,elementary,1964733,1""",
    "calendar": """school_code,date,is_instructional,day_start,day_end
6010000,2025-09-08,true,08:00,14:30""",
    "students": """ssid,local_student_id,legal_first_name,legal_last_name,birth_date,gender
9000000001,000001,Ana,Lopez,2014-03-11,F
9000000002,000002,Li,Nguyen,2015-05-02,X""",
    "enrollments": """ssid,school_code,entry_date,exit_date,grade,enrollment_status,instruction_mode
9000000001,6010000,2025-08-18,,05,10,classroom
9000000002,6010000,2025-08-18,2026-06-05,04,10,classroom""",
    "attendance": """ssid,school_code,date,kind,full_day,source_code,made_up_by
9000000001,6010000,2025-09-08,excused,true,A,""",
    "sessions": """session_id,program_name,school_code,date,start_time,end_time,break_minutes
S1,AR,6010000,2025-09-13,09:00,13:30,30""",
    "participation": """session_id,ssid,minutes,sign_in,sign_out,verified_by,verified_at,evidence_ref
S1,9000000001,240,,,T1,2025-09-13T14:00,
S1,9000000002,240,09:00,13:30,T1,2025-09-13T14:00:30,""",
}


def frame(text: str, file: str, source: str = "sis") -> pl.LazyFrame:
    """A table as an adapter gives it: text, an empty cell null, lineage with the physical line."""
    raw = pl.read_csv(text.encode(), infer_schema=False).with_row_index("_line", offset=2)
    return raw.lazy().with_columns(pl.col("_line").cast(pl.Int64), _source=pl.lit(source), _file=pl.lit(file))


class District:
    """The clean tables, which a test changes before it runs the checks."""

    def __init__(self) -> None:
        self.tables: dict[str, pl.LazyFrame] = {name: frame(text, f"sha-{name}") for name, text in CLEAN.items()}
        self.names = {f"sha-{name}": f"{name}.csv" for name in CLEAN}

    def put(self, table: str, *rows: str, header: str = "") -> District:
        """Give ``table`` these rows, under its clean header unless another is given."""
        self.tables[table] = frame("\n".join((header or CLEAN[table].splitlines()[0], *rows)), f"sha-{table}")
        self.names[f"sha-{table}"] = f"{table}.csv"
        return self

    def add(self, table: str, *rows: str) -> District:
        """Add rows to the clean ones of ``table``."""
        return self.put(table, *CLEAN[table].splitlines()[1:], *rows)

    def also(self, table: str, source: str, *rows: str, header: str = "", file: str = "") -> District:
        """Let another source give rows of ``table`` too."""
        sha = f"sha-{file or source}-{table}"
        more = frame("\n".join((header or CLEAN[table].splitlines()[0], *rows)), sha, source)
        self.names[sha] = f"{table}.csv"
        self.tables[table] = pl.concat([self.tables[table], more], how="diagonal_relaxed")
        return self

    def check(
        self,
        order: Mapping[str, int] | None = None,
        append: Collection[str] = (),
        installed: Mapping[str, EntryPoint] | None = None,
        stated: Precedence | None = None,
    ) -> Checked:
        refused = pl.DataFrame(schema={name: pl.Int64 if name == "line" else pl.String for name in QUARANTINE})
        return check(
            self.tables, refused, YEAR, LEA, names=self.names, order=order, append=append, stated=stated, installed=installed or {}
        )

    def told(self) -> set[tuple[str, int, str, str]]:
        """What the quarantine says: table, line, column, code."""
        return set(self.check().quarantine.select("table", "line", "column", "code").iter_rows())


@pytest.fixture
def district() -> District:
    return District()
