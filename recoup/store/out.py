"""OUT: built beside itself, flushed, and put in place by renames that a killed run leaves easy to finish.

A swap goes ``building`` → ``ready`` → ``placed`` → ``done``; the journal has each state before the next step is taken.
Once the new OUT is whole (``ready``) three renames follow: the old ``OUT.previous`` goes aside, OUT
becomes ``OUT.previous``, the new one becomes OUT. At every moment OUT or ``OUT.previous`` is whole, and
``recover`` goes on from whichever rename came last.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from recoup.errors import RecoupError
from recoup.store import manifest
from recoup.store.platform import is_busy, mode_of, private_folder, remove_tree, replace, storing, sync_folder, sync_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from recoup.store.journal import Journal
    from recoup.store.records import Swap


class OutFolders:
    """The OUT folders that one workspace writes."""

    def __init__(self, journal: Journal, workspace: Path) -> None:
        self._journal = journal
        self._workspace = workspace

    def check(self, out: Path) -> Path:
        """Return ``out``, absolute and with links followed, if Recoup may replace it.

        ``OUT_NOT_OURS`` (2) if it, or the ``OUT.previous`` that would be given up, is a file or a non-empty
        folder that Recoup did not write; ``OUT_HOLDS_WORKSPACE`` (2) if the workspace lies in it.
        """
        out = out.resolve()
        if self._workspace.resolve().is_relative_to(out):
            raise RecoupError("OUT_HOLDS_WORKSPACE", where=str(out))
        with storing(out):
            for folder in (out, _beside(out, "previous")):
                if not _is_ours(folder):
                    raise RecoupError("OUT_NOT_OURS", where=str(folder))
        return out

    def build(self, run_id: str, out: Path) -> Path:
        """Return a new, empty folder beside ``out`` for the run to write into. Raises as ``check`` does."""
        out = self.check(out)
        self._journal.swap_building(run_id, out)
        with storing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            return private_folder(_building(out, run_id))

    def building(self, run_id: str) -> Path:
        """Return the folder that ``build`` gave the run."""
        return _building(self._journal.swap(run_id).out, run_id)

    def publish(self, run_id: str, status: int, ended: datetime, message: str = "") -> Path:
        """Put what the run built in the place of its OUT, record that the run ended, and return OUT.

        On a failure (``STORE_DISK_FULL``, ``STORE_DENIED``, ``OUT_BUSY``: a file of it is open in another
        program) the old OUT is back in its place before this raises. ``ValueError``, a fault of the
        caller, when the built folder does not hold the run's own manifest.
        """
        swap = self._journal.swap(run_id)
        building = _building(swap.out, run_id)
        if not _names(building, swap):
            raise ValueError(f"no manifest of {run_id}")
        try:
            out = self.check(swap.out)
            with storing(out):
                sync_tree(building, mode_of(out))
                sync_folder(out.parent)
                replaces = _is_filled(out)
            self._journal.swap_ready(run_id, replaces=replaces, status=status, ended=ended)
            self._finish(self._journal.swap(run_id), message)
        except BaseException:
            self.give_up(run_id)
            raise
        return out

    def give_up(self, run_id: str) -> None:
        """Remove what the run has built and not published, the old OUT in its place; never raises: ``recover`` comes after it."""
        with suppress(RecoupError):
            for swap in self._journal.open_swaps():
                if swap.run_id == run_id and swap.state != "placed":
                    self._undo(swap)

    def recover(self) -> None:
        """Finish each torn swap whose new OUT is whole, undo every other one, and clear away what they left."""
        for swap in self._journal.open_swaps():
            if not swap.out.parent.exists():
                continue  # its drive is not mounted today
            whole = _building(swap.out, swap.run_id).exists() or _names(swap.out, swap)
            if swap.state == "placed":
                self._clear(swap)
            elif swap.state == "ready" and whole and _is_ours(swap.out):
                self._finish(swap, "Finished by the next command after the process was cut off.")
            else:
                self._undo(swap)

    def _finish(self, swap: Swap, message: str) -> None:
        out, previous, building = swap.out, _beside(swap.out, "previous"), _building(swap.out, swap.run_id)
        with storing(out), _swapping(out):
            if building.exists():
                if out.exists() and not _is_filled(out):
                    out.rmdir()
                if out.exists():
                    if previous.exists():
                        replace(previous, _beside(out, f"discarded-{swap.run_id}"))
                    replace(out, previous)
                replace(building, out)
            sync_folder(out.parent)
        self._journal.swap_placed(swap, message)
        self._clear(swap)

    def _undo(self, swap: Swap) -> None:
        out, previous, building = swap.out, _beside(swap.out, "previous"), _building(swap.out, swap.run_id)
        aside, removed = _beside(out, f"discarded-{swap.run_id}"), _beside(out, f"removed-{swap.run_id}")
        with storing(out):
            # A new name first: a half-removed folder must never look like a whole one to ``recover``.
            if building.exists():
                replace(building, removed)
            elif swap.state == "ready" and _names(out, swap):
                replace(out, removed)
            if swap.replaces and previous.exists() and not out.exists():
                replace(previous, out)
            if aside.exists() and not previous.exists():
                replace(aside, previous)
            sync_folder(out.parent)
            remove_tree(removed)
        self._journal.swap_undone(swap.run_id)

    def _clear(self, swap: Swap) -> None:
        """Remove the OUT before the previous one; what a viewer still holds open is left for the next command."""
        with suppress(OSError, RecoupError):
            aside, removed = _beside(swap.out, f"discarded-{swap.run_id}"), _beside(swap.out, f"removed-{swap.run_id}")
            if aside.exists():
                _save_strangers(aside, _beside(swap.out, f"kept-{swap.run_id}"))
                replace(aside, removed)
            remove_tree(removed)
            self._journal.swap_done(swap.run_id)


def _beside(out: Path, suffix: str) -> Path:
    return out.with_name(f"{out.name}.{suffix}")


def _building(out: Path, run_id: str) -> Path:
    return _beside(out, f"building-{run_id}")


def _is_filled(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _is_ours(folder: Path) -> bool:
    """Tell whether ``folder`` is missing, empty, or written by Recoup."""
    return not folder.exists() or (folder.is_dir() and (manifest.read(folder) is not None or not _is_filled(folder)))


def _names(folder: Path, swap: Swap) -> bool:
    return (manifest.read(folder) or {}).get("run_id") == swap.run_id


def _save_strangers(aside: Path, kept: Path) -> None:
    """Move what a person has put among the files that the manifest of ``aside`` names to ``kept``."""
    ours = {manifest.NAME, *(output["name"] for output in (manifest.read(aside) or {"outputs": ()})["outputs"])}
    for file in sorted(path for path in aside.rglob("*") if not path.is_dir()):
        name = file.relative_to(aside)
        if name.as_posix() not in ours:
            private_folder((kept / name).parent)
            replace(file, kept / name)


@contextmanager
def _swapping(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_busy(error):
            raise RecoupError("OUT_BUSY", where=str(out)) from None
        raise
