"""What every adapter of files owes, as tests that any adapter inherits, also one of another package:

    class TestOurSis(AdapterConformance):
        adapter = "our_sis"                       # its name, or the path of its folder
        fixtures = Path(__file__).parent / "in"   # a folder with one file for each feed that it has

Options and mapping that the fixtures need stand in ``[options]`` and ``[mapping]`` of ``request.toml`` beside the fixtures' folder;
what the adapter must make of them in ``expected/`` there, a CSV file a table.
``python -m recoup.conformance ADAPTER FOLDER`` writes it anew.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import tomllib
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from recoup.adapters import registry
from recoup.adapters.declaration import Target
from recoup.errors import RecoupError
from recoup.ports import LINEAGE, PERSON, QUARANTINE, Lea, RawFile, ReadRequest, SchoolYear
from recoup.schemas import TABLES
from recoup.store import feed_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recoup.adapters.declaration import Declaration
    from recoup.ports import Adapter, Reading

YEAR = SchoolYear("2025-2026", date(2025, 7, 1), date(2026, 6, 30))
LEA = Lea("1964733", "Cedar Valley Unified")
#: A cell that stands in no file: where it comes to light in a message, a child's record would.
MARKER = "Qqzx Vwkjaa 7731"


def request_of(fixtures: Path) -> ReadRequest:
    """Return the request of the fixtures' folder: ``request.toml`` beside it, if there is one."""
    path = fixtures.parent / "request.toml"
    told = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return ReadRequest("case", YEAR, LEA, told.get("options", {}), told.get("mapping", {}))


def raw_files(adapter: Adapter, folder: Path) -> list[RawFile]:
    """Describe the files of a folder as the archive would; those that no feed asks for are passed over.

    Pages of a system that answers over HTTP lie below it as the archive names them: ``pages/attendance/990/0001.json``.
    """
    found = []
    for name in _names(folder):
        feed = feed_of(name, adapter.feeds, "case")
        wanted = name.split("/")[1] if name.startswith("pages/") else feed.name if feed else ""
        if wanted:
            data = (folder / name).read_bytes()
            found.append(RawFile("case", wanted, name, sha256(data).hexdigest(), len(data), folder / name))
    return found


def _names(folder: Path) -> list[str]:
    """The files of a folder, and those below its ``pages``, by their names in it."""
    pages = (path for path in (folder / "pages").rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in sorted([*(path for path in folder.iterdir() if path.is_file()), *pages])]


def as_csv(reading: Reading) -> dict[str, str]:
    """Return the tables of a reading, and its refused rows, as CSV texts by name; ``_file`` by the file's name, in order of lineage."""
    names = {count.file.sha256: count.file.name for count in reading.files}
    out = {}
    for table, lazy in sorted(reading.tables.items()):
        frame = lazy.collect().with_columns(pl.col("_file").replace(names)).sort("_file", "_line", maintain_order=True)
        order = [name for name in TABLES[table].names if name in frame.columns]
        out[f"{table}.csv"] = frame.select(*order, *LINEAGE).write_csv()
    if reading.refused.height:
        out["quarantine.csv"] = reading.refused.sort("file", "line", "code").write_csv()
    return out


