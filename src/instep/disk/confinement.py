"""A child process that runs an interpreter we don't trust: what it gets, and all it doesn't.

It gets two pipes and the rights of the process that is looked at. It does not get our descriptors,
our environment, our working directory, our terminal, a way to regain rights, or room to grow.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import HelperFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from instep.model.identity import Rights

MEMORY_LIMIT = 2 << 30
PROCESSOR_SECONDS = 600
DESCRIPTOR_LIMIT = 64
# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 1, 38, 47, 4
NOT_CONFINED, NOT_EXECUTED = 126, 127
STANDARD = 3


class Launch(NamedTuple):
    """How to start the interpreter.

    ``executable`` and ``root`` are open descriptors (``root`` of the target's ``/``, -1 for our
    own); ``argv`` begins with the program's name. ``rights`` are those it runs with, ``None`` for
    our own. ``patience`` bounds in seconds how long it is waited for in all.
    """

    executable: int
    root: int
    argv: tuple[str, ...]
    options: tuple[str, ...]
    rights: Rights | None
    patience: float


class Child(NamedTuple):
    """A started child: its pid, a pidfd (-1 where the kernel has none), and our pipe ends."""

    pid: int
    pidfd: int
    write: int
    read: int

    def end(self) -> int:
        """Kill and reap the child and close the pipes; its wait status, 0 if another reaped it."""
        os.close(self.write)
        os.close(self.read)
        with contextlib.suppress(ProcessLookupError):
            if self.pidfd >= 0:
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)  # our own child, not yet reaped
        if self.pidfd >= 0:
            os.close(self.pidfd)
        with contextlib.suppress(ChildProcessError):
            # Where SIGCHLD is ignored, the kernel has reaped it.
            return os.waitpid(self.pid, 0)[1]
        return 0


def start_confined(launch: Launch, arguments: list[str]) -> Child:
    """Start ``launch.argv`` with ``arguments``. Raises ``HelperFailed``."""
    argv = [*launch.argv, *arguments]
    opened: list[int] = []
    try:
        confine = _confinement(launch.rights)
        opened += os.pipe()
        opened += os.pipe()
        child_input, write, read, child_output = opened
        os.set_blocking(write, False)
        pid = os.fork()
    except OSError as error:
        for descriptor in opened:
            os.close(descriptor)
        raise HelperFailed(f"no process can be started: {error.strerror}") from error
    if not pid:
        _run_child(launch, argv, child_input, child_output, confine)
    os.close(child_input)
    os.close(child_output)
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        pidfd = -1
    return Child(pid, pidfd, write, read)


def _run_child(
    launch: Launch, argv: list[str], stdin: int, stdout: int, confine: Callable[[], None]
) -> None:
    """In the child, between fork and exec; never returns."""
    status = NOT_CONFINED
    try:
        os.setsid()
        executable = _only_descriptors(launch, stdin, stdout)
        confine()
        status = NOT_EXECUTED
        environment = _environment(launch)
        os.execve(executable, argv, environment)  # noqa: S606 - nothing for a shell to do here
    finally:
        os._exit(status)


def _environment(launch: Launch) -> dict[str, str]:
    """Empty, but where ``/proc`` may be of other processes and so without a ``/proc/self``.

    There the dynamic loader can't tell where the program lies, to which interpreters with a
    libpython of their own refer as $ORIGIN, and takes this for it (glibc's dl-origin.c).
    """
    return {} if launch.root < 0 else {"LD_ORIGIN_PATH": launch.argv[0].rpartition("/")[0] or "/"}


def _only_descriptors(launch: Launch, stdin: int, stdout: int) -> int:
    """Make 0 to 2 the child's own and close all else; enter the root. The program's descriptor."""
    null = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
    # All are lifted before any is put in its place: one of ours may be 0, 1 or 2 itself.
    given = [stdin, stdout, null, launch.executable]
    if launch.root >= 0:
        given.append(launch.root)
    lifted = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, STANDARD) for one in given]
    for number in range(STANDARD):
        os.dup2(lifted[number], number)
    keep = set(lifted[STANDARD:])
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are numbers
        number = int(name)
        if number >= STANDARD and number not in keep:
            with contextlib.suppress(OSError):  # the descriptor of this listing
                os.close(number)
    if launch.root >= 0:
        os.fchdir(lifted[-1])
        os.chroot(".")
        os.close(lifted[-1])
    os.chdir("/")
    return lifted[STANDARD]


def _confinement(rights: Rights | None) -> Callable[[], None]:
    """What the child does last before it executes: prepared here, as imports may need locks."""
    import resource

    prctl = _prctl()
    if prctl is None and rights is not None:
        raise HelperFailed("this Python has no ctypes, without which rights can't be given up")
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_AS: MEMORY_LIMIT,
        resource.RLIMIT_CPU: PROCESSOR_SECONDS,
        resource.RLIMIT_NOFILE: DESCRIPTOR_LIMIT,
    }

    def confine() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for kind, wanted in limits.items():
            _lower(kind, wanted)
        if rights is not None:
            os.setgroups(rights.groups)
            os.setresgid(rights.gid, rights.gid, rights.gid)
            os.setresuid(rights.uid, rights.uid, rights.uid)
            if os.getresuid() != (rights.uid,) * 3 or os.getresgid() != (rights.gid,) * 3:
                os._exit(NOT_CONFINED)
        # Only now: with it set before, the change of user would make the exec fail.
        _lower(resource.RLIMIT_NPROC, 0)
        if prctl is not None:
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
            prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
                os._exit(NOT_CONFINED)

    def _lower(kind: int, wanted: int) -> None:
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))

    return confine


def _prctl() -> Callable[..., int] | None:
    try:
        import ctypes
    except ImportError:
        return None  # a Python that was built without libffi
    return ctypes.CDLL(None, use_errno=True).prctl
