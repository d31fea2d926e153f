"""Evidence of the statements that ran once, when a module was imported.

In this order, the first that speaks decides (docs/explanation/proof.md): the main script's own
frame; a file that has not changed since the program started; an outdated bytecode file that equals
every live function; literals against live values.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from instep.disk.pyc import PycState
from instep.errors import HelperFailed, Malformed
from instep.model.compiled import CompiledCode, CompiledModule, SyntaxProblem
from instep.model.encoding import BrokenEncoding
from instep.model.verdicts import (
    HASHED_DIFFERS,
    OTHER_RELEASE,
    DefinitionVerdict,
    Kind,
    Verdict,
)
from instep.process.code_objects import CodeReader
from instep.verdict.difference import INSTRUCTIONS
from instep.verdict.judge import DISCARDED, BodyEvidence
from instep.verdict.pairing import AMBIGUOUS
from instep.verdict.tree import BodyDifference, Tree, body_differences

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from instep.app.files import FileSubject
    from instep.app.live_view import LiveView
    from instep.app.source_view import Bytecode, SourceView
    from instep.disk.sources import SourceFile
    from instep.model.code import CanonicalCode
    from instep.process.target import Target
    from instep.verdict.literals import LiveDefaults, LiveValues
    from instep.verdict.pairing import Pair

# Threads that import the same file one after the other have equal code at equal addresses.
CONFIRMATIONS = 3
MAIN = "__main__"
PROVEN = BodyEvidence(Verdict.FRESH, whole=True)


class BodyWitness:
    """Looks for evidence of module bodies of one process."""

    def __init__(self, target: Target, live: LiveView, disk: SourceView) -> None:
        self._target = target
        self._live = live
        self._disk = disk
        self._opcodes = target.interpreter.opcodes.names

    def evidence(
        self,
        subject: FileSubject,
        source: SourceFile,
        module: CompiledModule,
        pairs: Iterable[Pair],
    ) -> BodyEvidence:
        """What can be shown of the body of one module."""
        lives = [one.live for one in pairs]
        disk = self._disk.source_tree(source, module)
        frame = self._live.modules.get(subject.file)
        if frame is not None:
            spoken = self._by_frame(frame.code, disk, lives)
            # Of two modules made of one file, the frame shows one.
            shown = {frame.globals}
            alone = subject.namespaces <= shown and self._are_all(subject.file, shown)
            if spoken is not None and (alone or spoken.verdict is not Verdict.FRESH):
                return spoken
        if source.path.endswith(".pyc"):
            unchanged = self._disk.is_unchanged(subject.file)
            return PROVEN if unchanged else BodyEvidence(Verdict.UNPROVEN, DISCARDED)
        spoken = self._by_bytecode(subject, source, module, lives, disk)
        return spoken or self._by_values(subject, source)

    def _by_bytecode(
        self,
        subject: FileSubject,
        source: SourceFile,
        module: CompiledModule,
        lives: list[CanonicalCode],
        disk: Tree,
    ) -> BodyEvidence | None:
        """The clock and the bytecode file, which must be looked at together.

        A file that has not changed can still have been loaded from bytecode that is not its own.
        """
        unchanged = self._disk.is_unchanged(subject.file)
        bytecode = self._disk.bytecode(source)
        state = PycState.FOREIGN if bytecode is None else bytecode.state
        if bytecode is None or state is PycState.FOREIGN:
            return PROVEN if unchanged else None
        if state is PycState.OUTDATED:
            return PROVEN if unchanged else self._by_outdated(subject, bytecode, lives, disk)
        if not unchanged:
            return None
        found = self._by_valid(bytecode, module, lives, disk)
        if state is PycState.HASHED and found is not None and found.verdict is Verdict.STALE:
            # Whether it was taken depends on a flag and a hash that may have been another's.
            return BodyEvidence(Verdict.UNPROVEN, HASHED_DIFFERS)
        return found

    def _by_outdated(
        self, subject: FileSubject, bytecode: Bytecode, lives: list[CanonicalCode], disk: Tree
    ) -> BodyEvidence | None:
        """An older source's bytecode, if it must be what this process loaded.

        It must equal every live function. Its source must have been written before the program
        started, and the process must write bytecode, and be able to: then an import of any other
        source would have replaced it. (A script that is run reads and writes none.)
        """
        started = self._disk.image_started
        if started is None or bytecode.recorded > started or not self._disk.writes(bytecode):
            return None
        if not (subject.imported and self._are_all(subject.file, subject.namespaces)):
            return None
        kept = self._disk.compiler.pyc(bytecode.data)
        known = {(code.logic, code.layout) for code in kept.codes}
        if kept.problem is not None or not all(one[2:4] in known for one in lives):
            return None
        return self._compare(self._disk.bytecode_tree(bytecode, kept), disk, lives)

    def _by_valid(
        self,
        bytecode: Bytecode,
        module: CompiledModule,
        lives: list[CanonicalCode],
        disk: Tree,
    ) -> BodyEvidence | None:
        """Bytecode that claims to be this unchanged source's: it is so, or it lies."""
        if self._disk.compiler.pyc_logic(bytecode.data) in (b"", module.codes[-1].logic):
            return PROVEN
        kept = self._disk.compiler.pyc(bytecode.data)
        held = {code.logic for code in kept.codes}
        if not all(live.logic in held for live in lives):
            ours = {code.logic for code in module.codes}
            return PROVEN if all(live.logic in ours for live in lives) else None
        found = self._compare(self._disk.bytecode_tree(bytecode, kept), disk, lives)
        if found.verdict is Verdict.STALE and all(
            one.difference.startswith(INSTRUCTIONS) for one in found.definitions
        ):
            return BodyEvidence(Verdict.UNPROVEN, OTHER_RELEASE)
        return found._replace(bytecode_lies=found.verdict is Verdict.STALE)

    def _compare(self, witness: Tree, disk: Tree, lives: list[CanonicalCode]) -> BodyEvidence:
        if witness.module.codes[-1].logic == disk.module.codes[-1].logic:
            return PROVEN
        alive = {live.logic for live in lives}
        found = body_differences(witness, disk, alive.__contains__, self._opcodes)
        certain = tuple(_as_definition(one) for one in found if one.certain)
        if certain:
            return BodyEvidence(Verdict.STALE, "", certain)
        if found and all(one.shared for one in found):
            return BodyEvidence(Verdict.UNPROVEN, AMBIGUOUS)
        if found:
            gone = ", ".join(sorted({one.qualname for one in found}))
            return BodyEvidence(
                Verdict.UNPROVEN, f"code that ran at import and is gone differs: {gone}"
            )
        # Nothing that is left differs; whether nothing does but the lines of classes, all told.
        every = body_differences(witness, disk, lambda _: False, self._opcodes)
        return BodyEvidence(Verdict.FRESH, whole=not every)

    def _by_frame(
        self, address: int, disk: Tree, lives: list[CanonicalCode]
    ) -> BodyEvidence | None:
        """A module body that is running; one that ends while it is read may be torn."""
        witness = self._live_tree(address)
        found = None if witness is None else self._compare(witness, disk, lives)
        if witness is None or found is None or found.verdict is Verdict.FRESH:
            return found
        for _ in range(CONFIRMATIONS):
            running = address in self._target.running()
            again = self._live_tree(address)
            if not running or again is None or again.module != witness.module:
                return None
        return found

    def _are_all(self, file: str, namespaces: Collection[int]) -> bool:
        """Whether no function of the file is of any other module, one that was dropped, say."""
        found = self._live.functions(file).values()
        return all(one.namespace in namespaces for functions in found for one in functions)

    def _live_tree(self, address: int) -> Tree | None:
        """The code of a running ``<module>`` frame with all that is nested in it."""
        reader = CodeReader(self._target.fresh_objects())
        try:
            found = reader.tree(address)
        except Malformed:
            return None
        codes = tuple(
            CompiledCode(code.qualname, code.first_line, code.logic, code.layout, b"", parent)
            for code, parent in found
        )
        logics = [code.logic_bytes for code, _ in found]
        return Tree(CompiledModule(codes), lambda index: self._disk.plain(logics[index]))

    def _by_values(self, subject: FileSubject, source: SourceFile) -> BodyEvidence:
        unproven = BodyEvidence(Verdict.UNPROVEN, DISCARDED)
        if not subject.namespace:
            return unproven
        try:
            outline = self._disk.compiler.outline(source.data, source.digest)
            if isinstance(outline, SyntaxProblem):
                return unproven
            from instep.verdict.literals import compare_values  # no other evidence needs it

            found = tuple(compare_values(outline, self._values(subject)))
        except (BrokenEncoding, HelperFailed):
            return unproven
        return BodyEvidence(Verdict.STALE, "", found) if found else unproven

    def missing(self, subject: FileSubject, source: SourceFile) -> tuple[str, ...]:
        """Definitions on disk that a fresh import would bind and that memory doesn't have."""
        # A body that is still running has not bound all its names, and a script may have ended in
        # the middle, with threads of it going on.
        running = subject.file in self._live.modules or subject.name == MAIN
        if not subject.namespace or running:
            return ()
        try:
            outline = self._disk.compiler.outline(source.data, source.digest)
            if isinstance(outline, SyntaxProblem):
                return ()
            from instep.verdict.literals import missing_definitions

            return tuple(missing_definitions(outline, self._values(subject)))
        except (BrokenEncoding, HelperFailed):
            return ()

    def _values(self, subject: FileSubject) -> LiveValues:
        from instep.verdict.literals import LiveClass, LiveDefaults, LiveValues

        values = self._target.values
        classes = values.classes(subject.namespace, subject.name)
        defaults: dict[str, list[LiveDefaults]] = {}
        for code, functions in self._live.functions(subject.file).items():
            try:
                form = self._target.walker.read(code)
                for function in functions:
                    positional, keyword = values.defaults(function.address)
                    one = LiveDefaults(form.first_line, positional, keyword)
                    defaults.setdefault(form.qualname, []).append(one)
            except Malformed:
                continue
        named = partial(values.find_type, subject.namespace)
        return LiveValues(
            values.namespace(subject.namespace),
            {
                name: LiveClass(image.bases, named, values.namespace(image.namespace), image.plain)
                for name, image in classes.items()
            },
            {name: tuple(found) for name, found in defaults.items()},
        )


def _as_definition(one: BodyDifference) -> DefinitionVerdict:
    return DefinitionVerdict(one.qualname, Kind.BODY, one.line, Verdict.STALE, "", one.difference)
