"""One student's story: every session, what it counted and why, every day earned, the absence it met, and what is left.

A story is a plain document (``recoup schema story``): the terminal, ``--json`` and the HTML page show the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from recoup import law as rules
from recoup.reports.absences import at_school, decided, matched, why_not
from recoup.reports.citations import Citations, minimum_schoolday, settings
from recoup.reports.steps import forfeited, rounded, step
from recoup.reports.words import mask

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from recoup.ports import Run

Row = dict[str, Any]

SCHEMA = "recoup.story/1"
#: What keeps the minutes of a row from counting.
STANDS = ("hold", "not_checked")
#: What is said in place of a release where a check that could not be made holds nothing.
NOT_HELD = "Nothing is held; have the source give what the check needs."


def story(run: Run, ssid: str, trace: Mapping[str, pl.DataFrame], *, show_names: bool = False) -> Row:
    """Return the story of a student of a run.

    ``trace``: how the ledger came to the student's figures (``recoup.ledger.trace``). The name and all but the last four digits of the
    SSID are masked unless ``show_names``.
    """
    return _Teller(run, ssid, {name: frame.to_dicts() for name, frame in trace.items()}, show_names).tell()


@dataclass(slots=True)
class _Source:
    """Where a row stands."""

    files: Mapping[str, str]

    def of(self, row: Row | None) -> Row | None:
        if row is None:
            return None
        return {"source": row["_source"], "file": self.files.get(row["_file"], row["_file"][:12]), "line": row["_line"]}


class _Teller:
    """Everything of one student at hand, and the chapters made of it."""

    def __init__(self, run: Run, ssid: str, trace: Mapping[str, list[Row]], show_names: bool) -> None:
        self.run, self.ssid, self.trace, self.show_names = run, ssid, trace, show_names
        self.policies = run.policies
        self.lea_on = {row["date"]: row["lea"] for row in trace["placed"]}
        self.lea_at = {row["school_code"]: row["lea"] for row in trace["leas"]}
        self.cites = Citations(rules.load(run.year.name), run.policy)
        self.source = _Source({file.sha256: file.name for file in run.inputs})
        self.schools = {row["school_code"]: row for row in run.tables["schools"].to_dicts()}
        self.entries = self._own(run.results["time_entries"].sort("date", "start_time", "session_id"))
        taken = pl.Series([row["session_id"] for row in self.entries], dtype=pl.String)
        in_theirs = pl.col("session_id").is_in(taken.implode())
        self.sessions = {row["session_id"]: row for row in run.tables["sessions"].filter(in_theirs).to_dicts()}
        mine = (pl.col("ssid") == ssid) | ((pl.col("scope") == "session") & in_theirs) | (pl.col("scope") == "lea")
        self.holds = run.results["holds"].filter(mine).to_dicts()
        self.decisions = {row["disposition_id"]: row for row in run.tables["dispositions"].to_dicts()}
        self.enrollments = self._own(run.tables["enrollments"])
        self.credits = self._own(run.results["credits"].sort("absence_date"))
        self.figures = self._own(run.results["ledger"])[0]

    def _own(self, frame: pl.DataFrame) -> list[Row]:
        return frame.filter(pl.col("ssid") == self.ssid).to_dicts()

    def tell(self) -> Row:
        """Return the whole story."""
        run = self.run
        told = {
            "schema": SCHEMA,
            "student": self._student(),
            "lea": {"code": run.lea.code, "name": run.lea.name},
            "school_year": run.year.name,
            "as_of": run.as_of,
            "run_id": run.run_id,
            "rule_version": run.rule_version,
            "policy": self._policy(),
            "risks": rules.accepted_risks(run.policy),
            "attested": [{"check": one.check, "by": one.by, "on": one.on, "evidence": one.evidence} for one in run.attest],
            "figures": {name: value for name, value in self.figures.items() if name not in ("ssid", "lea")},
            "without_attestations": None if run.fallen is None else {"days_credited": len(self._own(run.fallen))},
            "minimum_schooldays": self._minimums(),
            "dates": self._dates(),
            "days": self._days(),
            "credits": [self._credit(row) for row in self.credits],
            "absences": self._absences(),
            "notes": self._notes(),
            "left": self._left(),
        }
        year = self.cites.law
        self.cites.cite("every figure", year.citation, year.certainty)
        plain: Row = _plain({**told, "doubtful": self.cites.table()})
        return plain

    def _student(self) -> Row:
        person = self._own(self.run.tables["students"])[0]
        names = [person["legal_first_name"] or "", person["legal_last_name"] or ""]
        return {
            "ssid": self.ssid if self.show_names else mask(self.ssid),
            "name": " ".join(name if self.show_names else f"{name[:1]}." for name in names if name),
            "masked": not self.show_names,
            "source": self.source.of(person),
        }

    def _rules(self, lea: str | None) -> Citations:
        """Return the rules by which an LEA reads the law; what is doubtful is remembered in one place."""
        return replace(self.cites, policy=self.policies.get(lea or "", self.run.policy))

    def _policy(self) -> list[Row]:
        """Return the settings that are not the default ones."""
        leas = sorted({row["lea"] for name in ("placed", "eligible") for row in self.trace[name]} - {None})
        return settings({lea: self._rules(lea).policy for lea in leas or [self.run.lea.code]})

    # --- what makes a day ----------------------------------------------------------------------------

    def _enrollment(self, placed: Row) -> Row | None:
        keys = ("school_code", "entry_date")
        return next((row for row in self.enrollments if all(row[key] == placed[key] for key in keys)), None)

    def _minimums(self) -> list[Row]:
        """Return the minimum schooldays in force, stretch by stretch over the dates of participation and as-of."""
        found: list[Row] = []
        for placed in self.trace["placed"]:
            row = self._enrollment(placed)
            if row is None or not placed["enrolled"]:
                continue
            school = self.schools[row["school_code"]]
            minutes, because, rule = minimum_schoolday(self._rules(placed["lea"]), row, school["school_type"] or "", placed["date"])
            told = {
                "from": placed["date"],
                "to": placed["date"],
                "minutes": minutes,
                "grade": row["grade"],
                "school_code": row["school_code"],
                "school_name": school["school_name"],
                "because": because,
                **rule,
                "source": self.source.of(row),
            }
            if found and {**found[-1], "from": 0, "to": 0} == {**told, "from": 0, "to": 0}:
                found[-1]["to"] = placed["date"]
            else:
                found.append(told)
        return found

    # --- sessions and the bank -----------------------------------------------------------------------

    def _dates(self) -> list[Row]:
        """Return every date of participation with its sessions, and the bank after it (none where nothing counted)."""
        banks = {row["date"]: row for row in self.trace["dates"]}
        found: dict[date, list[Row]] = {}
        for row in self.entries:
            found.setdefault(row["date"], []).append(row)
        return [
            {"date": on, "sessions": [self._session(row) for row in rows], "bank": self._bank(banks.get(on))} for on, rows in found.items()
        ]

    @staticmethod
    def _bank(row: Row | None) -> Row | None:
        """Return what went into the bank on a date, what left it for a day, what lapsed, and what it held then."""
        names = ("lea", "minimum_schoolday", "put", "day", "taken", "lapsed")
        return None if row is None else {name: row[name] for name in names} | {"after": row["bank"]}

    def _session(self, row: Row) -> Row:
        session = self.sessions[row["session_id"]]
        held = row["minutes_raw"] if row["outcome"] == "held" else 0
        lost = row["minutes_raw"] - held - row["minutes_cut"] - row["minutes_counted"]
        told = {
            **{name: row[name] for name in ("session_id", "program_name", "school_code", "outcome", "grade", "minimum_schoolday")},
            "start_time": _clock(row["start_time"]),
            "end_time": _clock(row["end_time"]),
            "minutes_raw": row["minutes_raw"],
            "minutes_held": held,
            "minutes_cut": row["minutes_cut"],
            "minutes_not_counted": lost,
            "minutes_counted": row["minutes_counted"],
            "minutes_forfeited": row["minutes_forfeited"],
        }
        place = self.source.of(row)
        cites = self._rules(self.lea_on.get(row["date"]))
        own = [*rounded(cites, row, lost), *forfeited(cites, row, self._lapsed(row))]
        steps = [*self._lines_of(row), *(one | {"source": place} for one in own)]
        return told | {"steps": steps, "source": place, "session_source": self.source.of(session)}

    def _lines_of(self, row: Row) -> list[Row]:
        """Return the holds, cuts, warnings and decisions on a row: its own, its session's, and the LEA's for what could not be checked."""
        codes = _codes(row)
        place, of_session = self.source.of(row), self.source.of(self.sessions[row["session_id"]])
        own = [
            line
            for line in self.holds
            if (line["scope"] == "participation" and line["session_id"] == row["session_id"] and line["ssid"] == self.ssid)
            or (line["scope"] == "session" and line["session_id"] == row["session_id"])
        ]
        told = {line["code"] for line in own if line["severity"] in (*STANDS, "cut")}
        unmade = [line for line in self.holds if line["scope"] == "lea" and line["code"] in codes - told and line["severity"] in STANDS]
        lines = sorted(own + unmade, key=lambda line: (_WEIGHT.get(line["severity"], 9), line["code"]))
        return [self._line(line, codes, of_session if line["scope"] == "session" else place) for line in lines]

    def _notes(self) -> list[Row]:
        """Return what is said of the student, of the LEA's unmade checks, and of applied days that are not credited."""
        codes = {code for row in self.entries for code in _codes(row)}
        credited = {row["absence_date"] for row in self.credits}
        found = []
        for line in self.holds:
            applied = line["scope"] == "applied_day" and line["date"] not in credited
            if applied or line["scope"] == "student" or self._is_unmade(line):
                place = self.source.of(self._applied_on(line["date"])) if applied else None
                found.append(self._line(line, codes, place))
        return found

    def _line(self, line: Row, codes: Collection[str], source: Row | None = None) -> Row:
        """Return a line of ``holds``; ``codes``: those that hold the time it is about."""
        decision = self.decisions.get(line["disposition_id"])
        rule = rules.hold_rules().get(line["code"])
        kind, release = line["severity"], rule.release if rule else ""
        if kind == "not_checked" and line["code"] not in codes:
            kind = "unchecked"
            release = NOT_HELD if rule and rule.severity == "hold" else release
        figure = {"cut": "minutes cut", "warn": "", "unchecked": ""}.get(kind, "minutes held")
        return {
            "kind": kind,
            "code": line["code"],
            "date": line["date"],
            "minutes": line["minutes"] if line["scope"] in ("participation", "student") else None,
            "says": line["message"],
            **self.cites.cite(figure, line["citation"] or "", line["certainty"] or ""),
            "release": release,
            "decision": decision and self._decision(decision),
            "source": source,
        }

    def _decision(self, row: Row) -> Row:
        said = {name: row[name] for name in ("disposition_id", "decision", "value", "decided_by", "decided_at", "reason", "evidence_ref")}
        return said | {"source": self.source.of(row)}

    def _is_unmade(self, line: Row) -> bool:
        return bool(line["scope"] == "lea" and line["severity"] in ("not_checked", "attested"))

    def _lapsed(self, row: Row) -> int:
        """Return the minutes of a row that were in the bank when it was emptied."""
        return sum(one["minutes"] for one in self.trace["paid"] if one["day"] is None and one["session_id"] == row["session_id"])

    # --- days and absences ---------------------------------------------------------------------------

    def _days(self) -> list[Row]:
        """Return every day earned, the sessions that paid for it, and the absence it met or why it waits."""
        several = len({row["lea"] for row in self.trace["days"]}) > 1
        places = {row["session_id"]: self.source.of(row) for row in self.entries}
        found = []
        for day in self.trace["days"]:
            paid = [row for row in self.trace["paid"] if (row["lea"], row["day"]) == (day["lea"], day["day"])]
            credit = next((row for row in self._credits_of(day["lea"]) if row["absence_date"] == day["absence_date"]), None)
            absence = credit and self._absence_of(credit)
            found.append(
                {
                    **{name: day[name] for name in ("lea", "day", "earned_on", "minutes", "absence_date")},
                    "absence_school_code": absence["school_code"] if absence else day["absence_school_code"],
                    "absence_source": self.source.of(absence),
                    "named": f"{day['day']} ({day['lea']})" if several else str(day["day"]),
                    "paid_by": [
                        {name: row[name] for name in ("session_id", "session_date", "minutes")} | {"source": places[row["session_id"]]}
                        for row in paid
                    ],
                    "waits": [] if day["absence_date"] else self._waits(day["lea"]),
                }
            )
        return found

    def _open(self, lea: str) -> list[Row]:
        """Return the absences of an LEA that could still be recovered: eligible, and no day was credited to their date."""
        met = {row["absence_date"] for row in self._credits_of(lea)}
        return [row for row in self.trace["eligible"] if row["lea"] == lea and row["date"] not in met]

    def _credits_of(self, lea: str) -> list[Row]:
        return [row for row in self.credits if self._lea_of(row) == lea]

    def _lea_of(self, credit: Row) -> str:
        """Return the LEA that gave a credit."""
        applied = self._applied(credit)
        return str((applied or {}).get("reporting_lea") or self.lea_at[credit["absence_school_code"]])

    def _waits(self, lea: str) -> list[Row]:
        """Return why earned days of an LEA have no absence."""
        cap = self.cites.law.facts["annual_cap"]
        days, credited = self.cites.law.value("annual_cap"), len(self._credits_of(lea))
        elsewhere = sum(row["days"] for row in self.trace["taken_elsewhere"] if row["lea"] == lea)
        found = []
        if not self._open(lea):
            rule = self.cites.law.facts["recoverable_kinds"]
            says = "No absence that can be recovered is left for it."
            found.append(step("waits", "no_absence", None, says, self.cites.cite("days waiting", rule.citation, rule.certainty)))
        if credited >= days:
            says = f"The {days} days of the year are credited."
            found.append(step("waits", "cap", None, says, self.cites.cite("days waiting", cap.citation, cap.certainty)))
        elif credited + elsewhere >= days:
            says = f"{credited} of the {days} days of the year are credited, and {elsewhere} are taken by days that another LEA applied."
            found.append(step("waits", "cap_other_lea", None, says, self._rules(lea).knob("days waiting", "other_lea_days")))
        return found

    def _applied(self, credit: Row) -> Row | None:
        """Return the row of ``applied_days`` that a credit was read from; None where the ledger made it."""
        return self._applied_on(credit["absence_date"]) if credit["origin"] == "applied" else None

    def _applied_on(self, day: date) -> Row | None:
        """Return the row of ``applied_days``; there is one a student and date."""
        same = (pl.col("absence_date") == day) & (pl.col("ssid") == self.ssid)
        return next(iter(self.run.tables["applied_days"].filter(same).to_dicts()), None)

    def _credit(self, row: Row) -> Row:
        """Return a credited day with the rules of its match, its date and its school."""
        names = ("absence_date", "absence_school_code", "absence_kind", "absence_source_code", "grade", "grade_span", "earned_on")
        met = (self._lea_of(row), row["absence_date"])
        cites = self._rules(met[0])
        day = next((one for one in self.trace["days"] if (one["lea"], one["absence_date"]) == met), None)
        computed = row["origin"] == "computed"
        applied = self._applied(row)
        lines = [line for line in self.holds if line["scope"] == "applied_day" and line["date"] == row["absence_date"]]
        absence, place = self._absence_of(row), self.source.of(applied)
        said = decided(cites, row, self.decisions.values())
        return {
            **{name: row[name] for name in (*names, "credited_on", "origin", "minutes_used", "minimum_schoolday", "paid_elsewhere")},
            "day": day and day["day"],
            "matched": matched(self.run, cites, row, said.get("match")) if computed else None,
            "dated": {"says": cites.chosen("credit_date"), **cites.knob("dates credited", "credit_date")},
            "school": at_school(cites, said.get("assign_school")),
            "decisions": [self._decision(one) for one in said.values()],
            "notes": [self._line(line, (), place) for line in lines],
            "school_of_absence": absence["school_code"] if absence else row["absence_school_code"],
            "absence_source": self.source.of(absence),
            "applied_source": place,
        }

    def _absence_of(self, credit: Row) -> Row | None:
        rows = [row for row in self._own(self.run.tables["attendance"]) if row["date"] == credit["absence_date"]]
        at_school = [row for row in rows if row["school_code"] == credit["absence_school_code"]]
        eligible = {(row["date"], row["school_code"]) for row in self.trace["eligible"]}
        moved = [row for row in rows if (row["date"], row["school_code"]) in eligible]
        return next(iter([*at_school, *moved]), None)

    def _absences(self) -> list[Row]:
        """Return every attendance exception: met by which day, still open, or why it cannot be recovered."""
        rows = self._own(self.run.tables["attendance"].sort("date", "school_code"))
        names = ("date", "school_code", "kind", "source_code", "full_day")
        return [{**{name: row[name] for name in names}, **self._fate(row), "source": self.source.of(row)} for row in rows]

    def _fate(self, row: Row) -> Row:
        key = (row["date"], row["school_code"])
        lea = {(one["date"], one["school_code"]): one["lea"] for one in self.trace["eligible"]}.get(key)
        if lea is not None:
            credit = next((one for one in self._credits_of(lea) if one["absence_date"] == row["date"]), None)
            if credit is None:
                return {"status": "open", "why": None}
            applied = self._applied(credit)
            if applied is None or applied["school_code"] == row["school_code"]:
                return {"status": "met", "why": None}
        if key in {(one["date"], one["school_code"]) for one in self.trace["doubled"]}:
            line = rules.hold_rules()["absence_at_two_schools"]
        else:
            policy = self._rules(self.lea_at[row["school_code"]]).policy
            code = "day_applied" if lea is not None else why_not(self.run, policy, row, self.enrollments, self.schools)
            line = {**rules.hold_rules(), **rules.absence_rules()}[code]
        rule = self.cites.cite("absences that can be recovered", line.citation, line.certainty)
        return {"status": "not_eligible", "why": step("absence", line.code, None, line.message, rule) | {"release": line.release}}

    # --- what is left --------------------------------------------------------------------------------

    def _left(self) -> Row:
        figures = self.figures
        cap = self.cites.law.facts["annual_cap"]
        return {
            "absences": figures["absences_left"],
            "cap": figures["cap_left"],
            "days_waiting": figures["days_waiting"],
            "banks": self._banks(),
            "rule": self.cites.cite("days left", cap.citation, cap.certainty),
        }

    def _banks(self) -> list[Row]:
        """Return each bank with the minutes that the next day still needs, by the minimum schoolday in force on as-of."""
        last: dict[str, Row] = {row["lea"]: row for row in self.trace["dates"]}
        now = self.trace["placed"][-1]
        found = []
        for lea in sorted({*last, *([now["lea"]] if now["enrolled"] and now["lea"] else [])}):
            bank = last[lea]["bank"] if lea in last else 0
            here = now["enrolled"] and now["lea"] == lea
            minimum = now["minimum_schoolday"] if here else last[lea]["minimum_schoolday"]
            needed = None if minimum is None else max(0, minimum - bank)
            found.append({"lea": lea, "minutes_banked": bank, "minimum_schoolday": minimum, "minutes_to_next_day": needed})
        return found


_WEIGHT = {"hold": 0, "not_checked": 1, "cut": 2, "released": 3, "attested": 4, "warn": 5}


def _codes(entry: Row) -> set[str]:
    """Return the codes that hold or cut a row."""
    return set((entry["codes"] or "").split(";")) - {""}


def _clock(minutes: int | None) -> str | None:
    return None if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


def _plain(value: Any) -> Any:
    """Return a document of JSON's own types: dates as text."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
