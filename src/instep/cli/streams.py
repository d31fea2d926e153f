"""Standard streams: made usable whatever we were started with, and told of what goes wrong."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from instep.render.words import printable

if TYPE_CHECKING:
    from typing import TextIO

    from instep.errors import InstepError

BROKEN_PIPE = 141  # as a shell reports a program that SIGPIPE ended
COULD_NOT_WRITE = 3


def prepare_streams() -> None:
    """Open what of 0, 1 and 2 is closed, and let no text fail for the want of a character.

    A descriptor that is opened for reading must not become standard error, and Python leaves out
    streams that are closed when it starts.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _usable(sys.stdout)
    sys.stderr = _usable(sys.stderr)


def _usable(stream: TextIO | None) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - for our whole life
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def complain(error: InstepError) -> None:
    """Say what went wrong and the way out. Names that a target chose are among what is said."""
    hint = f"\n  {error.hint}" if error.hint else ""
    sys.stderr.write(f"instep: {printable(str(error))} [{error.slug}]{hint}\n")


def finish(code: int) -> int:
    """Write out what is still held back; the exit code, another one if that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return fail(error)
    return code


def fail(error: OSError) -> int:
    """Say what the operating system refused; nothing if it is only that nobody reads on."""
    if not isinstance(error, BrokenPipeError):
        place = f": {error.filename}" if error.filename else ""
        reason = (error.strerror or str(error)).lower()
        sys.stderr.write(f"instep: {printable(reason + place)}\n")
    # What is still held back would fail again when Python ends.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return BROKEN_PIPE if isinstance(error, BrokenPipeError) else COULD_NOT_WRITE
