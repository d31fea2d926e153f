"""Processes of this machine, held so that a reused pid can't be mistaken (Linux)."""

from __future__ import annotations

import os
import struct
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import (
    Malformed,
    NoSuchProcess,
    NotReadable,
    PlatformUnsupported,
    ProcessEnded,
)
from instep.model.identity import ProcessFacts, ProcessIdentity, Rights

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

# include/linux/sched.h: the task was forked and has not executed a program since.
PF_FORKNOEXEC = 0x40
AT_RANDOM = 25
MAXIMUM_ANCESTORS = 64
ENDED = ("Z", "X")  # a zombie, and what the kernel is about to forget
STATUS_IDS = 4  # real, effective, saved, of the file system
STAT_FIELDS = 20  # those up to the start time, behind the command
MAXIMUM_PROC_FILE = 64 << 20


class Stat(NamedTuple):
    """The fields of ``/proc/PID/stat`` that are used."""

    command: str
    state: str
    parent: int
    flags: int
    start_ticks: int


def pids() -> list[int]:
    """All process ids that are visible in this pid namespace."""
    if not sys.platform.startswith("linux"):
        raise PlatformUnsupported("listing processes needs /proc")
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


class ProcessHandle:
    """An open ``/proc/PID``: every file is reached through one directory descriptor.

    The kernel binds that descriptor to the process and not to the number, so a later process with
    the same pid is never read: it gives ESRCH instead.
    """

    def __init__(self, pid: int) -> None:
        if not sys.platform.startswith("linux"):
            raise PlatformUnsupported("reading another process needs /proc")
        self.pid = pid
        try:
            self._directory = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError, OverflowError) as error:
            raise NoSuchProcess(pid) from error
        try:
            self.identity = ProcessIdentity(pid, self._stat_of_living().start_ticks)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Hold the process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the process."""
        self.close()

    def close(self) -> None:
        """Let go of the process; safe to call twice."""
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open ``/proc/PID/name`` and return the descriptor."""
        try:
            return os.open(name, flags | os.O_CLOEXEC, dir_fd=self._directory)
        except ProcessLookupError as error:
            raise ProcessEnded(self.pid) from error
        except PermissionError as error:
            raise NotReadable(self.pid, self._whose(f"/proc/{self.pid}/{name}")) from error
        except OSError as error:
            # ENOENT or EINVAL (mountinfo), of a process that is on its way out.
            if not self.alive():
                raise ProcessEnded(self.pid) from error
            raise

    def read(self, name: str) -> bytes:
        """The content of ``/proc/PID/name``; ``Malformed`` if that is more than 64 MiB."""
        descriptor = self.open(name)
        parts: list[bytes] = []
        total = 0
        try:
            while part := os.read(descriptor, 1 << 16):
                parts.append(part)
                total += len(part)
                if total > MAXIMUM_PROC_FILE:
                    raise Malformed(f"/proc/{self.pid}/{name} is larger than 64 MiB")
        except ProcessLookupError as error:
            raise ProcessEnded(self.pid) from error
        except PermissionError as error:
            raise NotReadable(self.pid, self._whose(f"/proc/{self.pid}/{name}")) from error
        finally:
            os.close(descriptor)
        return b"".join(parts)

    def link(self, name: str) -> str:
        """The target of the link ``/proc/PID/name``."""
        try:
            return os.readlink(name, dir_fd=self._directory)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ProcessEnded(self.pid) from error
        except PermissionError as error:
            raise NotReadable(self.pid, self._whose(f"/proc/{self.pid}/{name}")) from error

    def status_of(self, name: str) -> os.stat_result:
        """``stat`` of what ``/proc/PID/name`` leads to."""
        try:
            return os.stat(name, dir_fd=self._directory)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ProcessEnded(self.pid) from error
        except PermissionError as error:
            raise NotReadable(self.pid, self._whose(f"/proc/{self.pid}/{name}")) from error

    def stat(self) -> Stat:
        """Read ``/proc/PID/stat``; the command may hold blanks and parentheses."""
        data = self.read("stat")
        opening, closing = data.find(b"("), data.rfind(b")")
        fields = data[closing + 2 :].split()
        if opening < 0 or len(fields) < STAT_FIELDS:
            raise ProcessEnded(self.pid)
        return Stat(
            os.fsdecode(data[opening + 1 : closing]),
            fields[0].decode(),
            int(fields[1]),
            int(fields[6]),
            int(fields[19]),
        )

    def _stat_of_living(self) -> Stat:
        stat = self.stat()
        if stat.state in ENDED:
            detail = "has ended; its parent has not asked for its exit status yet"
            raise ProcessEnded(self.pid, detail)
        return stat

    def alive(self) -> bool:
        """Whether the process still runs (a zombie doesn't)."""
        try:
            return self.stat().state not in ENDED
        except (ProcessEnded, NoSuchProcess, OSError):
            return False

    def owner(self) -> tuple[int, int]:
        """The effective user and group id: whose rights the process has now."""
        uid = gid = -1
        for line in self.read("status").splitlines():
            if line.startswith(b"Uid:"):
                uid = int(line.split()[2])
            elif line.startswith(b"Gid:"):
                gid = int(line.split()[2])
        return uid, gid

    def rights(self) -> Rights:
        """The least that the process can be said to run with.

        A setuid program has its user's real id and its owner's effective one; a daemon that has
        put its rights away for a while has it the other way round. Never is it taken for root that
        isn't root in both.
        """
        ids: dict[bytes, list[int]] = {}
        for line in self.read("status").splitlines():
            name, _, rest = line.partition(b":")
            if name in (b"Uid", b"Gid", b"Groups"):
                ids[name] = [int(one) for one in rest.split()]
        if not all(len(ids.get(name, ())) == STATUS_IDS for name in (b"Uid", b"Gid")):
            raise ProcessEnded(self.pid)
        uid, gid = (ids[name][0] or ids[name][1] for name in (b"Uid", b"Gid"))
        # Groups that a setgid program or a change of user has left there are not its user's.
        steady = len(set(ids[b"Uid"])) == 1
        return Rights(uid, gid, tuple(ids.get(b"Groups", ())) if steady else ())

    def command(self) -> tuple[str, ...]:
        """The command line; empty for kernel threads."""
        data = self.read("cmdline")
        return tuple(os.fsdecode(part) for part in data.rstrip(b"\0").split(b"\0")) if data else ()

    def facts(self) -> ProcessFacts:
        """Everything of the process that is told to people or decides its scope."""
        stat = self.stat()
        uid, gid = self.owner()
        return ProcessFacts(
            identity=self.identity,
            parent=stat.parent,
            uid=uid,
            gid=gid,
            command=self.command(),
            directory=self._optional_link("cwd"),
            executable=self._optional_link("exe"),
            started=wall_time(stat.start_ticks),
            image=self._image(),
            same_files=self.shares_files(),
        )

    def shares_files(self) -> bool:
        """Whether the process sees the same files under the same names as this one."""
        try:
            same_mounts = self._shares_mounts()
            ours, theirs = os.stat("/"), self.status_of("root")
        except (NotReadable, OSError):
            return False
        return same_mounts and (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)

    def _shares_mounts(self) -> bool:
        try:
            ours = os.readlink("/proc/self/ns/mnt")
        except OSError:
            # A kernel or sandbox without that: equal tables have equal mounts at equal places.
            with open("/proc/self/mountinfo", "rb") as table:
                return table.read() == self.read("mountinfo")
        return ours == self.link("ns/mnt")

    def _optional_link(self, name: str) -> str:
        try:
            return self.link(name)
        except NotReadable:
            return ""

    def _image(self) -> ProcessIdentity | None:
        """The process that executed the program whose image this one has.

        That is this process itself, unless it was only forked (PF_FORKNOEXEC is set). Then it is
        the parent, if both hold the same 16 random bytes that the kernel gave at the exec.
        """
        stat = self.stat()
        if not stat.flags & PF_FORKNOEXEC:
            return self.identity
        try:
            random = self._random_bytes()
            parent = stat.parent
            for _ in range(MAXIMUM_ANCESTORS):
                if parent <= 0 or not random:
                    return None
                with ProcessHandle(parent) as handle:
                    if handle._random_bytes() != random:
                        return None
                    above = handle.stat()
                if not above.flags & PF_FORKNOEXEC:
                    return ProcessIdentity(parent, above.start_ticks)
                parent = above.parent
        except (NoSuchProcess, NotReadable, ProcessEnded, OSError):
            return None
        return None

    def _random_bytes(self) -> bytes:
        vector = self.read("auxv")
        for kind, value in struct.iter_unpack("=QQ", vector[: len(vector) // 16 * 16]):
            if kind == AT_RANDOM:
                descriptor = self.open("mem")
                try:
                    return os.pread(descriptor, 16, value)
                except OverflowError:
                    return b""  # a process can set its auxiliary vector
                finally:
                    os.close(descriptor)
        return b""

    def _whose(self, path: str) -> str:
        try:
            uid = os.stat(f"/proc/{self.pid}").st_uid
        except OSError:
            return f"{path} may not be read"
        if uid != os.geteuid():
            return f"it belongs to user {uid}, and {path} may not be read"
        return f"{path} may not be read (ptrace rules of this machine, or a process that hides)"


def wall_time(start_ticks: int) -> float:
    """Turn clock ticks since boot into seconds since the epoch."""
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return boot + start_ticks / os.sysconf("SC_CLK_TCK")
