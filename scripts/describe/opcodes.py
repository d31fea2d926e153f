"""The opcode tables of the interpreter that runs this file, from its own standard library.

Nothing here is written by hand: which opcode is a specialised form of which, and how many cache
units follow it, is asked from ``opcode`` and ``dis``. Their private names differ by version; each
function says which versions have which.
"""

from __future__ import annotations

import dis
import importlib.util
import opcode
from typing import Any, NamedTuple

OPCODE_COUNT = 256

# These do not stand for an opcode, they hide one: the original is found in
# co_monitoring->lines, co_monitoring->per_instruction_opcodes or the executor (which, from 3.13 on,
# also keeps the original oparg). Python/instrumentation.c and Python/optimizer.c write them.
HIDING = ("INSTRUMENTED_LINE", "INSTRUMENTED_INSTRUCTION", "ENTER_EXECUTOR")


class OpcodeTables(NamedTuple):
    """The values of ``instep.cpython.description.Opcodes``, and the magic number."""

    magic: int
    generic: bytes
    caches: bytes
    hiding: dict[str, int | None]
    names: dict[int, str]


def read_tables() -> OpcodeTables:
    """Return the tables of the running interpreter."""
    numbers = numbers_by_name()
    generic = generic_table(numbers)
    return OpcodeTables(
        magic=int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little"),
        generic=generic,
        caches=cache_table(numbers, generic),
        hiding={name: numbers.get(name) for name in HIDING},
        names={number: name for name, number in sorted(numbers.items(), key=lambda item: item[1])},
    )


def numbers_by_name() -> dict[str, int]:
    """Return every real opcode, specialised and instrumented ones too.

    ``dis._all_opmap`` exists in 3.11 - 3.15. Numbers from 256 up are the compiler's pseudo
    instructions, which never reach a code object.
    """
    module: Any = dis
    return {name: number for name, number in module._all_opmap.items() if number < OPCODE_COUNT}


def generic_table(numbers: dict[str, int]) -> bytes:
    """Return for each opcode the one the compiler emitted in its place."""
    module: Any = opcode
    table = bytearray(range(OPCODE_COUNT))
    for family, members in module._specializations.items():
        for member in members:
            table[numbers[member]] = numbers[family]
    for name, number in numbers.items():
        if name.startswith("INSTRUMENTED_") and name not in HIDING:
            table[number] = numbers[name.removeprefix("INSTRUMENTED_")]
    return bytes(table)


def cache_table(numbers: dict[str, int], generic: bytes) -> bytes:
    """Return for each opcode how many cache units follow it.

    ``_inline_cache_entries`` is a list by number in 3.11 and 3.12, a mapping by name from 3.13 on;
    both name generic opcodes only. The opcodes that hide another have no count of their own.
    """
    module: Any = opcode
    entries = module._inline_cache_entries
    if isinstance(entries, list):
        counts = dict(enumerate(entries))
    else:
        counts = {numbers[name]: count for name, count in entries.items() if name in numbers}
    return bytes(counts.get(generic[number], 0) for number in range(OPCODE_COUNT))
