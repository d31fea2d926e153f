"""When a process started, more finely than the 10 ms ticks of ``/proc/PID/stat``.

The kernel's taskstats (Documentation/accounting/taskstats.rst) say how long a task has been
running in microseconds. Asking needs CAP_NET_ADMIN, so in general only root gets an answer.
"""

from __future__ import annotations

import os
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

NETLINK_GENERIC = 16
GENL_ID_CTRL = 16
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2
TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID = 1, 1
TASKSTATS_TYPE_AGGR_PID, TASKSTATS_TYPE_STATS = 4, 3
NLM_F_REQUEST = 1
ELAPSED_OFFSET = 144  # struct taskstats.ac_etime, unchanged since its first version
ANSWER_SECONDS = 0.2
ATTRIBUTE_HEAD = 4


def exact_start(pid: int) -> float | None:
    """When the process started, in seconds since the epoch; ``None`` where that isn't told.

    It is never later than the start, unless the machine was suspended since: the kernel doesn't
    count that time here.
    """
    if os.geteuid() != 0:
        return None
    import socket  # 2 ms, which only a file that is about as old as the process is worth

    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as link:
            link.settimeout(ANSWER_SECONDS)
            link.bind((0, 0))
            name = _attribute(CTRL_ATTR_FAMILY_NAME, b"TASKSTATS\0")
            answer = _ask(link, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, name)
            (family,) = struct.unpack("=H", answer[CTRL_ATTR_FAMILY_ID][:2])
            now = time.time()  # before it is answered: a pause makes the start earlier, not later
            wanted = _attribute(TASKSTATS_CMD_ATTR_PID, struct.pack("=I", pid))
            answer = _ask(link, family, TASKSTATS_CMD_GET, wanted)
            stats = _attributes(answer[TASKSTATS_TYPE_AGGR_PID])[TASKSTATS_TYPE_STATS]
            (elapsed,) = struct.unpack_from("=Q", stats, ELAPSED_OFFSET)
    except (OSError, KeyError, struct.error):
        return None
    return now - float(elapsed) / 1e6


def _ask(link: socket.socket, family: int, command: int, attribute: bytes) -> dict[int, bytes]:
    body = struct.pack("=BBH", command, 1, 0) + attribute
    link.send(struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST, 1, 0) + body)
    return _attributes(link.recv(1 << 16)[20:])


def _attribute(kind: int, data: bytes) -> bytes:
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + b"\0" * (-size % 4)


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < ATTRIBUTE_HEAD:
            break
        found[kind & 0x3FFF] = data[at + 4 : at + size]
        at += (size + 3) & ~3
    return found
