"""Code objects of the target in canonical form."""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import Malformed
from instep.model.code import CanonicalCode
from instep.model.digests import blake2b
from instep.model.encoding import DIGEST_SIZE, HEAD, MAXIMUM_DEPTH, U32
from instep.process.bytecode import generalize, generalize_like
from instep.process.constants import ConstantEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instep.process.objects import ObjectReader

    Masks = Mapping[tuple[str, int], bytes]

# Flags that the interpreter or a library sets on existing code, never the compiler:
# types.coroutine() sets ITERABLE_COROUTINE; CPython sets NO_MONITORING_EVENTS on its own shims.
RUNTIME_FLAGS = 0x100 | 0x2000000
MAXIMUM_CODE_UNITS = 1 << 20
MAXIMUM_NESTED = 1 << 17
# Include/internal/pycore_code.h: CO_FAST_LOCAL, CO_FAST_CELL, CO_FAST_FREE.
LOCAL, CELL, FREE = 0x20, 0x40, 0x80
_PLAIN_LOCALS = bytes(kind for kind in range(256) if kind & (LOCAL | CELL | FREE) == LOCAL)
_NO_NAMES = b"(" + U32.pack(0)

_FIELDS = (
    "consts",
    "names",
    "exceptiontable",
    "localsplusnames",
    "localspluskinds",
    "name",
    "qualname",
    "linetable",
)
_NUMBERS = ("flags", "argcount", "posonlyargcount", "kwonlyargcount", "stacksize", "firstlineno")


class _Head(NamedTuple):
    """What the header of a code object points to, and its numbers."""

    consts: int
    names: int
    exceptiontable: int
    localsplusnames: int
    localspluskinds: int
    name: int
    qualname: int
    linetable: int
    numbers: tuple[int, ...]


def _format_of(offsets: list[int]) -> struct.Struct:
    """A format that takes the u32 at each of these ascending offsets."""
    parts = []
    position = 0
    for offset in offsets:
        parts.append(f"{offset - position}xI")
        position = offset + 4
    return struct.Struct("<" + "".join(parts))


def _identifier(encoded: bytes) -> str:
    if encoded[:1] != b"s":
        raise Malformed("a code object has a name that is no str")
    return encoded[5:].decode("utf-8", "surrogatepass")