class AdapterConformance:
    """Inherit it, name the adapter and its fixtures, and pytest finds the tests."""

    adapter: ClassVar[str]
    fixtures: ClassVar[Path]
    #: False where another test holds the tables to something better than a copy of themselves.
    golden: ClassVar[bool] = True

    def request(self) -> ReadRequest:
        """Return what the fixtures need to be read: ``request.toml`` beside them, unless it is overridden."""
        return request_of(self.fixtures)

    @property
    def _adapter(self) -> Adapter:
        return registry.get(self.adapter)

    @property
    def _declaration(self) -> Declaration | None:
        return getattr(self._adapter, "declaration", None)

    def _read(self, folder: Path | None = None) -> Reading:
        return self._adapter.read(raw_files(self._adapter, folder or self.fixtures), self.request())

    def test_declared_targets_exist_in_the_model(self) -> None:
        """Every target is a column of the model, every code list and lookup is declared, every feed makes tables of the model."""
        declared = self._declaration
        known = {*declared.codes, *declared.lookups} if declared else set()
        assert {table for feed in self._adapter.feeds for table in feed.tables} <= set(TABLES)
        for columns in declared.columns.values() if declared else ():
            for column in columns:
                for target in (Target.of(text, column.codes) for text in column.targets):
                    assert target.column in TABLES[target.table].names, (column.name, target)
                    assert not target.through or target.through in known, (column.name, target)

    def test_options_are_documented(self) -> None:
        """Every option and every column says what it means, and every column how sure that is."""
        assert self._adapter.summary
        assert all(len(option.help.split()) > 2 for option in self._adapter.options)
        declared = self._declaration
        for feed, columns in (declared.columns if declared else {}).items():
            for column in columns:
                assert column.meaning, (feed, column.name)
                assert column.grade or declared is None or not declared.lists, (feed, column.name)

    def test_every_required_feed_has_a_fixture(self) -> None:
        """The fixtures show every feed that must be there, and each can be read."""
        files = raw_files(self._adapter, self.fixtures)
        assert {feed.name for feed in self._adapter.feeds if feed.required} <= {file.feed for file in files}
        assert {count.file.name for count in self._read().files} == {file.name for file in files}

    def test_rows_have_lineage_and_all_is_text(self) -> None:
        """Each row has its source, file and line; every other column is text; no column is unknown to the model."""
        reading = self._read()
        hashes = {count.file.sha256 for count in reading.files}
        for table, lazy in reading.tables.items():
            frame = lazy.collect()
            assert set(frame.columns) <= {*TABLES[table].names, *LINEAGE, *PERSON}, table
            assert frame.schema["_line"] == pl.Int64
            assert not frame.select(LINEAGE).null_count().sum_horizontal().item(), table
            assert set(frame["_file"].unique()) <= hashes
            assert (frame["_line"] > 0).all()
            assert all(kind == pl.String for name, kind in frame.schema.items() if name != "_line"), table
            texts = [name for name in frame.columns if name != "_line"]
            empty = frame.select((pl.col(texts) == "").any()).row(0)
            assert True not in empty, f"{table}: an empty cell is null"

    def test_refused_rows_are_complete(self) -> None:
        """Each refused row says where it stands, why, and how to mend it."""
        refused = self._read().refused
        assert tuple(refused.columns) == QUARANTINE
        told = ("source", "file", "line", "table", "code", "severity", "message", "mend")
        assert not refused.select(told).null_count().sum_horizontal().item()

    def test_the_expected_tables_are_made(self) -> None:
        """The reading is what ``expected/`` says, byte for byte."""
        folder = self.fixtures.parent / "expected"
        expected = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.csv"))}
        assert expected or not self.golden, f"write it with: python -m recoup.conformance {self.adapter} {self.fixtures}"
        assert not expected or as_csv(self._read()) == expected

    def test_another_encoding_or_line_end_changes_nothing(self) -> None:
        """The fixtures with a byte order mark, in UTF-16, and with CR LF give the same rows."""
        plain = _values(self._read())
        for change in (_with_mark, _as_utf16, _with_crlf):
            with tempfile.TemporaryDirectory() as folder:
                _changed(self.fixtures, Path(folder), change)
                assert _values(self._read(Path(folder))) == plain, change.__name__

    def test_a_ragged_row_is_refused_and_no_other(self) -> None:
        """A row with a cell too many is refused with its line; the others are read as before."""
        plain = self._read()
        with tempfile.TemporaryDirectory() as folder:
            read = {file.name for file in raw_files(self._adapter, self.fixtures)}
            spoilt = len(_changed(self.fixtures, Path(folder), _with_ragged) & read)
            reading = self._read(Path(folder))
        codes = reading.refused.filter(pl.col("code") == "ROW_RAGGED")
        before = plain.refused.filter(pl.col("code") == "ROW_RAGGED")
        assert codes.height == before.height + spoilt
        assert sum(count.rows_read for count in reading.files) == sum(count.rows_read for count in plain.files) + spoilt
        assert {name: len(rows) for name, rows in _values(reading).items()} == {name: len(rows) for name, rows in _values(plain).items()}

    def test_no_value_of_a_record_comes_to_light(self) -> None:
        """A file whose first line is a record instead of headers is refused, and the message holds nothing of it."""
        one_of_each = {file.feed: file for file in raw_files(self._adapter, self.fixtures)}
        for file in one_of_each.values():
            with tempfile.TemporaryDirectory() as folder:
                _changed(self.fixtures, Path(folder), lambda data: data)
                (Path(folder) / file.name).write_bytes(f"{MARKER},9000000001\n{MARKER},9000000002\n".encode())
                try:
                    self._read(Path(folder))
                except RecoupError as fault:
                    assert MARKER not in str(fault)
                    assert fault.__cause__ is None
                    assert not re.search(r"90000000\d\d", str(fault))


def _values(reading: Reading) -> dict[str, list[tuple[object, ...]]]:
    """What the tables say, without lineage, in order."""
    return {table: sorted(lazy.drop(LINEAGE).collect().rows(), key=repr) for table, lazy in reading.tables.items()}


def _changed(source: Path, target: Path, change: Callable[[bytes], bytes]) -> set[str]:
    """Copy files, those of plain delimited text changed; return their names."""
    names = set()
    for name in _names(source):
        data = (source / name).read_bytes()
        made = change(data) if _is_plain(data) else data
        if made != data:
            names.add(name)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(made)
    return names


def _is_plain(data: bytes) -> bool:
    """Delimited UTF-8 text with LF or CR LF, more than one line and no quotes; the others show their own variants already."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    head = text.partition("\n")[0]
    return not text.startswith(("\ufeff", "<")) and "\n" in text and any(mark in head for mark in ",\t|;^") and '"' not in text


def _with_mark(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def _as_utf16(data: bytes) -> bytes:
    return data.decode().encode("utf-16")


def _with_crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _with_ragged(data: bytes) -> bytes:
    head = data.partition(b"\n")[0]
    mark = max(b",\t|;^", key=lambda byte: head.count(bytes([byte])))
    return data.rstrip(b"\r\n") + b"\n" + bytes([mark]) * (head.count(bytes([mark])) + 1) + b"x\n"


def write_expected(adapter: str, fixtures: Path) -> list[Path]:
    """Write ``expected/`` beside the fixtures, for a person to look through before it is committed."""
    found = registry.get(adapter)
    texts = as_csv(found.read(raw_files(found, fixtures), request_of(fixtures)))
    folder = fixtures.parent / "expected"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.csv"):
        path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return [folder / name for name in texts]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the expected tables of an adapter's fixtures."""
    parser = argparse.ArgumentParser(prog="python -m recoup.conformance", description="Write what an adapter makes of its fixtures.")
    parser.add_argument("adapter", help="its name, or the path of its folder")
    parser.add_argument("fixtures", type=Path, help="the folder with its files")
    told = parser.parse_args(arguments)
    try:
        sys.stdout.writelines(f"{path}\n" for path in write_expected(told.adapter, told.fixtures))
    except RecoupError as fault:
        sys.stderr.write(f"{fault}\n")
        return int(fault.status)
    return 0


if __name__ == "__main__":
    sys.exit(main())
