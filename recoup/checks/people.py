"""Finds the student of a row that names one by number, or by name and birth date (``ports.PERSON``).

The number counts where name and birth date, as far as they are given, do not speak against it: a slip of one digit would credit another
child. Anything else counts only once a person has confirmed it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

from recoup.checks.lines import lines
from recoup.ports import PERSON
from recoup.schemas import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNMATCHED, TO_CONFIRM, AMBIGUOUS = "STUDENT_UNMATCHED", "STUDENT_TO_CONFIRM", "STUDENT_AMBIGUOUS"
#: A person as the quarantine names the columns.
_SHOWN = tuple(name.removeprefix("_") for name in PERSON)
_WHY = {
    UNMATCHED: "nobody has this number, nor this name and birth date",
    TO_CONFIRM: "name and birth date fit, the number is missing or unknown",
    AMBIGUOUS: "several students fit",
}
_AGAINST = "the number fits, name or birth date do not"


@dataclass(frozen=True, slots=True)
class Student:
    """A student as a sheet may name one: SSID, number, name, birth date as ISO text."""

    ssid: str
    number: str
    name: str
    born: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person must say: who ``name`` in ``source`` is. ``candidate``: a student that fits; None where nobody does.

    ``key`` stands for the person as the source writes it; it is the same in every run, and a spreadsheet leaves it alone.
    """

    key: str
    source: str
    number: str
    name: str
    born: str
    rows: int
    why: str
    candidate: Student | None = None


@dataclass(frozen=True, slots=True)
class Identified:
    """The tables with SSIDs; quarantine lines for rows whose student is not known; what to ask; rows that rest on a confirmation."""

    tables: Mapping[str, pl.LazyFrame]
    refused: pl.DataFrame | None
    questions: Sequence[Question]
    confirmed_rows: int


def key_of(source: str, number: str | None, name: str | None, born: str | None) -> str:
    """Return what stands for a person as a source writes it. Its letter keeps spreadsheets from taking it for a number.

    >>> key_of("tool", "12", "Peña, Ana", None) == key_of("tool", "12", "ana PENA", None)
    True
    """
    told = json.dumps([source, number or "", _words(name), born or ""])
    return f"p{sha256(told.encode()).hexdigest()[:15]}"