class CodeReader:
    """Reads code objects once each and keeps their canonical form by address."""

    def __init__(self, objects: ObjectReader) -> None:
        self._objects = objects
        self._memory = objects.memory
        self._interpreter = objects.interpreter
        own = objects.offsets
        self._start = self.header_size = own["code.code_adaptive"]
        self._code_type = self._interpreter.types["code"]
        self._fields = itemgetter(*(own[f"code.{field}"] // 8 for field in _FIELDS))
        self._numbers = _format_of([own[f"code.{field}"] for field in _NUMBERS])
        self._words = struct.Struct(f"<{self._start // 8}Q")
        self._known: dict[int, CanonicalCode] = {}
        self._nested: dict[int, tuple[int, ...]] = {}
        self.constants = ConstantEncoder(objects, self._code_constant)
        self._masks: Masks = {}
        self._keep = False
        self._depth = 0

    def filename_address(self, code: int) -> int:
        """Where the ``co_filename`` of the code object lies."""
        return self._objects.pointer(code + self._objects.offsets["code.filename"])

    def read(
        self, address: int, masks: Masks | None = None, *, keep: bool = False
    ) -> CanonicalCode:
        """The canonical form of the code object at ``address``.

        ``masks`` (by qualname and number of code units) say where instructions are expected, which
        makes the common case fast; a wrong mask gives a digest that equals no expected one.
        ``keep`` keeps the encoded logic for a comparison in detail. Raises ``Malformed``.
        """
        self._masks = masks or {}
        self._keep = keep
        return self._read(address)

    def tree(self, address: int) -> list[tuple[CanonicalCode, int]]:
        """The code object at ``address`` and all nested in it, children first, with parents.

        Each comes with the index of the code that encloses it, -1 for the outermost. Their encoded
        logic is kept.
        """
        found: list[tuple[CanonicalCode, int]] = []

        def visit(code: int) -> int:
            children = [visit(child) for child in self._nested.get(code, ())]
            if len(found) > MAXIMUM_NESTED:
                raise Malformed("a code object holds more code than can be")
            found.append((self._known[code], -1))
            place = len(found) - 1
            for child in children:
                found[child] = (found[child][0], place)
            return place

        self.forget()
        self.read(address, keep=True)
        visit(address)
        return found

    def logic(self) -> dict[bytes, bytes]:
        """The encoded logic of all code objects that were read and kept, by its digest."""
        return {code.logic: code.logic_bytes for code in self._known.values() if code.logic_bytes}

    def forget_codes(self) -> None:
        """Drop the code objects that were read; constants, which files share, are kept."""
        self._known.clear()
        self._nested.clear()

    def forget(self) -> None:
        """Drop what was read, before a reading that must not rely on it."""
        self._known.clear()
        self._nested.clear()
        self.constants.forget()

    def _code_constant(self, address: int) -> bytes:
        return b"C" + self._read(address).logic

    def _read(self, address: int) -> CanonicalCode:
        known = self._known.get(address)
        if known is not None and not (self._keep and not known.logic_bytes):
            return known
        if self._depth >= MAXIMUM_DEPTH:
            raise Malformed(f"the code object at {address:#x} is nested too deeply")
        self._depth += 1
        try:
            code = self._known[address] = self._decode(address)
        finally:
            self._depth -= 1
        return code

    def _decode(self, address: int) -> CanonicalCode:
        buffer, at = self._memory.locate(address, self._start)
        words = self._words.unpack_from(buffer, at)
        if words[1] != self._code_type:
            raise Malformed(f"no code object lies at {address:#x}")
        units = words[2] & 0xFFFFFFFF
        if not 0 < units <= MAXIMUM_CODE_UNITS:
            raise Malformed(f"the code object at {address:#x} has an impossible size")
        start = at + self._start
        code = buffer[start : start + units * 2]
        if len(code) != units * 2:
            code = self._memory.read(address + self._start, units * 2)
        head = _Head._make((*self._fields(words), self._numbers.unpack_from(buffer, at)))
        return self._canonical(address, head, code)

    def _canonical(self, address: int, head: _Head, code: bytes) -> CanonicalCode:
        encode = self.constants.encode
        items = self._objects.items
        qualname = encode(head.qualname)
        identifier = _identifier(qualname)
        form = self._generic(address, code, identifier)
        constants = items(head.consts)
        flags, argcount, posonly, kwonly, stacksize, first_line = head.numbers
        logic_bytes = b"".join(
            (
                HEAD.pack(flags & ~RUNTIME_FLAGS, argcount, posonly, kwonly, stacksize),
                encode(head.name),
                qualname,
                b"b",
                U32.pack(len(form)),
                form,
                encode(head.exceptiontable),
                self._locals(head.localsplusnames, head.localspluskinds),
                self.constants.join(items(head.names)),
                self.constants.join(constants),
            )
        )
        inner = tuple(item for item in constants if item in self._known)
        if inner:
            self._nested[address] = inner
        nested = [self._known[item] for item in inner]
        layout = blake2b(U32.pack(first_line), digest_size=DIGEST_SIZE)
        layout.update(encode(head.linetable))
        for item in nested:
            layout.update(item.layout)
        return CanonicalCode(
            identifier,
            first_line,
            blake2b(logic_bytes, digest_size=DIGEST_SIZE).digest(),
            layout.digest(),
            logic_bytes if self._keep else b"",
            tuple([item.logic for item in nested]),
        )

    def _locals(self, names: int, kinds: int) -> bytes:
        """``co_varnames``, ``co_cellvars`` and ``co_freevars``, as CPython splits them by kind."""
        addresses = self._objects.items(names)
        marks = self.constants.encode(kinds)[5:]
        if len(marks) != len(addresses):
            raise Malformed("a code object has another number of kinds than of local names")
        if not marks.translate(None, _PLAIN_LOCALS):
            return self.constants.join(addresses) + _NO_NAMES + _NO_NAMES
        return b"".join(
            self.constants.join(
                tuple([name for name, mark in zip(addresses, marks, strict=True) if mark & kind])
            )
            for kind in (LOCAL, CELL, FREE)
        )

    def _generic(self, address: int, code: bytes, qualname: str) -> bytes:
        mask = self._masks.get((qualname, len(code) // 2))
        if mask is not None:
            return generalize_like(code, self._interpreter.opcodes, mask)

        def hidden(opcode: int, argument: int, index: int) -> tuple[int, int]:
            return self._hidden(address, opcode, argument, index)

        return generalize(code, self._interpreter.opcodes, hidden)

    def _hidden(self, address: int, opcode: int, argument: int, index: int) -> tuple[int, int]:
        """The opcode and argument that instrumentation or a JIT executor put away."""
        opcodes = self._interpreter.opcodes
        if opcode == opcodes.enter_executor:
            return self._under_executor(address, argument)
        monitoring = self._objects.pointer(address + self._objects.offsets["code.monitoring"])
        if not monitoring:
            raise Malformed("an instrumented opcode has no monitoring data")
        if opcode == opcodes.instrumented_line:
            opcode = self._under_line(monitoring, index)
        if opcode == opcodes.instrumented_instruction:
            own = self._objects.offsets["monitoring.per_instruction_opcodes"]
            table = self._objects.pointer(monitoring + own)
            opcode = self._memory.read(table + index, 1)[0]
        if opcode == opcodes.enter_executor:
            return self._under_executor(address, argument)
        return opcode, argument

    def _under_line(self, monitoring: int, index: int) -> int:
        own = self._objects.offsets
        lines = self._objects.pointer(monitoring + own["monitoring.lines"])
        if own["lines.format"] == 0:
            changed = own.get("lines.changed_in_patch")
            patch = self._interpreter.build.version[2]
            if changed is None or patch < changed:
                return self._memory.read(lines + index * 2, 1)[0]
        width = self._memory.read(lines, 1)[0]
        if not 1 < width <= 8:
            raise Malformed("the line data of instrumented code has an impossible form")
        return self._memory.read(lines + 1 + index * width, 1)[0]

    def _under_executor(self, address: int, argument: int) -> tuple[int, int]:
        own = self._objects.offsets
        array = self._objects.pointer(address + own["code.executors"])
        if not array:
            raise Malformed("an executor's opcode has no executors")
        start = array + own["executorarray.executors"]
        executor = self._objects.pointer(start + argument * 8)
        opcode = self._memory.read(executor + own["executor.opcode"], 1)[0]
        original = self._memory.read(executor + own["executor.oparg"], 1)[0]
        return opcode, original
