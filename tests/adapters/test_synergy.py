"""Synergy's reports: out of every wrapping, by label or by column, and days in two halves."""

from __future__ import annotations

import base64
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from recoup.adapters.synergy import ADAPTER
from recoup.adapters.synergy.envelope import opened, payload
from recoup.adapters.synergy.report import read_report
from recoup.errors import RecoupError
from recoup.synthetic.district import make_district
from recoup.synthetic.synergy import wrapped, write_synergy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recoup.ports import RawFile, Reading, ReadRequest

REPORT = "<REV_REPORT><REV_DATA_ROOT><FB2 A='1'/></REV_DATA_ROOT></REV_REPORT>"
CODED = base64.b64encode(REPORT.encode("utf-16")).decode()
WEB = 'xmlns="http://edupoint.com/webservices/"'
HEAD = '<?xml version="1.0" encoding="utf-8"?>\r\n'
DAYS = "SIS Number,School Code,ABS Date,ABS Reason1,ABS FTE1,ABS Reason2,ABS FTE2\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synergy")
    write_synergy(make_district(students=16), folder)
    return folder


@pytest.fixture
def read(small: Path, raw: Callable[..., RawFile], ask: Callable[..., ReadRequest]) -> Callable[..., Reading]:
    """Read the small district with some of its reports changed, by feed."""
    told = tomllib.loads((files("recoup.synthetic") / "synergy.toml").read_text(encoding="utf-8"))["sources"][0]

    def reading(options: dict[str, object] | None = None, **changed: str | bytes) -> Reading:
        plain = {path.stem: path.read_bytes() for path in sorted(small.iterdir()) if path.is_file()}
        given = [raw(f"{name}.csv", content) for name, content in (plain | changed).items()]
        return ADAPTER.read(given, ask({**told["options"], **(options or {})}, **told["mapping"]))

    return reading


def days(reading: Reading) -> list[tuple[object, ...]]:
    columns = ("date", "kind", "full_day", "source_code")
    return [tuple(row) for row in reading.tables["attendance"].select(columns).collect().rows()]


ESCAPED = f"&lt;REPORTRESULT&gt;&lt;RESULT&gt;{CODED}&lt;/RESULT&gt;&lt;/REPORTRESULT&gt;"
SOAP = f'<soap:Envelope xmlns:soap="s"><soap:Body><ProcessWebServiceRequestResponse {WEB}><ProcessWebServiceRequestResult>{ESCAPED}'
SOAP += "</ProcessWebServiceRequestResult></ProcessWebServiceRequestResponse></soap:Body></soap:Envelope>"


@pytest.mark.parametrize(
    "body",
    [
        f"{HEAD}<string {WEB}>{ESCAPED}</string>",
        f"{HEAD}<string {WEB}>&lt;REPORTRESULT>&lt;RESULT>{CODED}&lt;/RESULT>&lt;/REPORTRESULT></string>",
        f"{HEAD}<string {WEB}>&lt;reportresult&gt;&lt;Result&gt;{CODED}&lt;/Result&gt;&lt;/reportresult&gt;</string>",
        f"<string {WEB}>{ESCAPED.replace('&', '&amp;')}</string>",
        f"<string {WEB}>&lt;REPORTRESULT&gt;<JOBID>12</JOBID>&lt;RESULT&gt;{CODED}&lt;/RESULT&gt;&lt;/REPORTRESULT&gt;</string>",
        f"<string {WEB}><REPORTRESULT><RESULT>{CODED}</RESULT></REPORTRESULT></string>",
        SOAP,
        f'<string {WEB}>{HEAD.replace("<", "&lt;")}&lt;ReportResult RESULT="{CODED}"/&gt;</string>',
    ],
    ids=["escaped", "half", "lower case", "twice", "mixed", "plain", "soap", "attribute"],
)
def test_pitfall_34_a_document_in_a_document_is_read_however_it_is_escaped_and_in_any_case(body: str) -> None:
    answer = opened(body.encode())
    assert answer.name == "REPORTRESULT"
    assert payload(answer).decode("utf-16") == REPORT


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("Name,Note&amp;#10;Ana,1 &amp;lt; 2 &amp;amp; 3", "Name,Note\nAna,1 < 2 & 3"),
        ("Name,Note&#10;Ana,1 &lt; 2 &amp; 3", "Name,Note\nAna,1 < 2 & 3"),
        ("&lt;![CDATA[Name,Note&#10;Ana,1 &lt; 2 &amp; 3]]&gt;", "Name,Note\nAna,1 < 2 & 3"),
    ],
    ids=["escaped", "not escaped", "cdata"],
)
def test_pitfall_34_a_report_in_csv_may_hold_what_nobody_escaped(result: str, text: str) -> None:
    body = (
        f"<string {WEB}>&lt;REPORTRESULT&gt;&lt;JOBID&gt;1&lt;/JOBID&gt;&lt;RESULT&gt;{result}&lt;/RESULT&gt;&lt;/REPORTRESULT&gt;</string>"
    )
    answer = opened(body.encode())
    assert (answer.get("JOBID"), payload(answer).decode()) == ("1", text)


@pytest.mark.parametrize(
    "body",
    [
        wrapped(REPORT)[:-40],
        "<html><body>Sign in</html>",
        f"<string {WEB}>&lt;REPORTRESULT&gt;&lt;RESULT&gt;{CODED[:20]}</string>",
        "<!DOCTYPE x [<!ENTITY e 'x'>]><string>&e;</string>",
    ],
    ids=["cut", "no XML", "cut within", "document type"],
)
def test_pitfall_34_what_is_cut_short_or_none_of_it_is_told_apart(body: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-zA-Z ]+$") as caught:
        opened(body.encode())
    assert CODED[:10] not in str(caught.value)


def test_a_report_of_many_megabytes_is_read() -> None:
    """The usual limit on one text of XML is ten million characters; a year of a large district has more."""
    large = "x" * 12_000_000
    assert len(payload(opened(wrapped(large).encode()))) == 2 * len(large) + 2


def test_pitfall_03_a_report_in_base64_is_utf_16_with_its_mark(read: Callable[..., Reading], small: Path) -> None:
    report = (small / "student.xml").read_text(encoding="utf-8")
    plain = read().tables["students"].drop("_file").collect()
    for change in (wrapped(report), report.encode("utf-16"), report.encode("utf-8-sig")):
        assert read(student=change).tables["students"].drop("_file").collect().equals(plain)


def test_an_answer_kept_as_a_file_and_cut_short_is_refused_without_a_value(read: Callable[..., Reading], small: Path) -> None:
    with pytest.raises(RecoupError) as caught:
        read(student=wrapped((small / "student.xml").read_text(encoding="utf-8"))[:-300])
    assert (caught.value.code, int(caught.value.status)) == ("SYNERGY_WRAPPING", 4)
    assert caught.value.__cause__ is None


def test_pitfall_07_of_a_repeated_label_the_column_stands_for_the_second() -> None:
    labels = '<A Label="Name"/><B Label="Name"/><C Label="SIS Number"/><STATE_ID Label="Permanent"/>'
    rows = '<FB4 A="Ana" B="Rivera" C="12" STATE_ID="9000000001"/><FB5 C="13"><B>Ito</B></FB5>'
    head = f"<REV_REPORT><REV_DATA_DEF><REV_LABEL_GROUP>{labels}</REV_LABEL_GROUP></REV_DATA_DEF>"
    text = f"{head}<REV_DATA_ROOT>{rows}</REV_DATA_ROOT></REV_REPORT>"
    found = read_report(text.encode(), "x.xml", {"sisnumber", "state_id"})
    assert found.headers == ("Name", "B", "SIS Number", "STATE_ID")
    assert found.frame.drop("_line").rows() == [("Ana", "Rivera", "12", "9000000001"), (None, "Ito", "13", None)]
    assert found.notes == (("HEADER_REPEATED", 1),)


def test_a_row_with_a_prefix_is_known_without_it_and_a_column_with_a_bar_of_its_own_stays_whole() -> None:
    rows = '<ROW STU_SIS_NUMBER="12" SCHOOL_CODE="101"/>'
    text = f"<rev_report><rev_data_root><rev_time>2 AM</rev_time>{rows}</rev_data_root></rev_report>"
    found = read_report(text.encode(), "x.xml", {"sis_number", "school_code"})
    assert found.frame.drop("_line").to_dicts() == [{"SIS_NUMBER": "12", "SCHOOL_CODE": "101"}]


