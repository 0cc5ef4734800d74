"""Rows that two sources have: which one counts, what is said of the other, and what happens where nobody has said it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recoup.checks import Precedence
from recoup.checks.precedence import compose
from recoup.errors import Exit, RecoupError
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recoup.checks import Checked
    from tests.checks.conftest import District

STATED = Precedence({"students": ["rosters", "sis"]})
ANA = "9000000001,000001,Ana,Lopez,2014-03-11,F"


def told(done: Checked) -> Sequence[tuple[object, ...]]:
    return done.quarantine.select("source", "line", "column", "code", "severity").rows()


def findings(done: Checked) -> list[tuple[str, str, int]]:
    return [(finding.code, finding.severity, finding.rows) for finding in done.findings]


def test_without_a_precedence_two_sources_that_disagree_are_both_refused(district: District) -> None:
    done = district.also("students", "rosters", "9000000001,000001,Anna,Lopez,2014-03-11,F").check()
    conflict = done.quarantine.filter(done.quarantine["table"] == "students")
    assert conflict.select("source", "line", "code", "severity").rows() == [
        ("rosters", 2, "SOURCE_CONFLICT", "error"),
        ("sis", 2, "SOURCE_CONFLICT", "error"),
    ]
    assert done.tables["students"]["ssid"].to_list() == ["9000000002"]
    first = conflict.row(0, named=True)
    assert "sis: students.csv, line 2" in first["message"]
    assert "[precedence]" in first["mend"]
    assert "students = [" in first["mend"]


def test_without_a_precedence_two_sources_that_agree_are_one(district: District) -> None:
    done = district.also("students", "rosters", ANA).check()
    assert told(done) == [("sis", 2, "ssid", "DUPLICATE_SAME", "error")]
    assert done.tables["students"].height == 2


def test_two_rows_of_one_source_are_still_a_conflict_of_that_source(district: District) -> None:
    done = district.add("students", "9000000001,000001,Anna,Lopez,2014-03-11,F").check()
    assert set(done.quarantine.filter(done.quarantine["table"] == "students")["code"]) == {"KEY_CONFLICT"}


def test_the_source_named_first_counts_and_the_other_row_is_listed_with_what_differs(district: District) -> None:
    done = district.also("students", "rosters", "9000000001,000001,Anna,Lopez,2014-03-11,X").check(stated=STATED)
    assert told(done) == [("sis", 2, "legal_first_name;gender", "OVERRULED", "warn")]
    line = done.quarantine.row(0, named=True)
    assert line["value"] == "Ana;F"
    assert "rosters: students.csv, line 2" in line["message"]
    kept = {row["ssid"]: row for row in done.tables["students"].to_dicts()}
    assert kept["9000000001"]["legal_first_name"] == "Anna"
    assert kept["9000000001"]["_source"] == "rosters"
    assert kept["9000000002"]["_source"] == "sis"
    assert findings(done) == [("GAVE_WAY", "info", 1), ("OVERRULED", "warn", 1)]
    assert "legal_first_name" in done.findings[1].message
    assert "Anna" not in "".join(finding.message for finding in done.findings)


def test_a_row_that_says_the_same_gives_way_too_and_nobody_need_look(district: District) -> None:
    done = district.also("students", "rosters", ANA).check(stated=STATED)
    assert told(done) == [("sis", 2, "ssid", "OVERRULED_SAME", "info")]
    assert findings(done) == [("GAVE_WAY", "info", 1)]


def test_a_column_that_a_source_does_not_have_is_no_difference(district: District) -> None:
    done = district.also("students", "rosters", "9000000001,000001,Ana", header="ssid,local_student_id,legal_first_name").check(
        stated=STATED
    )
    assert ("sis", 2, "ssid", "OVERRULED_SAME", "info") in told(done)
    assert done.tables["students"].filter(done.tables["students"]["ssid"] == "9000000001")["gender"].to_list() == [None]


def test_an_empty_cell_is_not_filled_unless_it_is_said(district: District) -> None:
    rows = ("9000000001,000001,Ana,Lopez,2014-03-11,", "9000000002,000002,Li,Nguyen,,X")
    plain = district.also("students", "rosters", *rows).check(stated=STATED)
    assert plain.tables["students"].sort("ssid")["gender"].to_list() == [None, "X"]
    assert ("sis", 2, "gender", "OVERRULED", "warn") in told(plain)
    stated = Precedence(STATED.sources, {"students": ["gender"]})
    filled = district.check(stated=stated)
    assert filled.tables["students"].sort("ssid")["gender"].to_list() == ["F", "X"]
    assert filled.tables["students"].sort("ssid")["_source"].to_list() == ["rosters", "rosters"]
    assert findings(filled) == [("FILLED", "info", 1), ("GAVE_WAY", "info", 2), ("OVERRULED", "warn", 1)]
    assert "gender" in filled.findings[0].message
    # What was not named stays empty, and the difference is told.
    assert ("sis", 3, "birth_date", "OVERRULED", "warn") in told(filled)


def test_of_three_sources_the_next_that_has_a_value_fills_and_one_that_tells_two_does_not(district: District) -> None:
    stated = Precedence({"students": ["rosters", "sis", "third"]}, {"students": ["gender"]})
    district.put("students", "9000000001,000001,Ana,Lopez,2014-03-11,", "9000000002,000002,Li,Nguyen,2015-05-02,X")
    district.also("students", "rosters", "9000000001,000001,Ana,Lopez,2014-03-11,", "9000000002,000002,Li,Nguyen,2015-05-02,")
    district.also("students", "third", "9000000001,000001,Ana,Lopez,2014-03-11,F", "9000000002,000002,Li,Nguyen,2015-05-02,M")
    assert district.check(stated=stated).tables["students"].sort("ssid")["gender"].to_list() == ["F", "X"]
    district.also("students", "third", "9000000001,000001,Ana,Lopez,2014-03-11,M", file="again")
    assert district.check(stated=stated).tables["students"].sort("ssid")["gender"].to_list() == [None, "X"]


def test_a_bad_row_of_the_first_source_is_refused_and_no_other_stands_in_for_it(district: District) -> None:
    done = district.also("students", "rosters", "9000000001,000001,Ana,Lopez,2014-02-30,F").check(stated=STATED)
    assert ("rosters", 2, "birth_date", "DATE_INVALID", "error") in told(done)
    assert done.tables["students"]["ssid"].to_list() == ["9000000002"]


def test_a_row_without_its_key_is_left_to_the_rules(district: District) -> None:
    done = district.also("students", "rosters", ",000009,Ana,Lopez,2014-03-11,F").check(stated=STATED)
    assert told(done) == [("rosters", 2, "ssid", "REQUIRED_EMPTY", "error")]


def test_a_key_column_that_may_be_empty_is_compared_too(district: District) -> None:
    """The calendar's track is part of its key: a row for all tracks and one for a track are two rows."""
    stated = Precedence({"calendar": ["days", "sis"]})
    header = "school_code,date,is_instructional,day_start,day_end,track"
    district.also("calendar", "days", "6010000,2025-09-08,false,08:00,14:30,", "6010000,2025-09-08,true,08:00,14:30,A", header=header)
    done = district.check(stated=stated)
    assert told(done) == [("sis", 2, "is_instructional", "OVERRULED", "warn")]
    assert done.tables["calendar"].height == 2


def test_a_source_that_the_list_does_not_have_is_an_error_and_not_a_silence(district: District) -> None:
    district.also("students", "third", "9000000003,000003,Ada,Ng,2014-01-01,F")
    with pytest.raises(RecoupError, match="PRECEDENCE_UNLISTED") as caught:
        district.check(stated=STATED)
    assert caught.value.status == Exit.USAGE
    assert "third" in str(caught.value)
    assert "tables" in str(caught.value)


def test_the_newest_of_appended_files_fills(district: District) -> None:
    """Of a feed in mode append the earlier row is replaced: it fills nothing any more."""
    stated = Precedence({"students": ["rosters", "sis"]}, {"students": ["gender"]})
    district.put("students", "9000000001,000001,Ana,Lopez,2014-03-11,M", "9000000002,000002,Li,Nguyen,2015-05-02,X")
    district.also("students", "sis", ANA, file="newer")
    district.also("students", "rosters", "9000000001,000001,Ana,Lopez,2014-03-11,")
    order = {"sha-students": 0, "sha-newer-students": 1, "sha-rosters-students": 2}
    done = district.check(order=order, append={"sha-students", "sha-newer-students"}, stated=stated)
    assert done.tables["students"].sort("ssid")["gender"].to_list() == ["F", "X"]


def test_a_source_that_is_named_and_has_nothing_is_told(district: District) -> None:
    done = district.check(stated=STATED)
    assert findings(done) == [("SOURCE_WITHOUT_ROWS", "warn", 0)]
    assert "rosters" in done.findings[0].message


SOURCES = ("a", "b", "c")
NAMES = st.sampled_from(["Ana", "Li", ""])


@settings(max_examples=100, deadline=None)
@given(
    given_rows=st.dictionaries(st.tuples(st.sampled_from(SOURCES), st.integers(1, 5)), st.tuples(NAMES, NAMES), min_size=1),
    order=st.permutations(SOURCES),
    fills=st.booleans(),
)
def test_the_first_source_that_has_a_key_counts_and_every_other_row_is_told_once(
    given_rows: dict[tuple[str, int], tuple[str, str]], order: list[str], fills: bool
) -> None:
    """Held against a plain reading: of each key the row of the first source; every other row in the quarantine, once."""
    columns = dict.fromkeys((*TABLES["students"].names, "_source", "_file"), pl.String) | {"_line": pl.Int64}
    rows = [
        {
            "ssid": str(key),
            "legal_first_name": first or None,
            "legal_last_name": last or None,
            "_source": source,
            "_file": source,
            "_line": key,
        }
        for (source, key), (first, last) in given_rows.items()
    ]
    stated = Precedence({"students": order}, {"students": ["legal_first_name"]} if fills else {})
    done = compose(pl.DataFrame(rows, columns), TABLES["students"], stated, {}, {}, ())
    expected = {}
    for key in {key for _, key in given_rows}:
        having = [source for source in order if (source, key) in given_rows]
        first, last = given_rows[having[0], key]
        if fills and not first:
            first = next((given_rows[source, key][0] for source in having if given_rows[source, key][0]), "")
        expected[str(key)] = (having[0], first or None, last or None)
    kept = done.frame.select("ssid", "_source", "legal_first_name", "legal_last_name").iter_rows()
    assert {ssid: tuple(rest) for ssid, *rest in kept} == expected
    listed = sorted(row for part in done.lines for row in part.select("source", "line").iter_rows())
    assert listed == sorted((source, key) for source, key in given_rows if expected[str(key)][0] != source)
