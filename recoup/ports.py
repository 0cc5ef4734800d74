"""The small protocols and records through which the rooms in the middle meet.

Adapters, transports, store, ledger, exporters and reports do not import one another; the pipeline
hands each of them what another made, in the shapes of this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    import polars as pl

#: The columns that every canonical row carries: the source's name in the configuration, the SHA-256 of
#: the raw file, and the physical line where the record begins (sheet row, element line, array index).
LINEAGE = ("_source", "_file", "_line")

#: The columns by which a row without ``ssid`` names its student: the number in the district's system, the name as it is written (first
#: and last in any order), the birth date. An adapter gives all three; the SSID is found before the checks, among all sources' students.
PERSON = ("_local_student_id", "_name", "_birth_date")

#: The columns of ``quarantine.csv``: one line for each (row, failed check).
QUARANTINE = ("source", "file", "line", "table", "column", "value", "code", "severity", "message", "mend")


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """The fiscal year July 1 - June 30 that contains one school year, for example ``2025-2026``."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Lea:
    """A reporting local educational agency: its 7-digit county-district code and its name."""

    code: str
    name: str


# --- transports: bytes in, nothing else -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as a transport lists it: posix path below the location, size in bytes, time in UTC."""

    name: str
    size: int
    modified: datetime | None = None


class Transport(Protocol):
    """A place that files come from. All failures are ``RecoupError`` of status 3 or 2, and 1 for a full disk here."""

    @property
    def findings(self) -> Sequence[Finding]:
        """What the last listing refused for good and why, such as a name that no path may have."""
        ...

    def list_files(self) -> list[RemoteFile]:
        """List the files that are whole: still growing, partial and hidden ones are left out."""
        ...

    def fetch(self, file: RemoteFile, target: Path) -> None:
        """Write the file's bytes to ``target``, a new temporary path that the caller renames when right."""
        ...

    def dispose(self, file: RemoteFile) -> None:
        """After the file is safely archived, do what the configuration says with the remote one (default nothing)."""
        ...

    def close(self) -> None:
        """Let go of the connection; never raises."""
        ...


# --- archive and adapters ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file of the raw archive: ``path`` holds the bytes exactly as they came, named by their hash."""

    source: str
    feed: str
    name: str
    sha256: str
    size: int
    path: Path
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A kind of file (or page) that an adapter reads."""

    name: str
    tables: tuple[str, ...]
    required: bool = False
    match: str = ""
    mode: str = "full"
    help: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of an adapter or exporter: its type (``text``, ``list``, ``bool``, ``int``), default and meaning."""

    name: str
    type: str
    default: object
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What an adapter is told: the source's name, the year, the LEA, its options, and the district's own mapping.

    ``mapping`` is the ``[sources.mapping]`` table: ``columns.<feed>.<column> = "their header"`` and
    ``codes.<list>."their code" = "canonical code"``.
    """

    source: str
    year: SchoolYear
    lea: Lea
    options: Mapping[str, object] = field(default_factory=dict)
    mapping: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know that is not one row's fault: where, code, severity, how many rows, message."""

    export: str
    code: str
    severity: str
    rows: int
    message: str


@dataclass(frozen=True, slots=True)
class FileCount:
    """How many records (headers apart) a raw file held."""

    file: RawFile
    rows_read: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What an adapter made of its raw files.

    ``tables``: canonical table name to a LazyFrame, every canonical column the source has as text
    (empty = null), a column the source lacks left out, plus LINEAGE. ``refused``: QUARANTINE rows for
    records that could not even be read (ragged, undecodable) or mapped. ``files``: records per raw file.
    ``left_out``: what was rightly not read (deleted rows, other programs), counted with its reason.
    """

    tables: Mapping[str, pl.LazyFrame]
    refused: pl.DataFrame
    files: Sequence[FileCount]
    left_out: Sequence[Finding] = ()


class Adapter(Protocol):
    """One vendor's door. It is handed local files, never a host."""

    name: str
    summary: str
    feeds: tuple[Feed, ...]
    options: tuple[Option, ...]

    def read(self, files: Sequence[RawFile], request: ReadRequest) -> Reading:
        """Read raw files into canonical tables, all text. Raises ``RecoupError`` when a required feed is missing or unreadable."""
        ...


