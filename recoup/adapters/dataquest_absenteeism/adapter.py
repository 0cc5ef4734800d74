"""The published rates of a district: the file is of the whole state, parts its codes, and writes ``*`` for what it suppresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.base import FileAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recoup.adapters.base import Job

_FEED = "chronicabsenteeism"
_FIGURES = ("ChronicAbsenteeismEligibleCumulativeEnrollment", "ChronicAbsenteeismCount", "ChronicAbsenteeismRate")


class DataQuestAbsenteeism(FileAdapter):
    """Reads the rows of the district alone, whatever else the state has published."""

    def prepared(self, frames: Mapping[str, pl.DataFrame], job: Job) -> Mapping[str, pl.DataFrame]:
        """Join county and district to one code, write the year in full, empty what is suppressed, and leave other districts out."""
        school, year = pl.col("SchoolCode"), pl.col("AcademicYear")
        frame = frames[_FEED].with_columns(
            # A spreadsheet on the way drops the leading zeros of codes; their widths are fixed.
            DistrictCode=pl.col("CountyCode").str.zfill(2) + pl.col("DistrictCode").str.zfill(5),
            SchoolCode=pl.when((pl.col("AggregateLevel") == "S") & (school != "0")).then(school.str.zfill(7)),
            AcademicYear=pl.when(year.str.contains(r"^\d{4}-\d\d$"))
            .then(year.str.replace(r"^(\d\d)(\d\d)-", "${1}${2}-${1}"))
            .otherwise(year),
            **{name: pl.when(pl.col(name) != "*").then(name) for name in _FIGURES},
        )
        wanted = job.listed("districts") or [job.request.lea.code]
        kept = frame.filter(pl.col("DistrictCode").is_in(wanted))
        left = frame.height - kept.height
        job.desk.note(job.request.source, "LEFT_BY_RULE", left, f"{_FEED}: {left} rows left out: other districts")
        return {**frames, _FEED: kept}


ADAPTER = DataQuestAbsenteeism.from_folder("dataquest_absenteeism", "recoup.adapters.dataquest_absenteeism")
