"""Python objects of the target, decoded from bytes that may lie."""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING

from instep.errors import Malformed, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.process.memory import MemoryReader
    from instep.process.runtime import Interpreter

MAXIMUM_ITEMS = 1 << 20
MAXIMUM_TEXT = 4 << 20
MAXIMUM_TEXTS = 256 << 20  # characters that are remembered: all names, keys and files
DICT_KEYS_GENERAL = 0
_TYPE_AND_SIZE = struct.Struct("<QQ")
_POINTERS: dict[int, struct.Struct] = {}
_CODECS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}


def _pointers(count: int) -> struct.Struct:
    """A compiled format for so many pointers; those of the small tuples are kept."""
    known = _POINTERS.get(count)
    if known is None:
        known = struct.Struct(f"<{count}Q")
        if count < 256:
            _POINTERS[count] = known
    return known


class ObjectReader:
    """Decodes strings, tuples, dicts and modules with the layout of one interpreter."""

    def __init__(self, memory: MemoryReader, interpreter: Interpreter) -> None:
        self.memory = memory
        self.interpreter = interpreter
        self.offsets = interpreter.offsets
        self._texts: dict[int, str] = {}
        self._text_size = 0
        own = self.offsets
        self._text_head = self._text_compact = own["unicode.compact_data"]
        self._text_ascii = own["unicode.ascii_data"]
        self._text_state = own["unicode.state"]
        self._text_struct = struct.Struct(f"<Q{own['unicode.length'] - 16}xQ")
        self._text_type = interpreter.types["str"]
        self._tuple_type = interpreter.types["tuple"]
        self._items = own["tuple.items"]

    def pointer(self, address: int) -> int:
        """The pointer at ``address``."""
        return int.from_bytes(self.memory.read(address, 8), "little")

    def type_of(self, address: int) -> int:
        """The address of the type of the object at ``address``."""
        return int.from_bytes(self.memory.read(address + 8, 8), "little")

    def is_a(self, address: int, kind: str) -> bool:
        """Whether the object at ``address`` is exactly of the built-in type ``kind``."""
        return bool(address) and self.type_of(address) == self.interpreter.types[kind]

    def text(self, address: int) -> str:
        """The ``str`` at ``address``; remembered, as strings are shared widely."""
        known = self._texts.get(address)
        if known is None:
            known = self._texts[address] = self.read_text(address)
            self._text_size += len(known)
            if self._text_size > MAXIMUM_TEXTS:
                raise TooLarge(f"its names have more than {MAXIMUM_TEXTS} characters")
        return known

    def read_text(self, address: int) -> str:
        """The ``str`` at ``address``, read now."""
        data = self.text_bytes(address)
        return data.decode("utf-8", "surrogatepass")

    def text_bytes(self, address: int) -> bytes:
        """The ``str`` at ``address`` as UTF-8 with surrogates passed through."""
        return self.text_in(address, *self.memory.locate(address, self._text_head))

    def text_in(self, address: int, buffer: bytes, at: int) -> bytes:
        """The same, for a ``str`` whose head lies in ``buffer`` at ``at``."""
        kind_of, length = self._text_struct.unpack_from(buffer, at + 8)
        if kind_of != self._text_type:
            raise Malformed(f"no str lies at {address:#x}")
        state = buffer[at + self._text_state]
        kind, compact, ascii_only = state >> 2 & 7, state & 0x20, state & 0x40
        if not compact or kind not in _CODECS or length > MAXIMUM_TEXT:
            raise Malformed(f"the str at {address:#x} has an impossible form")
        if ascii_only:
            start = at + self._text_ascii
            data = buffer[start : start + length]
            if len(data) != length:
                data = self.memory.read(address + self._text_ascii, length)
            if not data.isascii():
                raise Malformed(f"the str at {address:#x} is not the ASCII that it claims to be")
            return data
        raw = self.memory.read(address + self._text_compact, length * kind)
        try:
            return raw.decode(_CODECS[kind], "surrogatepass").encode("utf-8", "surrogatepass")
        except UnicodeError as error:
            raise Malformed(f"the str at {address:#x} holds no text") from error

    def items(self, address: int) -> tuple[int, ...]:
        """The addresses that the tuple at ``address`` holds."""
        return self.items_in(address, *self.memory.locate(address, self._items))

    def items_in(self, address: int, buffer: bytes, at: int) -> tuple[int, ...]:
        """The same, for a tuple whose head lies in ``buffer`` at ``at``."""
        kind, size = _TYPE_AND_SIZE.unpack_from(buffer, at + 8)
        if kind != self._tuple_type:
            raise Malformed(f"no tuple lies at {address:#x}")
        if size > MAXIMUM_ITEMS:
            raise Malformed(f"the tuple at {address:#x} claims {size} items")
        unpack = _pointers(size)
        start = at + self._items
        if start + size * 8 <= len(buffer):
            return unpack.unpack_from(buffer, start)
        return unpack.unpack(self.memory.read(address + self._items, size * 8))

    def items_of_struct(self, address: int) -> tuple[int, ...]:
        """The addresses that a struct sequence at ``address`` holds: laid out as a tuple."""
        size = self.pointer(address + 16)
        if size > MAXIMUM_ITEMS:
            raise Malformed(f"the struct sequence at {address:#x} claims {size} items")
        return struct.unpack(f"<{size}Q", self.memory.read(address + self._items, size * 8))

    def small_int(self, address: int) -> int:
        """The non-negative one-digit ``int`` at ``address``."""
        return int.from_bytes(self.memory.read(address + self.offsets["long.digits"], 4), "little")

    def is_module(self, address: int) -> bool:
        """Whether a module, or an instance of a subclass of it, lies at ``address``."""
        kind = self.type_of(address)
        module = self.interpreter.types["module"]
        for _ in range(8):
            if kind == module:
                return True
            if not kind:
                return False
            kind = self.pointer(kind + self.offsets["type.base"])
        return False

    def first_entries(self, address: int, limit: int) -> list[tuple[int, int]]:
        """The first ``limit`` (key, value) addresses of the dict at ``address``."""
        return list(islice(self.entries(address, limit), limit))

    def entries(self, address: int, limit: int = MAXIMUM_ITEMS) -> Iterator[tuple[int, int]]:
        """The (key address, value address) pairs of the dict at ``address``, in order."""
        own = self.offsets
        head = self.memory.read(address, own["dict.values"] + 8)
        keys = int.from_bytes(head[own["dict.keys"] : own["dict.keys"] + 8], "little")
        values = int.from_bytes(head[own["dict.values"] : own["dict.values"] + 8], "little")
        table = self.memory.read(keys, own["dictkeys.indices"])
        index_bits = table[own["dictkeys.log2_index_bytes"]]
        kind = table[own["dictkeys.kind"]]
        start = own["dictkeys.nentries"]
        count = int.from_bytes(table[start : start + 8], "little")
        if index_bits > 32 or kind > 2 or count > MAXIMUM_ITEMS:
            raise Malformed(f"the dict at {address:#x} has an impossible form")
        count = min(count, limit)
        first = keys + own["dictkeys.indices"] + (1 << index_bits)
        stride = 24 if kind == DICT_KEYS_GENERAL else 16
        raw = self.memory.read(first, count * stride)
        if kind == DICT_KEYS_GENERAL:
            pairs = [(key, value) for _, key, value in struct.iter_unpack("<3Q", raw)]
        else:
            pairs = list(struct.iter_unpack("<2Q", raw))
        if values:
            at = values + own["dictvalues.header"]
            split = struct.unpack(f"<{count}Q", self.memory.read(at, count * 8))
            pairs = [(key, value) for (key, _), value in zip(pairs, split, strict=True)]
        return ((key, value) for key, value in pairs if key and value)

    def names(self, address: int) -> dict[str, int]:
        """The dict at ``address`` by its string keys; other keys are left out."""
        found = {}
        for key, value in self.entries(address):
            try:
                found[self.text(key)] = value
            except Malformed:
                continue
        return found

    def optional_text(self, address: int) -> str | None:
        """The ``str`` at ``address``, or ``None`` if something else lies there."""
        try:
            return self.text(address) if address else None
        except Malformed:
            return None

    def type_name(self, address: int) -> str:
        """The ``tp_name`` of the type at ``address`` (256 bytes at most)."""
        start = self.pointer(address + self.offsets["type.name"])
        for size in (256, 64, 16):
            try:
                raw = self.memory.read(start, size)
            except Malformed:
                continue
            return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
        return "?"
