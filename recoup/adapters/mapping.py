"""From feeds to canonical tables, as the targets of their columns say: looked up, translated, joined, filtered. No vendor is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recoup.adapters.declaration import Target
from recoup.ports import LINEAGE
from recoup.schemas import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recoup.adapters.declaration import Column, Declaration, Lookup
    from recoup.adapters.desk import Job

_EXAMPLES = {"absence": '"excused", for example'}


def keyed(codes: Mapping[str, str], school: pl.Expr, code: pl.Expr) -> pl.Expr:
    """Look a code up for its school (``"101/A"``), else for all (``"A"``); null where neither is listed."""
    own = pl.concat_str(school, pl.lit("/"), code).replace_strict(codes, default=None, return_dtype=pl.String)
    return pl.coalesce(own, code.replace_strict(codes, default=None, return_dtype=pl.String))


def refuse_unmapped(job: Job, rows: pl.DataFrame, code_list: str, school: str, place: tuple[str, str, str], more: str = "",
                    code: str = "CODE_UNMAPPED") -> None:  # fmt: skip
    """Refuse rows whose code has no meaning; the mend names the list, and the school whose code it is.

    ``school``: the column with the vendor's number of it, empty for a list that is alike at all. ``place``: the table, the column as
    the source knows it, and the column of ``rows`` with the code. ``more``: what else may say it, ``{0}`` in place of the school.
    """
    parts = rows.partition_by(school, as_dict=True) if school else {("",): rows}
    for (number,), part in parts.items():
        per = f"{number or '<school>'}/" if school else ""
        example = _EXAMPLES.get(code_list, '"…"')
        job.desk.refuse(part, code, *place, f'{code_list}."{per}<code>" = {example}{more.format(number)}')


def make_tables(declaration: Declaration, frames: Mapping[str, pl.DataFrame], job: Job) -> dict[str, pl.DataFrame]:
    """Make the canonical tables of the feeds. Several columns of a feed with one target are joined by hyphens, in the order declared.

    A feed that makes several tables repeats itself in all but the first: there equal rows count once.
    """
    maker = _Maker(declaration, frames, job)
    made: dict[str, list[pl.DataFrame]] = {}
    for feed in frames:
        wanted = maker.wanted(feed)
        order = next(known.tables for known in declaration.feeds if known.name == feed)
        for table in sorted(wanted, key=lambda name: order.index(name) if name in order else len(order)):
            part = maker.table(feed, wanted[table])
            if table != order[0]:
                part = _once(part, table)
            made.setdefault(table, []).append(part)
    return {table: completed(pl.concat(parts, how="diagonal"), table, job) for table, parts in made.items()}


def completed(frame: pl.DataFrame, table: str, job: Job) -> pl.DataFrame:
    """Add, empty and told of, the columns that an optional table must have and whose cells may be unknown.

    ``source`` becomes the source's name. A required table is left as it is: a column that it lacks is for the district to name.
    """
    model = TABLES[table]
    if model.required:
        return frame
    lacking = [column for column in model.columns if column.name not in frame.columns and not column.may_be_missing and column.nullable]
    names = [column.name for column in lacking if column.name != "source"]
    told = f"{table}: no file says {', '.join(names)}; it is unknown in every row"
    job.desk.note(job.request.source, "COLUMN_EMPTY", frame.height if names else 0, told)
    value = {"source": job.request.source}
    return frame.with_columns(pl.lit(value.get(column.name), pl.String).alias(column.name) for column in lacking)


def with_defaults(declaration: Declaration, feed: str, frame: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Put a column's default where the file has no such column or an empty cell, and say so for a whole column."""
    for column in declaration.columns[feed]:
        if not column.default:
            continue
        default = job.request.lea.code if column.default == "{lea}" else column.default
        if column.name not in frame.columns:
            told = f"{feed} has no {column.name}: every row is taken as {default} ({column.meaning})"
            job.desk.note(job.request.source, "DEFAULT_TAKEN", frame.height, told, "warn")
            frame = frame.with_columns(pl.lit(default).alias(column.name))
        frame = frame.with_columns(pl.col(column.name).fill_null(default))
    return frame


def _ruled(declaration: Declaration, feed: str, frames: Mapping[str, pl.DataFrame], job: Job) -> pl.DataFrame:
    """Leave out the rows that the rules of a feed do not want. ``{name}`` among the values is an option, ``-`` an empty cell."""
    frame = frames[feed]
    for rule in declaration.rules:
        name, _, through = rule.column.partition("@")
        if rule.feed != feed or name not in frame.columns:
            continue
        values: list[str] = []
        for value in rule.values:
            option = job.options.get(value.strip("{}")) if value.startswith("{") else value
            values += [str(one) for one in option] if isinstance(option, (list, tuple)) else [str(option)]
        if not values:
            continue
        cell = pl.col(name).fill_null("-")
        if through:
            # A key that leads nowhere stays, for its target to refuse.
            cell = pl.col(name).replace_strict(_answers(declaration.lookups[through], frames), default=None, return_dtype=pl.String)
        fits = cell.is_in(values).fill_null(value=rule.keep)
        kept = fits if rule.keep else ~fits
        left = frame.filter(~kept).height
        job.desk.note(job.request.source, "LEFT_BY_RULE", left, f"{feed}: {left} rows left out: {rule.reason} ({rule.column})")
        frame = frame.filter(kept)
    return frame


