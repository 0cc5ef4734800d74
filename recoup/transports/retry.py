"""The one place for the policy of trying again, whatever the protocol."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.transports.settings import RetrySettings

log = logging.getLogger(__name__)


def retrying(
    settings: RetrySettings,
    can_pass: Callable[[BaseException], bool],
    label: str,
    asked: Callable[[BaseException], float] = lambda _: 0.0,
) -> Retrying:
    """Return a caller that tries again, after a wait that doubles and jitters, what fails with an exception that ``can_pass``.

    ``asked``: how many seconds the other side asks to be left alone; so long is waited, but never longer than ``longest_wait``.

    Any other exception, and the last one, come out as they are. ``label`` (host and errand, no secret) opens the log line
    of each wait; of the exception only its kind (``kind``, else its class) is logged, since its text is the other side's.
    """

    def note(state: RetryCallState) -> None:
        problem = state.outcome.exception() if state.outcome else None
        kind = getattr(problem, "kind", type(problem).__name__)
        seconds = state.next_action.sleep if state.next_action else 0.0
        log.warning("%s: try %d of %d failed (%s); next in %.1f s", label, state.attempt_number, settings.attempts, kind, seconds)

    doubling = wait_exponential(multiplier=settings.first_wait, max=settings.longest_wait) + wait_random(0, settings.first_wait)

    def wait(state: RetryCallState) -> float:
        problem = state.outcome.exception() if state.outcome else None
        return max(doubling(state), min(asked(problem), settings.longest_wait) if problem else 0.0)

    return Retrying(
        stop=stop_after_attempt(max(1, settings.attempts)),
        wait=wait,
        retry=retry_if_exception(can_pass),
        before_sleep=note,
        reraise=True,
    )
