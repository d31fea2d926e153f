"""Checks of the way from ``_PyRuntime`` to interpreters, threads, frames and ``sys.modules``."""

from __future__ import annotations

import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from describe.memory import STACKREF_TAG, WORD, runtime_address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from describe.ledger import Ledger
    from describe.memory import OwnMemory

LINK_LIMIT = 1000
STACKTOP_UNKNOWN = -1
COOKIE = b"xdebugpy"


def check_runtime(memory: OwnMemory, ledger: Ledger) -> None:
    """Check everything that is not inside an object."""
    main = check_interpreters(memory, ledger)
    check_main_interpreter(memory, ledger, main)
    check_threads(memory, ledger, main)


def check_debug_table(memory: OwnMemory, ledger: Ledger, places: Mapping[str, int]) -> int:
    """Compare the process's own table with the description; return how many values it gave."""
    start, compared = runtime_address(), 0
    if places:
        ledger.equal("table.cookie", memory.read(start, len(COOKIE)), COOKIE)
    expected = {**memory.offsets, "table.version": sys.hexversion, "table.free_threaded": 0}
    for name, place in places.items():
        if name == "table.size":
            ledger.equal(name, place >= max(places.values()), True)
            continue
        compared += 1
        ledger.equal(f"debug:{name}", memory.word_at(start + place), expected[name])
    return compared


def linked(memory: OwnMemory, first: int, next_name: str) -> list[int]:
    """Follow a list of structures."""
    found: list[int] = []
    while first and len(found) < LINK_LIMIT:
        found.append(first)
        first = memory.word(first, next_name)
    return found


def check_interpreters(memory: OwnMemory, ledger: Ledger) -> int:
    """Check the list of interpreters with one more than usual; return the main one."""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    module: Any = importlib.import_module(name)
    made = module.create()
    told = [entry[0] if isinstance(entry, tuple) else entry for entry in module.list_all()]
    head = memory.word(runtime_address(), "runtime.interpreters_head")
    found = {memory.word(at, "interp.id"): at for at in linked(memory, head, "interp.next")}
    module.destroy(made)
    names = "runtime.interpreters_head interp.next interp.id"
    ledger.equal(names, sorted(found), sorted(int(number) for number in told))
    return found[0]


def check_main_interpreter(memory: OwnMemory, ledger: Ledger, interp: int) -> None:
    """Check ``sys`` and the two configuration values."""
    found = memory.word(interp, "interp.sys_modules")
    ledger.equal("interp.sys_modules", found, id(sys.modules))
    ledger.equal("interp.sysdict", memory.word(interp, "interp.sysdict"), id(vars(sys)))
    level = memory.int32(interp, "interp.optimization_level")
    ledger.equal("interp.optimization_level", level, sys.flags.optimize)
    ranges = memory.int32(interp, "interp.code_debug_ranges")
    ledger.equal("interp.code_debug_ranges", ranges, int("no_debug_ranges" not in sys._xoptions))


class Waiting:
    """A thread that stands still in a known place."""

    def __init__(self) -> None:
        self.ready, self.finish = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.outer, daemon=True)
        self.thread.start()
        self.ready.wait()

    def outer(self) -> None:
        """Call on."""
        mark = object()
        self.inner(mark)

    def inner(self, mark: object) -> object:
        """Wait until told to finish."""
        self.ready.set()
        self.finish.wait()
        return mark

    def stop(self) -> None:
        """Let the thread end."""
        self.finish.set()
        self.thread.join()


def check_threads(memory: OwnMemory, ledger: Ledger, interp: int) -> None:
    """Check the list of threads and the frames of one that waits."""
    waiting = [Waiting() for _ in range(3)]
    wanted = {thread.thread.native_id for thread in waiting} | {threading.get_native_id()}
    head = memory.word(interp, "interp.threads_head")
    states = linked(memory, head, "thread.next")
    by_id = {memory.word(at, "thread.native_thread_id"): at for at in states}
    names = "interp.threads_head thread.next thread.native_thread_id"
    ledger.equal(names, wanted <= set(by_id), True)
    for thread in waiting:
        ident, native = thread.thread.ident, thread.thread.native_id
        assert ident is not None
        assert native is not None
        check_frames(memory, ledger, by_id[native], sys._current_frames()[ident])
    for thread in waiting:
        thread.stop()


def check_frames(memory: OwnMemory, ledger: Ledger, state: int, frame: FrameType) -> None:
    """Compare the frames of a thread with what ``sys._current_frames`` says.

    The entry frames of 3.12 and later are not shown by Python; their owner tells them.
    """
    if "thread.cframe" in memory.offsets:
        first = memory.word(memory.word(state, "thread.cframe"), "cframe.current_frame")
        names = "thread.cframe cframe.current_frame frame.previous frame.code"
    else:
        first = memory.word(state, "thread.current_frame")
        names = "thread.current_frame frame.previous frame.code"
    shown: list[FrameType] = []
    walked: FrameType | None = frame
    while walked is not None:
        shown.append(walked)
        walked = walked.f_back
    entry = [memory.offsets.get(f"frameowner.{kind}") for kind in ("cstack", "interpreter")]
    found = linked(memory, first, "frame.previous")
    owners = [memory.int8(at, "frame.owner") for at in found]
    real = [at for at, owner in zip(found, owners, strict=True) if owner not in entry]
    for kind in ("cstack", "interpreter"):
        if memory.offsets.get(f"frameowner.{kind}") in owners:
            ledger.equal(f"frameowner.{kind}", len(real) < len(found), True)
    executables = [memory.word(at, "frame.code") & ~STACKREF_TAG for at in real]
    ledger.equal(names, executables, [id(each.f_code) for each in shown])
    for address, each in zip(real, shown, strict=True):
        check_frame(memory, ledger, address, each)


def check_frame(memory: OwnMemory, ledger: Ledger, address: int, frame: FrameType) -> None:
    """Check one frame: globals, owner, the instruction, the locals, the stack."""
    ledger.equal("frame.f_globals", memory.word(address, "frame.f_globals"), id(frame.f_globals))
    owner = memory.int8(address, "frame.owner")
    ledger.equal("frame.owner frameowner.thread", owner, memory.offsets["frameowner.thread"])
    start = id(frame.f_code) + memory.offsets["code.code_adaptive"]
    name = "frame.instr_ptr" if "frame.instr_ptr" in memory.offsets else "frame.prev_instr"
    ledger.equal(name, memory.word(address, name) - start, frame.f_lasti)
    base = address + memory.offsets["frame.size_to_localsplus"]
    if "mark" in frame.f_locals:
        slot = frame.f_code.co_varnames.index("mark")
        found = memory.word_at(base + WORD * slot) & ~STACKREF_TAG
        ledger.equal("frame.size_to_localsplus", found, id(frame.f_locals["mark"]))
    lowest = memory.int32(id(frame.f_code), "code.nlocalsplus")
    if "frame.stackpointer" in memory.offsets:
        name = "frame.stackpointer"
        top = (memory.word(address, name) - base) // WORD
    else:
        name = "frame.stacktop"
        top = memory.int32(address, name)
    # 3.11 - 3.13 keep -1 there while the frame runs, calls of C functions included.
    unknown = name == "frame.stacktop" and top == STACKTOP_UNKNOWN
    plausible = lowest <= top <= lowest + frame.f_code.co_stacksize
    ledger.equal(name, unknown or plausible, True)
