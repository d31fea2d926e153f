"""Constants of the target in the encoded form of ``instep.model.encoding``."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from instep.errors import Malformed
from instep.model.encoding import MAXIMUM_DEPTH, MAXIMUM_VALUE_BYTES, U32, integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from instep.process.objects import ObjectReader

MAXIMUM_ITEMS = 1 << 18
FEW_ITEMS = 8  # too few to matter: each is bounded
MAXIMUM_DIGITS = 1 << 16
MAXIMUM_MEMORY = 24 << 20
DIGIT_BITS = 30
HEAD_SIZE = 24  # reference count, type, and the size of objects that have one


class UnknownConstant(Malformed):
    """A value of a type that has no encoded form (an instance, a function, a list)."""


class ConstantEncoder:
    """Encodes immutable values; each address once, as constants are shared widely.

    ``code`` encodes a code object. What was read is remembered up to 24 MiB, so that neither a
    big process nor a hostile one makes the reader grow without bound.
    """

    def __init__(self, objects: ObjectReader, code: Callable[[int], bytes]) -> None:
        self._objects = objects
        self._memory = objects.memory
        self._known: dict[int, bytes] = {}
        self._size = 0
        self._depth = 0
        self._code = code
        self._code_type = objects.interpreter.types["code"]
        interpreter = objects.interpreter
        types = interpreter.types
        self._encoders: dict[int, Callable[[int, bytes, int], bytes]] = {
            types["str"]: self._text,
            types["bytes"]: self._bytes,
            types["int"]: self._int,
            types["float"]: self._float,
            types["complex"]: self._complex,
            types["tuple"]: self._tuple,
            types["frozenset"]: self._frozenset,
            types["slice"]: self._slice,
        }
        singles = {"None": b"N", "True": b"T", "False": b"F", "Ellipsis": b"E"}
        self._singles = {interpreter.singletons[name]: tag for name, tag in singles.items()}
        self._known.update(self._singles)
        self._bytes_data = objects.offsets["bytes.data"]
        self._text_head = objects.offsets["unicode.compact_data"]
        self._items = objects.offsets["tuple.items"]

    def forget(self) -> None:
        """Drop what was read."""
        self._known = dict(self._singles)
        self._size = 0

    def encode(self, address: int) -> bytes:
        """The encoded value at ``address``; ``UnknownConstant`` if its type has no such form."""
        known = self._known.get(address)
        if known is not None:
            return known
        buffer, at = self._memory.locate(address, HEAD_SIZE)
        encoder = self._encoders.get(int.from_bytes(buffer[at + 8 : at + 16], "little"))
        if encoder is None:
            if int.from_bytes(buffer[at + 8 : at + 16], "little") == self._code_type:
                return self._code(address)  # remembered by the reader of code objects
            raise UnknownConstant(f"the object at {address:#x} is no constant")
        value = encoder(address, buffer, at)
        self._size += len(value)
        if self._size > MAXIMUM_MEMORY:
            self.forget()
        self._known[address] = value
        return value

    def join(self, addresses: tuple[int, ...]) -> bytes:
        """The encoded tuple of the values at ``addresses``."""
        known = self._known
        parts = [known.get(address) or self.encode(address) for address in addresses]
        self._check_sum(parts)
        return b"(" + U32.pack(len(parts)) + b"".join(parts)

    def _check_sum(self, parts: list[bytes]) -> None:
        # Before they are joined: a tuple can hold one large value a million times.
        if len(parts) > FEW_ITEMS and sum(map(len, parts)) > MAXIMUM_VALUE_BYTES:
            raise Malformed("a tuple or frozenset is too large")

    def _text(self, address: int, buffer: bytes, at: int) -> bytes:
        head = self._text_head
        if at + head > len(buffer):
            buffer, at = self._memory.locate(address, head)
        data = self._objects.text_in(address, buffer, at)
        return b"s" + U32.pack(len(data)) + data

    def _bytes(self, address: int, buffer: bytes, at: int) -> bytes:
        size = int.from_bytes(buffer[at + 16 : at + 24], "little")
        if size > MAXIMUM_VALUE_BYTES:
            raise Malformed(f"the bytes at {address:#x} claim {size} bytes")
        start = at + self._bytes_data
        data = buffer[start : start + size]
        if len(data) != size:
            data = self._memory.read(address + self._bytes_data, size)
        return b"b" + U32.pack(size) + data

    def _int(self, address: int, _buffer: bytes, _at: int) -> bytes:
        offsets = self._objects.offsets
        if "long.tag" in offsets:
            tag = self._objects.pointer(address + offsets["long.tag"])
            count, sign = tag >> 3, 1 - (tag & 3)
        else:
            size = int.from_bytes(self._memory.read(address + 16, 8), "little", signed=True)
            count, sign = abs(size), (size > 0) - (size < 0)
        if count > MAXIMUM_DIGITS:
            raise Malformed(f"the int at {address:#x} claims {count} digits")
        raw = self._memory.read(address + offsets["long.digits"], count * 4)
        value = 0
        for digit in reversed(struct.unpack(f"<{count}I", raw)):
            value = value << DIGIT_BITS | digit
        return integer(value * sign)

    def _float(self, address: int, _buffer: bytes, _at: int) -> bytes:
        return b"f" + self._memory.read(address + self._objects.offsets["float.value"], 8)

    def _complex(self, address: int, _buffer: bytes, _at: int) -> bytes:
        return b"c" + self._memory.read(address + self._objects.offsets["complex.value"], 16)

    def _tuple(self, address: int, buffer: bytes, at: int) -> bytes:
        if at + self._items > len(buffer):
            buffer, at = self._memory.locate(address, self._items)
        with self._nested(address):
            value = self.join(self._objects.items_in(address, buffer, at))
        return self._bounded(address, value)

    def _frozenset(self, address: int, _buffer: bytes, _at: int) -> bytes:
        own = self._objects.offsets
        mask = self._objects.pointer(address + own["set.mask"])
        used = self._objects.pointer(address + own["set.used"])
        if mask >= MAXIMUM_ITEMS or used > mask + 1:
            raise Malformed(f"the frozenset at {address:#x} has an impossible form")
        table = self._objects.pointer(address + own["set.table"])
        raw = self._memory.read(table, (mask + 1) * 16)
        with self._nested(address):
            items = [self.encode(key) for key, _ in struct.iter_unpack("<2Q", raw) if key]
        self._check_sum(items)
        if len(items) != used:
            raise Malformed(f"the frozenset at {address:#x} holds another number of items")
        return self._bounded(address, b"<" + U32.pack(len(items)) + b"".join(sorted(items)))

    def _slice(self, address: int, _buffer: bytes, _at: int) -> bytes:
        own = self._objects.offsets
        parts = ("slice.start", "slice.stop", "slice.step")
        pointers = [self._objects.pointer(address + own[part]) for part in parts]
        with self._nested(address):
            value = b":" + b"".join([self.encode(pointer) for pointer in pointers])
        return self._bounded(address, value)

    @contextmanager
    def _nested(self, address: int) -> Iterator[None]:
        """One level deeper: a cycle in lying memory ends here."""
        if self._depth >= MAXIMUM_DEPTH:
            raise Malformed(f"the value at {address:#x} is nested too deeply")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _bounded(self, address: int, value: bytes) -> bytes:
        if len(value) > MAXIMUM_VALUE_BYTES:
            raise Malformed(f"the value at {address:#x} is too large")
        return value
