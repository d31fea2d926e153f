"""Who listens on a port (Linux)."""

from __future__ import annotations

import os
import re

from instep.errors import InstepError
from instep.system.processes import ProcessHandle, pids

LISTEN_STATE = "0A"
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_SOCKET = re.compile(r"socket:\[(\d+)\]")


def listeners(port: int) -> list[int]:
    """The pids that hold a listening TCP socket on ``port``, of those that may be looked at."""
    inodes = _listening_inodes(port)
    if not inodes:
        return []
    return [pid for pid in pids() if _holds_any(pid, inodes)]


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in TABLES:
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines][1:]
        except OSError:
            continue
        for row in rows:
            if row[3] == LISTEN_STATE and int(row[1].rpartition(":")[2], 16) == port:
                found.add(row[9])
    return found


def _holds_any(pid: int, inodes: set[str]) -> bool:
    try:
        with ProcessHandle(pid) as handle:
            descriptor = handle.open("fd", os.O_RDONLY | os.O_DIRECTORY)
            try:
                for name in os.listdir(descriptor):
                    found = _SOCKET.fullmatch(_link(name, descriptor))
                    if found and found[1] in inodes:
                        return True
            finally:
                os.close(descriptor)
    except (InstepError, OSError):
        return False
    return False


def _link(name: str, folder: int) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return ""
