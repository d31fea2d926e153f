"""The location table of a code object (CPython 3.11 and later).

Form: Objects/locations.md in CPython's source. Entries start with a byte whose top bit is set:
bits 3-6 say the kind, bits 0-2 the number of code units less one.
"""

from __future__ import annotations

KIND_NONE, KIND_LONG, KIND_NO_COLUMNS, KIND_ONE_LINE_FIRST, KIND_ONE_LINE_LAST = 15, 14, 13, 10, 12


def line_of(table: bytes, first_line: int, unit: int) -> int | None:
    """The line of the instruction at code unit ``unit``; ``None`` where the table gives none."""
    line, start, position = first_line, 0, 0
    while position < len(table):
        head = table[position]
        kind, length = head >> 3 & 15, (head & 7) + 1
        delta = 0
        if kind in (KIND_LONG, KIND_NO_COLUMNS):
            delta = _signed(table, position + 1)
        elif KIND_ONE_LINE_FIRST <= kind <= KIND_ONE_LINE_LAST:
            delta = kind - KIND_ONE_LINE_FIRST
        line += delta
        if start <= unit < start + length:
            return None if kind == KIND_NONE else line
        start += length
        position += 1
        while position < len(table) and not table[position] & 0x80:
            position += 1
    return None


def _signed(table: bytes, position: int) -> int:
    value = shift = 0
    while position < len(table) and shift < 60:
        byte = table[position]
        value |= (byte & 63) << shift
        shift += 6
        position += 1
        if not byte & 64:
            break
    return -(value >> 1) if value & 1 else value >> 1
