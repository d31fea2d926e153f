"""What being checked costs the process that is checked: its own work, with and without.

A process works without pause and counts what it does. In turns it is left alone and checked
non-stop, with all its code; the ratio of the medians is printed. Both see the same noise.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from instep.app.check import Options, check_process

PROGRAM = Path(__file__).resolve().parent / "programs" / "counting.py"
WINDOW_SECONDS = 0.5
ROUNDS = 12


class Counter:
    """The number that the target counts up, in a file that both have mapped."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDONLY)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def value(self) -> int:
        """How much has been done."""
        return int.from_bytes(os.pread(self._descriptor, 8, 0), "little")

    def rate(self, pid: int | None) -> tuple[float, int]:
        """Work in a second during one window, and the checks of ``pid`` that were made in it."""
        started, before, checks = time.perf_counter(), self.value(), 0
        while (elapsed := time.perf_counter() - started) < WINDOW_SECONDS:
            if pid is None:
                time.sleep(WINDOW_SECONDS - elapsed)
            else:
                check_process(pid, Options(all_code=True))
                checks += 1
        return (self.value() - before) / (time.perf_counter() - started), checks


def measure(counter: Counter, pid: int) -> str:
    """The line that says what came out."""
    counter.rate(pid)  # fills the cache of compiled code
    alone, checked, checks = [], [], 0
    for _ in range(ROUNDS):
        alone.append(counter.rate(None)[0])
        rate, made = counter.rate(pid)
        checked.append(rate)
        checks += made
    before, during = statistics.median(alone), statistics.median(checked)
    assert before > 0
    assert checks >= ROUNDS
    return (
        f"throughput of a busy target: {during / before:.1%} while checked non-stop"
        f" ({during:,.0f} against {before:,.0f} a second, {checks} checks,"
        f" {os.cpu_count()} processors)"
    )


def main() -> int:
    """Measure, and print one line."""
    with tempfile.TemporaryDirectory(prefix="instep-bench-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # ours alone, gone when we are done
        file = Path(folder) / "count"
        file.write_bytes(bytes(8))
        process = subprocess.Popen(
            [sys.executable, PROGRAM, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        counter = Counter(file)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            print(measure(counter, process.pid))
        finally:
            counter.close()
            process.kill()
            process.communicate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
