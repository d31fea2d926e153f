"""Who a process is."""

from __future__ import annotations

from typing import NamedTuple


class ProcessIdentity(NamedTuple):
    """A process that can't be mistaken for a later one with the same pid.

    ``start_ticks`` counts clock ticks since boot (``/proc/PID/stat``, field 22).
    """

    pid: int
    start_ticks: int


class Rights(NamedTuple):
    """What a process may do: its user, its group, and the other groups it is in."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


class ProcessFacts(NamedTuple):
    """What the operating system says of a process, for people and for the scope.

    ``started`` is in seconds since the epoch. ``image`` is the process that executed the program
    (for one that was only forked, an ancestor), or ``None`` where that can't be known.
    ``same_files`` says that it sees the same files under the same names as we do.
    """

    identity: ProcessIdentity
    parent: int
    uid: int
    gid: int
    command: tuple[str, ...]
    directory: str
    executable: str
    started: float
    image: ProcessIdentity | None
    same_files: bool
