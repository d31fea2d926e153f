"""``demo``: the incident, replayed with real processes.

A migration failed; the fix was right, and it failed again and again, because the process that ran
it had loaded the module before the edit. Every fact here is measured while it is replayed.
"""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from instep.app.check import Options, check_process
from instep.app.demo_process import DEBUG_PROGRAM, PROGRAM, MigrationProcess, debug_migration
from instep.errors import PlatformUnsupported
from instep.model.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from instep.app.demo_process import Outcome
    from instep.model.verdicts import Report

INCIDENT = Path(__file__).with_name("demo_incident")
MODULE = "work_package_migration.py"
FUNCTION = "migrate_comments"
OLD_TIME = "2012-03-12 22:03:04"
ISO_TIME = "2012-03-12T22:03:04Z"
INTEGRITY_ERROR = "sqlite3.IntegrityError"
OLD_FORMAT, ISO_FORMAT = "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"
CONVERSION = f"""\
        moment = datetime.strptime(created, "{OLD_FORMAT}")
        validity_start = moment.strftime("{ISO_FORMAT}")
"""
FIX = (
    ("import sqlite3\n", "import sqlite3\nfrom datetime import datetime\n"),
    ("        validity_start = created\n", CONVERSION),
)


class Started(NamedTuple):
    """The program was started and has imported the module. ``problem`` says if it did not."""

    pid: int
    command: tuple[str, ...]
    bytecode: tuple[str, ...]
    problem: str


class Migrated(NamedTuple):
    """The running program was told to migrate. ``bytecode`` is what __pycache__ holds now."""

    pid: int
    outcome: Outcome
    bytecode: tuple[str, ...]


class Edited(NamedTuple):
    """The fix was written into the file; ``lines`` are those that differ, with + or -."""

    file: str
    lines: tuple[str, ...]


class CacheRemoved(NamedTuple):
    """__pycache__ was removed with these files."""

    files: tuple[str, ...]


class Debugged(NamedTuple):
    """A fresh interpreter ran the fixed module. ``bytecode`` is what __pycache__ holds now."""

    command: tuple[str, ...]
    outcome: Outcome
    bytecode: tuple[str, ...]


class Checked(NamedTuple):
    """``instep check`` was run."""

    report: Report


class Ended(NamedTuple):
    """The program was ended; its exit status is negative for a signal."""

    pid: int
    status: int


Fact = Started | Migrated | Edited | CacheRemoved | Debugged | Checked | Ended


class Step(NamedTuple):
    """One fact, when it was known (seconds since the replay began), and what the story says.

    ``as_told`` says whether the fact is what the story says; the replay stops at one that isn't.
    """

    seconds: float
    expected: str
    as_told: bool
    fact: Fact
    folder: str


def replay() -> Generator[Step, None, None]:
    """Replay the incident in a folder that is removed afterwards.

    Close the generator if it isn't taken to its end: that ends the program and removes the folder.
    """
    if not sys.platform.startswith("linux"):
        raise PlatformUnsupported("the demo reads another process's memory")
    began = time.perf_counter()
    with ExitStack() as stack:
        name = stack.enter_context(TemporaryDirectory(prefix="instep-demo-"))
        folder = Path(name).resolve()
        for program in (MODULE, PROGRAM, DEBUG_PROGRAM):
            shutil.copyfile(INCIDENT / program, folder / program)
        for expected, as_told, fact in _story(folder, stack):
            yield Step(time.perf_counter() - began, expected, as_told, fact, str(folder))
            if not as_told:
                return


def _story(folder: Path, stack: ExitStack) -> Iterator[tuple[str, bool, Fact]]:
    process = stack.enter_context(MigrationProcess(folder))
    yield _started(process, folder)
    yield _fails(process, folder)
    yield _edited(folder)
    yield _fails(process, folder)
    yield _cache_removed(folder)
    yield _fails(process, folder)
    yield _debugged(folder)
    yield _fails(process, folder)
    yield _proven_stale(process)
    status = process.end()
    yield "it ends", True, Ended(process.pid, status)
    process = stack.enter_context(MigrationProcess(folder))
    yield _started(process, folder)
    yield _passes(process, folder)
    yield _proven_fresh(process)


def _started(process: MigrationProcess, folder: Path) -> tuple[str, bool, Fact]:
    problem = process.wait_until_ready()
    fact = Started(process.pid, process.command, _bytecode(folder), problem)
    expected = "it imports the module and keeps its bytecode in __pycache__"
    return expected, not problem and len(fact.bytecode) == 1, fact


def _fails(process: MigrationProcess, folder: Path) -> tuple[str, bool, Fact]:
    outcome = process.migrate()
    as_told = outcome.value == OLD_TIME and outcome.error.startswith(INTEGRITY_ERROR)
    fact = Migrated(process.pid, outcome, _bytecode(folder))
    return "it sends the old format and fails", as_told, fact


def _passes(process: MigrationProcess, folder: Path) -> tuple[str, bool, Fact]:
    outcome = process.migrate()
    as_told = outcome.migrated > 0 and not outcome.error
    return "it passes", as_told, Migrated(process.pid, outcome, _bytecode(folder))


def _edited(folder: Path) -> tuple[str, bool, Fact]:
    file = folder / MODULE
    before = after = file.read_text()
    for old, new in FIX:
        after = after.replace(old, new)
    file.write_text(after)
    lines = tuple(
        line
        for line in unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    )
    as_told = all(after.count(new) == 1 for _, new in FIX)
    return "the fix is in the file", as_told, Edited(MODULE, lines)


def _cache_removed(folder: Path) -> tuple[str, bool, Fact]:
    files = _bytecode(folder)
    shutil.rmtree(folder / "__pycache__")
    return "no bytecode is left", bool(files) and not _bytecode(folder), CacheRemoved(files)


def _debugged(folder: Path) -> tuple[str, bool, Fact]:
    outcome = debug_migration(folder)
    fact = Debugged((sys.executable, DEBUG_PROGRAM), outcome, _bytecode(folder))
    as_told = outcome.value == ISO_TIME and not outcome.error and len(fact.bytecode) == 1
    return "a fresh interpreter passes, and writes the bytecode anew", as_told, fact


def _proven_stale(process: MigrationProcess) -> tuple[str, bool, Fact]:
    report = check_process(process.pid, Options())
    found = [
        one.difference
        for module in report.modules
        for one in module.definitions
        if (one.qualname, one.verdict) == (FUNCTION, Verdict.STALE)
    ]
    shown = any(OLD_FORMAT in text and ISO_FORMAT in text for text in found)
    running = any(frame.qualname == FUNCTION for frame in report.stale_frames)
    as_told = report.verdict is Verdict.STALE and shown and running
    expected = f"{FUNCTION} is stale by its constants, and a thread is running it"
    return expected, as_told, Checked(report)


def _proven_fresh(process: MigrationProcess) -> tuple[str, bool, Fact]:
    report = check_process(process.pid, Options())
    return "all of it is proven fresh", report.verdict is Verdict.FRESH, Checked(report)


def _bytecode(folder: Path) -> tuple[str, ...]:
    """The bytecode files of the folder, relative to it."""
    return tuple(sorted(str(file.relative_to(folder)) for file in folder.glob("__pycache__/*.pyc")))
