"""The disk side of one process: sources, bytecode and what they compile to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from instep.app.launch import start_compiler
from instep.app.rights import rights_for
from instep.disk.cache import CodeCache, default_folder
from instep.disk.compiler import PYC, SOURCE, Compiler
from instep.disk.pyc import PycState, pyc_path, read_header, state_of
from instep.disk.sources import Root, SourceFile
from instep.disk.unchanged import Clock, Mounts
from instep.model.encoding import decode_logic
from instep.system.processes import wall_time
from instep.system.start_time import exact_start
from instep.verdict.tree import Tree

if TYPE_CHECKING:
    from instep.disk.helper import Helper
    from instep.model.compiled import CompiledModule
    from instep.model.encoding import Logic
    from instep.model.identity import ProcessFacts
    from instep.process.modules import InterpreterState
    from instep.process.runtime import Interpreter
    from instep.system.processes import ProcessHandle


class Bytecode:
    """The bytecode file beside a source, read once."""

    def __init__(self, data: bytes, digest: bytes, state: PycState, recorded: int) -> None:
        self.data = data
        self.digest = digest
        self.state = state
        self.recorded = recorded


class SourceView:
    """What the target would load now: files in its own root, compiled by its own build."""

    def __init__(
        self,
        handle: ProcessHandle,
        facts: ProcessFacts,
        interpreter: Interpreter,
        state: InterpreterState,
    ) -> None:
        self._handle = handle
        self.facts = facts
        self.interpreter = interpreter
        self.state = state
        descriptor = -1
        if not facts.same_files:
            descriptor = handle.open("root", os.O_PATH | os.O_DIRECTORY)
        self._rights = rights_for(handle, facts)
        # In another root all files are the target's: there is nothing to keep from its interpreter.
        self.root = Root(descriptor, self._rights if facts.same_files else None)
        self._mounts: Mounts | None = None
        self._asked = False
        # A moment before which the program image did not exist, in seconds since the epoch.
        image = facts.image
        self.image_started = None if image is None else wall_time(image.start_ticks)
        started = self.image_started
        self._clock = None if started is None else Clock(self.root, started)
        # Answers of an interpreter that another user chose are never mixed with our own, and those
        # of another root, which has no lasting name, are not kept.
        build = interpreter.build.key
        if self._rights is not None:
            build += f"-user{self._rights.uid}"
        self._cache = CodeCache(default_folder() if facts.same_files else None, build)
        self.compiler = Compiler(
            self._cache, self._start, max(0, min(state.optimization, 2)), columns=state.debug_ranges
        )

    def close(self) -> None:
        """End the helper and let go of the root."""
        self.compiler.close()
        self._cache.close()
        self.root.close()

    def _start(self) -> Helper:
        return start_compiler(
            self._handle,
            self.facts,
            self.interpreter.build,
            self._rights,
            columns=self.state.debug_ranges,
        )

    def is_unchanged(self, path: str) -> bool:
        """Whether the file is certainly the one that was there when the program started."""
        if self._clock is None:
            return False
        if self._mounts is None:
            self._mounts = Mounts(self._handle.read("mountinfo"))
        if not self._mounts.is_local(path):
            return False
        return self._clock.is_unchanged(path) or (
            self._know_exactly() and self._clock.is_unchanged(path)
        )

    def _know_exactly(self) -> bool:
        """Ask for a finer start time, once; whether there is one."""
        image = self.facts.image
        if image is None or self._asked:
            return False
        self._asked = True
        exact = exact_start(image.pid)
        if exact is not None:
            self.image_started = exact
            self._clock = Clock(self.root, exact)
        return exact is not None

    def bytecode(self, source: SourceFile) -> Bytecode | None:
        """The bytecode file that the import system would look at for ``source``."""
        major, minor, _ = self.interpreter.build.version
        path = pyc_path(
            source.path,
            f"cpython-{major}{minor}",
            self.state.optimization,
            self.state.pycache_prefix,
        )
        found = self.root.read(path)
        if not isinstance(found, SourceFile):
            return None
        header = read_header(found.data)
        state = state_of(header, self.interpreter.magic, source)
        return Bytecode(found.data, found.digest, state, header.mtime if header else 0)

    def source_tree(self, source: SourceFile, module: CompiledModule) -> Tree:
        """The compiled source as a tree whose logic can be looked at."""

        def logic(index: int, shift: int) -> Logic:
            parts = self.compiler.logic(SOURCE, source.data, source.digest, shift)
            return decode_logic(parts[index])

        return Tree(module, logic)

    def bytecode_tree(self, bytecode: Bytecode, module: CompiledModule) -> Tree:
        """The content of a bytecode file as a tree whose logic can be looked at."""

        def logic(index: int, _: int) -> Logic:
            parts = self.compiler.logic(PYC, bytecode.data[16:], bytecode.digest)
            return decode_logic(parts[index])

        return Tree(module, logic)
