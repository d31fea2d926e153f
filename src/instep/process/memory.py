"""Reading bytes at addresses: of a live process, and of recorded segments."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from instep.errors import Malformed, ProcessEnded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instep.system.processes import ProcessHandle

BLOCK_BITS = 14
BLOCK_SIZE = 1 << BLOCK_BITS
BLOCK_MASK = BLOCK_SIZE - 1
MAXIMUM_BLOCKS = 1024  # 16 MiB
MAXIMUM_READ = 64 << 20
ADDRESS_LIMIT = 1 << 56


class Unreadable(Malformed):
    """No memory is mapped at an address that the target's data names."""


class MemoryReader(Protocol):
    """Bytes at an address; ``Unreadable`` unless all of them can be had."""

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes."""

    def locate(self, address: int, size: int) -> tuple[bytes, int]:
        """Return a buffer and where in it the bytes at ``address`` begin, ``size`` or more.

        The buffer may hold more than was asked for; that saves a second look for what follows.
        """


class ProcessMemory:
    """``/proc/PID/mem``, read with ``pread``: no stop, no signal, no write."""

    def __init__(self, handle: ProcessHandle) -> None:
        self.pid = handle.pid
        self._descriptor = handle.open("mem")

    def close(self) -> None:
        """Close the descriptor; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes at ``address``."""
        data = self.read_some(address, size)
        if len(data) != size:
            raise Unreadable(f"{size} bytes at {address:#x} can't be read")
        return data

    def locate(self, address: int, size: int) -> tuple[bytes, int]:
        """Return the bytes at ``address`` as a buffer of their own."""
        return self.read(address, size), 0

    def read_some(self, address: int, size: int) -> bytes:
        """Return up to ``size`` bytes: fewer where a mapping ends, none where nothing is."""
        if not 0 < address < ADDRESS_LIMIT or not 0 <= size <= MAXIMUM_READ:
            return b""
        try:
            return os.pread(self._descriptor, size, address)
        except OSError:
            return b""

    def read_into(self, buffer: memoryview, address: int) -> int:
        """Fill ``buffer`` from ``address``; the number of bytes that could be read.

        A process whose memory is gone (it ended, or executed another program) gives 0 bytes
        without an error: ``ProcessEnded``.
        """
        try:
            count = os.preadv(self._descriptor, [buffer], address)
        except OSError:
            return 0
        if count == 0 and len(buffer):
            raise ProcessEnded(self.pid)
        return count


class BlockMemory:
    """a bounded cache of 16 KiB blocks in front of a live memory.

    Good for one pass over a snapshot; what it gives may be as old as the cache. Reads that decide
    a bad verdict go to the live memory instead.
    """

    def __init__(self, memory: ProcessMemory) -> None:
        self._memory = memory
        self._blocks: dict[int, bytes] = {}

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes at ``address``."""
        start = address & BLOCK_MASK
        end = start + size
        if end <= BLOCK_SIZE and size >= 0:
            block = self._blocks.get(address >> BLOCK_BITS)
            if block is None:
                block = self._load(address >> BLOCK_BITS)
            data = block[start:end]
            if len(data) == size:
                return data
        return self._memory.read(address, size)

    def locate(self, address: int, size: int) -> tuple[bytes, int]:
        """Return the block that holds the bytes at ``address``, or a buffer of their own."""
        block = self._blocks.get(address >> BLOCK_BITS)
        if block is None:
            block = self._load(address >> BLOCK_BITS)
        start = address & BLOCK_MASK
        if start + size <= len(block):
            return block, start
        return self._memory.read(address, size), 0

    def _load(self, number: int) -> bytes:
        if len(self._blocks) >= MAXIMUM_BLOCKS:
            for key in list(self._blocks)[: MAXIMUM_BLOCKS // 2]:
                del self._blocks[key]
        block = self._memory.read_some(number << BLOCK_BITS, BLOCK_SIZE)
        self._blocks[number] = block
        return block


class SegmentMemory:
    """Recorded or invented memory: byte segments at addresses, for cores and for tests."""

    def __init__(self, segments: Mapping[int, bytes]) -> None:
        self.segments = dict(segments)

    def locate(self, address: int, size: int) -> tuple[bytes, int]:
        """Return the bytes at ``address`` as a buffer of their own."""
        return self.read(address, size), 0

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes at ``address``."""
        if size < 0 or size > MAXIMUM_READ:
            raise Unreadable(f"{size} bytes at {address:#x} can't be read")
        for start, data in self.segments.items():
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise Unreadable(f"{size} bytes at {address:#x} can't be read")
