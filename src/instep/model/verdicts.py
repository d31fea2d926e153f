"""Verdicts, and the report that carries them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What was shown of a piece of code in memory."""

    FRESH = "fresh"
    MOVED = "moved"
    STALE = "stale"
    ORPHANED = "orphaned"
    UNPROVEN = "unproven"


class Kind(StrEnum):
    """What a verdict is about."""

    FUNCTION = "function"
    CLASS = "class"
    CONSTANT = "constant"
    DEFAULT = "default"
    ATTRIBUTE = "attribute"
    BODY = "body"


SEVERITY = {
    Verdict.FRESH: 0,
    Verdict.MOVED: 1,
    Verdict.UNPROVEN: 2,
    Verdict.ORPHANED: 3,
    Verdict.STALE: 4,
}


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a whole by those of its parts; what is proven bad outweighs what is not."""
    found = max(verdicts, key=SEVERITY.__getitem__, default=Verdict.FRESH)
    return Verdict.FRESH if found is Verdict.MOVED else found


class Cause(NamedTuple):
    """A code that leads to a page of the docs, and the sentence for people."""

    code: str
    text: str


LOADED_BEFORE_EDIT = Cause("IS101", "edited after it was loaded")
SOURCE_GONE = Cause("IS102", "source deleted or renamed")
BYTECODE_LIES = Cause("IS103", "loaded from bytecode that is not its source's")
OTHER_RELEASE = "its bytecode file was made by another compiler release, or is not its source's"
HASHED_DIFFERS = "its hash-based bytecode file is not its source's"
BYTECODE_REASONS = (OTHER_RELEASE, HASHED_DIFFERS)
SOURCE_BROKEN = Cause("IS104", "source no longer compiles")


class DefinitionVerdict(NamedTuple):
    """The verdict on one function, class, constant, default, attribute or module body."""

    qualname: str
    kind: Kind
    line: int
    verdict: Verdict
    reason: str = ""
    difference: str = ""


class ModuleVerdict(NamedTuple):
    """The verdict on one source file as one module.

    ``definitions`` holds all that is not fresh, or everything where that was asked for.
    ``counts`` counts functions by verdict, whether listed or not.
    """

    name: str
    file: str
    verdict: Verdict
    reason: str
    causes: tuple[Cause, ...]
    definitions: tuple[DefinitionVerdict, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    counts: dict[Verdict, int]
    edited: float | None = None


class StaleFrame(NamedTuple):
    """A thread that is running code which is not the code on disk."""

    thread: int
    qualname: str
    line: int | None
    file: str


class Report(NamedTuple):
    """The verdict on one process. ``issues`` are sentences on what could not be read."""

    pid: int
    started: float
    python: str
    command: tuple[str, ...]
    directory: str
    verdict: Verdict
    reason: str
    modules: tuple[ModuleVerdict, ...]
    stale_frames: tuple[StaleFrame, ...]
    issues: tuple[str, ...]
    elapsed_seconds: float
    error: str = ""
