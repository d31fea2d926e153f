"""Where and how often everything is measured: the same for all cases."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from command import Command, answer

if TYPE_CHECKING:
    from interpreter import Interpreter

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Setting:
    """A temporary folder, how often commands run, and what targets run under."""

    folder: Path
    runs: int
    cold_runs: int
    interpreter: Interpreter
    all_interpreters: tuple[Interpreter, ...]

    def place_programs(self) -> None:
        """Copy the targets' programs, so that nobody edits them while they run."""
        shutil.copytree(
            FOLDER / "programs",
            self.folder / "programs",
            ignore=shutil.ignore_patterns("__pycache__"),
        )

    def program(self, name: str) -> Path:
        """The copy of a program."""
        return self.folder / "programs" / name

    def python(self, *arguments: str) -> Command:
        """The interpreter that instep runs under, with these arguments."""
        return Command((sys.executable, *arguments), self._environment())

    def instep(self, *arguments: str, cold: bool = False) -> Command:
        """The command line, by the shortest way there is."""
        return Command((sys.executable, "-m", "instep", *arguments), self._environment(), cold)

    def floor(self, *arguments: str) -> Command:
        """The program that copies memory and does nothing else."""
        return self.python(str(FOLDER / "floor.py"), *arguments)

    def counts(self, *arguments: str) -> Counts:
        """What instep says with ``--json``; warms its cache too."""
        said = json.loads(answer(self.instep(*arguments, "--json")))
        processes = said["processes"]
        return Counts(
            said["verdict"],
            len(processes),
            sum(process["counts"]["functions"] for process in processes),
        )

    def _environment(self) -> dict[str, str]:
        # Without what a developer's shell says to Python: not to write bytecode, above all.
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        return {**kept, "XDG_CACHE_HOME": str(self.folder / "cache")}


@dataclass(frozen=True, slots=True)
class Counts:
    """What a command has looked at."""

    verdict: str
    processes: int
    functions: int
