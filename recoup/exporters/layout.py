"""The engine for delimited and fixed-width files whose layout is data.

A layout is a file ``layouts/<name>_<school year>.csv``: field, order, width, type, padding, required,
code list, source and grade of certainty. The writer, the reader for round trips and the documentation
come from it. A value that does not fit is an error with its row; nothing is ever cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import polars as pl

from recoup.errors import RecoupError, nearest
from recoup.exporters import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: What each type of field may hold, as a pattern over the written text. ``name`` is the CALPADS name set plus the space that
#: compound names need; every type is plain ASCII, so that one character is one byte in a fixed-width file.
PATTERNS = {
    "text": r"[ -~]*",
    "name": r"[A-Za-z0-9.' -]*",
    "digits": r"[0-9]*",
    "int": r"[0-9]*",
    "date": r"[0-9/.-]*",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a layout: ``width`` in characters, ``pad`` (``left`` aligned, ``exact`` width, or empty), ``required``
    (``yes``, ``no`` or ``<field>=<value>``: only where another field holds that value), ``codes`` allowed."""

    number: str
    name: str
    title: str
    type: str
    width: int
    pad: str
    required: str
    codes: tuple[str, ...]
    source: str
    certainty: str
    note: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of one kind of record, in order, as of one school year."""

    name: str
    version: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> list[str]:
        """Return the field names in order."""
        return [field.name for field in self.fields]

    def pick(self, names: Sequence[str], where: str) -> Layout:
        """Return the layout with only the named fields, in that order. An unknown or repeated name is a ``RecoupError`` (2)."""
        known = {field.name: field for field in self.fields}
        for name in names:
            if name not in known:
                raise RecoupError("EXPORT_COLUMN_UNKNOWN", where, name=name, known=", ".join(known), nearest=nearest(name, known))
        if len(set(names)) != len(names) or not names:
            raise RecoupError("EXPORT_COLUMN_TWICE", where)
        return replace(self, fields=tuple(known[name] for name in names))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How records become bytes: an empty ``delimiter`` means fixed width; ``dates`` is a strftime pattern."""

    delimiter: str
    header: bool
    line_end: str
    dates: str
    quotes: bool = False


@cache
def versions(name: str) -> dict[str, str]:
    """Return the school years a layout is known for, each with its file's name, oldest first."""
    found = (re.fullmatch(rf"{re.escape(name)}_(\d{{4}}-\d{{4}})\.csv", entry.name) for entry in (files(__package__) / "layouts").iterdir())
    return dict(sorted((match[1], match[0]) for match in found if match))


def _field(row: dict[str, str]) -> Field:
    width, codes = int(row.pop("width")), tuple(filter(None, row.pop("codes").split(";")))
    return Field(**row, width=width, codes=codes)


@cache
def load(name: str, year: str) -> Layout:
    """Return the layout in force for a school year: its own, else the newest earlier one.

    Raises ``RecoupError`` (2) for a year before the first layout that is known.
    """
    known = versions(name)
    fitting = [version for version in known if version <= year]
    if not fitting:
        raise RecoupError("EXPORT_LAYOUT_MISSING", name, year=year, known=", ".join(known) or "none")
    fields = tuple(_field(row) for row in facts.rows(f"layouts/{known[fitting[-1]]}"))
    return Layout(name, fitting[-1], fields)


@cache
def _folding() -> tuple[list[str], list[str]]:
    pairs = [(row["from"], row["to"]) for row in facts.rows("layouts/folding.csv")]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def fold(value: pl.Expr) -> pl.Expr:
    """Fold accents, ligatures and typographic quotes and dashes to their plain letters; what has none stays as it is."""
    return value.str.replace_many(*_folding()).str.normalize("NFKD").str.replace_all(r"\p{M}", "")


def squeeze(value: pl.Expr) -> pl.Expr:
    """Make every run of blanks one space, and take those at the ends off."""
    return value.str.replace_all(r"\s+", " ").str.strip_chars(" ")


def render(frame: pl.DataFrame, layout: Layout, dialect: Dialect) -> pl.DataFrame:
    """Return the fields of ``layout`` as the text that is written; empty text is null. Raises nothing."""

    def text(field: Field) -> pl.Expr:
        value = pl.col(field.name)
        shown = value.dt.strftime(dialect.dates) if field.type == "date" else value.cast(pl.String)
        return pl.when(shown != "").then(shown).alias(field.name)

    return frame.select(text(field) for field in layout.fields)


def _rules(field: Field, dialect: Dialect) -> Iterator[tuple[str, pl.Expr]]:
    """Yield each way in which a field can be wrong, with the expression that is true where it is."""
    value = pl.col(field.name)
    if field.required == "yes":
        yield "missing", value.is_null()
    elif "=" in field.required:
        other, wanted = field.required.split("=")
        yield "missing", value.is_null() & (pl.col(other) == wanted)
    yield "too_long", value.str.len_chars() > field.width
    if field.pad == "exact":
        yield "not_exact", value.str.len_chars() < field.width
    if field.codes:
        yield "code", ~value.is_in(list(field.codes))
    else:
        yield "characters", ~value.str.contains(f"^(?:{PATTERNS[field.type]})$")
    if dialect.delimiter and not dialect.quotes:
        yield "characters", value.str.contains_any([dialect.delimiter, '"'])


