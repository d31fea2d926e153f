"""Checks of a generator and its frame, in each state a generator can be in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from describe.memory import STACKREF_TAG

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from describe.ledger import Ledger
    from describe.memory import OwnMemory

# struct _frame (Include/internal/pycore_frame.h): PyObject_HEAD, f_back, then f_frame.
FRAME_OBJECT_F_FRAME = 24


def check_generators(memory: OwnMemory, ledger: Ledger) -> None:
    """Check ``PyGenObject`` and the states of it."""
    generator: Any = Named.count(2)
    address = id(generator)
    for field in ("name", "qualname"):
        found = memory.word(address, f"generator.{field}")
        ledger.equal(f"generator.{field}", found, id(getattr(generator, f"__{field}__")))
    frame = address + memory.offsets["generator.iframe"]
    code = memory.word(frame, "frame.code") & ~STACKREF_TAG
    ledger.equal("generator.iframe frame.code", code, id(generator.gi_code))
    owner = memory.int8(frame, "frame.owner")
    ledger.equal("frame.owner frameowner.generator", owner, memory.offsets["frameowner.generator"])
    check_states(memory, ledger, generator)
    check_frame_object(memory, ledger)


class Named:
    """A class, so that the generator's qualified name is not its name."""

    @staticmethod
    def count(limit: int) -> Generator[int, None, None]:
        """Yield numbers, without delegating: that is another state."""
        number = 0
        while number < limit:
            yield number
            number += 1


def delegate() -> Generator[int, None, None]:
    """Yield from another."""
    yield from Named.count(3)


def state_of(memory: OwnMemory, generator: Generator[int, None, None]) -> int:
    """Return the state of a generator."""
    return memory.int8(id(generator), "generator.frame_state")


def check_states(memory: OwnMemory, ledger: Ledger, generator: Generator[int, None, None]) -> None:
    """Bring generators into each state and read it."""
    expect(memory, ledger, generator, "created")
    next(generator)
    expect(memory, ledger, generator, "suspended")
    for _ in generator:
        pass
    expect(memory, ledger, generator, "cleared")
    itself: list[Generator[int, None, None]] = []
    running = observe_itself(memory, itself)
    itself.append(running)
    name = "framestate.executing"
    ledger.equal(f"generator.frame_state {name}", next(running), memory.offsets[name])
    running.close()
    # A generator closed half-way is "completed" in some patch releases (3.13.0), in others cleared.
    finished = {
        memory.offsets[name]: name
        for name in ("framestate.completed", "framestate.cleared")
        if name in memory.offsets
    }
    state = state_of(memory, running)
    ledger.equal(f"generator.frame_state {finished.get(state, '')}", state in finished, True)
    if "framestate.suspended_yield_from" in memory.offsets:
        delegating = delegate()
        next(delegating)
        expect(memory, ledger, delegating, "suspended_yield_from")


def observe_itself(
    memory: OwnMemory, itself: list[Generator[int, None, None]]
) -> Generator[int, None, None]:
    """Yield the state this very generator is in while it runs."""
    yield state_of(memory, itself[0])


def expect(
    memory: OwnMemory, ledger: Ledger, generator: Generator[int, None, None], state: str
) -> None:
    """Check the state of one generator."""
    name = f"framestate.{state}"
    ledger.equal(f"generator.frame_state {name}", state_of(memory, generator), memory.offsets[name])


def own_frame() -> FrameType:
    """Return the frame of a call that is over."""
    return sys._getframe()


def check_frame_object(memory: OwnMemory, ledger: Ledger) -> None:
    """Check the owner of a frame that outlived its call."""
    frame = own_frame()
    inner = memory.word_at(id(frame) + FRAME_OBJECT_F_FRAME)
    name = "frameowner.frame_object"
    ledger.equal(f"frame.owner {name}", memory.int8(inner, "frame.owner"), memory.offsets[name])
    code = memory.word(inner, "frame.code") & ~STACKREF_TAG
    ledger.equal("frame.code", code, id(own_frame.__code__))
