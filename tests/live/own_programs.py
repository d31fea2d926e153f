"""Programs that a test writes itself, old enough to be told from what is edited later."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

READY = Path(__file__).resolve().parent / "programs/_ready.py"
# A start time is known in ticks of 10 ms, a change of a file in ticks of the coarse clock.
OLD_NANOSECONDS = 30_000_000
TEXT = """\
import sys

import _ready


def answer():
    return 42


_ready.ready()
sys.stdin.read()
"""


def own_program(folder: Path, text: str = TEXT, name: str = "program.py") -> Path:
    """Write a program that says when it is ready, and return when it is older than any start."""
    program = folder / name
    program.write_text(text)
    shutil.copy(READY, folder)
    grow_old(folder)
    return program


def grow_old(folder: Path) -> None:
    """Return when all files below the folder are older than what starts now."""
    newest = max(path.lstat().st_ctime_ns for path in folder.rglob("*"))
    while time.time_ns() < newest + OLD_NANOSECONDS:
        pass
