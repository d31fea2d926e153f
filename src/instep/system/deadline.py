"""A bound on the time that one process may take us, whatever it makes us read."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.errors import InstepError

# The error may be raised where another is being handled and be lost: it is raised again.
AGAIN_SECONDS = 0.5


@contextlib.contextmanager
def time_limit(seconds: float, error: InstepError) -> Iterator[None]:
    """Raise ``error`` within the block once it has taken ``seconds``.

    A loop that checks the time can't bound a read that blocks, and checks in every loop cost more
    than the reading; a timer's signal ends both. Signals belong to the main thread of a program
    that doesn't use this one otherwise; elsewhere there is no limit. Limits don't nest: the
    outermost holds.
    """
    if not _is_ours():
        yield
        return

    def give_up(_number: int, _frame: object) -> None:
        raise error

    try:
        before = signal.signal(signal.SIGALRM, give_up)
    except ValueError:  # not the main thread
        yield
        return
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_ours() -> bool:
    return (
        signal.getsignal(signal.SIGALRM) in {signal.SIG_DFL, signal.SIG_IGN}
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )
