"""Files of a folder on an SFTP server, or one single file: listed, fetched and disposed of, again after what can pass."""

from __future__ import annotations

import logging
import posixpath
import socket
import stat
import threading
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import paramiko
from paramiko.sftp import SFTPError

from recoup.errors import RecoupError
from recoup.ports import Finding, RemoteFile
from recoup.transports.landing import land
from recoup.transports.retry import retrying
from recoup.transports.sieve import MOVE, Sieve
from recoup.transports.ssh import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from recoup.transports.location import Place
    from recoup.transports.settings import TransportSettings

log = logging.getLogger(__name__)

#: Bytes of one read request, the most that every server answers at once, and how many of them are under way together.
CHUNK = 32768
DEPTH = 64

NETWORK = (paramiko.SSHException, SFTPError, EOFError, OSError)

T = TypeVar("T")


class SftpTransport:
    """Lists, fetches and disposes over one connection, made at the first use and again when it was lost."""

    def __init__(self, place: Place, settings: TransportSettings) -> None:
        self.findings: list[Finding] = []
        self._place = place
        self._settings = settings
        self._login: Login | None = None
        self._sftp: paramiko.SFTPClient | None = None

    def list_files(self) -> list[RemoteFile]:
        """List the whole files. Raises ``RecoupError`` (3) when the server or the folder cannot be reached."""
        sieve = Sieve(self._settings)
        first = self._do(lambda sftp: list(self._look(sftp, sieve)))
        time.sleep(self._settings.settle_seconds)
        found = sieve.whole(first, self._do(lambda sftp: list(self._look(sftp, sieve))))
        self.findings = sieve.findings
        return found

    def fetch(self, file: RemoteFile, target: Path) -> None:
        """Download the file to ``target``; a file that changed since it was listed is left (``TRANSPORT_FILE_CHANGING``)."""
        self._do(lambda sftp: self._download(sftp, file, target), file.name)

    def dispose(self, file: RemoteFile) -> None:
        """Leave, delete or move the file, and its marker with it; one that changed since it was listed is left."""
        if self._settings.after_fetch != "leave":
            self._do(lambda sftp: self._remove(sftp, file), file.name)

    def close(self) -> None:
        """Let go of the connection."""
        sftp, self._sftp = self._sftp, None
        if sftp:
            _hang_up(sftp)

    # --- one errand, and what can pass in it ---------------------------------------------------------

    def _do(self, errand: Callable[[paramiko.SFTPClient], T], path: str = "") -> T:
        """Run an errand over the connection; after a failure the connection is made anew, since answers may still be under way."""
        connected = False

        def once() -> T:
            nonlocal connected
            connected = False
            try:
                sftp = self._connected()
                connected = True
                return errand(sftp)
            except BaseException:
                self.close()
                raise

        where = f"{self._place.name}:{posixpath.join(self._place.path, path)}"
        try:
            return retrying(self._settings.retry, _can_pass, self._place.name)(once)
        except UnicodeDecodeError:
            raise RecoupError("SFTP_NAME_NOT_UTF8", where) from None
        except NETWORK as problem:
            raise self._explained(problem, where, connected=connected) from None

    def _explained(self, problem: Exception, where: str, *, connected: bool) -> RecoupError:
        if isinstance(problem, socket.gaierror) and not _can_pass(problem):
            return RecoupError("SFTP_NO_SUCH_HOST", self._place.host)
        if connected and isinstance(problem, FileNotFoundError):
            return RecoupError("TRANSPORT_NOT_FOUND", where)
        if connected and isinstance(problem, PermissionError):
            return RecoupError("TRANSPORT_DENIED", where)
        if isinstance(problem, TimeoutError):
            why = "no answer came in time"
        elif isinstance(problem, ConnectionRefusedError):
            why = "the connection was refused"
        elif isinstance(problem, socket.gaierror):
            why = "the name server did not answer"
        else:
            why = "the connection was cut" if connected else "no SSH session came about"
        return RecoupError("SFTP_CUT" if connected else "SFTP_UNREACHABLE", where, why=why, attempts=self._settings.retry.attempts)

    def _connected(self) -> paramiko.SFTPClient:
        if self._sftp is None:
            self._login = self._login or Login.prepare(self._place, self._settings.sftp)
            ssh = self._login.connect()
            try:
                self._sftp = self._opened(ssh)
            except BaseException:
                ssh.close()
                raise
        return self._sftp

    def _opened(self, ssh: paramiko.Transport) -> paramiko.SFTPClient:
        seconds = self._settings.sftp.timeouts.read
        channel = ssh.open_session()
        channel.settimeout(seconds)
        with _deadline(ssh, seconds):  # the request for the subsystem is the one call that knows no time limit
            channel.invoke_subsystem("sftp")
        return paramiko.SFTPClient(channel)

    # --- errands --------------------------------------------------------------------------------------

    def _look(self, sftp: paramiko.SFTPClient, sieve: Sieve) -> Iterator[RemoteFile]:
        root = self._place.path
        found = sftp.stat(root)
        if found.st_mode and stat.S_ISREG(found.st_mode):
            yield _described(found, posixpath.basename(root))
        else:
            yield from self._walk(sftp, sieve, "")

    def _walk(self, sftp: paramiko.SFTPClient, sieve: Sieve, below: str) -> Iterator[RemoteFile]:
        for entry in sftp.listdir_attr(posixpath.join(self._place.path, below)):
            if not sieve.admits(below, entry.filename):
                continue
            name = posixpath.join(below, entry.filename)
            found, linked = entry, False
            if not entry.st_mode or entry.st_size is None or stat.S_ISLNK(entry.st_mode):
                linked = True
                try:
                    found = sftp.stat(posixpath.join(self._place.path, name))
                except (FileNotFoundError, PermissionError):  # a link to nowhere, or to where we may not look
                    continue
            mode = found.st_mode or stat.S_IFREG
            if stat.S_ISREG(mode):
                yield _described(found, name)
            elif stat.S_ISDIR(mode) and self._settings.recursive and not linked:
                yield from self._walk(sftp, sieve, name)

    def _path(self, sftp: paramiko.SFTPClient, file: RemoteFile) -> str:
        """Return the remote path of a listed file; where the location is that one file, the location itself."""
        root = self._place.path
        if file.name == posixpath.basename(root) and stat.S_ISREG(sftp.stat(root).st_mode or 0):
            return root
        return posixpath.join(root, file.name)

    def _download(self, sftp: paramiko.SFTPClient, file: RemoteFile, target: Path) -> None:
        path = self._path(sftp, file)
        if _same(sftp, path, file):
            with closing(_chunks(sftp, path, file.size)) as chunks:
                size = land(chunks, target)
            if size == file.size and _same(sftp, path, file):
                return
            target.unlink(missing_ok=True)
        raise RecoupError("TRANSPORT_FILE_CHANGING", f"{self._place.name}:{path}")

    def _remove(self, sftp: paramiko.SFTPClient, file: RemoteFile) -> None:
        path = self._path(sftp, file)
        if not _same(sftp, path, file):
            log.info("%s: changed or gone after it was fetched, so it is left", path)
            return
        try:
            # The marker goes first: alone, it would call the next upload whole.
            if mark := self._settings.done_suffix:
                with suppress(FileNotFoundError):
                    sftp.remove(path + mark)
            if self._settings.after_fetch == "delete":
                sftp.remove(path)
            else:
                self._move(sftp, path, file)
        except OSError as problem:
            if isinstance(problem, TimeoutError) or not sftp.sock.get_transport().is_active():
                raise
            raise RecoupError("TRANSPORT_CANNOT_DISPOSE", f"{self._place.name}:{path}", after=self._settings.after_fetch) from None

    def _move(self, sftp: paramiko.SFTPClient, path: str, file: RemoteFile) -> None:
        base = path.removesuffix(file.name)
        folder = posixpath.join(base, self._settings.after_fetch.removeprefix(MOVE))
        if not _exists(sftp, folder):
            sftp.mkdir(folder)
        wanted = posixpath.join(folder, posixpath.basename(path))
        # What was moved before is never overwritten.
        sftp.rename(path, next(free for number in count() if not _exists(sftp, free := f"{wanted}.{number}" if number else wanted)))


