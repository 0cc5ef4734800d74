"""Writes ``docs/cli.md`` from the help of the commands: ``python -m recoup.cli.document > docs/cli.md``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from recoup.cli import main
from recoup.cli.app import COMMON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEAD = """\
# Command line

The program is `recoup`. What it says to machines is `--json` on stdout; log lines and progress go to stderr, progress only on a
terminal. This page is written from the commands' own help (`python -m recoup.cli.document`).

## Exit status

| status | meaning |
|---|---|
| 0 | done, also when there was nothing new: the outputs are written again, the same bytes, and it says so |
| 1 | a fault in the program, or a disk that fails |
| 2 | wrong usage or configuration |
| 3 | a source could not be reached or authenticated |
| 4 | the data was refused (a required table missing or unreadable, or a limit passed): nothing is exported |
| 5 | another run holds the lock |
| 6 | an export was withheld because its receiver would refuse it: all others were written, and the manifest names it and why |

With `--strict`, any refused row or hold of a required check is 4.

## Options of every command

"""

_TAIL = """\
## Completion

Bash: `eval "$(_RECOUP_COMPLETE=bash_source recoup)"`; Zsh: `eval "$(_RECOUP_COMPLETE=zsh_source recoup)"`; Fish:
`_RECOUP_COMPLETE=fish_source recoup | source`. Put the line into the shell's start-up file.
"""


def pages() -> str:
    """Return the text of ``docs/cli.md``."""
    context = click.Context(main, info_name="recoup")
    names = main.list_commands(context)
    commands = {name: command for name in names if (command := main.get_command(context, name)) is not None}
    common = [parameter for parameter in commands["run"].params if parameter.name in COMMON]
    return "\n".join([_HEAD + _options(common, context), *(_page(name, command) for name, command in commands.items()), _TAIL])


def _page(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"recoup {name}")
    usage = " ".join(["recoup", name, *command.collect_usage_pieces(context)])
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n"))
    own = [parameter for parameter in command.params if parameter.name not in COMMON and isinstance(parameter, click.Option)]
    return f"## recoup {name}\n\n```\n{usage}\n```\n\n{text}\n" + ("\n" + _options(own, context) if own else "")


def _options(parameters: Sequence[click.Parameter], context: click.Context) -> str:
    return "| option | meaning |\n|---|---|\n" + "".join(_rows(parameters, context))


def _rows(parameters: Sequence[click.Parameter], context: click.Context) -> Iterator[str]:
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if record:
            name, text = (part.replace("|", "\\|") for part in record)
            yield f"| `{name}` | {text} |\n"


if __name__ == "__main__":
    sys.stdout.write(pages())
