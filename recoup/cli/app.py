"""What all commands share: their common options, where they print, and how a failure ends the program."""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from recoup import __version__
from recoup.errors import Exit, RecoupError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recoup.config import Config

PRIVATE_LOG = "faults.log"
#: As a district meets the commands.
ORDER = (
    "demo",
    "init",
    "doctor",
    "fetch",
    "check",
    "run",
    "export",
    "close",
    "explain",
    "decide",
    "compare",
    "runs",
    "codes",
    "adapters",
    "new-adapter",
    "exporters",
    "schema",
)
COMMON = ("config_path", "as_json", "quiet", "verbose", "version")


@dataclass(slots=True)
class Ui:
    """One command's voice: results on stdout, everything else on stderr."""

    config_path: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    _workspace: Path | None = field(default=None, repr=False)

    def log(self) -> None:
        """Send our own log lines to stderr: warnings always, steps with ``-v``. Libraries' logs may hold values and stay off."""
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handler.setLevel(logging.ERROR if self.quiet else logging.INFO)
        ours = logging.getLogger("recoup")
        ours.handlers = [handler]
        ours.setLevel(logging.INFO if self.verbose else logging.WARNING)

    def config(self) -> Config:
        """Read the configuration; a later fault is logged in its workspace."""
        from recoup.config import load, locate

        config = load(locate(self.config_path))
        self._workspace = config.workspace
        return config

    def result(self, document: object, text: str) -> None:
        """Print the command's result: ``document`` with ``--json``, else ``text``."""
        if self.json:
            click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))
        elif text and not self.quiet:
            click.echo(text)

    def note(self, text: str) -> None:
        """Say on stderr what is going on."""
        if not self.quiet:
            click.echo(text, err=True)

    def progress(self, text: str) -> None:
        """Show the present step: with ``-v`` as a log line, else, on a terminal only, in one line that the next one replaces."""
        if self.verbose and text:
            logging.getLogger("recoup").info(text)
        elif not self.quiet and sys.stderr.isatty():
            click.echo(f"\r\033[K{text}", err=True, nl=False)

    def fail(self, fault: RecoupError) -> NoReturn:
        """Say what is wrong and how to mend it, and end with the catalogue's status."""
        self.progress("")
        if self.json:
            told = {"code": fault.code, "where": fault.where, "what": fault.what, "mend": fault.mend, "status": int(fault.status)}
            self.result({"status": int(fault.status), "error": told}, "")
        self.end(fault)

    def end(self, fault: RecoupError) -> NoReturn:
        """Say on stderr why the command does not end with 0, and end it."""
        click.echo(f"recoup: {fault}", err=True)
        raise click.exceptions.Exit(int(fault.status))

    def fault(self, fault: Exception) -> NoReturn:
        """Say that the program itself failed. What a library says may hold values of rows: it goes to a private file only."""
        self.progress("")
        log = self._log(fault)
        told = {"code": "FAULT", "where": log, "what": type(fault).__name__, "mend": "", "status": int(Exit.FAULT)}
        if self.json:
            self.result({"status": int(Exit.FAULT), "error": told}, "")
        click.echo(
            f"recoup: a fault in the program ({type(fault).__name__}); the details are in {log}, which may hold private data.", err=True
        )
        if self.verbose > 1:
            import traceback

            click.echo("".join(traceback.format_tb(fault.__traceback__)) + type(fault).__name__, err=True)
        raise click.exceptions.Exit(int(Exit.FAULT))

    def _log(self, fault: Exception) -> str:
        import tempfile
        import traceback

        text = f"--- {datetime.now(UTC).isoformat()} recoup {__version__}\n{''.join(traceback.format_exception(fault))}\n"
        try:
            if self._workspace and self._workspace.is_dir():
                path = self._workspace / PRIVATE_LOG
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            else:
                handle, name = tempfile.mkstemp(prefix="recoup-", suffix=".log")
                path = Path(name)
            with os.fdopen(handle, "a", encoding="utf-8") as out:
                out.write(text)
        except OSError:
            return "no file, since none could be written"
        return str(path)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else str(value)


class _Program(click.Group):
    """The group of commands, listed in the order in which a district meets them; a name that is none gets the nearest one told."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in ORDER if name in super(_Program, self).list_commands(ctx)]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"There is no command '{args[0]}'.{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="recoup", message="%(prog)s %(version)s")
@click.option("--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), help="As for every command.", hidden=True)
@click.option("--json", "as_json", is_flag=True, hidden=True)
@click.option("--quiet", "-q", is_flag=True, hidden=True)
@click.option("--verbose", "-v", count=True, hidden=True)
@click.pass_context
def program(ctx: click.Context, config_path: Path | None, as_json: bool, quiet: bool, verbose: int) -> None:
    """Carry a California district's Attendance Recovery records to the state, the vendor and the auditor.

    Exit status: 0 done; 1 a fault in the program; 2 wrong usage or configuration; 3 a source could not be reached or
    authenticated; 4 the data was refused, nothing is exported; 5 another run holds the lock; 6 an export was withheld,
    all others were written.
    """
    ctx.obj = Ui(config_path, as_json, quiet, verbose)


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Register a function as the command ``name``, with the options that all commands take; it is handed a ``Ui`` first."""

    def register(function: Callable[..., None]) -> click.Command:
        @click.option(
            "--config",
            "config_path",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The configuration file. [default: RECOUP_CONFIG, else ./recoup.toml]",
        )
        @click.option("--json", "as_json", is_flag=True, help="Print the result for machines, on stdout.")
        @click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors (and --json).")
        @click.option("--verbose", "-v", count=True, help="Say more; twice: show where a fault in the program arose.")
        @click.version_option(__version__, prog_name="recoup", message="%(prog)s %(version)s")
        @functools.wraps(function)
        def call(config_path: Path | None, as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
            above: Ui = click.get_current_context().obj
            ui = Ui(config_path or above.config_path, as_json or above.json, quiet or above.quiet, verbose + above.verbose)
            ui.log()
            try:
                function(ui, **options)
            except RecoupError as fault:
                ui.fail(fault)
            except (click.exceptions.ClickException, click.exceptions.Exit, click.exceptions.Abort):
                raise
            except Exception as fault:  # noqa: BLE001 - the one place where a fault of the program is told
                ui.fault(fault)

        registered = program.command(name)(call)
        # The options that all commands take come last in its help.
        registered.params.sort(key=lambda parameter: parameter.name in COMMON)
        return registered

    return register


def table(rows: Sequence[Sequence[object]], indent: str = "  ") -> str:
    """Lay rows out in columns: text to the left, whole numbers to the right."""
    texts = [[f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)] if texts else []
    lines = []
    for row, line in zip(rows, texts, strict=True):
        cells = [
            text.rjust(width) if isinstance(cell, int) else text.ljust(width) for cell, text, width in zip(row, line, widths, strict=True)
        ]
        lines.append(indent + "  ".join(cells).rstrip())
    return "\n".join(lines)
