"""What the user named, turned into processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from instep.app.scope import Scope
from instep.errors import InstepError, NothingMatched, TookTooLong, UsageError
from instep.process.modules import interpreter_addresses, read_interpreter
from instep.process.target import Target
from instep.system.deadline import time_limit
from instep.system.processes import ProcessHandle, pids
from instep.system.sockets import listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAXIMUM_PORT = 65535
MAXIMUM_DIGITS = 10
LIMIT_SECONDS = 5


def resolve_targets(names: Sequence[str]) -> list[int]:
    """The pids that the names stand for: a pid, ``:PORT``, or the path of a script.

    Raises ``UsageError`` for a name of no such form, ``NothingMatched`` if none is running.
    """
    found: dict[int, None] = {}
    for name in names:
        found |= dict.fromkeys(_resolve(name))
    return list(found)


def _resolve(name: str) -> list[int]:
    if name.isascii() and name.isdigit():
        if len(name) > MAXIMUM_DIGITS:
            raise NothingMatched(f"no process has so long a pid: {name[:MAXIMUM_DIGITS]}...")
        return [int(name)]
    if name.startswith(":"):
        return _by_port(name)
    if "/" in name or name.endswith(".py") or os.path.exists(name):  # noqa: PTH110 - start-up time
        return _by_path(name)
    raise UsageError(f"{name!r} is no target: give a pid, :PORT, or the path of a script or module")


def _by_port(name: str) -> list[int]:
    digits = name[1:]
    plain = digits.isascii() and digits.isdigit() and len(digits) <= MAXIMUM_DIGITS
    port = int(digits) if plain else -1
    if not 0 < port <= MAXIMUM_PORT:
        raise UsageError(f"{name!r} names no port: give a number from 1 to 65535")
    found = listeners(port)
    if not found:
        raise NothingMatched(f"no process that may be looked at listens on port {port}")
    return found


def _by_path(name: str) -> list[int]:
    """The processes that run this file: started with it, or having loaded it.

    Files are compared by identity, not by name.
    """
    try:
        wanted = os.stat(name)  # noqa: PTH116 - as above
    except OSError as error:
        raise UsageError(f"{name}: {(error.strerror or str(error)).lower()}") from error
    found = _python_processes(lambda handle: _runs(handle, wanted))
    if not found:
        raise NothingMatched(f"no process that may be read runs {name}")
    return found


def _python_processes(wanted: Callable[[ProcessHandle], bool]) -> list[int]:
    """The Python processes but this one that are ``wanted``; those that end meanwhile are not."""
    found = []
    for pid in pids():
        if pid == os.getpid():
            continue
        try:
            with ProcessHandle(pid) as handle:
                if is_python(handle) and wanted(handle):
                    found.append(pid)
        except InstepError:
            continue
    return found


def _runs(handle: ProcessHandle, wanted: os.stat_result) -> bool:
    directory = handle.link("cwd")
    if any(_is_same(part, directory, wanted) for part in handle.command()[1:]):
        return True
    return any(_is_same(file, "/", wanted) for file in loaded_files(handle))


def processes_under(directory: str) -> list[int]:
    """My Python processes that have loaded code of their own from below ``directory``.

    Those that can't be read are among them if they run in a folder below it.
    """
    prefix = directory.rstrip("/") + "/"

    def is_here(handle: ProcessHandle) -> bool:
        if handle.owner()[0] != os.geteuid():
            return False
        # What can't be read is not passed over: it may be running code from here.
        files = loaded_files(handle) or [handle.link("cwd") + "/"]
        return any(_is_own(file, prefix) for file in files)

    found = _python_processes(is_here)
    if not found:
        raise NothingMatched(f"no Python process of mine has loaded code from {directory}")
    return found


def _is_own(file: str, prefix: str) -> bool:
    return file.startswith(prefix) and Scope().holds_file(file)


def loaded_files(handle: ProcessHandle) -> list[str]:
    """The ``__file__`` of every module of a process; empty if its memory can't be read."""
    limit = time_limit(LIMIT_SECONDS, TookTooLong(handle.pid, LIMIT_SECONDS))
    try:
        with limit, Target(handle) as target:
            return [
                module.file
                for address in interpreter_addresses(target.objects)
                for module in read_interpreter(target.objects, address).modules
                if module.file is not None
            ]
    except InstepError:
        return []


def _is_same(part: str, directory: str, wanted: os.stat_result) -> bool:
    if part.startswith("-") or not part:
        return False
    try:
        facts = os.stat(os.path.join(directory, part))  # noqa: PTH116, PTH118 - as above
    except (OSError, ValueError):
        return False
    return (facts.st_dev, facts.st_ino) == (wanted.st_dev, wanted.st_ino)


def is_python(handle: ProcessHandle) -> bool:
    """Whether the process looks like Python, cheaply: by the names of what it has mapped."""
    try:
        executable = handle.link("exe").rpartition("/")[2]
        if "python" in executable or "pypy" in executable:
            return True
        return b"python3" in handle.read("maps")
    except InstepError:
        first = handle.command()[:1]
        return bool(first) and "python" in first[0].rpartition("/")[2]
