"""Source files as the target would find them: in its own root and mount namespace."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from instep.model.digests import blake2b

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.model.identity import Rights

MAXIMUM_SOURCE = 64 << 20
MAXIMUM_LINKS = 40
MAXIMUM_TRIES = 5
DIGEST_SIZE = 16


class NotRegular(OSError):
    """Something else than a regular file lies in the place of one."""


class SourceFile(NamedTuple):
    """The bytes of a file, their digest, and what ``stat`` said of the very file they are from."""

    path: str
    data: bytes
    digest: bytes
    facts: os.stat_result


class SourceMissing(NamedTuple):
    """A file that can't be read. ``gone`` if there is none, else ``reason`` says why."""

    path: str
    reason: str
    gone: bool


class Root:
    """The file system as one process sees it.

    ``descriptor`` is that process's ``/``, or -1 where it sees the same files as we do. Links are
    followed inside that root: left to the kernel, an absolute link would lead out of it.
    ``rights`` are those that files are opened with, ``None`` for our own: what is read here is
    given to the target's interpreter, which must not learn what the target may not read.
    """

    def __init__(self, descriptor: int = -1, rights: Rights | None = None) -> None:
        self.descriptor = descriptor
        self._rights = rights

    def close(self) -> None:
        """Close the descriptor; safe to call twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def read(self, path: str) -> SourceFile | SourceMissing:
        """Read a file whole. What changes while it is read is read again."""
        try:
            descriptor = self.open(path)
        except NotRegular as error:
            return SourceMissing(path, str(error), gone=False)
        except OSError as error:
            return SourceMissing(path, _reason(error), gone=_is_gone(error))
        try:
            return _read_quiet(path, descriptor)
        except OSError as error:
            return SourceMissing(path, _reason(error), gone=False)
        finally:
            os.close(descriptor)

    def open(self, path: str) -> int:
        """Open a file for reading, following links inside the root; ``NotRegular`` for any other.

        Opening a device can act on it and opening a FIFO blocks or wakes its writer, so what lies
        there is looked at before it is opened.
        """
        _check_name(path)
        with acting_with(self._rights):
            if self.descriptor < 0 and self._rights is None:
                found = os.open(path, os.O_PATH | os.O_CLOEXEC)
            else:
                # Step by step, as /proc/self is not the same to the target.
                found = _open_inside(self.descriptor, path, os.O_PATH | os.O_CLOEXEC)
            try:
                if not stat.S_ISREG(os.fstat(found).st_mode):
                    raise NotRegular("it is no regular file")
                return os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_CLOEXEC)
            finally:
                os.close(found)

    def stat_of(self, path: str) -> os.stat_result:
        """``stat`` of what a path leads to."""
        if self.descriptor < 0:
            return os.stat(path)  # noqa: PTH116 - pathlib costs 10 ms at start-up
        return self.components(path)[-1]

    def is_read_only(self, path: str) -> bool:
        """Whether nothing can be written there by anybody: so for the mount that the root shows."""
        _check_name(path)
        descriptor = _open_inside(self.descriptor, path, os.O_PATH | os.O_CLOEXEC)
        try:
            return bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)
        finally:
            os.close(descriptor)

    def lstat(self, path: str) -> os.stat_result:
        """``lstat`` of the last component of a path."""
        _check_name(path)
        if self.descriptor < 0:
            return os.lstat(path)
        return self.components(path)[-1]

    def mount_id(self, path: str) -> int:
        """The number of the mount that a path leads to, as in ``mountinfo``."""
        _check_name(path)
        descriptor = _open_inside(self.descriptor, path, os.O_PATH | os.O_CLOEXEC)
        try:
            with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:  # noqa: PTH123 - start-up
                fields = file.read().split()
        finally:
            os.close(descriptor)
        return int(fields[fields.index(b"mnt_id:") + 1])

    def components(self, path: str) -> list[os.stat_result]:
        """``lstat`` of everything that leads to a file: links, their targets, directories, it."""
        _check_name(path)
        found: list[os.stat_result] = []
        descriptor = _open_inside(self.descriptor, path, os.O_PATH | os.O_CLOEXEC, found)
        os.close(descriptor)
        return found


def _read_quiet(path: str, descriptor: int) -> SourceFile | SourceMissing:
    for _ in range(MAXIMUM_TRIES):
        before = os.fstat(descriptor)
        if before.st_size > MAXIMUM_SOURCE:
            return SourceMissing(path, "it is larger than 64 MiB", gone=False)
        # Files of the kernel claim to be empty, and reading some of them has effects.
        data = _read_all(descriptor) if before.st_size else b""
        after = os.fstat(descriptor)
        if _version(before) == _version(after) and len(data) == after.st_size:
            digest = blake2b(data, digest_size=DIGEST_SIZE).digest()
            return SourceFile(path, data, digest, after)
    return SourceMissing(path, "it changes while it is read", gone=False)


def _read_all(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    parts = []
    total = 0
    while total <= MAXIMUM_SOURCE:
        part = os.read(descriptor, 1 << 20)
        if not part:
            break
        parts.append(part)
        total += len(part)
    return b"".join(parts) if len(parts) != 1 else parts[0]


def _version(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _open_inside(root: int, path: str, flags: int, seen: list[os.stat_result] | None = None) -> int:
    """Open ``path`` below the directory ``root`` (-1: ``/``) one component at a time.

    ``seen`` collects the ``lstat`` of every component and link on the way. Where the way leads back
    (``..``, an absolute link) the directory that it goes on from comes again.
    """
    current = os.open("/", os.O_PATH | os.O_CLOEXEC) if root < 0 else os.dup(root)
    stack = [current]
    pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    links = 0
    try:
        while pending:
            name = pending.pop()
            if name == "..":
                if len(stack) > 1:
                    os.close(stack.pop())
                _see(seen, stack[-1])
                continue
            facts = os.stat(name, dir_fd=stack[-1], follow_symlinks=False)
            if seen is not None:
                seen.append(facts)
            if stat.S_ISLNK(facts.st_mode):
                links += 1
                if links > MAXIMUM_LINKS:
                    raise OSError(errno.ELOOP, "too many links")
                target = os.readlink(name, dir_fd=stack[-1])
                if target.startswith("/"):
                    while len(stack) > 1:
                        os.close(stack.pop())
                    _see(seen, stack[-1])
                pending += [part for part in reversed(target.split("/")) if part not in ("", ".")]
                continue
            last = not pending
            how = flags if last else os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            stack.append(os.open(name, how | os.O_NOFOLLOW, dir_fd=stack[-1]))
        return os.dup(stack[-1]) if len(stack) == 1 else stack.pop()
    finally:
        for descriptor in stack:
            os.close(descriptor)


def _see(seen: list[os.stat_result] | None, descriptor: int) -> None:
    if seen is not None:
        seen.append(os.fstat(descriptor))


@contextlib.contextmanager
def acting_with(rights: Rights | None) -> Iterator[None]:
    """Let the kernel decide on access as it does for these rights (``None``: our own)."""
    if rights is None:
        yield
        return
    uid, gid, groups = os.geteuid(), os.getegid(), os.getgroups()
    try:
        os.setgroups(rights.groups)
        os.setegid(rights.gid)
        os.seteuid(rights.uid)
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def _check_name(path: str) -> None:
    """Raise ``FileNotFoundError`` for what can't be the name of a file."""
    try:
        if b"\0" not in os.fsencode(path):
            return
    except UnicodeEncodeError:
        pass
    raise FileNotFoundError(errno.ENOENT, "no file can have that name")


def _is_gone(error: OSError) -> bool:
    return error.errno in (errno.ENOENT, errno.ENOTDIR)


def _reason(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "it may not be read"
    return (error.strerror or str(error)).lower()
