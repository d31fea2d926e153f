"""The whole check of a committed description under the interpreter it describes."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from describe import workload
from describe.check_bytecode import (
    HIDING_EVENTS,
    Restorer,
    check_executors,
    check_monitoring,
    compare,
    describe_met,
    unwatch,
    watch,
)
from describe.check_dicts import check_dicts
from describe.check_generators import check_generators
from describe.check_objects import check_objects
from describe.check_runtime import check_debug_table, check_runtime
from describe.ledger import Ledger
from describe.memory import OwnMemory
from describe.opcodes import read_tables

if TYPE_CHECKING:
    from instep.cpython.description import Description

ROUNDS = 60
ROUNDS_WATCHED = 3
TOOLS = (3, 4)
FAILURES_SHOWN = 20


def verify(description: Description) -> int:
    """Print what was checked; return the exit code."""
    ledger, memory = Ledger(), OwnMemory(description.offsets)
    check_tables(description, ledger)
    check_objects(memory, ledger)
    check_generators(memory, ledger)
    check_dicts(memory, ledger)
    check_runtime(memory, ledger)
    compared = check_debug_table(memory, ledger, description.debug_offsets)
    ledger.note(f"_Py_DebugOffsets: {compared} values read")
    check_code(description, memory, ledger)
    memory.close()
    return report(description, ledger)


def check_tables(description: Description, ledger: Ledger) -> None:
    """Compare the opcode tables and the magic with this very interpreter's."""
    tables, opcodes = read_tables(), description.opcodes
    ledger.equal("magic", description.magic, tables.magic)
    ledger.equal("generic", opcodes.generic, tables.generic)
    ledger.equal("caches", opcodes.caches, tables.caches)
    ledger.equal("names", dict(opcodes.names), tables.names)
    hiding = (opcodes.instrumented_line, opcodes.instrumented_instruction, opcodes.enter_executor)
    ledger.equal("hiding opcodes", hiding, tuple(tables.hiding.values()))


def check_code(description: Description, memory: OwnMemory, ledger: Ledger) -> None:
    """Compare all live code, first specialised, then under ``sys.monitoring``."""
    restorer = Restorer(memory, description.opcodes, sys.version_info.micro)
    workload.run(ROUNDS)
    compare(restorer, ledger, "specialised")
    if "code.executors" in memory.offsets:
        ledger.note(f"executors: {check_executors(memory, ledger, description.opcodes)}")
    if hasattr(sys, "monitoring"):
        for without in (HIDING_EVENTS, HIDING_EVENTS[1:], ()):
            watch(TOOLS, without)
            workload.run(ROUNDS_WATCHED)
            compare(restorer, ledger, f"monitored without {' and '.join(without) or 'exception'}")
            if not without:
                check_monitoring(memory, ledger, restorer, workload.containers.__code__)
            unwatch(TOOLS)
    ledger.note(describe_met(restorer))


def report(description: Description, ledger: Ledger) -> int:
    """Print the ledger."""
    unchecked = ledger.unchecked(description.offsets)
    total, release = len(description.offsets), platform.python_version()
    print(f"CPython {release}: {total - len(unchecked)} of {total} offsets checked")
    if unchecked:
        print(f"  not checked: {', '.join(unchecked)}")
    for note in ledger.notes:
        print(f"  {note}")
    for failure in ledger.failures[:FAILURES_SHOWN]:
        print(f"  WRONG {failure}")
    print(f"  {len(ledger.failures)} wrong")
    return 1 if ledger.failures else 0