def _chunks(sftp: paramiko.SFTPClient, path: str, size: int) -> Generator[bytes]:
    """Read ``size`` bytes, a bounded number of requests under way at a time, and one byte more to see whether there is more."""
    with sftp.open(path, "rb") as remote:
        # paramiko asks in a thread of its own; when the connection is cut that thread has nobody to tell, and need not.
        remote._prefetch_thread = partial(_quietly, remote._prefetch_thread)  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            for start in range(0, size, CHUNK * DEPTH):
                end = min(start + CHUNK * DEPTH, size)
                yield from remote.readv([(offset, min(CHUNK, end - offset)) for offset in range(start, end, CHUNK)])
            remote.seek(size)
            yield remote.read(1)
        except BaseException:
            _hang_up(sftp)  # else closing the file would wait for an answer that may never come
            raise


def _hang_up(sftp: paramiko.SFTPClient) -> None:
    channel = sftp.get_channel()
    if channel:
        with suppress(*NETWORK):
            channel.get_transport().close()


def _same(sftp: paramiko.SFTPClient, path: str, file: RemoteFile) -> bool:
    try:
        return _described(sftp.stat(path), file.name) == file
    except FileNotFoundError:
        return False


def _described(found: paramiko.SFTPAttributes, name: str) -> RemoteFile:
    modified = None if found.st_mtime is None else datetime.fromtimestamp(found.st_mtime, UTC)
    return RemoteFile(name, found.st_size or 0, modified)


def _exists(sftp: paramiko.SFTPClient, path: str) -> bool:
    try:
        sftp.stat(path)
    except FileNotFoundError:
        return False
    return True


def _can_pass(problem: BaseException) -> bool:
    """Tell whether a failure may be gone at the next try. A refusal, a wrong name and our own errors stay."""
    if isinstance(problem, socket.gaierror):
        return problem.errno == socket.EAI_AGAIN
    return isinstance(problem, NETWORK) and not isinstance(problem, FileNotFoundError | PermissionError)


def _quietly(ask: Callable[..., None], *requests: object) -> None:
    with suppress(*NETWORK):
        ask(*requests)


@contextmanager
def _deadline(ssh: paramiko.Transport, seconds: float) -> Iterator[None]:
    """Close the connection if the body takes longer, which wakes whoever waits on it."""
    timer = threading.Timer(seconds, ssh.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
