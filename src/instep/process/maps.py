"""The mappings of a process, and which pages of them are worth copying."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import InstepError

if TYPE_CHECKING:
    from instep.system.processes import ProcessHandle

PAGE_SHIFT = os.sysconf("SC_PAGESIZE").bit_length() - 1 if hasattr(os, "sysconf") else 12
_RESIDENT_RUNS = re.compile(rb"[\x40-\x7f\x80-\xff]+")
FIELDS = 6

GIANT = 1 << 36


class Mapping(NamedTuple):
    """A line of ``/proc/PID/maps``."""

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    path: str


class Run(NamedTuple):
    """A stretch of resident (or swapped) pages: address and size in bytes."""

    address: int
    size: int


def parse_maps(data: bytes) -> list[Mapping]:
    """Parse ``/proc/PID/maps``; paths are decoded as the file system's names are."""
    found = []
    for line in data.splitlines():
        fields = line.split(b" ", FIELDS - 1)
        start, _, end = fields[0].partition(b"-")
        if len(fields) == FIELDS and end:
            found.append(
                Mapping(
                    int(start, 16),
                    int(end, 16),
                    fields[1].decode(),
                    int(fields[2], 16),
                    fields[3].decode(),
                    int(fields[4]),
                    _path(fields[5].lstrip(b" ")),
                )
            )
    return found


def _path(raw: bytes) -> str:
    # The kernel writes a newline in a name as \012 (fs/seq_file.c: mangle_path).
    return os.fsdecode(raw.replace(b"\\012", b"\n"))


def _smaps_pattern() -> re.Pattern[bytes]:
    # Documentation/filesystems/proc.rst: a line of maps, then lines of one field each.
    return re.compile(
        rb"^([0-9a-f]+)-[0-9a-f]+ .*\n(?:[A-Z].*\n)*?"
        rb"Rss: +(\d+) kB\n(?:[A-Z].*\n)*?Swap: +(\d+) kB$",
        re.MULTILINE,
    )


def heap_mappings(mappings: list[Mapping]) -> list[Mapping]:
    """The mappings that can hold Python objects: private, readable and writable."""
    return [
        mapping
        for mapping in mappings
        if mapping.permissions.startswith("rw")
        and mapping.permissions[3] == "p"
        and not mapping.path.startswith(("[stack", "[v", "/dev/"))
    ]


def resident_runs(handle: ProcessHandle, mappings: list[Mapping]) -> list[Run]:
    """The parts of ``mappings`` that exist; whole mappings where pagemap can't be read.

    Each page has 8 bytes in ``/proc/PID/pagemap``; bit 63 says present, bit 62 swapped
    (Documentation/admin-guide/mm/pagemap.rst). A page that was never touched holds no object, and
    reading it would map a zero page into the target.
    """
    try:
        descriptor = handle.open("pagemap")
    except (InstepError, OSError):  # the hint is not to be had
        return [Run(mapping.start, mapping.end - mapping.start) for mapping in mappings]
    runs: list[Run] = []
    try:
        for mapping in _touched(handle, mappings):
            pages = (mapping.end - mapping.start) >> PAGE_SHIFT
            runs += _runs_of(descriptor, mapping.start, pages)
    finally:
        os.close(descriptor)
    return runs


def _touched(handle: ProcessHandle, mappings: list[Mapping]) -> list[Mapping]:
    """The mappings without reservations of address space that hold no page at all.

    Each TiB of those takes 4 s to look through in pagemap; the kernel counts their pages at once.
    """
    if all(mapping.end - mapping.start < GIANT for mapping in mappings):
        return mappings
    untouched = {
        int(found[1], 16)
        for found in _smaps_pattern().finditer(handle.read("smaps"))
        if int(found[2]) == int(found[3]) == 0
    }
    return [mapping for mapping in mappings if mapping.start not in untouched]


def _runs_of(descriptor: int, start: int, pages: int) -> list[Run]:
    runs: list[Run] = []
    step = 1 << 18  # pages for each read of 2 MiB of pagemap, 1 GiB of memory
    for first in range(0, pages, step):
        count = min(step, pages - first)
        address = start + (first << PAGE_SHIFT)
        try:
            entries = os.pread(descriptor, count * 8, (address >> PAGE_SHIFT) * 8)
        except OSError:
            entries = b""
        if len(entries) != count * 8:
            runs.append(Run(address, count << PAGE_SHIFT))
            continue
        runs += [
            Run(
                address + (found.start() << PAGE_SHIFT),
                (found.end() - found.start()) << PAGE_SHIFT,
            )
            for found in _RESIDENT_RUNS.finditer(entries[7::8])
        ]
    return runs
