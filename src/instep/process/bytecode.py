"""Bytecode brought back to the form the compiler emitted.

A running interpreter rewrites its bytecode: it specialises opcodes, fills inline caches, hides
opcodes under instrumentation (``sys.monitoring``, ``sys.settrace``) and under JIT executors. The
generic form is all opcodes, then all arguments, one byte for each code unit, zero where the unit is
an inline cache. No instruction has opcode 0 (it is ``CACHE``), so the form is unambiguous.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from instep.cpython.description import Opcodes

    Hidden = Callable[[int, int, int], tuple[int, int]]


def generalize(code: bytes, opcodes: Opcodes, hidden: Hidden) -> bytes:
    """Return the generic form of ``code`` by walking its instructions.

    ``hidden(opcode, argument, index)`` is asked for the opcode and argument under a hiding opcode
    at code unit ``index``.
    """
    hiding = (opcodes.instrumented_line, opcodes.instrumented_instruction, opcodes.enter_executor)
    generic, caches = opcodes.generic, opcodes.caches
    units = len(code) // 2
    form = bytearray(units * 2)
    index = 0
    while index < units:
        opcode, argument = code[index * 2], code[index * 2 + 1]
        if opcode in hiding:
            opcode, argument = hidden(opcode, argument, index)
        opcode = generic[opcode]
        form[index] = opcode
        form[units + index] = argument
        index += 1 + caches[opcode]
    return bytes(form)


def generalize_like(code: bytes, opcodes: Opcodes, mask: bytes) -> bytes:
    """Return the generic form of ``code``, given where the instructions are expected.

    ``mask`` has 0xff for each code unit that is an instruction and 0 for inline caches, as
    ``mask_of`` makes it from an expected form. If the result equals that form, the mask was right:
    equal opcodes have equal numbers of caches, so from the first unit on all positions agree. If
    the mask was wrong, the result differs from the expected form, and ``generalize`` must decide.
    This is ten times faster than the walk.
    """
    units = len(mask)
    kept = int.from_bytes(mask, "little")
    generic = int.from_bytes(code[::2].translate(opcodes.generic), "little") & kept
    arguments = int.from_bytes(code[1::2], "little") & kept
    return generic.to_bytes(units, "little") + arguments.to_bytes(units, "little")


def mask_of(form: bytes) -> bytes:
    """Where a generic form holds instructions: 0xff for those, 0 for inline caches."""
    return form[: len(form) // 2].translate(_MASK)


_MASK = b"\0" + b"\xff" * 255
