"""Memory that lies: reading stays bounded in time and memory, and what is unknown is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from instep.cpython.registry import describe
from live.targets import TargetFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from live.found_interpreters import Interpreter
    from live.targets import TargetFactory

pytestmark = pytest.mark.live
SECONDS = 60
KIBIBYTES = 1_500_000
# What each way may end in: 0 where the lie is beside what is judged.
WAYS = {
    "space": {0, 3},
    "mappings": {0, 3},
    "modules": {3},
    "needles": {0, 3},
    "own_code": {1, 3},
    "wide": {1, 3},
    "cycle": {1, 3},
    "long_text": {1, 3},
    "long_int": {1, 3},
    "long_tuple": {1, 3},
    "frames": {0, 3},
    "names": {0, 3},
}


def run(pid: int, cache: Path) -> tuple[int, str, float, int]:
    """Check a process; the exit code, what was said, seconds, and the most memory in KiB."""
    started = time.monotonic()
    read, write = os.pipe()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-m", "instep", "check", str(pid)]
    process = subprocess.Popen(command, env=environment, stdout=write, stderr=write)
    os.close(write)
    with os.fdopen(read, errors="replace") as stream:
        text = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, text, time.monotonic() - started, usage.ru_maxrss


@pytest.mark.parametrize("way", WAYS)
def test_hostile_memory(target: TargetFactory, tmp_path: Path, way: str) -> None:
    """No structure of a hostile process makes reading endless, huge or wrong."""
    interpreter: Interpreter = target.default
    description = describe(tuple(map(int, interpreter.minor.split("."))))
    assert description is not None
    try:
        running = target("hostile.py", way, json.dumps(dict(description.offsets)))
    except TargetFailedError as error:
        if "refused" in str(error):
            pytest.skip("this machine gives nobody that much space")
        raise
    code, text, seconds, memory = run(running.pid, tmp_path / "cache")
    running.process.kill()
    assert "Traceback" not in text, text
    assert code in WAYS[way], text
    assert seconds < SECONDS
    assert memory < KIBIBYTES
