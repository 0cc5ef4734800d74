"""Runs the small road in a child process again and again, killed a step later each time, and looks at what is left.

``python -m tests.store.killing PLACE steps|lines first|later|recover EVERY`` kills at every EVERY-th step
and prints how many kills there were; an assertion that fails names the step. The children are forked from a process in which Polars has
not started its threads, so a kill costs some milliseconds; the program under test has no hook for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import threading
import traceback
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import recoup.store
from recoup.store import Journal, manifest
from tests.store.road import check_settled, is_whole, label_of, road

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

STORE = str(Path(recoup.store.__file__).parent)
STEPS = ("replace", "fsync", "unlink", "rmdir", "mkdir", "chmod")


class Countdown:
    """Kills its process, by SIGKILL, when it has ticked ``left`` times."""

    def __init__(self, left: int) -> None:
        self.left = left

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def at_steps(countdown: Countdown) -> None:
    """Tick before and after every step on the disk and every SQLite transaction."""

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            countdown.tick()
            result = step(*args, **kwargs)
            countdown.tick()
            return result

        return run

    class Connection(sqlite3.Connection):
        def __exit__(self, *error: Any) -> Any:  # noqa: PYI036 - as typeshed has it
            countdown.tick()
            result = super().__exit__(*error)
            countdown.tick()
            return result

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **kwargs: connect(*args, **kwargs, factory=Connection)  # type: ignore[assignment]

    def opened(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
            countdown.tick()

    sys.addaudithook(opened)


def at_lines(countdown: Countdown) -> None:
    """Tick before every line of the store and of the standard library's removal of trees."""

    def traced(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith((STORE, shutil.__file__)):
            return None
        if event == "line":
            countdown.tick()
        return traced

    threading.settrace(traced)
    sys.settrace(traced)


def forked(work: Callable[[], object]) -> int:
    """Run ``work`` in a child process; return its exit status, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a forked child must never come back into its parent's loop
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def must(work: Callable[[], object], step: object) -> None:
    """Run ``work`` in a child process and end this one if it fails."""
    if forked(work) != 0:
        sys.exit(f"after the kill at {step}")


def kill_each(
    place: Path,
    start: Path,
    work: Callable[[Path], object],
    arm: Callable[[Countdown], None],
    look: Callable[[Path, int], None],
    every: int = 1,
) -> int:
    """Kill ``work`` on a copy of ``start`` at its first step, the ``every``-th after it, and so on; ``look`` at what each kill leaves."""
    for kills, number in enumerate(count(1, every)):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place, copy_function=shutil.copy2)

        def doomed(left: int = number) -> None:
            arm(Countdown(left))
            work(place)

        status = forked(doomed)
        if status == 0:
            return kills
        if status != -signal.SIGKILL:
            sys.exit(f"at step {number}: status {status}")
        look(place, number)
    raise AssertionError


def next_run_is_right(place: Path) -> None:
    """What a kill left is whole; so are the next command and the next run."""
    had_out = (place / "ws" / "had_out").exists()
    if had_out:
        assert is_whole(place / "out") or (is_whole(place / "out.previous") and not (place / "out").exists())
    before = check_settled(place)
    assert before in ({"second", "third"} if had_out else {"", "third"})
    road(place, "fourth")
    assert check_settled(place) == "fourth"
    assert not before or (is_whole(place / "out.previous") and label_of(place / "out.previous") == before)
    assert manifest.read(place / "out") is not None


def main(root: Path, arm: Callable[[Countdown], None], kind: str, every: int) -> int:
    """Kill the first road of a workspace, a later one, or the recovery after a killed later one."""
    start, place = root / "start", root / "place"
    (start / "ws").mkdir(parents=True)
    if kind != "first":
        for label in ("first", "second"):
            must(lambda label=label: road(start, label), "none")  # type: ignore[misc]
        (start / "ws" / "had_out").touch()

    def third(place: Path) -> object:
        return road(place, "third")

    def look(place: Path, number: object) -> None:
        must(lambda: next_run_is_right(place), number)

    if kind != "recover":
        return kill_each(place, start, third, arm, look, every)
    kills = 0

    def recover_killed(_: Path, number: int) -> None:
        nonlocal kills
        journal = Journal(place / "ws" / "journal.sqlite")
        torn_swap = journal.open_swaps()
        journal.close()
        if torn_swap:
            # Put back at the same place, since the journal knows OUT by its whole path.
            torn = Path(shutil.copytree(place, root / f"torn {number}"))
            kills += kill_each(place, torn, check_settled, arm, lambda _, step: look(place, (number, step)))

    kill_each(place, start, third, arm, recover_killed, every)
    return kills


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), {"steps": at_steps, "lines": at_lines}[sys.argv[2]], sys.argv[3], int(sys.argv[4])))
