"""Reading this very process through ``/proc/self/mem``, as instep reads another one."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WORD = 8
# From 3.14 on a frame's references carry tag bits (Include/internal/pycore_stackref.h).
STACKREF_TAG = 3


class OwnMemory:
    """The memory of the running interpreter, read at offsets given by name."""

    def __init__(self, offsets: Mapping[str, int]) -> None:
        self.offsets = offsets
        self._file = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes."""
        return os.pread(self._file, size, address)

    def word_at(self, address: int) -> int:
        """Return the pointer-sized unsigned integer at ``address``."""
        value: int = struct.unpack("<Q", self.read(address, WORD))[0]
        return value

    def word(self, address: int, name: str) -> int:
        """Return the word of the structure at ``address`` that ``name`` points out."""
        return self.word_at(address + self.offsets[name])

    def int32(self, address: int, name: str) -> int:
        """Return a C int."""
        value: int = struct.unpack("<i", self.read(address + self.offsets[name], 4))[0]
        return value

    def int8(self, address: int, name: str) -> int:
        """Return a C signed char."""
        value: int = struct.unpack("<b", self.read(address + self.offsets[name], 1))[0]
        return value

    def words(self, address: int, count: int) -> list[int]:
        """Return ``count`` words in a row."""
        return list(struct.unpack(f"<{count}Q", self.read(address, count * WORD)))

    def c_string(self, address: int, limit: int = 200) -> bytes:
        """Return the bytes up to the first zero."""
        return self.read(address, limit).split(b"\0", 1)[0]

    def items(self, tuple_address: int) -> list[int]:
        """Return the addresses in a tuple."""
        count = self.word(tuple_address, "var.size")
        return self.words(tuple_address + self.offsets["tuple.items"], count)


def runtime_address() -> int:
    """Return the address of ``_PyRuntime``, which every build exports."""
    return ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
