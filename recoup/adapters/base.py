"""What every adapter of files stands on: feeds, columns and codes declared as data, which a district overrides in ``recoup.toml``.

An adapter is a folder with ``feeds.csv``, ``columns.csv`` and ``codes/*.csv``. Where each column has a ``target``
(``table.column``, several parted by blanks), that is all: the base reads, renames, converts, translates and hands on
(``docs/adapters.md``). A vendor whose rows must first be made ready overrides ``prepared``, one whose tables are joined ``tables``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters import values
from recoup.adapters.declaration import CROSSWALK, Column, Declaration, load_options
from recoup.adapters.desk import Desk, Job
from recoup.adapters.mapping import make_tables
from recoup.adapters.reading import normal, read_fixed, read_records
from recoup.errors import RecoupError, nearest
from recoup.plugins import settings
from recoup.ports import FileCount, Option, Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from typing import Self

    from recoup.adapters.reading import Records
    from recoup.ports import RawFile, ReadRequest

__all__ = ["DATE_FORMS", "SCIENTIFIC", "Column", "Declaration", "FileAdapter", "Job", "inner_file"]

#: A header like this may be told in a message; anything else may be a child's data in a file without headers.
_TELLABLE = re.compile(r"[A-Za-z][A-Za-z .\[\]_]{0,39}\d{0,2}\Z")

#: An id that a spreadsheet has turned into a number and shortened.
SCIENTIFIC = r"^\d(?:\.\d+)?[eE]\+?\d+$"

#: For adapters whose feeds declare date forms.
DATE_FORMS = Option(
    "date_forms", "list", (), "More date forms than the feeds declare, for example us_short (1/5/26); all names stand in adapters/forms.csv"
)


class FileAdapter:
    """An adapter that reads files as its declaration says. ``closed``: a header that it does not know is worth a word.

    ``spoken``: people write the headers, with a blank or nothing where the names of columns have ``_``.
    """

    closed = False
    spoken = False

    def __init__(self, name: str, summary: str, declaration: Declaration, options: tuple[Option, ...] = ()) -> None:
        self.name = name
        self.summary = summary
        self.declaration = declaration
        self.feeds = declaration.feeds
        self.options = options

    @classmethod
    def from_folder(cls, name: str, folder: str | Traversable) -> Self:
        """Make an adapter of a folder (or package) of data alone; its README's first paragraph says what it reads."""
        place = files(folder) if isinstance(folder, str) else folder
        lines = place.joinpath("README.md").read_text(encoding="utf-8").splitlines()
        summary = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), name)
        own = load_options(place)
        more = () if any(option.name == "date_forms" for option in own) else (DATE_FORMS,)
        return cls(name, summary.rstrip("."), Declaration.load(place), (*own, *more))

    def read(self, files: Sequence[RawFile], request: ReadRequest) -> Reading:
        """Read raw files into canonical tables, all text.

        ``files`` are in order of age, the oldest first: where a feed has several and a key, the row of the later file counts.
        Raises ``RecoupError``: 2 for options and mapping that do not fit, 4 when a required feed or column is missing or a file
        cannot be read.
        """
        job = Job(request, *self.settle(request), Desk(request.source), files)
        counts: list[FileCount] = []
        frames: dict[str, list[pl.DataFrame]] = {}
        for file, data in (opened for raw in files for opened in self.opened(raw)):
            frame, count = self._frame(file, data, job)
            frames.setdefault(file.feed, []).append(frame)
            counts.append(FileCount(file, count))
        for feed in self.feeds:
            if feed.required and feed.name not in frames:
                raise RecoupError("READ_FEED_MISSING", request.source, feed=feed.name, help=feed.help, match=feed.match)
        whole = {feed: self._together(feed, parts, job) for feed, parts in frames.items()}
        if CROSSWALK.name in whole:
            job = replace(job, codes=self._with_crosswalk(whole.pop(CROSSWALK.name), job))
        tables = self.tables(whole, job)
        return Reading({name: table.lazy() for name, table in tables.items()}, job.desk.refused(), counts, job.desk.findings)

    def opened(self, file: RawFile) -> Iterator[tuple[RawFile, bytes]]:
        """Yield the files that a raw file stands for (itself, or what it holds) with their bytes."""
        yield file, file.path.read_bytes()

    def prepared(self, frames: Mapping[str, pl.DataFrame], job: Job) -> Mapping[str, pl.DataFrame]:  # noqa: ARG002 for those who override
        """Return the feeds as the targets of their columns expect them; a vendor whose rows need more than that overrides it."""
        return frames

    def tables(self, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
        """Make canonical tables of the feeds, by the targets of their columns."""
        return make_tables(self.declaration, self.prepared(frames, job), job)

    def settle(self, request: ReadRequest) -> tuple[Mapping[str, object], Mapping[str, Mapping[str, str]]]:
        """Return options and code lists with the district's own laid over the adapter's; reads no file, so that it can be asked early.

        Raises ``RecoupError`` (2) for an option, feed, column, list or code that does not exist or does not fit.
        """
        return self._settings(request), self._codes(request)

    def _settings(self, request: ReadRequest) -> dict[str, object]:
        where = f"[[sources]] {request.source}"
        given = settings(self.options, request.options, where)
        forms = given.get("date_forms")
        for form in forms if isinstance(forms, (list, tuple)) else ():
            if form not in values.form_names():
                close = nearest(str(form), values.form_names())
                raise RecoupError("OPTION_VALUE", where, name="date_forms", known=", ".join(values.form_names()), nearest=close)
        return given

    def _codes(self, request: ReadRequest) -> dict[str, Mapping[str, str]]:
        """The shipped code lists with the district's own laid over them."""
        given = request.mapping.get("codes", {})
        self._known(request, "the code list", given, self.declaration.codes)
        for name, made in given.items():
            among = self.declaration.lists.get(name, ())
            for code, value in made.items():
                if among and value not in among:
                    where, told, close = f"[[sources]] {request.source}", ", ".join(among), nearest(value, among)
                    raise RecoupError("MAPPING_VALUE", where, list=name, theirs=code, value=value, known=told, nearest=close)
        for feed, columns in request.mapping.get("columns", {}).items():
            self._known(request, "the feed", (feed,), self.declaration.columns)
            self._known(request, f"the {feed} column", columns, [column.name for column in self.declaration.columns[feed]])
        return {name: {**shipped, **given.get(name, {})} for name, shipped in self.declaration.codes.items()}

    def _with_crosswalk(self, crosswalk: pl.DataFrame, job: Job) -> dict[str, Mapping[str, str]]:
        """Lay the crosswalk file over the shipped lists; what ``recoup.toml`` says still comes first."""
        year = pl.col("year") if "year" in crosswalk.columns else pl.lit(None, pl.String)
        told = crosswalk.filter(pl.col("means").is_not_null() & (year.is_null() | (year == job.request.year.name)))
        unknown = ~pl.col("list").is_in(list(self.declaration.codes))
        job.desk.refuse(told.filter(unknown), "CROSSWALK_LIST", "codes", "crosswalk.list", "list", ", ".join(self.declaration.codes))
        found: dict[str, dict[str, str]] = {}
        for name in self.declaration.codes:
            mine = told.filter(pl.col("list") == name)
            among = self.declaration.lists.get(name, ())
            if among:
                wrong = ~pl.col("means").is_in(among)
                job.desk.refuse(mine.filter(wrong), "CROSSWALK_VALUE", "codes", "crosswalk.means", "means", ", ".join(among))
                mine = mine.filter(~wrong)
            key = (
                pl.when(pl.col("school").is_null())
                .then(pl.col("code").fill_null(""))
                .otherwise(pl.concat_str("school", pl.lit("/"), pl.col("code").fill_null("")))
            )
            found[name] = dict(mine.select(key, "means").iter_rows())
        own = job.request.mapping.get("codes", {})
        return {name: {**shipped, **found[name], **own.get(name, {})} for name, shipped in self.declaration.codes.items()}

    def _known(self, request: ReadRequest, kind: str, names: Iterable[str], known: Iterable[str]) -> None:
        among = sorted(known)
        for name in names:
            if name not in among:
                where, told, close = f"[[sources]] {request.source}", ", ".join(among) or "none", nearest(name, among)
                raise RecoupError("MAPPING_UNKNOWN", where, kind=kind, name=name, adapter=self.name, known=told, nearest=close)

    def _frame(self, file: RawFile, data: bytes, job: Job) -> tuple[pl.DataFrame, int]:
        """Read one file into the columns of its feed, by their own names, converted, with lineage."""
        own = job.request.mapping.get("columns", {}).get(file.feed, {})
        names = self._headers(file.feed, own)
        records = self.records(file, data, {normal(header) for headers in names.values() for header in headers}, job)
        found = self._match(file, records, names)
        job.desk.name_file(file)
        table = next(feed.tables[0] for feed in self.feeds if feed.name == file.feed)
        job.desk.troubles(file, table, records.troubles)
        self._tell(file, records, found, job)
        columns = [column for column in self.declaration.columns[file.feed] if column.name in found]
        frame = records.frame.select(
            *(
                values.canonical(
                    records.frame[found[column.name]].alias(column.name),
                    self.kind(column, job),
                    (*column.forms, *job.listed("date_forms")),
                    serials=records.workbook,
                )
                for column in columns
            ),
            pl.lit(job.request.source).alias("_source"),
            pl.lit(file.sha256).alias("_file"),
            "_line",
        )
        for column in columns:
            if column.type == "id":
                mangled = pl.col(column.name).str.contains(SCIENTIFIC).fill_null(value=False)
                job.desk.refuse(frame.filter(mangled), "ID_SCIENTIFIC", table, f"{file.feed}.{column.name}", column.name)
                frame = frame.filter(~mangled)
        return frame, records.rows_read

    def records(self, file: RawFile, data: bytes, expected: Collection[str], job: Job) -> Records:
        """Read the bytes of a file into records; ``expected``: the headers that its feed may have."""
        layout = self._layout(file.feed, job)
        return read_fixed(data, file.name, layout) if layout else read_records(data, file.name, expected)

    def kind(self, column: Column, job: Job) -> str:
        """Return how a column's cells are read; an exit date is the last day or the first one out, as the option says."""
        return "date" if column.type == "exit" and job.options.get("exit_date") == "last_day" else column.type

    def _layout(self, feed: str, job: Job) -> list[tuple[str, int, int]]:
        """Return the layout of a fixed-width feed: column, first character (from 1) and width; empty for any other."""
        given = job.options.get("fixed_width")
        lines = given.get(feed, ()) if isinstance(given, dict) else ()
        layout = []
        for line in lines if isinstance(lines, (list, tuple)) else ():
            parts = str(line).split()
            if len(parts) != 3 or not (parts[1].isdecimal() and parts[2].isdecimal() and int(parts[1]) and int(parts[2])):
                raise RecoupError("OPTION_FIXED_WIDTH", f"[[sources]] {job.request.source}", feed=feed)
            layout.append((parts[0], int(parts[1]), int(parts[2])))
        return layout

    def _headers(self, feed: str, own: Mapping[str, str]) -> dict[str, list[str]]:
        """Every header that each column may have, the likeliest first; a district's own name for it is the only one."""
        prefixes = (f"{feed}.", f"{feed}_", f"[{feed}]", "")
        known: dict[str, list[str]] = {}
        for column in self.declaration.columns[feed]:
            names = [column.name, *column.aliases]
            if self.spoken and not column.name.startswith("_"):
                names += [name.replace("_", "") for name in names if "_" in name]
            found = [prefix + name for name in names for prefix in prefixes]
            known[column.name] = [own[column.name]] if column.name in own else found
        return known

    def _match(self, file: RawFile, records: Records, names: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Return the header of each column that the file has. Raises ``READ_COLUMNS_MISSING`` when a required one has none."""
        # [01]Student_Number: some systems put the number of a table before the field.
        headers = {normal(re.sub(r"^\[\d+\]", "", header)): header for header in reversed(records.headers)}
        found = {
            name: header
            for name, known in names.items()
            if (header := next((headers[normal(h)] for h in known if normal(h) in headers), None))
        }
        # student.stateID, student_stateID: some write the group before the field; what is left over is told by its last part.
        rest = [header for header in records.headers if header not in found.values()]
        last = Counter(normal(header.rpartition(".")[2]) for header in rest)
        bare = {normal(header.rpartition(".")[2]): header for header in rest if last[normal(header.rpartition(".")[2])] == 1}
        under = {normal(header).replace("_", "."): header for header in rest}
        for name, known in names.items():
            header = next((place[normal(h)] for h in known for place in (under, bare) if normal(h) in place), None)
            if name not in found and header:
                found[name] = header
        missing = [column for column in self.declaration.columns[file.feed] if column.required and column.name not in found]
        if missing:
            # One header may be known by chance in a file without any, whose first line is then a child's record.
            sure = len(found) > 1 or (found and len(records.headers) == 2)
            rest = [header for header in records.headers if header not in found.values() and _TELLABLE.match(header)] if sure else []
            told = "Its headers are not known: its first line may not be a header row."
            if sure:
                told = f"It has: {', '.join(rest)}." if rest else "It has no other column."
            wanted = ", ".join(f"{column.name} (or {', '.join(column.aliases)})" if column.aliases else column.name for column in missing)
            first, close = missing[0].name, nearest(missing[0].name, rest)
            raise RecoupError("READ_COLUMNS_MISSING", file.name, feed=file.feed, missing=wanted, found=told, first=first, nearest=close)
        return found

    def _tell(self, file: RawFile, records: Records, found: Mapping[str, str], job: Job) -> None:
        """Say what is odd about a file as a whole."""
        for code, count in records.notes:
            job.desk.note(job.request.source, code, count, f"{file.name}: {_NOTES[code]}", "warn")
        strange = [header for header in records.headers if header not in found.values()]
        if self.closed and strange:
            shown = [header for header in strange if _TELLABLE.match(header)]
            known = [column.name for column in self.declaration.columns[file.feed] if column.name not in found]
            hints = "".join(nearest(header, known) for header in shown[:1])
            message = f"{file.name}: columns that are not read: {', '.join(shown) or len(strange)}.{hints}"
            job.desk.note(job.request.source, "COLUMN_UNKNOWN", len(strange), message, "warn")

    def _together(self, feed: str, parts: Sequence[pl.DataFrame], job: Job) -> pl.DataFrame:
        """Put the files of a feed together; of rows with one key in several files the last file's counts, and the others are listed."""
        key = [name for name in self.declaration.keys.get(feed, ()) if all(name in part.columns for part in parts)]
        if len(parts) == 1 or not key:
            return pl.concat(parts, how="diagonal")
        dated = pl.concat([part.with_columns(pl.lit(age).alias("_age")) for age, part in enumerate(parts)], how="diagonal")
        dated = dated.with_columns(pl.col("_age").max().over(key).alias("_last"))
        older = pl.col("_age") < pl.col("_last")
        table = next(known.tables[0] for known in self.feeds if known.name == feed)
        job.desk.refuse(dated.filter(older), "REPLACED", table, f"{feed}.{key[-1]}", key[-1])
        return dated.filter(~older).drop("_age", "_last")


def inner_file(file: RawFile, name: str, feed: str, data: bytes) -> RawFile:
    """Describe a file inside a zip: ``bundle.zip/students.csv``, its own hash and size, the path of the zip that holds it."""
    return replace(file, feed=feed, name=f"{file.name}/{name}", sha256=sha256(data).hexdigest(), size=len(data))


_NOTES = {
    "ENCODING_1252": "lines that are not UTF-8 were read as Windows-1252",
    "HEADER_REPEATED": "headers that are repeated or empty got their position as a suffix; of a repeated one the first counts",
    "SHEETS_LEFT": "rows of other sheets that look the same are not read: put them on one sheet, or save each as a file",
}
