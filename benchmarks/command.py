"""Run whole commands and measure what they cost, start of the interpreter and all."""

from __future__ import annotations

import os
import select
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE_SECONDS = 300
# Fresh, stale, could not tell: all three are answers.
ANSWERS = (0, 1, 3)


class CommandFailedError(Exception):
    """The command gave no answer, so its time says nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is run and with which environment; ``cold`` gives each run an empty cache."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """The median of the wall times, and the highest memory of all runs."""

    seconds: float
    peak_bytes: int
    runs: int


@dataclass(frozen=True, slots=True)
class _Sample:
    seconds: float
    peak_bytes: int


def answer(command: Command) -> str:
    """Run the command once, unmeasured, and return what it prints."""
    result = subprocess.run(
        command.argv,
        env=command.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    if result.returncode not in ANSWERS:
        raise CommandFailedError(_complaint(command, result.returncode, result.stderr))
    return result.stdout


def measure(commands: Sequence[Command], runs: int) -> list[Measurement]:
    """Measure commands in turn, so that a busy machine is as slow for each of them.

    Warm commands are run once before. A cold one is not: its first run is like all others.
    """
    for command in commands:
        if not command.cold:
            _run(command)
    rounds = [[_run(command) for command in commands] for _ in range(runs)]
    return [
        Measurement(
            statistics.median(sample.seconds for sample in samples),
            max(sample.peak_bytes for sample in samples),
            runs,
        )
        for samples in zip(*rounds, strict=True)
    ]


def _run(command: Command) -> _Sample:
    if not command.cold:
        return _spawn(command, command.environment)
    with tempfile.TemporaryDirectory(prefix="instep-bench-cold-") as empty:
        return _spawn(command, {**command.environment, "XDG_CACHE_HOME": empty})


def _spawn(command: Command, environment: dict[str, str]) -> _Sample:
    """Start the command as a child of ours and wait for just that one.

    posix_spawn, because subprocess reaps a child before its resource usage can be asked for.
    """
    with tempfile.TemporaryFile() as errors:
        redirections = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, errors.fileno(), 2),
        ]
        started = time.perf_counter()
        pid = os.posix_spawn(command.argv[0], command.argv, environment, file_actions=redirections)
        status, peak_bytes = _reap(pid)
        seconds = time.perf_counter() - started
        errors.seek(0)
        complaint = errors.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    if code not in ANSWERS:
        raise CommandFailedError(_complaint(command, code, complaint))
    return _Sample(seconds, peak_bytes)


def _reap(pid: int) -> tuple[int, int]:
    """Wait for the child; its wait status and its peak memory. It never outlives this call."""
    pinned = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pinned, select.POLLIN)
        in_time = bool(poll.poll(DEADLINE_SECONDS * 1000))
    except BaseException:
        _kill(pinned, pid)
        raise
    else:
        if not in_time:
            _kill(pinned, pid)
            raise CommandFailedError(f"no end within {DEADLINE_SECONDS} s")
    finally:
        os.close(pinned)
    _, status, usage = os.wait4(pid, 0)
    return status, usage.ru_maxrss * 1024


def _kill(pinned: int, pid: int) -> None:
    signal.pidfd_send_signal(pinned, signal.SIGKILL)
    os.wait4(pid, 0)


def _complaint(command: Command, code: int, errors: str) -> str:
    last = errors.strip().rpartition("\n")[2]
    words = [Path(word).name if word.startswith("/") else word for word in command.argv]
    return f"`{' '.join(words)}` ended with {code}: {last}"
