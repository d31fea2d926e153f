"""What is known of one minor version of CPython: layouts, opcodes, magic."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Opcodes(NamedTuple):
    """How the bytecode of one minor version is brought back to its generic form.

    ``generic`` is a 256-byte translation table: specialised and ``INSTRUMENTED_X`` opcodes map to
    the opcode the compiler emitted, all others to themselves. ``caches[op]`` is the number of
    inline-cache code units that follow ``op`` (2 bytes each), for specialised forms too.
    The three opcodes that hide another one are ``None`` where the version lacks them.
    """

    generic: bytes
    caches: bytes
    instrumented_line: int | None
    instrumented_instruction: int | None
    enter_executor: int | None
    names: Mapping[int, str]


class Description(NamedTuple):
    """All that instep remembers of a CPython minor version.

    ``offsets`` are byte offsets of ``struct.field``. ``debug_offsets`` gives, for the same names,
    where in the target's own ``_Py_DebugOffsets`` table (byte offset from ``_PyRuntime``) the
    value can be read; what the target says wins over what is remembered. Empty before 3.13.
    """

    version: tuple[int, int]
    magic: int
    offsets: Mapping[str, int]
    debug_offsets: Mapping[str, int]
    opcodes: Opcodes
