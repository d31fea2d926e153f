"""The target's own interpreter as a compiler: started with nothing it could be misled by.

The same minor version is not the same bytecode (3.13.0 and 3.13.18 differ in 7 % of the standard
library's code objects), so the exact build must compile. It runs isolated and confined
(``instep.disk.confinement``), and what it answers is parsed as hostile bytes.
"""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import TYPE_CHECKING

from instep.disk.confinement import NOT_CONFINED, NOT_EXECUTED, start_confined
from instep.errors import HelperFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from instep.disk.confinement import Launch

GREETING = b"instep1\n"
START_SECONDS = 10.0
JOB_SECONDS = 60.0
CHUNK = 1 << 16
# A code object's form takes about as many bytes as its source; the rest is margin.
LEAST_ANSWER, MOST_ANSWER, ANSWER_FACTOR = 16 << 20, 256 << 20, 32


class Helper:
    """A running helper; ``ask`` sends one job and returns its raw answer.

    After any ``HelperFailed`` the two sides no longer agree on what is answered: close it.
    """

    def __init__(self, launch: Launch) -> None:
        program = Path(__file__).with_name("compiler_program.py").read_text()
        self._buffer = bytearray()
        self._at = 0
        self._patience = launch.patience
        arguments = ["-I", "-S", "-B", "-W", "ignore", *launch.options, "-c", program]
        self._child = start_confined(launch, arguments)
        self.pid = self._child.pid
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        try:
            greeting = self._take(len(GREETING), time.monotonic() + START_SECONDS)
        except HelperFailed as error:
            reason = _reason_of(self.close())
            raise HelperFailed(
                f"the target's interpreter could not be started again: {reason or error}"
            ) from error
        if greeting != GREETING:
            raise HelperFailed("the target's interpreter did not answer as expected")

    def close(self) -> int:
        """End the helper and reap it; safe to call twice. Its wait status."""
        if self.pid <= 0:
            return 0
        self.pid = 0
        return self._child.end()

    def ask(self, kind: bytes, data: bytes, level: int) -> AnswerReader:
        """Send a job; the answer is read from the returned reader before the next job."""
        if len(self._buffer) > self._at:
            raise HelperFailed("the target's interpreter answered without being asked")
        head = kind + level.to_bytes(4, "little")
        self._send(head + len(data).to_bytes(4, "little") + data)
        limit = min(MOST_ANSWER, LEAST_ANSWER + ANSWER_FACTOR * len(data))
        return AnswerReader(self._take, time.monotonic() + JOB_SECONDS, limit)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        deadline = time.monotonic() + JOB_SECONDS
        while view:
            self._wait(self._child.write, select.POLLOUT, deadline)
            try:
                view = view[os.write(self._child.write, view[:CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise HelperFailed("the target's interpreter ended while it compiled") from error

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) - self._at < size:
            self._wait(self._child.read, select.POLLIN, deadline)
            part = os.read(self._child.read, CHUNK)
            if not part:
                raise HelperFailed("the target's interpreter ended while it compiled")
            if self._at > CHUNK:
                del self._buffer[: self._at]
                self._at = 0
            self._buffer += part
        start, self._at = self._at, self._at + size
        return bytes(self._buffer[start : self._at])

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        """Wait for one end of a pipe; the patience that one helper has is used up by waiting."""
        before = time.monotonic()
        left = min(deadline - before, self._patience)
        poll = select.poll()
        poll.register(descriptor, event)
        ready = left > 0 and poll.poll(left * 1000)
        self._patience -= time.monotonic() - before
        if not ready:
            raise HelperFailed("the target's interpreter took too long to compile")


class AnswerReader:
    """Takes integers and byte strings from one answer; bounded in size and time."""

    def __init__(
        self, take: Callable[[int, float], bytes], deadline: float, limit: int = LEAST_ANSWER
    ) -> None:
        self._take = take
        self._deadline = deadline
        self._left = limit

    def number(self) -> int:
        """The next u32."""
        return int.from_bytes(self._bytes(4), "little")

    def data(self) -> bytes:
        """The next byte string."""
        return self._bytes(self.number())

    def _bytes(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise HelperFailed("the target's interpreter answered without end")
        return self._take(size, self._deadline)


def _reason_of(status: int) -> str:
    """Why a helper that never spoke ended; empty if it was ended by us."""
    if not os.WIFEXITED(status) or status == 0:
        return ""
    code = os.WEXITSTATUS(status)
    if code == NOT_EXECUTED:
        return "it may not be executed"
    if code == NOT_CONFINED:
        return "its rights could not be taken on"
    return f"it ended with status {code}"
