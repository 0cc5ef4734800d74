"""What files really hold: each pitfall as a small file, and what becomes of its rows."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from datetime import date, datetime, time
from typing import TYPE_CHECKING

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from recoup.adapters.reading import members, read_records
from recoup.adapters.reading.delimited import _careful, _fast
from recoup.adapters.reading.records import LINE, Records
from recoup.errors import RecoupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXPECTED = {"ssid", "minutes", "comment"}


def read(content: bytes | str) -> Records:
    return read_records(content.encode() if isinstance(content, str) else content, "visits.csv", EXPECTED)


def rows(records: Records) -> list[tuple[object, ...]]:
    return records.frame.rows()


def refused(content: bytes | str) -> RecoupError:
    with pytest.raises(RecoupError) as caught:
        read(content)
    return caught.value


PLAIN = "ssid,minutes,comment\n9000000001,60,José\n9000000002,90,\n"
WANTED = [("9000000001", "60", "José", 2), ("9000000002", "90", None, 3)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PLAIN.encode(), id="utf-8"),
        pytest.param(PLAIN.encode("utf-8-sig"), id="byte order mark"),
        pytest.param(PLAIN.encode("utf-16"), id="utf-16 little endian"),
        pytest.param("\ufeff".encode("utf-16-be") + PLAIN.encode("utf-16-be"), id="utf-16 big endian"),
        pytest.param(PLAIN.encode("utf-16-le"), id="utf-16 without a mark"),
        pytest.param(PLAIN.encode("cp1252"), id="windows-1252"),
        pytest.param(PLAIN.replace("\n", "\r\n").encode(), id="carriage return and line feed"),
        pytest.param(PLAIN.replace("\n", "\r").encode(), id="carriage return alone"),
        pytest.param(PLAIN.rstrip("\n").encode(), id="no line end at the end"),
        pytest.param(PLAIN.encode() + b"\r\n\n\x1a", id="blank lines and the end mark of DOS"),
        pytest.param(PLAIN.replace(",", "\t").encode(), id="tab"),
        pytest.param(PLAIN.replace(",", "|").encode(), id="pipe"),
        pytest.param(PLAIN.replace(",", "^").encode(), id="caret"),
        pytest.param(PLAIN.replace(",", ";").encode(), id="semicolon"),
        pytest.param(PLAIN.replace("9000000001", '"9000000001"').replace("José", '"José"').encode(), id="quoted"),
        pytest.param(PLAIN.replace("José", " José ").replace("9000000002", "9000000002  ").encode(), id="padded"),
    ],
)
def test_the_same_rows_in_every_shape(content: bytes) -> None:
    records = read(content)
    assert records.headers == ("ssid", "minutes", "comment")
    assert rows(records) == WANTED
    assert records.rows_read == 2


def test_windows_1252_is_said_and_lines_that_are_utf_8_stay_so() -> None:
    records = read("ssid,comment\n1,Ñ\n".encode() + "2,Ña’s\n".encode("cp1252"))
    assert rows(records) == [("1", "Ñ", 2), ("2", "Ña’s", 3)]
    assert records.notes == (("ENCODING_1252", 1),)


def test_the_lines_are_physical_ones_where_comments_have_line_breaks_and_quotes() -> None:
    records = read('ssid,minutes,comment\n1,60,"called,\nsaid ""sick""\nback Monday"\n\n2,90,"x"\n')
    assert rows(records) == [("1", "60", 'called,\nsaid "sick"\nback Monday', 2), ("2", "90", "x", 6)]


def test_ragged_rows_are_refused_with_their_line_and_never_shifted() -> None:
    records = read("ssid,minutes,comment\n1,60\n2,60,Smith, Ana\n3,90,ok\n")
    assert rows(records) == [("3", "90", "ok", 4)]
    assert [(trouble.line, trouble.code, trouble.detail) for trouble in records.troubles] == [
        (2, "ROW_RAGGED", "2 fields where the header has 3"),
        (3, "ROW_RAGGED", "4 fields where the header has 3"),
    ]
    assert records.rows_read == 3


def test_a_ragged_row_over_several_lines_tells_them() -> None:
    records = read('ssid,minutes,comment\n1,60,"a\nb",x\n2,90,ok\n')
    assert [trouble.detail for trouble in records.troubles] == ["4 fields where the header has 3, over the lines 2 to 3"]
    assert rows(records) == [("2", "90", "ok", 4)]


@pytest.mark.parametrize("stray", ['1,60,"open', '1,60,"open" wide'])
def test_a_stray_quote_costs_its_row_and_not_the_rest_of_the_file(stray: str) -> None:
    records = read(f"ssid,minutes,comment\n{stray}\n2,90,ok\n3,30,fine\n")
    assert [(trouble.line, trouble.code) for trouble in records.troubles] == [(2, "ROW_QUOTE")]
    assert rows(records) == [("2", "90", "ok", 3), ("3", "30", "fine", 4)]


def test_a_quote_that_nobody_closes_does_not_swallow_a_large_file() -> None:
    body = "".join(f"{n},90,ok\n" for n in range(50_000))
    records = read('ssid,minutes,comment\n1,60,"open\n' + body)
    assert records.frame.height == 50_000
    assert [trouble.line for trouble in records.troubles] == [2]


def test_a_quote_inside_a_field_is_a_letter() -> None:
    assert rows(read("ssid,comment\n1,5'2\" tall\n")) == [("1", "5'2\" tall", 2)]


def test_zero_bytes_and_meaningless_ones_refuse_their_row() -> None:
    records = read(b"ssid,minutes\n1,6\x000\n2,\x81\n3,60\n")
    assert [(trouble.line, trouble.code) for trouble in records.troubles] == [(2, "ROW_UNREADABLE"), (3, "ROW_UNREADABLE")]
    assert rows(records) == [("3", "60", 4)]


def test_repeated_and_empty_headers_get_their_position() -> None:
    records = read("ssid,minutes,SSID,\n1,60,2,x\n")
    assert records.headers == ("ssid", "minutes", "SSID_3", "_4")
    assert records.notes == (("HEADER_REPEATED", 2),)


def test_a_header_alone_is_an_empty_table() -> None:
    for content in ("ssid,minutes", "ssid,minutes\n", '"ssid","minutes"\r\n\r\n'):
        records = read(content)
        assert (records.headers, records.rows_read) == (("ssid", "minutes"), 0)


def test_blank_rows_before_the_header_and_between_are_passed_over() -> None:
    records = read("\n\nssid,minutes\n,\n1,60\n ,  \n")
    assert rows(records) == [("1", "60", 5)]
    assert records.rows_read == 1


def test_one_column() -> None:
    assert rows(read("ssid\n1\n\n2\n")) == [("1", 2), ("2", 4)]


def test_ids_in_scientific_notation_stay_as_they_are() -> None:
    assert rows(read("ssid,minutes\n9.00E+09,60\n")) == [("9.00E+09", "60", 2)]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "READ_FILE_EMPTY", "not even a header row"),
        (b"\r\n \n", "READ_FILE_EMPTY", "not even a header row"),
        (b"\0" * 4096, "READ_NOT_TEXT", "zero bytes"),
        (b'ssid,"minutes\n1,2\n', "READ_HEADER_BROKEN", "line 1"),
        (b"PK\x03\x04 torn", "READ_ZIP", "broken"),
        (b"\xd0\xcf\x11\xe0 torn", "READ_WORKBOOK", "cannot be opened"),
    ],
)
def test_files_that_cannot_be_read_say_why(content: bytes, code: str, says: str) -> None:
    fault = refused(content)
    assert (fault.code, fault.status, fault.where) == (code, 4, "visits.csv")
    assert says in str(fault)


def test_a_workbook() -> None:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.add_worksheet("notes").write_row(0, 0, ["read", "me"])
    sheet = book.add_worksheet("data")
    day, clock = book.add_format({"num_format": "mm/dd/yyyy"}), book.add_format({"num_format": "h:mm AM/PM"})
    sheet.write_row(1, 0, ["ssid", "minutes", "comment", "day", "at", "when", "ok"])
    sheet.write_row(3, 0, [9000000001, 60.0, "Ana, Li"])
    sheet.write_datetime(3, 3, datetime(2026, 1, 5), day)  # noqa: DTZ001
    sheet.write_datetime(3, 4, datetime.combine(date(1899, 12, 31), time(14, 30)), clock)
    sheet.write_datetime(3, 5, datetime(2026, 1, 5, 16, 5), day)  # noqa: DTZ001
    sheet.write_boolean(3, 6, True)
    sheet.write_row(4, 0, ["9.00E+09", 12.5, None, 46027])
    sheet.write_number(5, 0, 1234567890123456789)
    sheet.write_row(6, 0, ["1", "2", "3", "4", "5", "6", "7", "beyond"])
    book.close()
    records = read(target.getvalue())
    assert rows(records) == [
        ("9000000001", "60", "Ana, Li", "2026-01-05", "14:30", "2026-01-05T16:05:00", "true", 4),
        ("9.00E+09", "12.5", None, "46027", None, None, None, 5),
        ("1.23456789012346e+18", None, None, None, None, None, None, 6),
    ]
    assert [(trouble.line, trouble.code) for trouble in records.troubles] == [(7, "ROW_RAGGED")]
    assert records.workbook


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_names_in_a_zip_are_labels_and_no_paths(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{"../../evil.csv": b"1", "C:\\data\\students.csv": b"2", "__MACOSX/._x.csv": b"3", "deep/": b""})
    assert list(members(path, "a.zip")) == [("evil.csv", b"1"), ("students.csv", b"2")]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]


def bomb(path: Path) -> Path:
    return zipped(path, **{"students.csv": b"0" * (60 * 2**20)})


def twice(path: Path) -> Path:
    return zipped(path, **{"a/students.csv": b"1", "b/STUDENTS.csv": b"2"})


def lying(path: Path) -> Path:
    """A member that says it is one byte long."""
    zipped(path, **{"students.csv": b"0" * 5000})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 5000), struct.pack("<L", 1)))
    return path


def torn(path: Path) -> Path:
    zipped(path, **{"students.csv": b"0" * 5000})
    path.write_bytes(path.read_bytes()[:-30])
    return path


@pytest.mark.parametrize(
    ("make", "codes"), [(bomb, "READ_ZIP_TOO_LARGE"), (twice, "READ_ZIP_TWICE"), (lying, "READ_ZIP"), (torn, "READ_ZIP")]
)
def test_zips_that_are_not_what_they_say(tmp_path: Path, make: Callable[[Path], Path], codes: str) -> None:
    path = make(tmp_path / "a.zip")
    with pytest.raises(RecoupError) as caught:
        list(members(path, "a.zip"))
    assert caught.value.code == codes


CELL = st.text(st.sampled_from('ab0, \n"é'), max_size=5)


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELL, CELL, CELL), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", "\t", "|"]),
)
@example([('a"b', "", " "), ("", "", "")], "\n", csv.QUOTE_MINIMAL, ",")
def test_the_quick_way_and_the_careful_way_agree(cells: list[tuple[str, str, str]], end: str, quoting: int, delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["ssid", "minutes", "comment"])
    writer.writerows(cells)
    data = text.getvalue().encode().rstrip(b"\r\n")
    careful = _careful(data, delimiter, "x", ())
    assert careful.troubles == []
    kept = [tuple(cell.strip() or None for cell in row) for row in cells]
    assert [row[:-1] for row in careful.frame.rows()] == [row for row in kept if any(row)]
    quick = _fast(data, delimiter, ())
    if quick is not None:
        assert quick.headers == careful.headers
        assert_frame_equal(quick.frame, careful.frame)


@settings(deadline=None)
@given(st.text(st.sampled_from('ab,\n"\r'), max_size=40))
def test_no_line_is_lost_whatever_the_file_holds(body: str) -> None:
    data = f"ssid,minutes\n{body}".encode()
    careful = _careful(data, ",", "x", ())
    seen = [*careful.frame[LINE].to_list(), *(trouble.line for trouble in careful.troubles)]
    assert len(set(seen)) == len(seen) == careful.rows_read
    quick = _fast(data.rstrip(b"\r\n"), ",", ())
    if quick is not None:
        assert_frame_equal(quick.frame, careful.frame)
        assert not careful.troubles


def test_a_clean_file_goes_the_quick_way() -> None:
    assert _fast(PLAIN.encode().rstrip(), ",", ()) is not None
    assert _fast(b'ssid,minutes\r\n"1","6,0"\r\n', ",", ()) is not None
