"""Find every live function by scanning memory for the address of its type.

Walking from ``sys.modules`` finds about 92 % of them; the scan finds closures, wrappers,
registries, callbacks, functions of modules that were dropped, and those of all subinterpreters.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from instep.process.maps import Run
    from instep.process.memory import ProcessMemory
    from instep.process.runtime import Interpreter

CHUNK = 1 << 20
OVERLAP = 256


class LoadedFunction(NamedTuple):
    """A function object that looks alive: where it, its namespace and its code lie."""

    address: int
    namespace: int
    code: int


class Scan(NamedTuple):
    """What one pass over the heap found.

    ``files`` maps the address of each object that looks like a code object to the address of its
    ``co_filename``; freed code objects are among them. ``copied`` counts bytes.
    """

    functions: list[LoadedFunction]
    files: dict[int, int]
    copied: int


def scan_heap(memory: ProcessMemory, runs: list[Run], interpreter: Interpreter) -> Scan:
    """Copy the runs one chunk at a time and pick out functions and code objects.

    One literal needle for each pass keeps ``re`` in its fast search (22 ms for 64 MiB; an
    alternation of four takes 239 ms).
    """
    function = _Needle(interpreter, "function", ("function.globals", "function.code"))
    code = _Needle(interpreter, "code", ("code.filename",))
    functions: list[LoadedFunction] = []
    files: dict[int, int] = {}
    copied = 0
    buffer = bytearray(CHUNK + OVERLAP)
    view = memoryview(buffer)
    for run in runs:
        end = run.address + run.size
        address = run.address
        while address < end:
            wanted = min(CHUNK + OVERLAP, end - address)
            count = memory.read_into(view[:wanted], address)
            copied += count
            limit = min(CHUNK, count)
            _pick_functions(function, buffer, count, limit, address, functions)
            _pick_codes(code, buffer, count, limit, address, files)
            address += CHUNK
    return Scan(functions, files, copied)


class _Needle:
    """A pattern for objects of one type that captures some of their fields."""

    def __init__(self, interpreter: Interpreter, kind: str, fields: tuple[str, ...]) -> None:
        offsets = [interpreter.offsets[field] for field in fields]
        size = max(offsets) + 8 - 16
        literal = re.escape(struct.pack("<Q", interpreter.types[kind]))
        self.pattern = re.compile(literal + b"(?=(.{%d}))" % size, re.DOTALL)
        self.starts = [offset - 16 for offset in offsets]
        pads = []
        position = 0
        for start in self.starts:
            pads.append(f"{start - position}xQ")
            position = start + 8
        self.unpack = struct.Struct("<" + "".join(pads)).unpack


def _pick_functions(  # noqa: PLR0913 - a buffer, its bounds and its address belong together
    needle: _Needle, buffer: bytearray, count: int, limit: int, base: int, into: list[LoadedFunction]
) -> None:
    unpack = needle.unpack
    low = base - 8
    into += [
        LoadedFunction(low + at, *unpack(found[1]))
        for found in needle.pattern.finditer(buffer, 0, count)
        if not (at := found.start()) & 7
        and 8 <= at < limit + 8
        and buffer[at - 8 : at - 4] != b"\0\0\0\0"
    ]


def _pick_codes(  # noqa: PLR0913 - as above
    needle: _Needle, buffer: bytearray, count: int, limit: int, base: int, into: dict[int, int]
) -> None:
    unpack = needle.unpack
    low = base - 8
    for found in needle.pattern.finditer(buffer, 0, count):
        at = found.start()
        if not at & 7 and 8 <= at < limit + 8:
            into[low + at] = unpack(found[1])[0]
