"""The same work on many items, on all processors: forked workers, results in order."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

MAXIMUM_WORKERS = 8
FEW = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_forked(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int = 0
) -> Iterator[Result]:
    """Yield ``work(item)`` for each item, in order.

    Each worker is a fork of this process and takes every n-th item, so the next result is always
    at the head of a known pipe. Few items, or a machine with one processor, are not worth a fork.
    An item whose worker died is worked on here.
    """
    count = workers or min(len(os.sched_getaffinity(0)), MAXIMUM_WORKERS)
    if count < 2 or len(items) < FEW:  # noqa: PLR2004 - one worker is none
        yield from map(work, items)
        return
    started = [_start(work, items[first::count]) for first in range(count)]
    try:
        for place, item in enumerate(items):
            found: tuple[Result] | None = _receive(started[place % count][1])
            yield work(item) if found is None else found[0]
    finally:
        for pid, pipe in started:
            pipe.close()
            os.kill(pid, signal.SIGKILL)  # our own child, not yet reaped: no other has its pid
            os.waitpid(pid, 0)


def _start(work: Callable[[Item], Result], items: Sequence[Item]) -> tuple[int, BinaryIO]:
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, os.fdopen(read, "rb")
    try:
        import pickle

        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            for item in items:
                pipe.write(pickle.dumps((work(item),)))
                pipe.flush()
    finally:
        os._exit(0)


def _receive(pipe: BinaryIO) -> tuple[Result] | None:
    import pickle  # 1 ms that only a big check is worth

    try:
        found: tuple[Result] = pickle.load(pipe)  # noqa: S301 - from our own fork
    except (EOFError, pickle.UnpicklingError, OSError):
        return None
    return found
