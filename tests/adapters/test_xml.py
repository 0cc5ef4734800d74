"""XML and fixed width: what is read, and what no report may do to us."""

from __future__ import annotations

import pytest

from recoup.adapters.reading import normal, read_fixed, read_records
from recoup.errors import RecoupError

EXPECTED = {normal(name) for name in ("personID", "date", "code", "school")}
ROWS = "".join(f'  <row personID="{n}" date="10/06/2025" code="A"/>\n' for n in range(3))


def test_the_repeated_element_is_the_record_whatever_its_namespace() -> None:
    records = read_records(f'<?xml version="1.0"?>\n<x:report xmlns:x="urn:a">\n{ROWS}</x:report>'.encode(), "r.xml", EXPECTED)
    assert records.headers == ("personID", "date", "code")
    assert records.frame.rows() == [(str(n), "10/06/2025", "A", 3 + n) for n in range(3)]


def test_children_are_cells_and_what_stands_above_holds_for_them_too() -> None:
    text = (
        "<report><school code='301'><name>High</name><student personID='7'><absence><date>10/06/2025</date><code>A</code></absence>\n"
        "<absence><date>10/07/2025</date><code/></absence></student>"
        "<student personID='8'><absence><date>10/08/2025</date></absence></student>"
        "</school></report>"
    )
    frame = read_records(text.encode(), "r.xml", EXPECTED).frame
    assert frame.select("personID", "name", "date").rows() == [
        ("7", "High", "10/06/2025"), ("7", "High", "10/07/2025"), ("8", "High", "10/08/2025")
    ]  # fmt: skip


def test_utf_16_is_read_whatever_the_declaration_says() -> None:
    text = f'<?xml version="1.0" encoding="UTF-16"?><report>{ROWS}<row personID="José" date="" code=""/></report>'
    assert read_records(text.encode("utf-16"), "r.xml", EXPECTED).frame["personID"].to_list()[-1] == "José"


@pytest.mark.slow
def test_a_long_report_keeps_its_lines() -> None:
    text = "<report>\n" + "".join(f'<row personID="{n}" code="A"/>\n' for n in range(70_000)) + "</report>"
    assert read_records(text.encode(), "r.xml", EXPECTED).frame["_line"].to_list()[-1] == 70_001


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<!DOCTYPE r [<!ENTITY a "b">]><r><row personID="&a;"/></r>', "READ_XML_UNSAFE"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r><row personID="1"/></r>', "READ_XML_UNSAFE"),
        ("<r>" + "<a>" * 80 + "</a>" * 80 + "</r>", "READ_XML_LARGE"),
        ('<r><row personID="Maria 9000000017"></r>', "READ_XML"),
        ("<r><row thing='1'/></r>", "READ_XML_HEADERS"),
        ("<html><body>Sign in</body></html>", "READ_XML_HEADERS"),
    ],
)
def test_what_is_no_plain_report_is_refused_and_nothing_of_it_told(text: str, code: str) -> None:
    with pytest.raises(RecoupError) as caught:
        read_records(text.encode(), "r.xml", EXPECTED)
    assert (caught.value.code, caught.value.status) == (code, 4)
    assert "Maria" not in str(caught.value)


def test_fixed_width_by_its_layout() -> None:
    layout = [("stateID", 1, 10), ("date", 11, 10), ("comment", 21, 8)]
    records = read_fixed(b"900000001710/06/2025Fall    \r\n9000000034          \r\n\r\n", "r.txt", layout)
    assert records.frame.rows() == [("9000000017", "10/06/2025", "Fall", 1), ("9000000034", None, None, 2)]
    (trouble,) = read_fixed(b"900000001710/06/2025Fall in the long hall\n", "r.txt", layout).troubles
    assert (trouble.code, trouble.line) == ("ROW_RAGGED", 1)
