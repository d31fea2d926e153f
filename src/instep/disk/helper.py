"""The target's own interpreter as a compiler: started with nothing it could be misled by.

The same minor version is not the same bytecode (3.13.0 and 3.13.18 differ in 7 % of the standard
library's code objects), so the exact build must compile. It runs isolated, with an empty
environment, in ``/``; under the target's user if instep runs as another one, without a way to
regain privileges; inside the target's root if that is another one. What it answers is parsed as
hostile bytes.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import HelperFailed

if TYPE_CHECKING:
    from collections.abc import Callable

GREETING = b"instep1\n"
START_SECONDS = 10.0
JOB_SECONDS = 60.0
MAXIMUM_ANSWER = 512 << 20
MEMORY_LIMIT = 2 << 30
PR_SET_NO_NEW_PRIVS = 38


class Launch(NamedTuple):
    """How to start the interpreter.

    ``executable`` and ``root`` are open descriptors (``root`` of the target's ``/``, -1 for our
    own); ``argv`` begins with the program's name. ``uid`` and ``gid`` are the target's.
    """

    executable: int
    root: int
    argv: tuple[str, ...]
    options: tuple[str, ...]
    uid: int
    gid: int


class Helper:
    """A running helper; ``ask`` sends one job and returns its raw answer."""

    def __init__(self, launch: Launch) -> None:
        self._buffer = b""
        self.pid, self._write, self._read = _start(launch)
        try:
            if self._take(len(GREETING), time.monotonic() + START_SECONDS) != GREETING:
                raise HelperFailed("the target's interpreter did not answer as expected")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the helper and reap it; safe to call twice."""
        if self.pid <= 0:
            return
        os.close(self._write)
        os.close(self._read)
        os.kill(self.pid, signal.SIGKILL)  # our own child, not yet reaped: the pid can't be reused
        os.waitpid(self.pid, 0)
        self.pid = 0

    def ask(self, kind: bytes, data: bytes, level: int, shift: int = 0) -> AnswerReader:
        """Send a job; the answer is read from the returned reader before the next job."""
        head = kind + level.to_bytes(4, "little") + shift.to_bytes(4, "little", signed=True)
        self._send(head + len(data).to_bytes(4, "little") + data)
        return AnswerReader(self._take, time.monotonic() + JOB_SECONDS)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        deadline = time.monotonic() + JOB_SECONDS
        while view:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [self._write], [], left)[1]:
                raise HelperFailed("the target's interpreter stopped reading")
            try:
                view = view[os.write(self._write, view[:65536]) :]
            except BrokenPipeError as error:
                raise HelperFailed("the target's interpreter ended while it compiled") from error

    def _take(self, size: int, deadline: float) -> bytes:
        parts = [self._buffer]
        have = len(self._buffer)
        while have < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise HelperFailed("the target's interpreter took too long to compile")
            part = os.read(self._read, 1 << 20)
            if not part:
                raise HelperFailed("the target's interpreter ended while it compiled")
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]


class AnswerReader:
    """Takes integers and byte strings from one answer; bounded in size and time."""

    def __init__(self, take: Callable[[int, float], bytes], deadline: float) -> None:
        self._take = take
        self._deadline = deadline
        self._left = MAXIMUM_ANSWER

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


def _start(launch: Launch) -> tuple[int, int, int]:
    # os.path and not pathlib, which costs 10 ms to import; so in all that a check needs.
    path = os.path.join(os.path.dirname(__file__), "helper_program.py")  # noqa: PTH118, PTH120
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        program = file.read()
    argv = [*launch.argv, "-I", "-S", "-B", "-W", "ignore", *launch.options, "-c", program]
    drop = _privilege_dropper(launch)
    child_input, write = os.pipe()
    read, child_output = os.pipe()
    pid = os.fork()
    if pid:
        os.close(child_input)
        os.close(child_output)
        return pid, write, read
    try:
        _become_helper(launch, child_input, child_output, drop)
        os.execve(launch.executable, argv, {})
    finally:
        os._exit(127)
    raise AssertionError  # not reached


def _become_helper(launch: Launch, stdin: int, stdout: int, drop: Callable[[], None]) -> None:
    """In the child, between fork and exec: nothing of ours stays reachable."""
    os.setsid()
    null = os.open("/dev/null", os.O_WRONLY)
    keep = os.dup2(launch.executable, 20, inheritable=False)
    root = os.dup2(launch.root, 21, inheritable=False) if launch.root >= 0 else -1
    for wanted, descriptor in enumerate((stdin, stdout, null)):
        os.dup2(os.dup2(descriptor, 22 + wanted), wanted)
    os.closerange(3, 20)
    os.closerange(22, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 1 << 16 else 1 << 16)
    if keep != launch.executable:
        os.dup2(keep, launch.executable, inheritable=False)
    if root >= 0:
        os.fchdir(root)
        os.chroot(".")
    os.chdir("/")
    drop()


def _privilege_dropper(launch: Launch) -> Callable[[], None]:
    import ctypes
    import resource

    libc = ctypes.CDLL(None, use_errno=True)
    other = os.geteuid() != launch.uid

    def drop() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        if other:
            os.setgroups([])
            os.setresgid(launch.gid, launch.gid, launch.gid)
            os.setresuid(launch.uid, launch.uid, launch.uid)
            if launch.uid and os.geteuid() != launch.uid:
                os._exit(126)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            os._exit(126)

    return drop
