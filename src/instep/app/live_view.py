"""The memory side of one process: code by file, with bad news confirmed before it is told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from instep.errors import Malformed
from instep.process.code_objects import CodeReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from instep.model.code import CanonicalCode
    from instep.process.frames import Frame
    from instep.process.scan import LoadedFunction
    from instep.process.target import Snapshot, Target

ROUNDS = 3
ROUND_SECONDS = 0.02
MODULE_CODE = "<module>"


class Suspect(NamedTuple):
    """A code object whose first reading was not fine, and the file it belongs to."""

    file: str
    code: int


class Settled(NamedTuple):
    """What came of suspects: code that is confirmed, and how many could not be read steadily."""

    codes: dict[int, CanonicalCode]
    unsteady: int


class LiveView:
    """Code objects of one snapshot, grouped by file.

    A copy of memory that changes meanwhile can be torn. Equality with the disk can't come from a
    tear, so what is fine is believed at once. All else is read again, three times 20 ms apart, from
    live memory and with its owner looked at before and after.
    """

    def __init__(self, target: Target, snapshot: Snapshot) -> None:
        self._target = target
        self._found = dict(snapshot.functions)
        self._functions: dict[str, dict[int, list[LoadedFunction]]] = {}
        self.modules: dict[str, Frame] = {}
        # The encoded logic of what was confirmed, nested code too, by its digest.
        self.logic: dict[bytes, bytes] = {}
        self._running: dict[int, Frame] = {}
        for frame in snapshot.frames:
            self._add_frame(frame)

    def _add_frame(self, frame: Frame) -> None:
        objects = self._target.objects
        try:
            file = objects.text(self._target.codes.filename_address(frame.code))
            own = objects.offsets["code.qualname"]
            qualname = objects.text(objects.pointer(frame.code + own))
            optimized = objects.pointer(frame.code + objects.offsets["code.flags"]) & 3
        except Malformed:
            return
        if optimized:
            self._running[frame.code] = frame
            self.functions(file).setdefault(frame.code, [])
        elif qualname == MODULE_CODE:
            self.modules[file] = frame

    def files(self) -> Collection[str]:
        """All files that live code was compiled from."""
        return self._found.keys() | self._functions.keys()

    def attribute(self, namespaces: Mapping[int, str]) -> None:
        """Give functions to the file of the module whose namespace they have.

        For modules that were loaded from a bytecode file alone: their code still names the source
        that it was once compiled from.
        """
        for file in list(self._found) if namespaces else ():
            by_code = self.functions(file)
            for code, functions in list(by_code.items()):
                files = {namespaces.get(function.namespace) for function in functions}
                owner = files.pop() if len(files) == 1 else None
                if owner is not None:
                    self.functions(owner)[code] = by_code.pop(code)

    def amount(self, file: str) -> int:
        """How many code objects of the file are alive, as far as one pass can tell."""
        return len(self.functions(file))

    def functions(self, file: str) -> dict[int, list[LoadedFunction]]:
        """The functions of a file by the address of their code; none for code of a frame."""
        known = self._functions.get(file)
        if known is None:
            known = self._functions[file] = {}
            for function in self._found.get(file, ()):
                known.setdefault(function.code, []).append(function)
        return known

    def codes(
        self, file: str, masks: Mapping[tuple[str, int], bytes], expected: Collection[bytes]
    ) -> dict[int, CanonicalCode | None]:
        """The code of a file by address; ``None`` where it could not be decoded.

        What doesn't come out as one of the ``expected`` logic digests with the help of ``masks`` is
        decoded again without: instrumented code, and code that really differs.
        """
        found: dict[int, CanonicalCode | None] = {}
        target = self._target
        for address in self.functions(file):
            try:
                code = target.codes.read(address, masks)
                if code.logic not in expected:
                    code = target.walker.read(address)
            except Malformed:
                found[address] = None
            else:
                if code.qualname != MODULE_CODE:  # a body that runs is no function's code
                    found[address] = code
        target.codes.forget_codes()
        target.walker.forget_codes()
        return found

    def confirm(
        self, suspects: list[Suspect], is_fine: Callable[[Suspect, CanonicalCode], bool]
    ) -> dict[str, Settled]:
        """Read suspects again until they are fine, gone, or steadily bad."""
        settled: dict[str, Settled] = {suspect.file: Settled({}, 0) for suspect in suspects}
        waiting: dict[Suspect, CanonicalCode | None] = dict.fromkeys(suspects)
        steady = dict.fromkeys(suspects, 0)
        for turn in range(ROUNDS):
            if turn:
                time.sleep(ROUND_SECONDS)
            running = self._target.running() if self._running else {}
            for suspect, before in list(waiting.items()):
                alive, code = self._observe(suspect, running)
                if not alive:
                    del waiting[suspect]
                elif code is not None and is_fine(suspect, code):
                    settled[suspect.file].codes[suspect.code] = code
                    del waiting[suspect]
                else:
                    same = code is not None and (before is None or before.logic == code.logic)
                    steady[suspect] += same
                    waiting[suspect] = code
        for suspect, code in waiting.items():
            if code is not None and steady[suspect] == ROUNDS:
                settled[suspect.file].codes[suspect.code] = code
            else:
                old = settled[suspect.file]
                settled[suspect.file] = old._replace(unsteady=old.unsteady + 1)
        return settled

    def _observe(
        self, suspect: Suspect, running: Mapping[int, Frame]
    ) -> tuple[bool, CanonicalCode | None]:
        """Whether the code is still alive in that file, and its form if it could be decoded."""
        functions = self.functions(suspect.file)[suspect.code]
        owner = next(((one, head) for one in functions if (head := self._target.owns(one))), None)
        if owner is None and suspect.code not in running:
            return False, None
        objects = self._target.fresh_objects()
        reader = CodeReader(objects)
        try:
            before = objects.memory.read(suspect.code, reader.header_size)
            file = objects.read_text(reader.filename_address(suspect.code))
            if file != suspect.file and not suspect.file.endswith(".pyc"):
                return False, None
            code = reader.read(suspect.code, keep=True)
            self.logic.update(reader.logic())
            after = objects.memory.read(suspect.code, reader.header_size)
        except Malformed:
            # Unreadable: alive only if its owner still holds it.
            return owner is None or self._target.owns(owner[0]) == owner[1], None
        if owner is not None and self._target.owns(owner[0]) != owner[1]:
            return self._observe_again(suspect), None
        return True, code if before[8:] == after[8:] else None

    def _observe_again(self, suspect: Suspect) -> bool:
        return any(self._target.owns(one) for one in self.functions(suspect.file)[suspect.code])
