"""Memory that lies: reading it ends, in bounded time and space, at most with instep's errors."""

from __future__ import annotations

import contextlib
import random
import struct
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from instep.errors import InstepError
from instep.process.code_objects import CodeReader
from instep.process.elf import Symbols, read_image
from instep.process.frames import frames, line_number
from instep.process.maps import parse_maps
from instep.process.memory import SegmentMemory, Unreadable
from instep.process.modules import interpreter_addresses, read_interpreter
from instep.process.objects import ObjectReader
from instep.process.target import Target
from instep.process.values import ValueReader
from instep.system.processes import ProcessHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from instep.process.runtime import Interpreter
    from live.targets import TargetFactory

pytestmark = [pytest.mark.live, pytest.mark.slow]

PAGE = 1 << 12
FEW_SEEDS, SEEDS = 9, 120
LONGEST_SECONDS = 20.0
MOST_BYTES = 256 << 20
HUGE = (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


class Lies:
    """The memory of a process as it was when first read, with words of it replaced at random."""

    def __init__(self, target: Target, seed: int, each: int) -> None:
        self._memory = target.memory
        self._random = random.Random(seed)  # noqa: S311 - the same lies on every run
        self._each = each
        self._pages: dict[int, bytes] = {}

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the lying pages, as one segment for each reading."""
        if size < 0 or size > 64 << 20:
            raise Unreadable("too much")
        first, last = address // PAGE, (address + max(size, 1) - 1) // PAGE
        data = b"".join(map(self._page, range(first, last + 1)))
        return SegmentMemory({first * PAGE: data}).read(address, size)

    def locate(self, address: int, size: int) -> tuple[bytes, int]:
        """The same, as a buffer of its own."""
        return self.read(address, size), 0

    def _page(self, number: int) -> bytes:
        page = self._pages.get(number)
        if page is None:
            raw = self._memory.read_some(number * PAGE, PAGE)
            if len(raw) != PAGE:
                raise Unreadable("nothing is there")
            page = self._pages[number] = self._lie(number, raw)
        return page

    def _lie(self, number: int, raw: bytes) -> bytes:
        chance = self._random
        changed = bytearray(raw)
        for _ in range(chance.randrange(self._each * 2)):
            at = chance.randrange(PAGE // 8) * 8
            word = chance.choice(
                (
                    chance.choice(HUGE),
                    number * PAGE + at,  # a cycle of one
                    number * PAGE + chance.randrange(PAGE // 8) * 8,
                    chance.choice(list(self._pages) or [number]) * PAGE + at,
                    chance.getrandbits(64),
                    int.from_bytes(raw[at : at + 8], "little") ^ 1 << chance.randrange(64),
                )
            )
            struct.pack_into("<Q", changed, at, word)
        return bytes(changed)


def readings(
    objects: ObjectReader, target: Target, places: list[int]
) -> Iterator[Callable[[], object]]:
    """All ways in which bytes of a target are decoded."""
    reader = CodeReader(objects)
    values = ValueReader(objects, reader.constants)
    for address in list(interpreter_addresses(target.objects)):
        yield lambda: list(interpreter_addresses(objects))
        yield lambda address=address: read_interpreter(objects, address)
        yield lambda address=address: [
            line_number(objects, frame) for frame in frames(objects, address)
        ]
    for address in places:
        yield lambda address=address: reader.tree(address)
    for module in target.states()[-1].modules[:60]:
        yield lambda module=module: values.namespace(module.namespace)
        yield lambda module=module: values.classes(module.namespace, module.name)
    start = next(
        mapping.start
        for mapping in parse_maps(target._maps)
        if mapping.path == target.interpreter.image_path and not mapping.offset
    )
    yield lambda: Symbols(objects.memory, read_image(objects.memory, start)).find("_PyRuntime")
    yield lambda: Symbols(objects.memory, read_image(objects.memory, start)).identity()


def lie_to_all(target: Target, interpreter: Interpreter, places: list[int], seed: int) -> int:
    """Read everything once from lying memory; how many readings found out."""
    found_out = 0
    lies = Lies(target, seed, each=(1, 4, 40)[seed % 3])
    objects = ObjectReader(lies, interpreter)
    for reading in readings(objects, target, places):
        try:
            reading()
        except InstepError:
            found_out += 1
    return found_out


@pytest.mark.parametrize("seeds", [FEW_SEEDS, pytest.param(SEEDS, marks=pytest.mark.truth)])
def test_lies_end_in_errors_within_bounds(target: TargetFactory, seeds: int) -> None:
    """Random words, cycles and huge sizes in real memory neither hang nor crash the reader."""
    running = target("sleeper.py", "json", "argparse", "dataclasses", "enum")
    with ProcessHandle(running.pid) as handle, Target(handle) as opened:
        snapshot = opened.capture(opened.states())
        places = sorted({one.code for group in snapshot.functions.values() for one in group})[:150]
        found_out = 0
        for seed in range(seeds):
            tracemalloc.start()
            started = time.monotonic()
            with contextlib.ExitStack() as stack:
                stack.callback(tracemalloc.stop)
                found_out += lie_to_all(opened, opened.interpreter, places, seed)
                _, peak = tracemalloc.get_traced_memory()
            assert time.monotonic() - started < LONGEST_SECONDS, seed
            assert peak < MOST_BYTES, seed
        assert found_out > seeds
