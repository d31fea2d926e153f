"""The disk side of one process: sources, bytecode and what they compile to."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from instep.app.rights import rights_for
from instep.disk.cache import CodeCache, default_folder
from instep.disk.compiler import PYC, SOURCE, Compiler
from instep.disk.pyc import HEADER_SIZE, PycState, pyc_path, read_header, state_of
from instep.disk.sources import Root, SourceFile
from instep.disk.unchanged import Clock, Mounts
from instep.errors import HelperFailed
from instep.model.encoding import decode_logic
from instep.system.processes import ProcessHandle, wall_time
from instep.system.start_time import exact_start
from instep.verdict.class_bodies import without_first_line
from instep.verdict.tree import Tree

if TYPE_CHECKING:
    from instep.disk.compiler_process import Helper
    from instep.model.compiled import CompiledModule
    from instep.model.encoding import Logic
    from instep.model.identity import ProcessFacts
    from instep.process.modules import InterpreterState
    from instep.process.runtime import Interpreter


NO_COLUMNS = b"PYTHONNODEBUGRANGES="
# The precision of start times in /proc; CONFIG_HZ doesn't change it.
TICK_SECONDS = 0.01


class Bytecode:
    """The bytecode file beside a source, read once."""

    def __init__(self, found: SourceFile, state: PycState, recorded: int) -> None:
        self.path = found.path
        self.data = found.data
        self.digest = found.digest
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
        self._local: dict[tuple[str, int], bool] = {}
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
        self._columns = state.debug_ranges and not self._leaves_out_columns()
        self.compiler = Compiler(
            self._cache, self._start, max(0, min(state.optimization, 2)), columns=self._columns
        )

    def close(self) -> None:
        """End the helper and let go of the root."""
        self.compiler.close()
        self._cache.close()
        self.root.close()

    def _start(self) -> Helper:
        from instep.app.launch import start_compiler  # a second check needs no helper

        return start_compiler(
            self._handle,
            self.facts,
            self.interpreter.build,
            self._rights,
            columns=self._columns,
        )

    def _leaves_out_columns(self) -> bool:
        """Whether the environment told the interpreter to; the option is in ``sys._xoptions``."""
        if not self.state.reads_environment:
            return False
        entries = self._handle.read("environ").split(b"\0")
        return any(entry.startswith(NO_COLUMNS) and entry != NO_COLUMNS for entry in entries)

    def is_unchanged(self, path: str) -> bool:
        """Whether the file is certainly the one that was there when the program started."""
        if self._clock is None:
            return False
        if not self._is_local(path):
            return False
        return self._clock.is_unchanged(path) or (
            self._know_exactly() and self._clock.is_unchanged(path)
        )

    def _is_local(self, path: str) -> bool:
        """Whether this kernel alone keeps the file system; asked once for the files of a folder."""
        folder = path.rpartition("/")[0]
        try:
            facts = self.root.lstat(path)
            key = (folder, facts.st_dev) if stat.S_ISREG(facts.st_mode) else (path, -1)
            if key not in self._local:
                number = self.root.mount_id(path)
                self._local[key] = self._mounts_of_target().is_local(number, facts.st_dev)
        except (OSError, ValueError):
            return False
        return self._local[key]

    def _mounts_of_target(self) -> Mounts:
        if self._mounts is None:
            with ProcessHandle(os.getpid()) as own:
                self._mounts = Mounts(self._handle.read("mountinfo"), own.read("mountinfo"))
        return self._mounts

    def _know_exactly(self) -> bool:
        """Ask for a finer start time, once; whether there is one."""
        image = self.facts.image
        if image is None or self._asked:
            return False
        self._asked = True
        exact = exact_start(image.pid)
        if exact is not None and not 0 <= exact - wall_time(image.start_ticks) <= TICK_SECONDS:
            exact = None  # the machine was suspended since, or its clock was set
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
            self._pycache_prefix(),
        )
        found = self.root.read(path)
        if not isinstance(found, SourceFile):
            return None
        header = read_header(found.data)
        state = state_of(header, self.interpreter.magic, source)
        return Bytecode(found, state, header.mtime if header else 0)

    def _pycache_prefix(self) -> str:
        """The folder of bytecode files; the interpreter takes a relative one from where it is."""
        prefix = self.state.pycache_prefix
        if not prefix or prefix.startswith("/"):
            return prefix
        return f"{self.facts.directory.rstrip('/')}/{prefix}"

    def writes(self, bytecode: Bytecode) -> bool:
        """Whether the process replaces that bytecode file if it loads another source.

        That takes the right to write to its folder. Rights by supplementary groups and ACLs are
        not looked at: whoever has only those is taken to have none.
        """
        if not self.state.writes_bytecode:
            return False
        folder = bytecode.path.rpartition("/")[0]
        try:
            if self.root.is_read_only(folder):
                return False
            facts = self.root.stat_of(folder)
        except OSError:
            return False
        if self.facts.uid in (0, facts.st_uid):
            return self.facts.uid == 0 or bool(facts.st_mode & stat.S_IWUSR)
        if self.facts.gid == facts.st_gid:
            return bool(facts.st_mode & stat.S_IWGRP)
        return bool(facts.st_mode & stat.S_IWOTH)

    def source_tree(self, source: SourceFile, module: CompiledModule) -> Tree:
        """The compiled source as a tree whose logic can be looked at."""

        def logic(index: int) -> Logic:
            return self.plain(self.logic(source, index))

        return Tree(module, logic)

    def logic(self, source: SourceFile, index: int) -> bytes:
        """The encoded logic of one code object of a source, or of a module without one."""
        kind, data = SOURCE, source.data
        if source.path.endswith(".pyc"):
            kind, data = PYC, data[HEADER_SIZE:]
        parts = self.compiler.logic(kind, data, source.digest)
        if index >= len(parts):
            raise HelperFailed("the target's interpreter compiled the same source in two ways")
        return parts[index]

    def bytecode_tree(self, bytecode: Bytecode, module: CompiledModule) -> Tree:
        """The content of a bytecode file as a tree whose logic can be looked at."""

        def logic(index: int) -> Logic:
            parts = self.compiler.logic(PYC, bytecode.data[16:], bytecode.digest)
            return self.plain(parts[index])

        return Tree(module, logic)

    def plain(self, logic: bytes) -> Logic:
        """Encoded logic, decoded, without the line that a class body begins at."""
        return without_first_line(decode_logic(logic), self.interpreter.opcodes.names)
