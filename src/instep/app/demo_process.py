"""The long-running program of the demo: started, told what to do, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

PROGRAM = "migrate.py"
DEBUG_PROGRAM = "debug_migration.py"
ANSWER_SECONDS = 10.0
END_SECONDS = 3.0
MAXIMUM_LINE = 1 << 16


class Outcome(NamedTuple):
    """What a migration answered: how many comments, the last time sent, and the error if any."""

    migrated: int
    value: str
    error: str


class MigrationProcess:
    """``migrate.py`` in a folder. It is our child, so its pid stays its own until it is reaped."""

    def __init__(self, folder: Path) -> None:
        self.command = (sys.executable, PROGRAM)
        self._errors = folder / "migrate.errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                self.command,
                cwd=folder,
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                process_group=0,  # Ctrl-C is ours to act on
            )
        self._unread = b""

    def __enter__(self) -> Self:
        """Hold the process."""
        return self

    def __exit__(self, *details: object) -> None:
        """End the process if it still runs."""
        self.end()

    @property
    def pid(self) -> int:
        """The process to check."""
        return self._process.pid

    def wait_until_ready(self) -> str:
        """Wait for its first line; what went wrong, or nothing."""
        answer = self._answer()
        return "" if isinstance(answer, dict) and answer.get("ready") is True else str(answer)

    def migrate(self) -> Outcome:
        """Tell it to migrate, and wait for its answer."""
        if self._process.stdin is None:
            return Outcome(0, "", "its standard input is closed")
        with contextlib.suppress(BrokenPipeError):  # then the answer says that it ended
            self._process.stdin.write(b"migrate\n")
        return as_outcome(self._answer())

    def end(self) -> int:
        """Terminate it by its pid, which is still its own, and reap it; its exit status."""
        process = self._process
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        return process.wait()

    def _answer(self) -> object:
        """The next line as JSON, or a sentence on why there is none."""
        deadline = time.monotonic() + ANSWER_SECONDS
        stdout = self._process.stdout
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if stdout is None or left <= 0 or not select.select([stdout], [], [], left)[0]:
                return f"no answer within {ANSWER_SECONDS:.0f} seconds"
            part = os.read(stdout.fileno(), MAXIMUM_LINE)
            if not part:
                return f"it ended: {self._errors.read_text(errors='replace').strip()}"
            self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        return _parsed(line)


def debug_migration(folder: Path) -> Outcome:
    """Run the debug program: the migration of one comment by a fresh interpreter."""
    try:
        result = subprocess.run(
            (sys.executable, DEBUG_PROGRAM),
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(0, "", f"no answer within {ANSWER_SECONDS:.0f} seconds")
    if result.returncode:
        return Outcome(0, "", result.stderr.decode(errors="replace").strip())
    return as_outcome(_parsed(result.stdout))


def as_outcome(answer: object) -> Outcome:
    """An answer as an outcome; anything else than an outcome is an error."""
    if not isinstance(answer, dict) or set(answer) != set(Outcome._fields):
        return Outcome(0, "", str(answer))
    return Outcome(int(answer["migrated"]), str(answer["value"]), str(answer["error"]))


def clean_environment() -> dict[str, str]:
    """Our environment without what would make Python behave in another way than by default."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") or name == "PYTHONHOME"
    }


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line.decode(errors="replace")
