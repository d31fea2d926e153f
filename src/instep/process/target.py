"""An opened target: its memory, its interpreter, and one pass over what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from instep.errors import Malformed, ProcessEnded, UnsupportedBuild
from instep.process.code_objects import CodeReader
from instep.process.frames import Frame, frames, is_code
from instep.process.maps import heap_mappings, parse_maps, resident_runs
from instep.process.memory import BlockMemory, ProcessMemory
from instep.process.modules import InterpreterState, interpreter_addresses, read_interpreter
from instep.process.objects import ObjectReader
from instep.process.runtime import Interpreter, locate
from instep.process.scan import LoadedFunction, scan_heap
from instep.process.values import ValueReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from instep.system.processes import ProcessHandle


FRAME_TRIES = 20
# Include/object.h: Py_TPFLAGS_UNICODE_SUBCLASS.
TEXT_SUBCLASS = 1 << 28


class Snapshot(NamedTuple):
    """What one pass found. ``functions`` is by the ``co_filename`` of their code."""

    interpreters: tuple[InterpreterState, ...]
    functions: dict[str, list[LoadedFunction]]
    frames: tuple[Frame, ...]
    issues: tuple[str, ...]
    copied: int


class Target:
    """A process held open for reading. Close it, or use it as a context manager."""

    def __init__(self, handle: ProcessHandle) -> None:
        self._handle = handle
        self.memory = ProcessMemory(handle)
        try:
            self._maps = handle.read("maps")
            executable = handle.link("exe")
            self.interpreter: Interpreter = locate(handle.pid, self.memory, self._maps, executable)
        except BaseException:
            self.memory.close()
            raise
        self._attach(BlockMemory(self.memory))

    def __enter__(self) -> Self:
        """Hold the target open."""
        return self

    def __exit__(self, *details: object) -> None:
        """Close the memory."""
        self.memory.close()

    def _attach(self, memory: BlockMemory | ProcessMemory) -> None:
        self.objects = ObjectReader(memory, self.interpreter)
        self.codes = CodeReader(self.objects)
        self.walker = CodeReader(self.objects)
        self.values = ValueReader(self.objects, self.codes.constants)

    def fresh_objects(self) -> ObjectReader:
        """A reader of live memory that remembers nothing: for confirmation."""
        return ObjectReader(self.memory, self.interpreter)

    def running(self) -> dict[int, Frame]:
        """The frames that exist now, by the address of their code."""
        found: dict[int, Frame] = {}
        try:
            for address in interpreter_addresses(self.fresh_objects()):
                for frame in self._frames(address)[0]:
                    found.setdefault(frame.code, frame)
        except Malformed:
            pass  # a list of interpreters that is torn now is complete in another round
        return found

    def states(self) -> tuple[InterpreterState, ...]:
        """All interpreters of the process; the main one is the last.

        Raises ``UnsupportedBuild`` if they aren't where this version keeps them: before 3.13 the
        target doesn't describe itself, and a patched build may be laid out in another way.
        """
        states = tuple(
            read_interpreter(self.objects, address)
            for address in interpreter_addresses(self.objects)
        )
        if not states or all(module.name != "sys" for module in states[-1].modules):
            name = self.interpreter.build.name
            raise UnsupportedBuild(f"no sys.modules was found where CPython {name} keeps it")
        if "d" in states[-1].abiflags:
            raise UnsupportedBuild(
                f"it runs a debug build of CPython {self.interpreter.build.name}"
            )
        return states

    def capture(
        self,
        states: tuple[InterpreterState, ...],
        wanted: Callable[[str], bool] | None = None,
    ) -> Snapshot:
        """One pass over the heap and the frames of these interpreters.

        ``wanted`` says by a ``co_filename`` whether functions of that file are asked for. Raises
        ``ProcessEnded`` if the process ends meanwhile; what can't be read of a living one is named
        in ``issues``.
        """
        issues: list[str] = []
        mappings = heap_mappings(parse_maps(self._maps))
        runs = resident_runs(self._handle, mappings)
        scan = scan_heap(self.memory, runs, self.interpreter, self._by_address(wanted))
        functions = self._by_file(scan.functions, scan.files)
        running: list[Frame] = []
        for state in states:
            found, issue = self._frames(state.address)
            running += found
            issues += [issue] if issue else []
        if not self._handle.alive():
            raise ProcessEnded(self._handle.pid)
        return Snapshot(states, functions, tuple(running), tuple(issues), scan.copied)

    def _frames(self, interpreter: int) -> tuple[list[Frame], str]:
        """The frames of all threads, and what is wrong if they can't be read whole.

        A thread that runs changes its frames in less time than reading one takes.
        """
        found: list[Frame] = []
        problem = ""
        for _ in range(FRAME_TRIES):
            objects = self.fresh_objects()
            found = []
            try:
                for frame in frames(objects, interpreter):
                    if is_code(objects, frame.code):
                        found.append(frame)
            except Malformed as error:
                problem = f"the threads could not be read: {error}"
            else:
                return found, ""
        return found, problem

    def _by_address(self, wanted: Callable[[str], bool] | None) -> Callable[[int], bool] | None:
        if wanted is None:
            return None
        known: dict[int, bool] = {}

        def decide(address: int) -> bool:
            found = known.get(address)
            if found is None:
                name = self.objects.optional_text(address)
                found = known[address] = name is not None and wanted(name)
            return found

        return decide

    def _by_file(
        self, candidates: list[LoadedFunction], files: dict[int, int]
    ) -> dict[str, list[LoadedFunction]]:
        grouped: dict[int, list[LoadedFunction]] = {}
        for candidate in candidates:
            name = files.get(candidate.code)
            if name is not None:
                grouped.setdefault(name, []).append(candidate)
        functions: dict[str, list[LoadedFunction]] = {}
        for address, members in grouped.items():
            file = self.objects.optional_text(address)
            if file is not None:
                functions.setdefault(file, []).extend(members)
        return functions

    def is_the_same(self) -> bool:
        """Whether the process still has the memory that was read.

        After an exec it keeps its pid and its start time; its old memory reads as empty, or lives
        on in another process that shares it. So both are looked at.
        """
        try:
            self.memory.read(self.interpreter.runtime, 8)
            return self._home(self._handle.read("maps")) == self._home(self._maps)
        except (Malformed, ProcessEnded):
            return False

    def _home(self, maps: bytes) -> list[tuple[int, int, str]]:
        """The mapping that the interpreter's state lies in."""
        return [
            (mapping.start, mapping.inode, mapping.path)
            for mapping in parse_maps(maps)
            if mapping.start <= self.interpreter.runtime < mapping.end
        ]

    def file_of(self, code: int) -> str | None:
        """The ``co_filename`` of the code object at ``code``."""
        try:
            return self.objects.text(self.codes.filename_address(code))
        except Malformed:
            return None

    def owns(self, function: LoadedFunction) -> bytes:
        """What identifies the function if it is alive and still has this code, else nothing."""
        own = self.interpreter.offsets
        try:
            head = self.memory.read(function.address, own["function.code"] + 8)
        except Malformed:
            return b""
        alive = (
            head[:4] != b"\0\0\0\0"
            and int.from_bytes(head[8:16], "little") == self.interpreter.types["function"]
            and int.from_bytes(head[-8:], "little") == function.code
            and all(self._is_text(head, own[f"function.{field}"]) for field in ("name", "qualname"))
        )
        # Without the reference count, which changes with every call.
        return head[8:] if alive else b""

    def _is_text(self, head: bytes, offset: int) -> bool:
        """Whether a field points to a ``str``, or to an instance of a subclass of it."""
        address = int.from_bytes(head[offset : offset + 8], "little")
        try:
            kind = int.from_bytes(self.memory.read(address + 8, 8), "little")
            if kind == self.interpreter.types["str"]:
                return True
            flags = self.memory.read(kind + self.interpreter.offsets["type.flags"], 8)
        except Malformed:
            return False
        return bool(int.from_bytes(flags, "little") & TEXT_SUBCLASS)
