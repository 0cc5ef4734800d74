"""One absence date that two LEAs credit: an order that does not hang on chance."""

from __future__ import annotations

from datetime import date

import pytest

from tests.ledger.engine import IMPLEMENTATIONS, Implementation
from tests.plain.case import bundle


@pytest.mark.parametrize("run", IMPLEMENTATIONS)
def test_the_credits_of_two_leas_for_one_date_and_school_keep_an_order(run: Implementation) -> None:
    tables = bundle(
        {
            "grade": "05",
            "schools": {"Birch Charter": "charter_classroom", "Alder": "elementary"},
            "sessions": {"times": 1, "minutes": 240},
            "absences": {"dates": [date(2025, 9, 8)]},
            "applied": [{"absence": "2025-09-08", "recovered": "2025-09-20", "lea": "1964733"}],
        }
    )
    for school in tables["schools"]:
        school["independently_reporting_charter"] = str(school["school_type"] == "charter_classroom").lower()
    for _ in range(5):
        credits_ = run(tables)["credits"]
        assert [(row["origin"], row["minutes_used"]) for row in credits_] == [("applied", 0), ("computed", 240)]
