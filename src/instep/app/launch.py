"""Start the target's own interpreter as a compiler, and prove that it is the same build."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from instep.app.rights import Program, same_or_fail
from instep.disk.compiler_process import Helper
from instep.disk.confinement import Launch
from instep.errors import HelperFailed, InstepError
from instep.process.memory import ProcessMemory
from instep.process.runtime import locate
from instep.system.processes import ProcessHandle

if TYPE_CHECKING:
    from instep.model.identity import ProcessFacts, Rights
    from instep.process.runtime import Build

# How long a compiler is waited for in all: one that others have chosen may want us to wait.
OWN_SECONDS, FOREIGN_SECONDS = 600.0, 15.0


def start_compiler(
    handle: ProcessHandle,
    facts: ProcessFacts,
    build: Build,
    rights: Rights | None,
    *,
    columns: bool,
) -> Helper:
    """Start the interpreter that ``handle`` runs; ``HelperFailed`` if that can't be had exactly."""
    me = os.geteuid()
    if me not in (0, facts.uid):
        raise HelperFailed(f"its interpreter belongs to user {facts.uid}")
    if not facts.same_files and me != 0:
        raise HelperFailed("it runs in another root or mount namespace, which only root can enter")
    program = Program(handle, facts)
    root = -1
    try:
        same_or_fail(program.rights, rights)
        if not facts.same_files:
            root = handle.open("root", os.O_PATH | os.O_DIRECTORY)
        options = () if columns else ("-X", "no_debug_ranges")
        patience = OWN_SECONDS if rights is None else FOREIGN_SECONDS
        launch = Launch(program.descriptor, root, program.argv, options, rights, patience)
        helper = Helper(launch)
    finally:
        program.close()
        if root >= 0:
            os.close(root)
    try:
        _prove_same_build(helper.pid, build)
    except BaseException:
        helper.close()
        raise
    return helper


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
