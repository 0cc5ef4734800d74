"""The state's list of schools beside the district's: what it says otherwise is a warning, and refuses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.checks.conftest import District

LISTED = "county_district_code,school_code,name,status,opened_on,closed_on,charter,charter_funding,ownership_code,virtual"
DISTRICT = "1964733,0000000,Cedar Valley Unified,active,,,,,,"
SCHOOLS = (
    "school_code,school_name,school_type,county_district_code,local_school_id,independently_reporting_charter\n"
    "6010000,Cedar,{kind},{lea},1,{alone}"
)
ELSEWHERE = "1975309,6010000,Cedar,active,1980-07-01,,false,,60,not_virtual"


def told(district: District, *listed: str, kind: str = "elementary", lea: str = "1964733", alone: str = "false") -> set[tuple[str, str]]:
    """What is said of the only school, as column and code."""
    head, row = SCHOOLS.format(kind=kind, lea=lea, alone=alone).split("\n")
    district.put("schools", row, header=head).put("state_schools", *listed, header=LISTED)
    checked = district.check()
    assert checked.tables["schools"].height == 1, "a warning keeps the row"
    said = checked.quarantine
    assert set(said["severity"]) <= {"warn"}
    return set(said.select("column", "code").iter_rows())


def row(dates: str = "1980-07-01,", charter: str = "false,", soc: str = "60", virtual: str = "not_virtual", status: str = "active") -> str:
    return f"1964733,6010000,Cedar,{status},{dates},{charter},{soc},{virtual}"


def test_a_school_that_the_state_lists_as_it_is_here_is_not_spoken_of(district: District) -> None:
    assert told(district, DISTRICT, row()) == set()


def test_without_the_states_list_nothing_is_said(district: District) -> None:
    assert district.told() == set()


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ((DISTRICT,), ("school_code", "CDS_UNKNOWN")),
        ((DISTRICT, ELSEWHERE), ("school_code", "CDS_OTHER_DISTRICT")),
        ((ELSEWHERE.replace("6010000", "6019999"),), ("county_district_code", "CDS_DISTRICT_UNKNOWN")),
    ],
)
def test_codes_that_are_unknown_or_of_another_district(listed: tuple[str, ...], code: tuple[str, str], district: District) -> None:
    assert told(district, *listed) == {code}


@pytest.mark.parametrize(
    ("status", "dates", "open_"),
    [
        ("active", "1980-07-01,", True),
        ("active", ",", True),
        ("active", "2025-09-08,", True),
        ("active", "2025-09-09,", False),
        ("closed", "1980-07-01,2025-09-13", True),
        ("closed", "1980-07-01,2025-09-12", False),
        ("closed", "1980-07-01,", False),
        ("merged", ",2025-06-30", False),
        ("pending", ",", False),
        ("pending", "2025-09-01,", True),
    ],
)
def test_open_on_every_day_that_is_used(status: str, dates: str, open_: bool, district: District) -> None:
    """The school teaches on September 8 and holds a session on Saturday, September 13; the day it opens and the day it closes are open."""
    assert told(district, DISTRICT, row(dates, status=status)) == (set() if open_ else {("school_code", "SCHOOL_NOT_OPEN")})


@pytest.mark.parametrize(
    ("kind", "soc", "same"),
    [
        ("elementary", "60", True),
        ("span", "60", True),
        ("elementary", "68", False),
        ("continuation", "68", True),
        ("continuation", "66", False),
        ("community_day", "69", True),
        ("early_college", "66", True),
        ("high", "98", True),
        ("high", "", True),
    ],
)
def test_kinds_of_school_that_may_have_another_minimum_day(kind: str, soc: str, same: bool, district: District) -> None:
    assert told(district, DISTRICT, row(soc=soc), kind=kind) == (set() if same else {("school_type", "SCHOOL_TYPE_DIFFERS")})


@pytest.mark.parametrize(
    ("kind", "alone", "charter", "same"),
    [
        ("charter_classroom", "true", "true,direct", True),
        ("charter_classroom", "false", "true,local", True),
        ("charter_classroom", "true", "true,local", True),
        ("charter_classroom", "false", "true,direct", False),
        ("charter_classroom", "true", "false,", False),
        ("elementary", "false", "true,local", False),
        ("charter_classroom", "true", ",", True),
    ],
)
def test_charters(kind: str, alone: str, charter: str, same: bool, district: District) -> None:
    assert told(district, DISTRICT, row(charter=charter), kind=kind, alone=alone) == (
        set() if same else {("school_type", "CHARTER_DIFFERS")}
    )


@pytest.mark.parametrize(
    ("kind", "virtual", "said"),
    [
        ("charter_classroom", "exclusively", True),
        ("charter_classroom", "primarily", True),
        ("charter_classroom", "primarily_classroom", False),
        ("charter_nonclassroom", "exclusively", False),
    ],
)
def test_a_virtual_school_has_no_classroom_to_recover_in(kind: str, virtual: str, said: bool, district: District) -> None:
    found = told(district, DISTRICT, row(charter="true,local", virtual=virtual), kind=kind)
    assert found == ({("school_type", "SCHOOL_VIRTUAL")} if said else set())


def test_the_line_names_the_row_of_the_list(district: District) -> None:
    told(district, DISTRICT, row(soc="68"))
    (message,) = district.check().quarantine["message"]
    assert message.endswith("state_schools.csv, line 3.")


def test_a_nonpublic_school_is_in_another_list_of_the_state(district: District) -> None:
    assert told(district, DISTRICT, kind="nonpublic") == set()


@pytest.mark.parametrize(("lea", "said"), [("1964733", False), ("6010000", False), ("", False), ("1999999", True)])
def test_an_lea_that_a_row_names_is_a_district_or_a_charter(lea: str, said: bool, district: District) -> None:
    day = f"9000000001,2025-09-08,6010000,,Aeries,{lea}"
    district.put("applied_days", day, header="ssid,absence_date,school_code,recovered_on,source,reporting_lea")
    assert told(district, DISTRICT, row()) == ({("reporting_lea", "CDS_LEA_UNKNOWN")} if said else set())
    if said:
        assert district.check().quarantine["message"].to_list() == [
            "reporting_lea is neither a district nor a school that the state lists."
        ]