def test_a_report_without_a_row_has_its_columns(read: Callable[..., Reading]) -> None:
    labels = "".join(f"<C{place} Label={label!r}/>" for place, label in enumerate(DAYS.strip().split(",")))
    empty = f"<REV_REPORT><REV_DATA_DEF><REV_LABEL_GROUP>{labels}</REV_LABEL_GROUP></REV_DATA_DEF><REV_DATA_ROOT/></REV_REPORT>"
    assert days(read(daily=empty)) == []
    with pytest.raises(RecoupError, match="READ_XML_HEADERS"):
        read(daily="<REV_REPORT><REV_DATA_ROOT/></REV_REPORT>")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("ILL,0.5,ILL,0.5", ("excused", "true", "ILL")),
        ("ILL,1.0,,0", ("excused", "true", "ILL")),
        ("ILL,0.5,,0", ("excused", "false", "ILL")),
        ("TDY,0,ILL,0.5", ("excused", "false", "ILL")),
        ("ILL,,UNX,", ("excused", "true", "ILL")),
        (",,UNX,0.5", ("unexcused", "false", "UNX")),
    ],
)
def test_a_day_in_two_halves_is_one_row(cells: str, expected: tuple[str, ...], read: Callable[..., Reading], small: Path) -> None:
    number = (small / "ar_visit.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    reading = read(daily=f"{DAYS}{number},101,10/14/2025,{cells}\n")
    assert days(reading) == [("2025-10-14", expected[0], expected[1], expected[2])]


def test_which_half_counts_on_a_day_with_two_reasons_is_said_and_can_be_chosen(read: Callable[..., Reading], small: Path) -> None:
    number = (small / "ar_visit.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    daily = f"{DAYS}{number},101,10/14/2025,OSS,0.5,UNX,0.5\n"
    reading = read(daily=daily)
    assert days(reading) == [("2025-10-14", "suspension_out", "true", "OSS")]
    assert "CODES_MIXED" in {finding.code for finding in reading.left_out}
    assert days(read({"mixed_day": "second"}, daily=daily)) == [("2025-10-14", "unexcused", "true", "UNX")]


def test_a_reason_that_nobody_explains_is_refused_in_either_half(read: Callable[..., Reading], small: Path) -> None:
    number = (small / "ar_visit.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    reading = read(daily=f"{DAYS}{number},101,10/14/2025,ILL,0.5,??,0.5\n{number},101,10/15/2025,??,1,,\n")
    refused = reading.refused.select("code", "column", "line").rows()
    assert refused == [("CODE_UNMAPPED", "daily.ABS_REASON1", 3), ("CODE_UNMAPPED", "daily.ABS_REASON2", 2)]
    assert days(reading) == []


def test_an_enrollment_without_ada_is_one_whatever_its_status(read: Callable[..., Reading], small: Path) -> None:
    number = (small / "ar_visit.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    head = "SIS_NUMBER,SCHOOL_CODE,ENTER_DATE,LEAVE_DATE,GRADE,ENROLLMENT_STATUS,EXCLUDE_ADA_ADM\n"
    reading = read(enroll=f"{head}{number},101,8/13/2025,6/5/2026,K,10,Y\n{number},102,8/13/2025,,K,,\n")
    rows = reading.tables["enrollments"].select("enrollment_status", "exit_date", "grade").collect().rows()
    assert rows == [("50", "2026-06-05", "KN"), ("10", None, "KN")]


@pytest.mark.parametrize(
    ("options", "code"),
    [({"reports": {"dialy": "U-X"}}, "OPTION_VALUE"), ({"reports": {"daily": ""}}, "SYNERGY_REPORT_NEEDED")],
)
def test_reports_that_cannot_be_meant_are_told_before_anything_is_fetched(
    options: dict[str, object], code: str, ask: Callable[..., ReadRequest]
) -> None:
    with pytest.raises(RecoupError) as caught:
        ADAPTER.settle(ask(options))
    assert (caught.value.code, int(caught.value.status)) == (code, 2)
