"""Bytecode files: where they lie, and whether their header claims to match a source."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from instep.disk.sources import SourceFile

HEADER_SIZE = 16
FLAG_HASHED = 0x1


class PycState(StrEnum):
    """What the import system of the target would make of a bytecode file."""

    VALID = "valid"
    OUTDATED = "outdated"
    HASHED = "hashed"
    FOREIGN = "foreign"


class PycHeader(NamedTuple):
    """The first 16 bytes (PEP 552). ``mtime`` and ``size`` are those of the source, in seconds."""

    magic: int
    hashed: bool
    mtime: int
    size: int


def pyc_path(source: str, tag: str, optimization: int, prefix: str) -> str:
    """Where the import system keeps the bytecode of ``source`` (PEP 3147, PEP 488)."""
    folder, _, name = source.rpartition("/")
    stem = name.removesuffix(".py")
    level = f".opt-{optimization}" if optimization else ""
    folder = prefix + folder if prefix else f"{folder}/__pycache__"
    return f"{folder}/{stem}.{tag}{level}.pyc"


def read_header(data: bytes) -> PycHeader | None:
    """The header of a bytecode file, or ``None`` if it is too short or has no known form."""
    if len(data) < HEADER_SIZE or data[2:4] != b"\r\n":
        return None
    flags = int.from_bytes(data[4:8], "little")
    return PycHeader(
        int.from_bytes(data[:2], "little"),
        bool(flags & FLAG_HASHED),
        int.from_bytes(data[8:12], "little"),
        int.from_bytes(data[12:16], "little"),
    )


def state_of(header: PycHeader | None, magic: int, source: SourceFile) -> PycState:
    """Whether a fresh import of ``source`` would take the bytecode file.

    ``HASHED`` may be taken whatever the source holds: if it says that its hash is not to be checked
    (PEP 552), any edit of the source is ignored.
    """
    if header is None or header.magic != magic:
        return PycState.FOREIGN
    if header.hashed:
        return PycState.HASHED
    mtime = int(source.facts.st_mtime) & 0xFFFFFFFF
    size = source.facts.st_size & 0xFFFFFFFF
    return PycState.VALID if (header.mtime, header.size) == (mtime, size) else PycState.OUTDATED
