"""Start the processes that the measured commands look at, and end every one of them."""

from __future__ import annotations

import os
import select
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from pathlib import Path

    from interpreter import Interpreter

# Importing a thousand modules without bytecode files, on a loaded machine.
READY_DEADLINE_SECONDS = 180
END_DEADLINE_SECONDS = 10


class TargetFailedError(Exception):
    """The target ended or stayed silent before it was ready."""


class Facts(NamedTuple):
    """What a target says of itself; ``twin`` is a fork of it, 0 if it made none."""

    pid: int
    twin: int
    functions: int
    modules: int


class Target:
    """A child of ours that waits for the end of its standard input, and so ends with us."""

    def __init__(self, interpreter: Interpreter, program: Path, *options: str) -> None:
        environment = {
            "PATH": os.defpath,
            "HOME": str(program.parent),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if interpreter.packages is not None:
            environment["PYTHONPATH"] = interpreter.packages
        self._name = f"{program.name} under {interpreter.version}"
        self._errors = program.with_name(f"{program.stem}.{time.monotonic_ns()}.stderr")
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*interpreter.argv, str(program), *options],
                env=environment,
                cwd=program.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def __enter__(self) -> Self:
        """Own the process until the end of the block."""
        return self

    def __exit__(self, *details: object) -> None:
        """End the process and reap it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def facts(self) -> Facts:
        """Wait until the target is ready."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + READY_DEADLINE_SECONDS
        said = b""
        # Libraries may print something of their own before.
        while not (said.endswith(b"\n") and said.splitlines()[-1].startswith(b"ready ")):
            left = max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                raise TargetFailedError(f"{self._name} was not ready in time")
            part = os.read(descriptor, 4096)
            if not part:
                raise TargetFailedError(f"{self._name} ended: {self._complaint()}")
            said += part
        return Facts(*map(int, said.splitlines()[-1].split()[1:]))

    def _complaint(self) -> str:
        return self._errors.read_text(errors="replace").strip().rpartition("\n")[2]
