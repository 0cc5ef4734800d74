"""A TCP proxy on loopback that spoils connections as told: cut after so many bytes, stalled, or slowed."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Plan:
    """What becomes of one connection after so many bytes from the server: it is cut (reset), stalled, or each read waits."""

    cut_after: int | None = None
    stall_after: int | None = None
    slow_after: int | None = None


class CuttingProxy:
    """``with CuttingProxy(port, Plan(cut_after=50_000)) as proxy``: each connection follows its plan in turn; later ones pass."""

    def __init__(self, target_port: int, *plans: Plan) -> None:
        self._target = target_port
        self._plans = list(plans)
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(0.1)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _begin(self, work: object, *args: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            plan = self._plans[self.connections] if self.connections < len(self._plans) else Plan()
            self.connections += 1
            server = socket.create_connection((HOST, self._target))
            over = threading.Event()
            self._begin(self._pass_on, client, server, Plan(), over)
            self._begin(self._pass_on, server, client, plan, over)

    def _pass_on(self, source: socket.socket, sink: socket.socket, plan: Plan, over: threading.Event) -> None:
        """Copy one direction; whoever ends first resets the far side, and each closes what it reads from."""
        source.settimeout(0.1)
        passed = 0
        with source, suppress(OSError):
            while not (over.is_set() or self._ended.is_set()):
                try:
                    data = source.recv(16384)
                except TimeoutError:
                    continue
                if not data:
                    break
                if plan.stall_after is not None and passed + len(data) > plan.stall_after:
                    continue
                if plan.slow_after is not None and passed + len(data) > plan.slow_after:
                    time.sleep(0.01)
                if plan.cut_after is not None and passed + len(data) > plan.cut_after:
                    sink.sendall(data[: plan.cut_after - passed])
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    break
                sink.sendall(data)
                passed += len(data)
        over.set()
