"""Copy the memory of processes that a check has to look at, and do nothing with it.

    python benchmarks/floor.py PID...              every such mapping, each with one read
    python benchmarks/floor.py --resident PID...   only pages that exist, through one small buffer

No program that compares a process's memory with its files can take less than the copy. The first
form holds a whole mapping at a time, so most of its time goes into memory of its own; the second is
the least that is known. It imports next to nothing and prints the number of bytes.

The first form has the kernel map a zero page wherever it reads one that was never touched: give it
a process that nobody else reads.
"""

from __future__ import annotations

import os
import sys

PAGE_SHIFT = 12
BUFFER_SIZE = 1 << 20
# The kernel reads at most 2 GiB at once.
MAXIMUM_READ = 1 << 30
# Bit 63 of a pagemap entry says present, bit 62 swapped: the two high bits of its last byte.
EXISTS = bytes(byte >= 0x40 for byte in range(256))


def heap(pid: str) -> list[tuple[int, int]]:
    """The private writable mappings of a process, without stacks and devices."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - pathlib costs 10 ms at start-up
        for line in lines:
            span, permissions, *rest = line.split(maxsplit=5)
            path = rest[3].rstrip("\n") if len(rest) == 4 else ""
            if permissions == "rw-p" and not path.startswith(("[stack", "[v", "/dev/")):
                start, end = span.split("-")
                found.append((int(start, 16), int(end, 16)))
    return found


def copy_mapping(memory: int, start: int, end: int) -> int:
    """Copy a mapping in one piece; the number of bytes."""
    done = 0
    while start + done < end:
        try:
            data = os.pread(memory, min(end - start - done, MAXIMUM_READ), start + done)
        except OSError:
            break
        if not data:
            break
        done += len(data)
    return done


def resident(pagemap: int, start: int, end: int) -> list[tuple[int, int]]:
    """The stretches of a mapping that exist."""
    count = (end - start) >> PAGE_SHIFT
    flags = os.pread(pagemap, count * 8, (start >> PAGE_SHIFT) * 8)[7::8].translate(EXISTS)
    found = []
    first = flags.find(1)
    while first >= 0:
        last = flags.find(0, first)
        last = len(flags) if last < 0 else last
        found.append((start + (first << PAGE_SHIFT), start + (last << PAGE_SHIFT)))
        first = flags.find(1, last)
    return found


def copy_resident(memory: int, pagemap: int, start: int, end: int, buffer: memoryview) -> int:
    """Copy what exists of a mapping through ``buffer``; the number of bytes."""
    done = 0
    for first, last in resident(pagemap, start, end):
        for address in range(first, last, BUFFER_SIZE):
            try:
                done += os.preadv(memory, [buffer[: min(BUFFER_SIZE, last - address)]], address)
            except OSError:
                break
    return done


def copy_process(pid: str, *, only_resident: bool) -> int:
    """Copy the heap of a process; the number of bytes."""
    buffer = memoryview(bytearray(BUFFER_SIZE))
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY)
    try:
        if only_resident:
            return sum(copy_resident(memory, pagemap, *span, buffer) for span in heap(pid))
        return sum(copy_mapping(memory, *span) for span in heap(pid))
    finally:
        os.close(memory)
        os.close(pagemap)


def main(arguments: list[str]) -> int:
    """Copy each process that is named."""
    only_resident = arguments[:1] == ["--resident"]
    pids = arguments[1:] if only_resident else arguments
    print(sum(copy_process(pid, only_resident=only_resident) for pid in pids))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