def identify(tables: Mapping[str, pl.LazyFrame], confirmed: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> Identified:
    """Give every row of PERSON its SSID, or refuse it.

    ``tables``: canonical tables of all sources, as text. ``confirmed``: by key of a person (``key_of``) the SSIDs that people confirmed.
    ``names``: SHA-256 to the file's name. Tables without PERSON are handed on untouched.
    """
    out = dict(tables)
    refused: list[pl.DataFrame] = []
    questions: dict[str, list[Question]] = {}
    by_hand = 0
    for table, lazy in tables.items():
        if not set(PERSON) <= set(lazy.collect_schema().names()):
            continue
        rows = lazy.collect()
        if "ssid" not in rows.columns:
            rows = rows.with_columns(pl.lit(None, pl.String).alias("ssid"))
        who = ["_source", *PERSON]
        persons = rows.filter(pl.col("ssid").is_null()).group_by(who).len()
        known = _Known(_near(tables.get("students"), persons))
        answers = []
        for source, number, name, born, count in persons.iter_rows():
            key = key_of(source, number, name, born)
            ssid, code = known.answer(number, name, born, confirmed.get(key, ()))
            if code in RULES:
                asked = known.questions(Question(key, source, number or "", name or "", born or "", count, _WHY[code]))
                questions.setdefault(key, asked)
            answers.append((source, number, name, born, ssid, code))
        schema = dict.fromkeys((*who, "_found", "_code"), pl.String)
        told = pl.DataFrame(answers, schema=schema, orient="row")
        rows = rows.join(told, on=who, how="left", nulls_equal=True, maintain_order="left")
        rows = rows.with_columns(pl.coalesce("ssid", "_found").alias("ssid"))
        lost = pl.col("ssid").is_null()
        by_hand += rows.filter(pl.col("_code") == "confirmed").height
        shown = rows.rename(dict(zip(PERSON, _SHOWN, strict=True)))
        for code in (UNMATCHED, TO_CONFIRM, AMBIGUOUS):
            rule = RULES[code]
            found = shown.filter(lost & (pl.col("_code") == code))
            refused.append(lines(found, table, _SHOWN, rule, (rule.message, rule.mend), names))
        out[table] = rows.filter(~lost).drop(*PERSON, "_found", "_code").lazy()
    ordered = sorted((one for asked in questions.values() for one in asked), key=_order)
    return Identified(out, pl.concat(refused) if refused else None, ordered, by_hand)


def _order(question: Question) -> tuple[str, str, str, str]:
    return question.source, question.name.casefold(), question.key, question.candidate.ssid if question.candidate else ""


class _Known:
    """The students that may be meant, by number and by name and birth date."""

    def __init__(self, students: Sequence[Student]) -> None:
        self._by_number: dict[str, list[Student]] = {}
        self._by_name: dict[tuple[tuple[str, ...], str], list[Student]] = {}
        for student in students:
            if student.number:
                self._by_number.setdefault(student.number, []).append(student)
            if student.born and student.name:
                self._by_name.setdefault((_words(student.name), student.born), []).append(student)

    def fitting(self, number: str | None, name: str | None, born: str | None) -> list[Student]:
        """Return who fits by either way, each once."""
        found = [*self._by_number.get(number or "", ()), *self._by_name.get((_words(name), born or ""), ())]
        return list({student.ssid: student for student in found}.values())

    def answer(self, number: str | None, name: str | None, born: str | None, confirmed: Sequence[str]) -> tuple[str | None, str]:
        """Return the SSID and how it was found, or None and the rule that refuses the row."""
        same = self._by_number.get(number or "", ())
        if len(same) == 1 and _agree(same[0], name, born):
            return same[0].ssid, "number"
        if confirmed:
            return (confirmed[0], "confirmed") if len(set(confirmed)) == 1 else (None, AMBIGUOUS)
        fitting = self.fitting(number, name, born)
        return None, UNMATCHED if not fitting else TO_CONFIRM if len(fitting) == 1 else AMBIGUOUS

    def questions(self, bare: Question) -> list[Question]:
        """Return a question for each student that fits, or the one that has no candidate."""
        fitting = self.fitting(bare.number, bare.name, bare.born)
        return [
            Question(bare.key, bare.source, bare.number, bare.name, bare.born, bare.rows, self._why(bare, student), student)
            for student in fitting
        ] or [bare]

    @staticmethod
    def _why(bare: Question, student: Student) -> str:
        against = student.number == bare.number and not _agree(student, bare.name, bare.born)
        return _AGAINST if against else bare.why


def _near(students: pl.LazyFrame | None, persons: pl.DataFrame) -> list[Student]:
    """Return the students whose number or birth date any of the persons has."""
    columns = ("ssid", "local_student_id", "legal_first_name", "legal_last_name", "birth_date")
    if students is None or not set(columns) <= set(students.collect_schema().names()):
        return []
    number, _, born = PERSON
    may_be = pl.col("local_student_id").is_in(persons[number].drop_nulls().implode()) | pl.col("birth_date").is_in(
        persons[born].drop_nulls().implode()
    )
    found = (
        students.filter(may_be & pl.col("ssid").is_not_null()).select(columns).collect().unique(["ssid"], keep="first", maintain_order=True)
    )
    return [
        Student(ssid, number or "", ", ".join(part for part in (last, first) if part), born or "")
        for ssid, number, first, last, born in found.iter_rows()
    ]


def _agree(student: Student, name: str | None, born: str | None) -> bool:
    """Tell whether nothing that is given speaks against the student: the birth date is the same, and the name has a word in common."""
    same_day = not born or not student.born or born == student.born
    words = _words(name)
    return same_day and (not words or not student.name or bool(set(words) & set(_words(student.name))))


def _words(name: str | None) -> tuple[str, ...]:
    """Return the words of a name in one spelling and order: no case, accents, apostrophes or commas.

    >>> _words("O’Brien-Peña, Ana") == _words("ana obrien pena")
    True
    """
    plain = unicodedata.normalize("NFKD", name or "").casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(sorted(re.findall(r"[^\W_]+", re.sub("['`’‘ʼʻ]", "", plain))))