# --- systems that answer over HTTP -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a system wants to be signed in to.

    ``kind``: ``header`` (a secret in the header named ``header``), ``basic`` (client id and secret in every request) or ``oauth2`` (a
    token for client credentials from ``token_path`` below the location, or from outside the location where it begins with ``/``).
    ``style``: whether the client credentials go as ``basic`` or in the ``body``. ``scope``: what the token is asked for. Without a
    ``token_path`` the district must name the place of tokens. ``oauth1``: each request is signed; ``style`` is ``sha256`` or ``sha1``.
    ``form``: client id and secret stand in every form that is sent, under the names of ``fields``, and the session's cookies are kept
    as long as the client lives.
    """

    kind: str
    header: str = ""
    token_path: str = ""
    style: str = "basic"
    scope: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer: the bytes exactly as they came, the JSON value in them, and what its headers say of the pages.

    ``total``: rows of all pages together (``X-Total-Count``, ``Total-Count``); ``next``: path and query of the next page (``Link``), on
    the same host; ``token``: by what the next page is asked for (``Next-Page-Token``).
    """

    body: bytes
    value: Any
    total: int | None = None
    next: str = ""
    token: str = ""


class HttpClient(Protocol):
    """One system, signed in to. Every failure is a ``RecoupError`` (3, 2 for what is not configured, 4 above a size limit).

    What can pass (429, 5xx, a broken connection, an answer cut short) has been tried again when it is raised. ``HTTP_DENIED``,
    ``HTTP_NOT_FOUND`` and ``HTTP_NOT_OFFERED`` tell that this account, or this server, has no such thing.
    """

    @property
    def page_size(self) -> int:
        """Rows to ask for in one page at most."""
        ...

    def get(self, path: str, query: Mapping[str, str] | None = None, more: Mapping[str, str] | None = None) -> HttpAnswer:
        """Get ``path`` below the location; ``query`` is added to what the path has of it, ``more`` to the headers."""
        ...

    def post(self, path: str, body: Mapping[str, object], query: Mapping[str, str] | None = None) -> HttpAnswer:
        """Post ``body`` as JSON: for queries, which change nothing and may be sent again."""
        ...

    def form(self, path: str, form: Mapping[str, str], read: Callable[[bytes], object]) -> HttpAnswer:
        """Post a form that changes nothing. The value is what ``read`` makes of the answer; a ``ValueError`` of it has it sent again."""
        ...


@dataclass(frozen=True, slots=True)
class PageSet:
    """Pages that only together tell the truth: one feed, of one place, for a span of days or without one.

    ``load`` brings all of them, as they came; ``HTTP_COUNT`` and ``HTTP_PAGE_LOOP`` from it have the set loaded once more. ``name``:
    what the set is of, below the feed (``990``; empty where there is one). ``first``, ``last``: the days that it replaces, both
    inclusive; without them it replaces the set of the same name. ``optional``: a system without it is no failure.

    ``through``: of a system that numbers its changes, the number of the last change that the set shows. With ``after`` it shows only
    what changed since that number, and is laid over the sets before; without pages it says that nothing did. ``suffix``: what the names
    of its pages end in.
    """

    feed: str
    name: str
    load: Callable[[], Sequence[bytes]]
    first: date | None = None
    last: date | None = None
    optional: bool = False
    after: int = 0
    through: int | None = None
    suffix: str = "json"

    @property
    def place(self) -> str:
        """Return ``attendance/990``: the feed, and what of it."""
        return "/".join(part for part in (self.feed, self.name) if part)

    @property
    def path(self) -> str:
        """Return ``attendance/990/2025-08-18..2025-12-31``, the folder of the pages in the archive."""
        days = f"{self.first}..{self.last}" if self.first else ""
        changes = "" if self.through is None else f"{self.after}-{self.through}"
        return "/".join(part for part in (self.place, days, changes) if part)


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What an adapter is told before it fetches: its source, the last day to ask for, and from when on, by feed and name.

    ``versions``: by feed and name the number of the last change that the sets in force show (``PageSet.through``).
    """

    read: ReadRequest
    until: date
    since: Mapping[str, date] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)

    def window(self, place: str) -> tuple[date, date]:
        """Return the first and last day to ask for, of ``feed/name``; the whole year so far when it was never fetched."""
        year = self.read.year
        last = max(year.first, min(self.until, year.last))
        return min(max(self.since.get(place, year.first), year.first), last), last


class HttpAdapter(Adapter, Protocol):
    """A vendor's door that fetches over HTTP. Its pages go into the raw archive first, and ``read`` reads them from there.

    ``paged``: the feeds that come as pages; files of the others may lie beside. One that also has ``files_alone = True`` reads the
    files of a location which is no http(s):// address, and asks no server then.
    """

    sign_in: SignIn
    paged: frozenset[str]

    def probe(self, client: HttpClient, request: FetchRequest) -> str:
        """Sign in, look that the system has what is needed, and say in a few words what was seen."""
        ...

    def fetch(self, client: HttpClient, request: FetchRequest) -> Iterator[PageSet]:
        """Name every set of pages to bring; what decides on later sets may be asked for in between."""
        ...


# --- the run, as exporters and reports see it --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attestation:
    """Who answers for a required check that the data cannot show, since when, and where the evidence lies."""

    check: str
    by: str
    on: date
    evidence: str


@dataclass(frozen=True, slots=True)
class LeaRules:
    """An LEA of the run, the whole policy by which it is computed, the name of its rules, and the codes of its schools."""

    lea: Lea
    policy: Mapping[str, str]
    rule_version: str
    schools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, without the student: the row of ``dispositions`` as a manifest may show it.

    ``effect``: what it does in this run, in words; empty where it meets nothing (any more).
    """

    disposition_id: str
    scope: str
    code: str
    decision: str
    decided_by: str
    decided_at: datetime | None
    effect: str


