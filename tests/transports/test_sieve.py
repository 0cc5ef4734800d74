from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.ports import RemoteFile
from recoup.transports import TransportSettings
from recoup.transports.sieve import Sieve, refusal

UNSAFE = [
    *("", ".", "..", "../../etc/passwd", "/etc/passwd", r"..\boot.ini", r"C:\x.csv", "C:x.csv", "a.csv:hidden", "a\0.csv", "a\n.csv"),
    *("\x1b[31mred.csv", "a\u202egpj.csv", "CON", "con.csv", "NUL.tar.gz", "COM1", "lpt9.txt", "conin$", "COM¹.csv", "a.csv.", "a.csv "),
    *("é" * 128, "what?.csv", "*.csv"),
]


@pytest.mark.parametrize("name", UNSAFE)
def test_a_name_that_is_unsafe_anywhere_is_refused(name: str) -> None:
    assert refusal(name)


@pytest.mark.parametrize("name", ["AR_SESSIONS_20260105.csv", "año.csv", "con1.csv", "a b (2).csv", "STU", "console.csv", "é" * 127])
def test_a_usual_name_is_trusted(name: str) -> None:
    assert not refusal(name)


@given(st.text(max_size=300))
def test_a_trusted_name_is_one_part_of_a_path_on_every_platform(name: str) -> None:
    if not refusal(name):
        assert PurePosixPath("/srv", name).parent == PurePosixPath("/srv")
        assert PureWindowsPath(r"D:\srv", name).parent == PureWindowsPath(r"D:\srv")
        assert PurePosixPath("/srv", name).name == PureWindowsPath(r"D:\srv", name).name == name


def test_unfinished_and_hidden_files_are_left_without_a_word() -> None:
    sieve = Sieve(TransportSettings())
    assert [name for name in ("a.csv", "a.csv.part", "b.FILEPART", "c.tmp", ".d.csv") if sieve.admits("", name)] == ["a.csv"]
    assert sieve.findings == []


def test_a_refused_name_is_found_once_and_shown_harmless() -> None:
    sieve = Sieve(TransportSettings())
    for _ in range(2):
        assert not sieve.admits("in", "\x1b[2Ja.csv")
    (finding,) = sieve.findings
    assert (finding.code, finding.severity) == ("TRANSPORT_UNSAFE_NAME", "warn")
    assert finding.message.isprintable()
    assert r"in/\x1b[2Ja.csv" in finding.message


def test_a_file_that_changes_between_two_looks_is_left() -> None:
    old, grown, other = RemoteFile("a.csv", 1), RemoteFile("a.csv", 2), RemoteFile("b.csv", 7)
    assert Sieve(TransportSettings()).whole([old, other], [grown, other]) == [other]


def test_with_a_marker_only_marked_files_are_whole() -> None:
    files = [RemoteFile(name, 1) for name in ("a.csv", "a.csv.done", "b.csv", "c.csv.done")]
    assert [file.name for file in Sieve(TransportSettings(done_suffix=".done")).whole(files, files)] == ["a.csv"]


def test_no_folder_is_entered_without_end() -> None:
    assert not Sieve(TransportSettings()).admits("a/" * 512, "b")
