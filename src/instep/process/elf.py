"""ELF images as they are mapped: symbols and identity, read from memory alone.

Reading the mapped image instead of the file works for deleted files, other roots and mount
namespaces, and can't be fooled by a file that was replaced since.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import Malformed
from instep.model.digests import blake2b

if TYPE_CHECKING:
    from instep.process.memory import MemoryReader

PT_LOAD, PT_DYNAMIC = 1, 2
ET_EXEC = 2
DT_STRTAB, DT_SYMTAB, DT_GNU_HASH, DT_HASH, DT_STRSZ = 5, 6, 0x6FFFFEF5, 4, 10
SYMBOL_SIZE = 24
MAXIMUM_HEADERS = 64
MAXIMUM_DYNAMIC = 4096
MAXIMUM_CHAIN = 1 << 16
MAXIMUM_IDENTITY_BYTES = 1 << 20

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SYMBOL = struct.Struct("<IBBHQQ")


class Image(NamedTuple):
    """A mapped ELF file: where its addresses are biased to, and its dynamic section."""

    bias: int
    dynamic: dict[int, int]
    headers: bytes


def read_image(memory: MemoryReader, start: int) -> Image:
    """Read the headers of the ELF file whose first page is mapped at ``start``."""
    head = memory.read(start, _HEADER.size)
    fields = _HEADER.unpack(head)
    ident, kind, table, entry_size, count = fields[0], fields[1], fields[5], fields[9], fields[10]
    if ident[:6] != b"\x7fELF\x02\x01" or entry_size != _PROGRAM.size:
        raise Malformed(f"no 64-bit little-endian ELF image is mapped at {start:#x}")
    if not 0 < count <= MAXIMUM_HEADERS:
        raise Malformed(f"the ELF image at {start:#x} claims {count} program headers")
    raw = memory.read(start + table, count * _PROGRAM.size)
    segments = list(_PROGRAM.iter_unpack(raw))
    loads = [segment for segment in segments if segment[0] == PT_LOAD]
    dynamics = [segment for segment in segments if segment[0] == PT_DYNAMIC]
    if not loads or not dynamics:
        raise Malformed(f"the ELF image at {start:#x} has no dynamic section")
    bias = 0 if kind == ET_EXEC else start - loads[0][3] + loads[0][2]
    dynamic = _read_dynamic(memory, bias + dynamics[0][3], dynamics[0][6])
    return Image(bias, dynamic, head + raw)


def _read_dynamic(memory: MemoryReader, address: int, size: int) -> dict[int, int]:
    raw = memory.read(address, min(size, MAXIMUM_DYNAMIC * 16) & ~15)
    entries: dict[int, int] = {}
    for tag, value in struct.iter_unpack("<QQ", raw):
        if tag == 0:
            break
        entries.setdefault(tag, value)
    return entries


class Symbols:
    """The exported symbols of an image, looked up through its GNU hash table."""

    def __init__(self, memory: MemoryReader, image: Image) -> None:
        self._memory = memory
        self._image = image
        self._strings = self._pointer(DT_STRTAB)
        self._symbols = self._pointer(DT_SYMTAB)
        self._hash = self._pointer(DT_GNU_HASH)
        if not (self._strings and self._symbols and self._hash):
            raise Malformed("the ELF image has no GNU hash table")
        raw = memory.read(self._hash, 16)
        self._buckets, self._first, words, _shift = struct.unpack("<4I", raw)
        if not 0 < self._buckets <= 1 << 20 or words > 1 << 20:
            raise Malformed("the ELF image has an impossible hash table")
        self._bucket_table = self._hash + 16 + words * 8
        self._chain_table = self._bucket_table + self._buckets * 4

    def find(self, name: str) -> int | None:
        """The address of an exported symbol, or ``None``."""
        raw = name.encode()
        wanted = _gnu_hash(raw)
        bucket = self._bucket_table + (wanted % self._buckets) * 4
        (index,) = struct.unpack("<I", self._memory.read(bucket, 4))
        if index < self._first:
            return None
        for _ in range(MAXIMUM_CHAIN):
            chain = self._chain_table + (index - self._first) * 4
            (value,) = struct.unpack("<I", self._memory.read(chain, 4))
            if value | 1 == wanted | 1 and self._name_is(index, raw):
                return self._address(index)
            if value & 1:
                return None
            index += 1
        raise Malformed("the ELF image has an endless hash chain")

    def _name_is(self, index: int, name: bytes) -> bool:
        offset = _SYMBOL.unpack(self._entry(index))[0]
        return self._memory.read(self._strings + offset, len(name) + 1) == name + b"\0"

    def _address(self, index: int) -> int | None:
        fields = _SYMBOL.unpack(self._entry(index))
        section, value = fields[3], fields[4]
        return None if section == 0 else self._image.bias + int(value)

    def _entry(self, index: int) -> bytes:
        return self._memory.read(self._symbols + index * SYMBOL_SIZE, SYMBOL_SIZE)

    def _pointer(self, tag: int) -> int:
        # glibc's loader rewrites these to absolute addresses, musl's leaves them relative.
        value = self._image.dynamic.get(tag, 0)
        return value if not value or value >= self._image.bias else value + self._image.bias

    def identity(self) -> bytes:
        """A digest that two builds don't share: headers, symbol names, addresses and sizes.

        A build id would be shorter, but Debian's compiler and most private builds write none. Any
        change of code moves or resizes some of the thousands of symbols an interpreter exports.
        """
        start, end = self._symbols, self._strings + self._image.dynamic.get(DT_STRSZ, 0)
        if not 0 < end - start <= MAXIMUM_IDENTITY_BYTES * 8:
            start, end = self._strings, self._strings
        digest = blake2b(self._image.headers, digest_size=16)
        size = min(end - start, MAXIMUM_IDENTITY_BYTES)
        if size > 0:
            digest.update(self._memory.read(start, size))
        return digest.digest()


def _gnu_hash(name: bytes) -> int:
    value = 5381
    for character in name:
        value = (value * 33 + character) & 0xFFFFFFFF
    return value
