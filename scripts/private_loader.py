"""Make an unpacked ELF program start with the loader and the libraries of its own tree.

A program that was built for a newer C library than the machine has starts neither with the
machine's loader nor with the machine's libraries. Three values in a copy of the file change that,
without moving a byte of what gets mapped:

* ``PT_INTERP`` is pointed to a path appended to the file. The kernel reads it from the file, so it
  needs no address.
* ``DT_RPATH`` goes into one of the spare ``DT_NULL`` entries that linkers leave in the dynamic
  section. It is ``DT_RPATH`` and not ``DT_RUNPATH`` because only the former also holds for the
  libraries of libraries.
* Its string goes into the zero padding between the end of the first segment and the end of its
  last page, which is mapped although no section claims it.

Then ``/proc/PID/exe`` is the program itself, as it would be on the machine it was built for. With
``ld.so PROGRAM`` it would be the loader.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PT_LOAD = 1
PT_DYNAMIC = 2
PT_INTERP = 3
DT_NULL = 0
DT_STRTAB = 5
DT_RPATH = 15
DT_RUNPATH = 29
PAGE_SIZE = 4096

# Elf64_Phdr: p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
# Elf64_Dyn: d_tag, d_val
DYNAMIC_ENTRY = struct.Struct("<qQ")


class UnsupportedElfError(Exception):
    """The file lacks the room that the change needs."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header, with the place of the header itself in the file."""

    header_offset: int
    kind: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    @property
    def end(self) -> int:
        """The file offset after the last byte of the segment."""
        return self.offset + self.filesz


def loader_of(program: Path) -> str:
    """Return the path of the loader that `program` asks the kernel for."""
    image = bytearray(program.read_bytes())
    interpreter = _only(_segments(image), PT_INTERP)
    return image[interpreter.offset : interpreter.end].rstrip(b"\0").decode()


def use_private_loader(program: Path, root: Path, library_path: str) -> None:
    """Rewrite `program` to start with its loader below `root`, with libraries of `library_path`."""
    image = bytearray(program.read_bytes())
    segments = _segments(image)
    _point_to_loader(image, _only(segments, PT_INTERP), f"{root}{loader_of(program)}")
    _add_rpath(image, segments, library_path)
    mode = program.stat().st_mode
    # A new inode: a running program's file can't be written ("text file busy").
    replacement = program.with_name(program.name + ".new")
    replacement.write_bytes(image)
    replacement.chmod(mode)
    replacement.replace(program)


def _segments(image: bytearray) -> list[Segment]:
    # \x02\x01: ELFCLASS64, little-endian.
    if image[:6] != b"\x7fELF\x02\x01":
        raise UnsupportedElfError("not a little-endian 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", image, 0x20)
    size, count = struct.unpack_from("<HH", image, 0x36)
    offsets = [table + index * size for index in range(count)]
    return [Segment(at, *PROGRAM_HEADER.unpack_from(image, at)) for at in offsets]


def _only(segments: list[Segment], kind: int) -> Segment:
    for segment in segments:
        if segment.kind == kind:
            return segment
    raise UnsupportedElfError(f"no program header of type {kind}")


def _point_to_loader(image: bytearray, interpreter: Segment, loader: str) -> None:
    path = loader.encode() + b"\0"
    PROGRAM_HEADER.pack_into(
        image,
        interpreter.header_offset,
        interpreter.kind,
        interpreter.flags,
        len(image),
        interpreter.vaddr,
        interpreter.paddr,
        len(path),
        interpreter.memsz,
        interpreter.align,
    )
    image.extend(path)


def _add_rpath(image: bytearray, segments: list[Segment], library_path: str) -> None:
    dynamic = _only(segments, PT_DYNAMIC)
    offsets = range(dynamic.offset, dynamic.end, DYNAMIC_ENTRY.size)
    entries = [DYNAMIC_ENTRY.unpack_from(image, offset) for offset in offsets]
    tags = [tag for tag, _ in entries]
    if DT_RPATH in tags or DT_RUNPATH in tags:
        raise UnsupportedElfError("the program already has a library path")
    end = tags.index(DT_NULL)
    if end + 1 >= len(entries):
        raise UnsupportedElfError("no spare entry in the dynamic section")
    string_table = dict(entries)[DT_STRTAB]
    address = _write_into_padding(image, segments, library_path.encode() + b"\0")
    DYNAMIC_ENTRY.pack_into(image, offsets[end], DT_RPATH, address - string_table)


def _write_into_padding(image: bytearray, segments: list[Segment], string: bytes) -> int:
    """Write `string` after the first loaded segment; return the address where it is mapped."""
    loaded = [segment for segment in segments if segment.kind == PT_LOAD]
    first, second = loaded[:2]
    padding_end = min(-(-first.end // PAGE_SIZE) * PAGE_SIZE, second.offset)
    room = image[first.end : padding_end]
    if len(room) < len(string) or any(room):
        raise UnsupportedElfError("no padding after the first segment")
    image[first.end : first.end + len(string)] = string
    return first.vaddr + first.filesz
