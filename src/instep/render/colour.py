"""Colour, on a terminal only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from instep.model.verdicts import Verdict

_CODES = {"fresh": "32", "moved": "32", "stale": "31;1", "orphaned": "31;1", "unproven": "33"}


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour: ``NO_COLOR`` and ``CLICOLOR_FORCE`` win over what the stream is."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(verdict: Verdict, text: str, *, colour: bool) -> str:
    """Text in the colour of a verdict."""
    return f"\033[{_CODES[verdict.value]}m{text}\033[0m" if colour else text