def faults(frame: pl.DataFrame, layout: Layout, dialect: Dialect) -> pl.DataFrame:
    """Return what does not fit: ``row`` (index into ``frame``), ``field``, ``fault``, and ``_file`` and ``_line`` where ``frame`` has them.

    ``fault`` is ``missing``, ``too_long``, ``not_exact``, ``code`` or ``characters``. Every misfit is listed, in order of row and field.
    """
    lineage = [name for name in ("_file", "_line") if name in frame.columns]
    rendered = render(frame, layout, dialect).with_columns(frame.select(lineage))
    rules = [(field.name, fault, rule) for field in layout.fields for fault, rule in _rules(field, dialect)]
    hit = rendered.select(rule.any().alias(str(index)) for index, (_, _, rule) in enumerate(rules)).row(0)
    numbered = rendered.with_row_index("row")
    found = [
        numbered.filter(rule).select("row", pl.lit(name).alias("field"), pl.lit(fault).alias("fault"), *lineage)
        for (name, fault, rule), any_hit in zip(rules, hit, strict=True)
        if any_hit
    ]
    shape = numbered.clear().select("row", pl.lit("").alias("field"), pl.lit("").alias("fault"), *lineage)
    order = {name: index for index, name in enumerate(layout.names)}
    return pl.concat([shape, *found]).unique(maintain_order=True).sort("row", pl.col("field").replace_strict(order, return_dtype=pl.Int64))


def write(frame: pl.DataFrame, layout: Layout, dialect: Dialect, path: Path) -> None:
    """Write the records of ``frame`` in its order.

    Raises ``RecoupError`` (4) with the first misfit's field and line, and then writes nothing.
    """
    wrong = faults(frame, layout, dialect)
    if wrong.height:
        first = wrong.row(0, named=True)
        line = first.get("_line", first["row"] + 1)
        raise RecoupError("EXPORT_UNFIT", path.name, count=wrong.height, field=first["field"], fault=first["fault"], line=line)
    text = render(frame, layout, dialect)
    if dialect.delimiter:
        style: Literal["necessary", "never"] = "necessary" if dialect.quotes else "never"
        text.write_csv(
            path, separator=dialect.delimiter, include_header=dialect.header, quote_style=style, line_terminator=dialect.line_end
        )
        return
    line = pl.concat_str(pl.col(field.name).fill_null("").str.pad_end(field.width) for field in layout.fields)
    head = ["".join(field.name[: field.width].ljust(field.width) for field in layout.fields)] if dialect.header else []
    lines = [*head, *text.select(line.alias("line"))["line"]]
    path.write_bytes("".join(f"{line}{dialect.line_end}" for line in lines).encode("ascii"))


def read(path: Path, layout: Layout, dialect: Dialect) -> pl.DataFrame:
    """Read a file that :func:`write` made, or its receiver gave back, as text; empty is null.

    Fields that an older layout lacked (at the end) are null; columns beyond the layout (the two dates that CALPADS appends to an
    extract) are left out. Raises ``RecoupError`` (4) for a file that is not of this shape.
    """
    if not dialect.delimiter:
        return _read_fixed(path, layout, dialect)
    if not path.stat().st_size:
        return pl.DataFrame(schema=dict.fromkeys(layout.names, pl.String))
    try:
        raw = pl.read_csv(
            path,
            separator=dialect.delimiter,
            has_header=dialect.header,
            quote_char='"' if dialect.quotes else None,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        raise RecoupError("EXPORT_UNREADABLE", path.name, layout=layout.name) from None
    named = raw.rename(dict(zip(raw.columns, layout.names, strict=False)))
    return named.select(pl.col(name) if name in named.columns else pl.lit(None, pl.String).alias(name) for name in layout.names)


def _read_fixed(path: Path, layout: Layout, dialect: Dialect) -> pl.DataFrame:
    lines = path.read_bytes().decode("ascii", errors="replace").split(dialect.line_end)[:-1]
    width = sum(field.width for field in layout.fields)
    if any(len(line) != width for line in lines):
        raise RecoupError("EXPORT_UNREADABLE", path.name, layout=layout.name)
    starts = [sum(field.width for field in layout.fields[:index]) for index in range(len(layout.fields))]
    frame = pl.DataFrame({"line": lines[1 if dialect.header else 0 :]}, schema={"line": pl.String})
    values = (
        pl.col("line").str.slice(start, field.width).str.strip_chars_end(" ").alias(field.name)
        for start, field in zip(starts, layout.fields, strict=True)
    )
    cut = frame.select(values)
    return cut.select(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in layout.names)
