"""What times prove: nothing may look older than it is, and no program as if it started later."""

from __future__ import annotations

import os
import struct
import time
from typing import TYPE_CHECKING

import pytest

from instep.disk.sources import Root
from instep.disk.unchanged import Clock, Mounts
from instep.system import start_time

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
MOUNTS = b"7 1 0:40 / / rw - ext4 /dev/a rw\n8 7 0:41 / /net rw - nfs4 server rw\n"


class OneFile(Root):
    """A root with one file, of which the time is given."""

    def __init__(self, ctime: int) -> None:
        """Take the time of the last change."""
        super().__init__()
        times = {"st_ctime_ns": ctime, "st_mtime_ns": ctime}
        self.facts = os.stat_result((0o100644, *[0] * 9), times)

    def lstat(self, path: str) -> os.stat_result:
        """Look at the file."""
        assert path
        return self.facts

    def components(self, path: str) -> list[os.stat_result]:
        """Look at the whole way, which is the file."""
        return [self.lstat(path)]


@pytest.mark.parametrize(
    ("ctime", "unchanged"),
    [(99 * SECOND, True), (100 * SECOND, False), (100 * SECOND + 1, True)],
    ids=["second-before", "same-second", "finer"],
)
def test_whole_seconds(ctime: int, *, unchanged: bool) -> None:
    """A time in whole seconds can stand for any moment of its second."""
    assert Clock(OneFile(ctime), 100.5).is_unchanged("/file") is unchanged


def test_way_back(tmp_path: Path) -> None:
    """Where a path leads back, the directory that it goes on from is looked at again."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b/file").touch()
    inodes = [facts.st_ino for facts in Root().components(f"{tmp_path}/a/../b/file")]
    above = tmp_path.stat().st_ino
    assert inodes[-5:] == [
        above,
        (tmp_path / "a").stat().st_ino,
        above,
        (tmp_path / "b").stat().st_ino,
        (tmp_path / "b/file").stat().st_ino,
    ]


def test_mounts() -> None:
    """A file belongs to the mount that its way leads to; an unknown one is known by device."""
    mounts = Mounts(MOUNTS, b"9 1 0:42 / / rw - tmpfs none rw\n")
    assert mounts.is_local(7, 0)
    assert not mounts.is_local(8, 0)
    assert mounts.is_local(5, os.makedev(0, 42))
    assert not mounts.is_local(5, os.makedev(0, 43))


def test_mount_of_a_link(tmp_path: Path) -> None:
    """The mount of a path is that of what its links lead to."""
    (tmp_path / "link").symlink_to("/proc/self")
    root = Root()
    assert root.mount_id(f"{tmp_path}/link/status") == root.mount_id("/proc/self/status")
    assert root.mount_id(f"{tmp_path}/link/status") != root.mount_id(str(tmp_path))


def test_pause_while_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause while the kernel is asked for a start makes it earlier, never later."""
    elapsed, asked = 2.0, [0.0]
    stats = bytearray(start_time.ELAPSED_OFFSET + 8)
    struct.pack_into("=Q", stats, start_time.ELAPSED_OFFSET, int(elapsed * 1e6))
    inner = start_time._attribute(start_time.TASKSTATS_TYPE_STATS, bytes(stats))

    def ask(_link: object, family: int, *_rest: object) -> dict[int, bytes]:
        asked.append(time.time())
        time.sleep(0.01)
        if family == start_time.GENL_ID_CTRL:
            return {start_time.CTRL_ATTR_FAMILY_ID: struct.pack("=H", 99)}
        return {start_time.TASKSTATS_TYPE_AGGR_PID: inner}

    monkeypatch.setattr(start_time, "_ask", ask)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = start_time.exact_start(1)
    assert found is not None
    assert asked[1] - elapsed <= found <= asked[2] - elapsed
