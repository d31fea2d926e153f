"""The one sound use of a clock: a file that has not changed since a moment.

The kernel sets a file's ctime at every change of its content, owner or name, and no program can
set it back without setting the clock. That proves nothing for another file that took its place, so
everything that leads to the file counts: a link must not have changed, and a directory must not
have been renamed. A rename changes the ctime of the directory (not its mtime, as a new entry does)
and of the directory it is in. So a directory counts as the same if it or the one above it has not
changed, or if its last change was to its entries. docs/limitations.md says what that leaves open.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.disk.sources import Root

# No interpreter gets from its start to an import in less; 7 ms were measured for ``-I -S -c 0``.
STARTUP_SECONDS = 0.004
CLOCK_REALTIME_COARSE = 5
SECOND = 1_000_000_000
NUMBER, DEVICE = 0, 2  # fields of a line of mountinfo
# Not vfat: there a change leaves no time but the one that programs can set.
LOCAL_TYPES = frozenset({
    "bcachefs", "btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "iso9660", "jfs", "overlay",
    "ramfs", "rootfs", "squashfs", "tmpfs", "udf", "xfs", "zfs",
})  # fmt: skip


class Mounts:
    """The mounts of a process by their numbers, and the type of file system of each.

    A path doesn't tell its mount, as there may be links in it. A root that is no mount point
    (``chroot``) shows no mount of its own; there our own mounts tell, by device.
    """

    def __init__(self, theirs: bytes, ours: bytes) -> None:
        self._numbers = {number: kind for number, _, kind in _mounts(theirs)}
        self._devices = {device: kind for _, device, kind in _mounts(ours)}

    def is_local(self, number: int, device: int) -> bool:
        """Whether the file system of a mount is kept by this kernel alone."""
        found = self._numbers.get(number)
        if found is not None:
            return found in LOCAL_TYPES
        return self._devices.get(f"{os.major(device)}:{os.minor(device)}") in LOCAL_TYPES


def _mounts(mountinfo: bytes) -> Iterator[tuple[int, str, str]]:
    """The number, device and type of each mount (proc_pid_mountinfo(5))."""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(b" - ")
        fields = left.split(b" ")
        if len(fields) > DEVICE and fields[NUMBER].isdigit() and right:
            kind = right.split(b" ")[0].decode("ascii", "replace")
            yield int(fields[NUMBER]), fields[DEVICE].decode(), kind


class Clock:
    """Answers for one root and one moment whether files are still the same.

    The way to a folder is looked at once: all files of a package share it.
    """

    def __init__(self, root: Root, moment: float) -> None:
        self._root = root
        self._limit = int((moment + STARTUP_SECONDS - _lag()) * 1e9)
        self._folders: dict[str, bool] = {}

    def is_unchanged(self, path: str) -> bool:
        """Whether the file at ``path`` is the same, with the same content, as at the moment."""
        folder, _, name = path.rpartition("/")
        try:
            facts = self._root.lstat(path)
            if not stat.S_ISREG(facts.st_mode) or name in ("", ".", ".."):
                return self._is_old_chain(self._root.components(path))
            if _changed(facts) >= self._limit:
                return False
            known = self._folders.get(folder)
            if known is None:
                known = self._is_old_chain(self._root.components(path))
                self._folders[folder] = known
        except OSError:
            return False
        return known

    def _is_old_chain(self, chain: list[os.stat_result]) -> bool:
        if not chain or not stat.S_ISREG(chain[-1].st_mode):
            return False
        above_is_old = False
        for facts in chain:
            old = _changed(facts) < self._limit
            if not stat.S_ISDIR(facts.st_mode):
                if not old:
                    return False
                continue
            if not (old or above_is_old or facts.st_ctime_ns == facts.st_mtime_ns):
                return False
            above_is_old = old
        return True


def _changed(facts: os.stat_result) -> int:
    """The latest moment of the last change: some file systems keep whole seconds only."""
    ctime = facts.st_ctime_ns
    return ctime if ctime % SECOND else ctime + SECOND - 1


def _lag() -> float:
    """How far a ctime can lie before the moment of the change: a tick of the coarse clock."""
    return time.clock_getres(CLOCK_REALTIME_COARSE)
