"""Small pieces of text that all formats for people share."""

from __future__ import annotations

import os
import shlex
import time


def shown_path(path: str, directory: str) -> str:
    """A path relative to ``directory`` where it lies below it."""
    prefix = directory.rstrip("/") + "/"
    return path.removeprefix(prefix) if prefix != "/" else path


def shown_command(command: tuple[str, ...], limit: int = 60) -> str:
    """A command line cut to ``limit`` characters, safe to print on a terminal."""
    text = printable(shlex.join(command))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str) -> str:
    """Text of a target without what a terminal would act on."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def clock(moment: float) -> str:
    """A moment as people read it: the time of day, with the date if it isn't today's."""
    local = time.localtime(moment)
    today = time.localtime()[:3] == local[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S", local)


def iso(moment: float) -> str:
    """A moment in ISO 8601, in UTC, with microseconds."""
    whole = int(moment // 1)
    micros = int((moment - whole) * 1e6)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{micros:06d}+00:00"


def here() -> str:
    """The current directory; ``/`` if it is gone."""
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib costs 10 ms at start-up
    except OSError:
        return "/"


def many(count: int, noun: str) -> str:
    """``1 function``, ``2 functions``, ``2 processes``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
