"""Start real programs for the tests to read, know when they are ready, and reap every one."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from live.found_interpreters import Interpreter

PROGRAMS = Path(__file__).resolve().parent / "programs"
# Importing a large library without bytecode files, on a loaded machine.
READY_DEADLINE_SECONDS = 90
END_DEADLINE_SECONDS = 10
# The start time of a process is known to 10 ms, the time of a file's last change to 4 ms.
CLOCK_SECONDS = 0.03


class TargetFailedError(AssertionError):
    """The target ended, or stayed silent, before it said what the test waits for."""


@dataclass
class Target:
    """A running program that the test owns: it is a child, so its pid can't be reused under us."""

    process: subprocess.Popen[bytes]
    program: Path
    stderr_file: Path
    fifo: int
    _unread: bytes = field(default=b"", repr=False)

    @property
    def pid(self) -> int:
        """The process to read."""
        return self.process.pid

    @property
    def stderr(self) -> str:
        """What the target has written to standard error until now."""
        return self.stderr_file.read_text(errors="replace")

    def tell(self, line: str) -> None:
        """Send the target one line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    def wait_for(self, word: str = "ready", within_seconds: float = READY_DEADLINE_SECONDS) -> None:
        """Return when the target has said `word`; fail when it says another, ends, or is late."""
        deadline = time.monotonic() + within_seconds
        ended = os.pidfd_open(self.pid)
        poll = select.poll()
        poll.register(self.fifo, select.POLLIN)
        poll.register(ended, select.POLLIN)
        try:
            while b"\n" not in self._unread:
                self._read_once(poll, deadline)
        finally:
            os.close(ended)
        line, self._unread = self._unread.split(b"\n", 1)
        if line.decode() != word:
            raise self._failure(f"said {line.decode()!r}, not {word!r}")

    def _read_once(self, poll: select.poll, deadline: float) -> None:
        events = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
        if not events:
            raise self._failure("did not get ready in time")
        if self.fifo in events:
            self._unread += os.read(self.fifo, 4096)
        else:
            raise self._failure(f"ended with {self.process.wait()} before it was ready")

    def _failure(self, what: str) -> TargetFailedError:
        return TargetFailedError(f"{self.program.name} (pid {self.pid}) {what}\n{self.stderr}")

    def end(self) -> int:
        """Terminate the target if it still runs, reap it, and return its exit status."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(END_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def close(self) -> None:
        """End the target and give back what the test held for it."""
        self.end()
        os.close(self.fifo)


@dataclass
class TargetFactory:
    """Starts targets in a folder of the test's own, and closes all of them."""

    folder: Path
    default: Interpreter
    started: list[Target] = field(default_factory=list)

    def __call__(
        self,
        program: str | Path,
        *arguments: str,
        interpreter: Interpreter | None = None,
        argv: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        packages: bool = False,
        wait: bool = True,
    ) -> Target:
        """Start `program` and wait until it is ready.

        A bare name means a file of tests/live/programs, all of which are copied next to each
        other into the folder of the test: it may be edited, and its bytecode files are its own.
        `argv` replaces the command that starts the interpreter (its `loader_argv`, or options
        added to its `argv`). `packages` gives it the libraries of `make interpreters`.
        """
        chosen = interpreter or self.default
        number = len(self.started)
        fifo_path = self.folder / f"ready-{number}"
        os.mkfifo(fifo_path)
        environment = self._environment(fifo_path, chosen if packages else None)
        place = self._place(program)
        _let_age(place.parent)
        target = self._start(
            [*(argv or chosen.argv), str(place), *arguments],
            {**environment, **(env or {})},
            cwd or self.folder,
            fifo_path,
        )
        target.program = place
        self.started.append(target)
        if wait:
            target.wait_for("ready")
        return target

    def _place(self, program: str | Path) -> Path:
        if Path(program).name != str(program):
            return Path(program)
        copies = self.folder / "programs"
        if not copies.exists():
            shutil.copytree(PROGRAMS, copies, ignore=shutil.ignore_patterns("__pycache__"))
        return copies / program

    def _environment(self, fifo: Path, with_packages: Interpreter | None) -> dict[str, str]:
        # Built from nothing: what the developer's shell sets is no part of the test.
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "INSTEP_READY_FIFO": str(fifo),
        }
        if with_packages is not None:
            assert with_packages.packages is not None
            environment["PYTHONPATH"] = with_packages.packages
        if os.geteuid() != 0 and _yama_restricts():
            environment["INSTEP_ALLOW_READERS"] = "1"
        return environment

    def _start(
        self, command: list[str], environment: dict[str, str], cwd: Path, fifo_path: Path
    ) -> Target:
        stderr_file = fifo_path.with_suffix(".stderr")
        # Both ends, so that there is no end of file between two writers.
        fifo = os.open(fifo_path, os.O_RDWR | os.O_NONBLOCK)
        with stderr_file.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=cwd,
                stdin=subprocess.PIPE,
                bufsize=0,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        return Target(process, Path(command[-1]), stderr_file, fifo)

    def close(self) -> None:
        """Close every target that was started, in reverse order."""
        while self.started:
            self.started.pop().close()


def _let_age(folder: Path) -> None:
    """Return when the files of a folder are certainly older than a process that starts now."""
    newest = max((file.stat().st_ctime for file in folder.glob("*.py")), default=0.0)
    while 0 <= time.time() - newest < CLOCK_SECONDS:
        time.sleep(CLOCK_SECONDS / 10)


def _yama_restricts() -> bool:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return scope.exists() and scope.read_text().strip() == "1"
