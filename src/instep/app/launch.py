"""How the target's own interpreter is started as a compiler, and proof that it is the same build."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from instep.disk.helper import Helper, Launch
from instep.errors import HelperFailed, InstepError
from instep.process.memory import ProcessMemory
from instep.process.runtime import locate
from instep.system.processes import ProcessHandle

if TYPE_CHECKING:
    from instep.model.identity import ProcessFacts
    from instep.process.runtime import Build

MAXIMUM_LOADER_ARGUMENTS = 16


def start_compiler(
    handle: ProcessHandle, facts: ProcessFacts, build: Build, *, columns: bool
) -> Helper:
    """Start the interpreter that ``handle`` runs; ``HelperFailed`` if that can't be had exactly."""
    me = os.geteuid()
    if me not in (0, facts.uid):
        raise HelperFailed(f"its interpreter belongs to user {facts.uid}")
    if not facts.same_files and me != 0:
        raise HelperFailed("it runs in another root or mount namespace, which only root can enter")
    executable = root = -1
    try:
        executable = handle.open("exe")
        if not facts.same_files:
            root = handle.open("root", os.O_PATH | os.O_DIRECTORY)
        options = () if columns else ("-X", "no_debug_ranges")
        launch = Launch(executable, root, _argv(facts), options, facts.uid, facts.gid)
        helper = Helper(launch)
    finally:
        for descriptor in (executable, root):
            if descriptor >= 0:
                os.close(descriptor)
    try:
        _prove_same_build(helper.pid, build)
    except BaseException:
        helper.close()
        raise
    return helper


def _argv(facts: ProcessFacts) -> tuple[str, ...]:
    """The program's name, by which an interpreter finds its own library.

    A program that was started through the dynamic loader needs the loader's arguments again, up to
    and with the program.
    """
    executable = facts.executable.removesuffix(" (deleted)")
    if not executable.rpartition("/")[2].startswith("ld-"):
        return (executable,)
    taken = [executable]
    arguments = iter(facts.command[1:MAXIMUM_LOADER_ARGUMENTS])
    for argument in arguments:
        taken.append(argument)
        if argument in ("--library-path", "--argv0", "--preload", "--audit"):
            taken.append(next(arguments, ""))
        elif not argument.startswith("-"):
            break
    return tuple(taken)


def _prove_same_build(pid: int, build: Build) -> None:
    """Read the helper's memory as the target's was read: it must be the same image."""
    try:
        with ProcessHandle(pid) as handle:
            memory = ProcessMemory(handle)
            try:
                found = locate(pid, memory, handle.read("maps"), handle.link("exe")).build
            finally:
                memory.close()
    except InstepError as error:
        raise HelperFailed(f"its interpreter could not be run again: {error}") from error
    if found != build:
        raise HelperFailed(
            f"the interpreter on disk (CPython {found.name}) is not the build that runs"
            f" (CPython {build.name}): it was replaced"
        )