@dataclass(frozen=True, slots=True)
class Input:
    """One raw file of the run, as the manifest lists it."""

    source: str
    feed: str
    name: str
    size: int
    sha256: str
    rows_read: int
    rows_kept: int
    rows_refused: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A reporting period as it was reported: the frozen result of the run ``run_id``, and who froze it.

    ``generation`` counts from 1; a later one is an amendment, with its ``reason``. ``ends``: the period's last day. ``sha256``: of the
    frozen files. ``credits``: the credits that were in the period, with ``lea``, ``ada_line`` and ``divisor``; ``figures``: the lines of
    the report, all text; ``time``: every row of participation with what it counted; ``absences``: every row of ``attendance`` then known.
    """

    school_year: str
    period: str
    generation: int
    ends: date
    as_of: date
    run_id: str
    rule_version: str
    closed_by: str
    closed_at: datetime
    reason: str
    sha256: str
    credits: pl.DataFrame
    figures: pl.DataFrame
    time: pl.DataFrame
    absences: pl.DataFrame


#: The findings on a run's figures as such, which every report repeats.
CAVEATS = frozenset({"RISK_ACCEPTED", "RULES_UNCONFIRMED", "CERTAINTY", "ATTESTED", "NOT_CHECKED"})


@dataclass(frozen=True, slots=True)
class Run:
    """One computed run, the only thing that exporters and reports read.

    ``tables``: every canonical table, typed (date, Int64, Boolean, String; time as Int32 minutes after
    midnight; date-time as Datetime("us")), all canonical columns present, plus LINEAGE; a table the
    sources lack is an empty frame. ``absent``: ``(table, "")`` for such a table and ``(table, column)`` for
    a column no source had. ``results``: time_entries, credits, credit_sessions, ledger, holds.
    ``closed``: the reporting periods that are closed, the newest generation of each, in the order in which they were closed.

    ``leas``: every LEA of the data with its policy, the one of the configuration first (``policy`` and ``rule_version`` are its own).
    ``decisions``: what people decided. ``without_attestations``: sums of the ledger (``days_credited``, …) as they would stand if no
    attestation held; empty where nothing rests on one. ``fallen``: the credits as they would stand then; None where nothing rests on one.
    """

    year: SchoolYear
    lea: Lea
    as_of: date
    run_id: str
    rule_version: str
    policy: Mapping[str, str]
    attest: Sequence[Attestation]
    tables: Mapping[str, pl.DataFrame]
    absent: frozenset[tuple[str, str]]
    results: Mapping[str, pl.DataFrame]
    quarantine: pl.DataFrame
    inputs: Sequence[Input]
    findings: Sequence[Finding] = ()
    closed: Sequence[Closing] = ()
    leas: Sequence[LeaRules] = ()
    decisions: Sequence[Decision] = ()
    without_attestations: Mapping[str, int] = field(default_factory=dict)
    fallen: pl.DataFrame | None = None

    @property
    def policies(self) -> dict[str, Mapping[str, str]]:
        """Return the policy of every LEA by its code."""
        return {self.lea.code: self.policy} | {one.lea.code: one.policy for one in self.leas}

    @property
    def caveats(self) -> list[str]:
        """Return what every report must say of its figures: risks accepted, uncertain rules, days on a word, checks not made."""
        return [finding.message for finding in self.findings if not finding.export and finding.code in CAVEATS]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that an exporter wrote (path below OUT, posix) and how many data rows stand in it; None when it is not a table."""

    name: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class Export:
    """The outcome of one exporter: its files, what its receiver's rules say of them, and why it was withheld, if it was."""

    files: Sequence[Written]
    findings: Sequence[Finding] = ()
    withheld: str = ""


class Exporter(Protocol):
    """Writes one receiver's files from a run."""

    name: str
    summary: str
    options: tuple[Option, ...]

    def write(self, run: Run, options: Mapping[str, object], out: Path) -> Export:
        """Write the files directly below ``out`` and return what was written.

        A value that does not fit is an error with its row, never cut.
        """
        ...
