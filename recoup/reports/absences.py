"""Why an absence met the day it met, and why another cannot be recovered at all (ledger.md 5 and 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from recoup import law as rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from recoup.law import Law
    from recoup.ports import Run
    from recoup.reports.citations import Citations

Row = dict[str, Any]


def why_not(run: Run, policy: Mapping[str, str], absence: Row, enrollments: Sequence[Row], schools: Mapping[str, Row]) -> str:
    """Return the first reason that holds, a code of ``law.absence_rules`` or ``law.hold_rules``.

    ``policy``: of the LEA of the absence's school; ``absence``: a row of ``attendance`` that is not eligible; ``enrollments``: the
    student's; ``schools``: rows by code.
    """
    law, on, school = rules.load(run.year.name), absence["date"], absence["school_code"]
    kinds = [*law.value("recoverable_kinds")]
    kinds += ["suspension_out"] * (policy["recover_suspension"] == "yes")
    kinds += ["independent_study_non_ada"] * (policy["recover_non_ada_study"] == "yes")
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


def decided(cites: Citations, credit: Row, decisions: Iterable[Row]) -> dict[str, Row]:
    """Return what people decided on a credited day and the ledger did, by kind of decision; of several the latest."""
    about = [row for row in decisions if (row["ssid"], row["date"]) == (credit["ssid"], credit["absence_date"])]
    latest: dict[str, Row] = {}
    for row in sorted(about, key=lambda row: (str(row["decided_at"] or ""), row["disposition_id"])):
        latest[row["decision"]] = row
    done = {"match": str(credit["earned_on"]), "assign_school": credit["absence_school_code"]}
    read = {
        "match": cites.policy["match_order"] == "manual" and credit["origin"] == "computed",
        "assign_school": cites.policy["credit_school"] == "lea_choice",
    }
    return {name: latest[name] for name, value in done.items() if name in latest and read[name] and latest[name]["value"] == value}


def at_school(cites: Citations, decision: Row | None) -> Row:
    """Return why a credit counts at its school: the absence's, unless a person assigned another (K15)."""
    rule = cites.knob("schools credited", "credit_school")
    if decision:
        return {"says": f"assigned by decision {decision['disposition_id']}", **rule}
    return {"says": rules.knobs()["credit_school"].values["school_of_absence"], **rule}


def matched(run: Run, cites: Citations, credit: Row, decision: Row | None) -> Row:
    """Return why a computed credit's day met this absence: reported as partners, matched by a person, or the order of K14.

    ``decision``: the match that was heard, if any.
    """
    keys = ("ssid", "absence_date", "earned_on")
    same = pl.all_horizontal(pl.col(key) == credit[key] for key in keys)
    if any(closing.credits.filter(same).height for closing in run.closed):
        rule = cites.cite("days credited", "design: pairs that a closed period has reported stay partners", "D")
        return {"says": "reported as partners in a closed period", **rule}
    rule = cites.knob("days credited", "match_order")
    if decision:
        return {"says": f"matched by decision {decision['disposition_id']}", **rule}
    return {"says": cites.chosen("match_order"), **rule}


def _holds(enrollment: Row, on: date) -> bool:
    return bool(enrollment["entry_date"] <= on and (enrollment["exit_date"] is None or on <= enrollment["exit_date"]))


def _excluded(law: Law, enrollment: Row, school_type: str | None) -> bool:
    away = enrollment["instruction_mode"] in law.value("not_eligible_instruction_modes")
    return bool(away or school_type in law.value("not_eligible_school_types") or enrollment["absence_exempt"])
