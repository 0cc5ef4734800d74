"""Why an absence that the ledger did not take cannot be recovered (ledger.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recoup import law as rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from recoup.law import Law
    from recoup.ports import Run

Row = dict[str, Any]


def why_not(run: Run, absence: Row, enrollments: Sequence[Row], schools: Mapping[str, Row]) -> str:
    """Return the first reason that holds, a code of ``law.absence_rules`` or ``law.hold_rules``.

    ``absence``: a row of ``attendance`` that is not eligible; ``enrollments``: the student's; ``schools``: rows by code.
    """
    law, on, school = rules.load(run.year.name), absence["date"], absence["school_code"]
    kinds = [*law.value("recoverable_kinds")]
    kinds += ["suspension_out"] * (run.policy["recover_suspension"] == "yes")
    kinds += ["independent_study_non_ada"] * (run.policy["recover_non_ada_study"] == "yes")
    spans = [row for row in enrollments if _holds(row, on)]
    short = {row["school_code"] for row in spans if row["enrollment_status"] == "30"}
    here = [row for row in spans if row["school_code"] == school and row["enrollment_status"] in law.value("absence_statuses")]
    reasons = {
        "after_as_of": on > run.as_of,
        "outside_fiscal_year": not run.year.first <= on <= run.year.last,
        "not_full_day": not absence["full_day"],
        "kind": absence["kind"] not in kinds,
        "made_up": absence["made_up_by"],
        "marked": absence["not_recoverable"],
        "short_term": short and school not in short,
        "not_eligible": here and all(_excluded(law, row, schools[school]["school_type"]) for row in here),
    }
    return next((code for code, so in reasons.items() if so), "not_here")


def _holds(enrollment: Row, on: date) -> bool:
    return bool(enrollment["entry_date"] <= on and (enrollment["exit_date"] is None or on <= enrollment["exit_date"]))


def _excluded(law: Law, enrollment: Row, school_type: str | None) -> bool:
    away = enrollment["instruction_mode"] in law.value("not_eligible_instruction_modes")
    return bool(away or school_type in law.value("not_eligible_school_types") or enrollment["absence_exempt"])