def _answers(lookup: Lookup, frames: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """What a lookup says of each key; a key that has two answers has none."""
    there = frames.get(lookup.feed)
    if there is None or lookup.key not in there.columns or lookup.value not in there.columns:
        return {}
    pairs = there.select(lookup.key, pl.col(lookup.value).alias("_value")).drop_nulls(lookup.key).unique()
    return dict(pairs.filter(pl.len().over(lookup.key) == 1).iter_rows())


class _Maker:
    """The feeds of one source, ruled and with their defaults, while tables are made of them."""

    def __init__(self, declaration: Declaration, frames: Mapping[str, pl.DataFrame], job: Job) -> None:
        self.declaration = declaration
        self.job = job
        self.frames = {feed: with_defaults(declaration, feed, _ruled(declaration, feed, frames, job), job) for feed in frames}

    def wanted(self, feed: str) -> dict[str, list[tuple[Column, Target]]]:
        """Return by table the columns of a feed that go into it."""
        wanted: dict[str, list[tuple[Column, Target]]] = {}
        for column in self.declaration.columns[feed]:
            if column.name in self.frames[feed].columns:
                for text in column.targets:
                    target = Target.of(text, column.codes)
                    wanted.setdefault(target.table, []).append((column, target))
        return wanted

    def table(self, feed: str, wanted: Sequence[tuple[Column, Target]]) -> pl.DataFrame:
        """Make one table of one feed; a row whose code or key leads nowhere is refused for this table only."""
        frame = self.frames[feed]
        parts: dict[str, list[str]] = {}
        for number, (column, target) in enumerate(wanted):
            name = f"_made{number}"
            parts.setdefault(target.column, []).append(name)
            if target.through in self.declaration.lookups:
                frame = self._looked_up(frame, feed, column, target, name)
            elif target.through:
                frame = self._translated(frame, feed, column, target, name)
            else:
                frame = frame.with_columns(pl.col(column.name).alias(name))
        joined = (
            pl.concat_str(names, separator="-").alias(target) if len(names) > 1 else pl.col(names[0]).alias(target)
            for target, names in parts.items()
        )
        return frame.select(*joined, *LINEAGE)

    def _looked_up(self, frame: pl.DataFrame, feed: str, column: Column, target: Target, name: str) -> pl.DataFrame:
        """Add ``name``: what the lookup says of the column's value; without the feed that answers nothing is said."""
        lookup, value = self.declaration.lookups[target.through], pl.col(column.name)
        answers = _answers(lookup, self.frames)
        found = value.replace_strict(answers, default=None, return_dtype=pl.String)
        frame = frame.with_columns(found.alias(name))
        if lookup.code and lookup.feed in self.frames:
            lost = value.is_not_null() & ~value.is_in(list(answers))
            self.job.desk.refuse(frame.filter(lost), lookup.code, target.table, f"{feed}.{column.name}", column.name)
            frame = frame.filter(~lost)
        return frame

    def _translated(self, frame: pl.DataFrame, feed: str, column: Column, target: Target, name: str) -> pl.DataFrame:
        """Add ``name``: what the code list says, by school where the target names the school's column.

        An empty cell stays empty unless it is listed.
        """
        known, value = self.job.codes[target.through], pl.col(column.name)
        code = value.fill_null("")
        plain = code.replace_strict(known, default=None, return_dtype=pl.String)
        made = keyed(known, pl.col(target.per), code) if target.per in frame.columns else plain
        policy = self.declaration.lenient.get(target.through, "refuse")
        if policy == "keep":
            made = pl.coalesce(made, value)
        frame = frame.with_columns(made.alias(name))
        if policy == "refuse":
            unmapped = pl.col(name).is_null() & value.is_not_null()
            place = (target.table, f"{feed}.{column.name}", column.name)
            school = target.per if target.per in frame.columns else ""
            if target.table == "codes":
                # The vendor's own table says what there is; a row that uses the code is refused where it stands.
                refuse_unmapped(self.job, frame.filter(unmapped), target.through, school, place, code="CODE_UNMAPPED_WARN")
            else:
                refuse_unmapped(self.job, frame.filter(unmapped), target.through, school, place)
                frame = frame.filter(~unmapped)
        frame = frame.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name))
        leaving = self.declaration.leaving.get(target.through, ())
        gone = pl.col(name).is_in(leaving).fill_null(value=False)
        left = frame.filter(gone).height
        told = f"{feed}: {left} rows left out: {column.name} says {' or '.join(leaving)}"
        self.job.desk.note(self.job.request.source, "LEFT_BY_CODE", left, told)
        return frame.filter(~gone)


def _once(part: pl.DataFrame, table: str) -> pl.DataFrame:
    """Keep one of equal rows, and none that lack what the table's key needs: the feed tells of something else there."""
    model = TABLES[table]
    needed = [name for name in model.key if name in part.columns and not model.column(name).nullable]
    said = [name for name in part.columns if name not in LINEAGE]
    return part.drop_nulls(needed).unique(said, keep="first", maintain_order=True)
