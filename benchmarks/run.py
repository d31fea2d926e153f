"""Measure instep's commands on real processes, against a floor or a peer of the same run.

    python benchmarks/run.py             everything: one to three minutes
    python benchmarks/run.py --quick     one run of the short commands, to see that it works
    python benchmarks/run.py --json      one JSON object instead of the table

The exit code is 0 whatever is measured: this is no test. docs/explanation/performance.md says what
each row means.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from command import CommandFailedError
from interpreter import chosen_interpreter, found_interpreters
from machine import describe_machine, load
from row import Missing, Row
from setting import FOLDER, Setting
from table import render_json, render_table
from target import TargetFailedError

import cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Case = Callable[[Setting], Iterator[Row | Missing] | Iterator[Row]]

QUICK: dict[str, Case] = {"instep --help": cases.start, "check, small": cases.small}
ALL: dict[str, Case] = {**QUICK, "check, big": cases.big, "ps": cases.many}
THROUGHPUT = FOLDER / "target_throughput.py"


def main(arguments: list[str]) -> int:
    """Measure, print the table and the machine."""
    options = _parser().parse_args(arguments)
    try:
        interpreter = chosen_interpreter(options.target)
    except LookupError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 0
    before = load()
    with tempfile.TemporaryDirectory(prefix="instep-bench-") as folder:
        runs = 1 if options.quick else max(1, options.runs)
        setting = Setting(
            Path(folder), runs, min(runs, 3), interpreter, tuple(found_interpreters())
        )
        setting.place_programs()
        rows = list(_measured(setting, QUICK if options.quick else ALL))
    machine = f"{describe_machine(interpreter.version)}; {runs} runs, load {before} to {load()}"
    if options.json:
        sys.stdout.write(render_json(rows, machine))
        return 0
    sys.stdout.write(f"{render_table(rows)}\n{machine}\n")
    if THROUGHPUT.exists() and not options.quick:
        sys.stdout.write(_throughput())
    return 0


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="run.py", description="Measure instep's commands.")
    made.add_argument("--quick", action="store_true", help="one run, small target only")
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    made.add_argument("--runs", type=int, default=7, metavar="N", help="runs of each command: 7")
    made.add_argument(
        "--target", metavar="VERSION", help="the targets' Python; the newest with libraries"
    )
    return made


def _measured(setting: Setting, chosen: dict[str, Case]) -> Iterator[Row | Missing]:
    """All rows; a case that fails ends with why, and the others are measured."""
    for title, case in chosen.items():
        print(f"measuring {title}", file=sys.stderr)
        try:
            yield from case(setting)
        except (CommandFailedError, TargetFailedError, subprocess.TimeoutExpired) as error:
            yield Missing(title, str(error))


def _throughput() -> str:
    """The line of the benchmark that measures what the target loses while it is read."""
    call = "import target_throughput; target_throughput.main()"
    result = subprocess.run(
        [sys.executable, "-c", call],
        cwd=FOLDER,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        return f"target_throughput.py: {result.stderr.strip().rpartition(chr(10))[2]}\n"
    return result.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
