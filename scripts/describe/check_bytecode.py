"""Checks that the opcode tables bring live code back to what was compiled.

The code is specialised first, then instrumented; CPython's own ``co_code`` is the measure.
"""

from __future__ import annotations

import gc
import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from describe.ledger import Ledger
    from describe.memory import OwnMemory
    from instep.cpython.description import Opcodes

LINES_FORMAT_SIZED = 1
HIDING_EVENTS = ("LINE", "INSTRUCTION")


class Seen(NamedTuple):
    """How much a comparison has met."""

    codes: int
    different: int
    changed: int


class Restorer:
    """Brings the code units of one code object back to their generic form."""

    def __init__(self, memory: OwnMemory, opcodes: Opcodes, patch: int) -> None:
        self.memory, self.opcodes = memory, opcodes
        self.met: set[int] = set()
        changed = memory.offsets.get("lines.changed_in_patch")
        self.sized_lines = memory.offsets.get("lines.format") == LINES_FORMAT_SIZED or (
            changed is not None and patch >= changed
        )

    def raw(self, address: int) -> bytes:
        """Return the code units as they are in memory."""
        size = self.memory.word(address, "var.size") * 2
        return self.memory.read(address + self.memory.offsets["code.code_adaptive"], size)

    def generic(self, address: int) -> bytes:
        """Return the code units as the compiler made them: generic opcodes, empty caches."""
        raw, restored, at = self.raw(address), bytearray(), 0
        while at < len(raw):
            number, argument = self.revealed(address, at // 2, raw[at], raw[at + 1])
            caches = self.opcodes.caches[number]
            restored += bytes((self.opcodes.generic[number], argument)) + bytes(2 * caches)
            at += 2 + 2 * caches
        return bytes(restored)

    def revealed(self, address: int, index: int, number: int, argument: int) -> tuple[int, int]:
        """Return the opcode and argument behind one that hides another."""
        memory, opcodes = self.memory, self.opcodes
        self.met.add(number)
        if number == opcodes.enter_executor:
            array = memory.word(address, "code.executors")
            executor = memory.word(array + 8 * argument, "executorarray.executors")
            number = memory.read(executor + memory.offsets["executor.opcode"], 1)[0]
            argument = memory.read(executor + memory.offsets["executor.oparg"], 1)[0]
        if number == opcodes.instrumented_line:
            number = self.under_line(address, index)
        if number == opcodes.instrumented_instruction:
            monitoring = memory.word(address, "code.monitoring")
            under = memory.word(monitoring, "monitoring.per_instruction_opcodes")
            number = memory.read(under + index, 1)[0]
        self.met.add(number)
        return number, argument

    def under_line(self, address: int, index: int) -> int:
        """Return the opcode that INSTRUMENTED_LINE hides."""
        monitoring = self.memory.word(address, "code.monitoring")
        lines = self.memory.word(monitoring, "monitoring.lines")
        if not self.sized_lines:
            return self.memory.read(lines + 2 * index, 1)[0]
        width = self.memory.read(lines, 1)[0]
        return self.memory.read(lines + 1 + width * index, 1)[0]


def live_codes() -> list[CodeType]:
    """Return every code object of every function alive, with those nested in them."""
    found: dict[int, CodeType] = {}
    waiting = [thing.__code__ for thing in gc.get_objects() if type(thing) is FunctionType]
    while waiting:
        code = waiting.pop()
        if id(code) not in found:
            found[id(code)] = code
            waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return list(found.values())


def compare(restorer: Restorer, ledger: Ledger, label: str) -> Seen:
    """Compare all live code with ``co_code``; record each difference."""
    different = changed = 0
    codes = live_codes()
    for code in codes:
        raw, expected = restorer.raw(id(code)), code.co_code
        changed += raw[::2] != expected[::2]
        if restorer.generic(id(code)) != expected:
            different += 1
            ledger.failures.append(f"{label}: {code.co_qualname} in {code.co_filename} differs")
    seen = Seen(len(codes), different, changed)
    ledger.note(
        f"{label}: {seen.codes} code objects, {seen.changed} changed by the interpreter, "
        f"{seen.different} differ after restoring"
    )
    return seen


def describe_met(restorer: Restorer) -> str:
    """Return one line on the opcodes that are not generic: how many were met, which were not."""
    opcodes = restorer.opcodes
    special = {number for number, generic in enumerate(opcodes.generic) if number != generic}
    hiding = {opcodes.instrumented_line, opcodes.instrumented_instruction, opcodes.enter_executor}
    special |= {number for number in hiding if number is not None}
    missed = sorted(opcodes.names[number] for number in special - restorer.met)
    return f"{len(special) - len(missed)} of {len(special)} special opcodes met, not: {missed}"


def check_monitoring(memory: OwnMemory, ledger: Ledger, restorer: Restorer, code: CodeType) -> None:
    """Check the tool arrays of a code object that two tools (3 and 4) watch in full."""
    address = id(code)
    monitoring = memory.word(address, "code.monitoring")
    mask, opcodes = 1 << 3 | 1 << 4, restorer.opcodes
    raw, expected = restorer.raw(address), code.co_code
    at = 0
    while at < len(raw):
        index, number = at // 2, raw[at]
        at += 2 + 2 * opcodes.caches[expected[at]]
        if number == opcodes.instrumented_line:
            expect_tools(memory, ledger, monitoring, "line_tools", index, mask)
            number = restorer.under_line(address, index)
        if number == opcodes.instrumented_instruction:
            expect_tools(memory, ledger, monitoring, "per_instruction_tools", index, mask)
            under = memory.word(monitoring, "monitoring.per_instruction_opcodes")
            number = memory.read(under + index, 1)[0]
        if opcodes.names[number] in ("INSTRUMENTED_RESUME", "INSTRUMENTED_CALL"):
            expect_tools(memory, ledger, monitoring, "tools", index, mask)
    names = "code.monitoring monitoring.lines monitoring.per_instruction_opcodes lines.format"
    names += " lines.changed_in_patch" if "lines.changed_in_patch" in memory.offsets else ""
    ledger.equal(names, restorer.generic(address), expected)


def expect_tools(
    memory: OwnMemory, ledger: Ledger, monitoring: int, field: str, index: int, mask: int
) -> None:
    """Check one byte of one array."""
    array = memory.word(monitoring, f"monitoring.{field}")
    ledger.equal(f"monitoring.{field}", memory.read(array + index, 1)[0], mask)


def check_executors(memory: OwnMemory, ledger: Ledger, opcodes: Opcodes) -> int:
    """Check the executors of all code the JIT has entered; return how many there were."""
    count = 0
    for code in live_codes():
        array = memory.word(id(code), "code.executors")
        if not array:
            continue
        size = memory.int32(array, "executorarray.size")
        capacity = memory.int32(array, "executorarray.capacity")
        ledger.equal("executorarray.size executorarray.capacity", 0 <= size <= capacity, True)
        start = array + memory.offsets["executorarray.executors"]
        for executor in memory.words(start, size):
            if not executor:
                continue
            count += 1
            kind = memory.word(memory.word(executor, "object.type"), "type.name")
            ledger.equal("executorarray.executors", memory.c_string(kind), b"uop_executor")
            number = memory.read(executor + memory.offsets["executor.opcode"], 1)[0]
            ledger.equal("executor.opcode", number in opcodes.names, True)
    if count:
        # Every ENTER_EXECUTOR was restored through them, opcode and oparg, in compare().
        ledger.equal("code.executors executor.oparg", True, True)
    return count


def watch(tools: tuple[int, ...], without: tuple[str, ...] = ()) -> None:
    """Turn on the events of ``sys.monitoring``, all but those named, for the given tools."""
    monitoring: Any = vars(sys)["monitoring"]
    events = {
        name: event
        for name, event in vars(monitoring.events).items()
        if isinstance(event, int) and event and name not in without
    }
    for tool in tools:
        monitoring.use_tool_id(tool, "describe_cpython")
        for event in events.values():
            monitoring.register_callback(tool, event, ignore)
        monitoring.set_events(tool, sum(events.values()))


def unwatch(tools: tuple[int, ...]) -> None:
    """Turn the events off again."""
    monitoring: Any = vars(sys)["monitoring"]
    for tool in tools:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)


def ignore(*_: object) -> None:
    """Do nothing with an event."""
