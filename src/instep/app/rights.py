"""With whose rights a target's interpreter is run and its files are read, if root looks at it.

What a process of another user has chosen must never run with our rights, nor may files that only we
can read be handed to it. Neither the user of the process alone says who chose it (a container's
root is user 0 too, and a setuid program can execute anything later), nor the link to its program
(it can be another program a moment later). So the program is opened first, and everything that
leads to that very file is looked at: its rights are those of the least trusted who could change it.
docs/explanation/security.md describes the attacks.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from instep.disk.sources import Root
from instep.errors import HelperFailed
from instep.model.identity import Rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.model.identity import ProcessFacts
    from instep.system.processes import ProcessHandle

DELETED = " (deleted)"
MAXIMUM_LOADER_ARGUMENTS = 16
LOADER_OPTIONS = ("--library-path", "--argv0", "--preload", "--audit")
NOBODY = 65534
# No user of any machine: above what account tools and container runtimes give out.
LONELY = 0x7F000000
# What makes an interpreter take a folder above its program for its home (Modules/getpath.py).
LANDMARKS = ("lib", "lib64", "pyvenv.cfg")


class Program:
    """The program of a process, opened once: its descriptor, its name, and who chose it."""

    def __init__(self, handle: ProcessHandle, facts: ProcessFacts) -> None:
        self.descriptor = handle.open("exe")
        try:
            self.argv = _argv(self._path(handle, facts), facts.command)
            self.rights = _rights(self, handle, facts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the descriptor; safe to call twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _path(self, handle: ProcessHandle, facts: ProcessFacts) -> str:
        """The name of the file that is open: not of what the process runs by now."""
        path = os.readlink(f"/proc/self/fd/{self.descriptor}").removesuffix(DELETED)  # noqa: PTH115
        if facts.same_files:
            return path
        root = handle.link("root").rstrip("/")
        return path.removeprefix(root) if path.startswith(root + "/") else path


def rights_for(handle: ProcessHandle, facts: ProcessFacts) -> Rights | None:
    """The rights for one target; ``None`` for our own."""
    if os.geteuid() != 0:
        return None
    program = Program(handle, facts)
    program.close()
    return program.rights


def _rights(program: Program, handle: ProcessHandle, facts: ProcessFacts) -> Rights | None:
    if os.geteuid() != 0:
        return None
    own = handle.rights()
    if own.uid != 0:
        return own
    if not facts.same_files:
        return Rights(LONELY + os.getpid() % LONELY, NOBODY)
    owners = _owners_of_file(program.descriptor)
    for path in _named(program.argv):
        owners += _owners(path)
    stranger = next((owner for owner in owners if owner != 0), None)
    return None if stranger is None else Rights(stranger, NOBODY)


def _argv(path: str, command: tuple[str, ...]) -> tuple[str, ...]:
    """The program's name, by which an interpreter finds its own library.

    A program that was started through the dynamic loader needs the loader's arguments again, up to
    and with the program.
    """
    if not path.rpartition("/")[2].startswith("ld-"):
        return (path,)
    taken = [path]
    arguments = iter(command[1:MAXIMUM_LOADER_ARGUMENTS])
    for argument in arguments:
        taken.append(argument)
        if argument in LOADER_OPTIONS:
            taken.append(next(arguments, ""))
        elif not argument.startswith("-"):
            break
    return tuple(taken)


def _named(argv: tuple[str, ...]) -> Iterator[str]:
    """Every file and folder that the arguments name."""
    yield argv[0]
    for argument in argv[1:]:
        value = argument.partition("=")[2] if argument.startswith("--") else argument
        yield from (part for part in value.replace(" ", ":").split(":") if part)


def _owners_of_file(descriptor: int) -> list[int]:
    return [_owner(os.fstat(descriptor))]


def _owners(path: str) -> list[int]:
    """The users who could change what lies at ``path``, or put something beside it."""
    root = Root()
    found: list[int] = []
    while path.strip("/"):
        try:
            found += map(_owner, root.components(path))
            break
        except OSError:
            path = path.rstrip("/").rpartition("/")[0]  # deleted: what it lay in is still there
    above = os.path.realpath(path)
    while above not in ("", "/"):
        above = above.rpartition("/")[0] or "/"
        found += _planted(above)
    return found


def _planted(folder: str) -> Iterator[int]:
    """The owners of landmarks in a folder where everybody may put some."""
    if not os.stat(folder).st_mode & stat.S_IWOTH:  # noqa: PTH116 - as the rest of this file
        return
    for name in LANDMARKS:
        try:
            yield os.lstat(f"{folder}/{name}").st_uid
        except OSError:
            continue


def _owner(facts: os.stat_result) -> int:
    """The user who decides over an entry; a folder of all is its entries' owners' if sticky."""
    if facts.st_uid != 0 or stat.S_ISLNK(facts.st_mode) or not facts.st_mode & stat.S_IWOTH:
        return facts.st_uid
    sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
    return 0 if sticky else NOBODY


def same_or_fail(one: Rights | None, other: Rights | None) -> None:
    """Raise ``HelperFailed`` unless the rights are as they were before."""
    if one != other:
        raise HelperFailed("it changed its user or its program while it was read")
