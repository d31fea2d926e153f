"""The code that every thread is running."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import Malformed, TooLarge
from instep.process.linetable import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.process.objects import ObjectReader

MAXIMUM_THREADS = 1 << 14
MAXIMUM_FRAMES = 1 << 18
TAG_BITS = 3


class Frame(NamedTuple):
    """One frame of a thread, innermost first: ``depth`` 0 is what runs now."""

    thread: int
    depth: int
    code: int
    instruction: int
    globals: int


def frames(objects: ObjectReader, interpreter: int) -> Iterator[Frame]:
    """The frames of all threads of the interpreter at that address.

    Threads come and go while they are read: ``Malformed`` says that their list is torn.
    """
    own = objects.offsets
    thread = objects.pointer(interpreter + own["interp.threads_head"])
    seen: set[int] = set()
    left = MAXIMUM_FRAMES
    while thread and thread not in seen and len(seen) < MAXIMUM_THREADS:
        seen.add(thread)
        native = objects.pointer(thread + own["thread.native_thread_id"])
        for frame in _thread_frames(objects, thread, native):
            left -= 1
            _check_left(left)
            yield frame
        thread = objects.pointer(thread + own["thread.next"])


def _check_left(left: int) -> None:
    if left < 0:
        raise TooLarge(f"its threads have more than {MAXIMUM_FRAMES} frames")


def _thread_frames(objects: ObjectReader, thread: int, native: int) -> Iterator[Frame]:
    own = objects.offsets
    if "thread.cframe" in own:
        cframe = objects.pointer(thread + own["thread.cframe"])
        address = objects.pointer(cframe + own["cframe.current_frame"])
    else:
        address = objects.pointer(thread + own["thread.current_frame"])
    instruction = own.get("frame.instr_ptr", own.get("frame.prev_instr", 0))
    seen: set[int] = set()
    for depth in count():
        if not address:
            return
        if address in seen:
            raise Malformed("a thread's frames follow each other in a loop")
        seen.add(address)
        code = objects.pointer(address + own["frame.code"]) & ~TAG_BITS
        yield Frame(
            native,
            depth,
            code,
            objects.pointer(address + instruction),
            objects.pointer(address + own["frame.f_globals"]),
        )
        address = objects.pointer(address + own["frame.previous"])


def is_code(objects: ObjectReader, address: int) -> bool:
    """Whether a frame's executable is a code object (3.12 and later have shims too)."""
    try:
        return objects.is_a(address, "code")
    except Malformed:
        return False


def line_number(objects: ObjectReader, frame: Frame) -> int | None:
    """The line that the frame is at, by the line table in memory; ``None`` if it can't be told."""
    own = objects.offsets
    try:
        first = objects.pointer(frame.code + own["code.firstlineno"]) & 0xFFFFFFFF
        table = objects.pointer(frame.code + own["code.linetable"])
        size = objects.pointer(table + 16)
        if size > 1 << 20:
            return None
        data = objects.memory.read(table + own["bytes.data"], size)
    except Malformed:
        return None
    unit = (frame.instruction - frame.code - own["code.code_adaptive"]) // 2
    return line_of(data, first, unit)
