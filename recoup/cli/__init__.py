"""The program ``recoup``: parse, call one function, print, exit. A module a command, heavy libraries imported inside."""

from recoup.cli import (
    adapters,
    check,
    close,
    codes,
    compare,
    decide,
    demo,
    doctor,
    explain,
    export,
    exporters,
    fetch,
    init,
    new_adapter,
    run,
    runs,
    schema,
)
from recoup.cli.app import program as main

__all__ = [
    "adapters",
    "check",
    "close",
    "codes",
    "compare",
    "decide",
    "demo",
    "doctor",
    "explain",
    "export",
    "exporters",
    "fetch",
    "init",
    "main",
    "new_adapter",
    "run",
    "runs",
    "schema",
]
