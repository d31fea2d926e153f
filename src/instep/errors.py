"""Errors: one class for each thing that the reader of a message can act on."""

from __future__ import annotations

from typing import ClassVar

from instep.model.encoding import BrokenEncoding


class InstepError(Exception):
    """The base of all errors that instep reports.

    ``slug`` names the page in ``docs/errors/``; ``exit_code`` is the command line's answer
    (docs/reference/exit-codes.md); ``hint`` says the way out.
    """

    slug: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 3
    hint: ClassVar[str] = ""


class UsageError(InstepError):
    """The command line does not say something that can be done."""

    slug = "usage"
    exit_code = 2
    hint = "see `instep --help`"


class NoSuchProcess(InstepError):
    """No process has this pid, or it ended."""

    slug = "no-such-process"
    exit_code = 5
    hint = "`instep ps` lists the Python processes that can be read"

    def __init__(self, pid: int, detail: str = "no process has this pid") -> None:
        super().__init__(f"{pid}: {detail}")
        self.pid = pid


class NothingMatched(InstepError):
    """No process matches the target that was asked for."""

    slug = "nothing-matched"
    exit_code = 5
    hint = "`instep ps` lists the Python processes that can be read"


class NotPython(InstepError):
    """The process runs no CPython."""

    slug = "not-python"
    exit_code = 5
    hint = "`instep ps` lists the Python processes that can be read"

    def __init__(self, pid: int, command: str) -> None:
        super().__init__(f"{pid} is not a Python process ({command})")
        self.pid = pid


class NotReadable(InstepError):
    """The process exists, and this user may not read its memory."""

    slug = "not-readable"
    hint = "run instep as the user who owns the process, or as root"

    def __init__(self, pid: int, detail: str) -> None:
        super().__init__(f"{pid}: {detail}")
        self.pid = pid


class ProcessEnded(InstepError):
    """The process ended, or became another program, while it was read."""

    slug = "process-ended"
    exit_code = 5
    hint = "check the process that took its place"

    def __init__(self, pid: int, detail: str = "") -> None:
        super().__init__(f"{pid} {detail or 'ended, or replaced its program, while it was read'}")
        self.pid = pid


class UnsupportedBuild(InstepError):
    """The interpreter is one that instep knows that it can't read."""

    slug = "unsupported-build"
    hint = "docs/reference/support.md lists the builds that can be read"


class Malformed(InstepError, BrokenEncoding):
    """Bytes of the target don't have the form they claim (torn, hostile or corrupt)."""

    slug = "malformed"


class HelperFailed(InstepError):
    """The target's interpreter could not be run to compile its sources."""

    slug = "helper-failed"
    hint = "docs/errors/helper-failed.md lists what that needs"


class NotCompiled(HelperFailed):
    """The target's interpreter gave up on one source; it can still compile others."""

    slug = "not-compiled"
    hint = ""


class TooLarge(InstepError):
    """The process claims to hold more than any interpreter does."""

    slug = "too-large"
    hint = "docs/errors/too-large.md lists what is bounded"


class TookTooLong(InstepError):
    """Reading a process was given up: it holds more than can be read in bounded time."""

    slug = "took-too-long"
    hint = "docs/errors/took-too-long.md lists what is bounded"

    def __init__(self, pid: int, seconds: float) -> None:
        super().__init__(f"{pid} could not be read within {seconds:g} s")
        self.pid = pid


class PlatformUnsupported(InstepError):
    """This operating system has no port for what was asked."""

    slug = "platform"
    hint = "reading other processes' memory works on Linux x86-64"
