from __future__ import annotations

import logging

import pytest

from recoup.transports import RetrySettings
from recoup.transports.retry import retrying


class Far:
    """Fails so many times with the given exception, then answers."""

    def __init__(self, failures: int, problem: Exception) -> None:
        self.tries = 0
        self._failures, self._problem = failures, problem

    def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self._failures:
            raise self._problem
        return "answer"


def passing(problem: BaseException) -> bool:
    return isinstance(problem, ConnectionError)


def test_what_can_pass_is_tried_again_until_it_passes() -> None:
    far = Far(2, ConnectionResetError())
    assert retrying(RetrySettings(3, 0, 0), passing, "files.example.org")(far) == "answer"
    assert far.tries == 3


def test_the_last_failure_comes_out_as_it_is() -> None:
    far = Far(9, ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        retrying(RetrySettings(3, 0, 0), passing, "files.example.org")(far)
    assert far.tries == 3


def test_what_cannot_pass_is_tried_once() -> None:
    far = Far(9, PermissionError())
    with pytest.raises(PermissionError):
        retrying(RetrySettings(3, 0, 0), passing, "files.example.org")(far)
    assert far.tries == 1


def test_waits_double_and_jitter_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    with pytest.raises(ConnectionResetError):
        retrying(RetrySettings(6, 1, 6), passing, "files.example.org")(Far(9, ConnectionResetError()))
    assert all(base <= wait <= base + 1 for base, wait in zip((1, 2, 4, 6, 6), waits, strict=True))


def test_a_wait_is_logged_without_the_other_sides_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        retrying(RetrySettings(2, 0, 0), passing, "files.example.org")(Far(1, ConnectionResetError("hunter2")))
    assert caplog.messages == ["files.example.org: try 1 of 2 failed (ConnectionResetError); next in 0.0 s"]
