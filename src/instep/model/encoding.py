"""The byte form of constants and code in which memory and disk are compared.

Two independent writers produce it: the reader of another process's memory, and a helper that runs
under the target's own interpreter. Every item says where it ends, so equal bytes mean equal values
of equal types (``1``, ``1.0`` and ``True`` differ; floats are compared by their bits).

    N T F E            None, True, False, Ellipsis
    i<hex>;            int
    f<8 bytes>         float, little-endian IEEE 754
    c<16 bytes>        complex
    s<u32><utf-8>      str, surrogates passed through
    b<u32><bytes>      bytes
    (<u32><items>      tuple
    <<u32><items>      frozenset, items sorted by their bytes
    :<3 items>         slice
    C<16 bytes>        code object: the digest of its logic
"""

from __future__ import annotations

import struct
from typing import NamedTuple

DIGEST_SIZE = 16
MAXIMUM_VALUE_BYTES = 16 << 20
MAXIMUM_DEPTH = 60

U32 = struct.Struct("<I")
HEAD = struct.Struct("<5I")


class BrokenEncoding(ValueError):
    """Bytes are no encoded value."""


class CodeConstant(NamedTuple):
    """A code object among constants, known by the digest of its logic."""

    digest: bytes


class EllipsisConstant(NamedTuple):
    """``...`` among constants."""


class SliceConstant(NamedTuple):
    """A slice among constants (CPython 3.14 and later fold them)."""

    start: object
    stop: object
    step: object


class Logic(NamedTuple):
    """What decides a code object's behaviour, decoded for people."""

    flags: int
    argcount: int
    posonlyargcount: int
    kwonlyargcount: int
    stacksize: int
    name: str
    qualname: str
    code: bytes
    exceptiontable: bytes
    varnames: tuple[str, ...]
    cellvars: tuple[str, ...]
    freevars: tuple[str, ...]
    names: tuple[str, ...]
    constants: tuple[object, ...]


def text(value: str) -> bytes:
    """Encode a string."""
    data = value.encode("utf-8", "surrogatepass")
    return b"s" + U32.pack(len(data)) + data


def blob(value: bytes) -> bytes:
    """Encode bytes."""
    return b"b" + U32.pack(len(value)) + value


def sequence(items: list[bytes]) -> bytes:
    """Encode a tuple of encoded items."""
    return b"(" + U32.pack(len(items)) + b"".join(items)


def integer(value: int) -> bytes:
    """Encode an int of any size."""
    return b"i%x;" % value if value >= 0 else b"i-%x;" % -value


def decode(data: bytes) -> object:
    """Decode one encoded value; ``BrokenEncoding`` if it is anything else."""
    value, end = _decode(data, 0, 0)
    if end != len(data):
        raise BrokenEncoding("bytes follow an encoded value")
    return value


def decode_start(data: bytes) -> tuple[str, bytes]:
    """The qualname and the instructions of an encoded code object; the rest is not looked at."""
    _name, position = _decode(data, HEAD.size, 0)
    qualname, position = _decode(data, position, 0)
    code, _ = _decode(data, position, 0)
    if not isinstance(qualname, str) or not isinstance(code, bytes):
        raise BrokenEncoding("an encoded code object has a field of the wrong type")
    return qualname, code


def decode_logic(data: bytes) -> Logic:
    """Decode the logic of a code object."""
    if len(data) < HEAD.size:
        raise BrokenEncoding("an encoded code object is too short")
    head = HEAD.unpack_from(data)
    items: list[object] = []
    position = HEAD.size
    for _ in range(9):
        value, position = _decode(data, position, 0)
        items.append(value)
    if position != len(data):
        raise BrokenEncoding("bytes follow an encoded code object")
    kinds = (str, str, bytes, bytes, tuple, tuple, tuple, tuple, tuple)
    if not all(isinstance(item, kind) for item, kind in zip(items, kinds, strict=True)):
        raise BrokenEncoding("an encoded code object has a field of the wrong type")
    return Logic(*head, *items)


def _decode(data: bytes, at: int, depth: int) -> tuple[object, int]:
    if depth > MAXIMUM_DEPTH:
        raise BrokenEncoding("an encoded value is nested too deeply")
    tag = data[at : at + 1]
    at += 1
    if tag in _SINGLES:
        return _SINGLES[tag], at
    if tag in (b"s", b"b"):
        return _decode_sized(data, at, tag)
    if tag in (b"(", b"<"):
        return _decode_items(data, at, tag, depth)
    if tag == b"i":
        end = data.find(b";", at)
        if end < 0:
            raise BrokenEncoding("an encoded int has no end")
        return _integer(data[at:end]), end + 1
    if tag == b":":
        parts = []
        for _ in range(3):
            part, at = _decode(data, at, depth + 1)
            parts.append(part)
        return SliceConstant(*parts), at
    return _decode_fixed(data, at, tag)


def _integer(digits: bytes) -> int:
    sign, plain = (-1, digits[1:]) if digits[:1] == b"-" else (1, digits)
    if not plain or plain.translate(None, b"0123456789abcdef"):
        raise BrokenEncoding("an encoded int has other digits than hexadecimal ones")
    return sign * int(plain, 16)


def _decode_fixed(data: bytes, at: int, tag: bytes) -> tuple[object, int]:
    size = _FIXED.get(tag)
    if size is None or at + size > len(data):
        raise BrokenEncoding("an encoded value has an unknown tag or is cut off")
    part = data[at : at + size]
    if tag == b"f":
        return struct.unpack("<d", part)[0], at + size
    if tag == b"c":
        return complex(*struct.unpack("<2d", part)), at + size
    return CodeConstant(part), at + size


def _decode_sized(data: bytes, at: int, tag: bytes) -> tuple[object, int]:
    if at + 4 > len(data):
        raise BrokenEncoding("an encoded value is cut off")
    (size,) = U32.unpack_from(data, at)
    at += 4
    part = data[at : at + size]
    if len(part) != size:
        raise BrokenEncoding("an encoded value is cut off")
    if tag == b"b":
        return part, at + size
    try:
        return part.decode("utf-8", "surrogatepass"), at + size
    except UnicodeDecodeError as error:
        raise BrokenEncoding("an encoded string is not UTF-8") from error


def _decode_items(data: bytes, at: int, tag: bytes, depth: int) -> tuple[object, int]:
    if at + 4 > len(data):
        raise BrokenEncoding("an encoded value is cut off")
    (count,) = U32.unpack_from(data, at)
    at += 4
    if count > len(data) - at:
        raise BrokenEncoding("an encoded tuple claims more items than there are bytes")
    items = []
    for _ in range(count):
        item, at = _decode(data, at, depth + 1)
        items.append(item)
    return (tuple(items) if tag == b"(" else frozenset(items)), at


_SINGLES: dict[bytes, object] = {b"N": None, b"T": True, b"F": False, b"E": EllipsisConstant()}
_FIXED = {b"f": 8, b"c": 16, b"C": DIGEST_SIZE}
