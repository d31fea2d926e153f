"""The instructions of a code object without what depends on where its lines are broken.

Since CPython 3.13 the compiler joins two neighbouring loads or stores of local variables into one
instruction if they are on the same line (Python/flowgraph.c: insert_superinstructions), and it
keeps a NOP where a line would have no instruction. So a call whose arguments were put on lines of
their own has other instructions, that do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instep.verdict.difference import own_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from instep.model.encoding import Logic

JOINED = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
}
# Differs in who owns the reference, for speed; not known to be borrowed where it was joined.
PLAIN = {"LOAD_FAST_BORROW": "LOAD_FAST"}
FORWARD = frozenset({
    "FOR_ITER", "JUMP_FORWARD", "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE",
    "POP_JUMP_IF_TRUE", "SEND",
})  # fmt: skip
BACKWARD = frozenset({"JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "END_ASYNC_FOR"})
CACHE = 0

Step = tuple[str | int, int]


def same_flow(old: Logic, new: Logic, names: Mapping[int, str]) -> bool:
    """Whether two code objects run the same steps on the same names, variables and constants.

    ``names`` are those of the opcodes. Never so for versions that join nothing.
    """
    if "LOAD_FAST_LOAD_FAST" not in names.values():
        return False
    bare = [one._replace(code=b"", exceptiontable=b"") for one in (old, new)]
    return own_part(bare[0]) == own_part(bare[1]) and _flow(old, names) == _flow(new, names)


def _flow(logic: Logic, names: Mapping[int, str]) -> tuple[list[Step], list[tuple[int, ...]]]:
    """The steps, and what protects them. All places are numbers of steps."""
    steps: list[Step] = []
    jumps: list[tuple[int, int]] = []
    places: dict[int, int] = {}
    for start, end, opcode, argument in _instructions(logic.code, names):
        places.update(dict.fromkeys(range(start, end), len(steps)))
        name = names.get(opcode, "")
        if name in FORWARD or (name in BACKWARD and argument):
            jumps.append((len(steps), end + argument if name in FORWARD else end - argument))
        if name in JOINED:
            first, second = JOINED[name]
            steps += [(first, argument >> 4), (second, argument & 15)]
        elif name != "NOP":
            steps.append((PLAIN.get(name, name) or opcode, argument))
    places[len(logic.code) // 2] = len(steps)
    for place, target in jumps:
        steps[place] = (steps[place][0], places.get(target, -1))
    return steps, list(_protected(logic.exceptiontable, places))


def _instructions(code: bytes, names: Mapping[int, str]) -> Iterator[tuple[int, int, int, int]]:
    """Where each instruction begins and ends in units, its opcode and its whole argument."""
    units = len(code) // 2
    start = position = argument = 0
    while position < units:
        opcode = code[position]
        argument = (argument << 8 | code[units + position]) & 0xFFFFFFFF
        position += 1
        if names.get(opcode) == "EXTENDED_ARG":
            continue
        while position < units and code[position] == CACHE:
            position += 1
        yield start, position, opcode, argument
        start, argument = position, 0


def _protected(table: bytes, places: Mapping[int, int]) -> Iterator[tuple[int, ...]]:
    """The entries of an exception table (InternalDocs/exception_handling.md)."""
    numbers: list[int] = []
    value = 0
    for byte in table:
        value = value << 6 | byte & 0x3F
        if byte & 0x40:
            continue
        numbers.append(value)
        value = 0
    for start, size, target, depth in zip(*[iter(numbers)] * 4, strict=False):
        first, last = places.get(start, -1), places.get(start + size, -1)
        if first != last:
            yield first, last, places.get(target, -1), depth
