"""The files of one process: pair, confirm, gather evidence, judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from instep.app.body import PROVEN, BodyWitness
from instep.app.live_view import Settled, Suspect
from instep.disk.pyc import PycState
from instep.disk.sources import SourceFile, SourceMissing
from instep.errors import HelperFailed
from instep.model.compiled import CompiledModule
from instep.model.encoding import BrokenEncoding, decode_logic
from instep.model.verdicts import BYTECODE_LIES, OTHER_RELEASE, ModuleVerdict, Verdict
from instep.system.parallel import map_forked
from instep.verdict.class_bodies import same_but_lines
from instep.verdict.difference import (
    NESTED,
    describe_difference,
    nested_pairs,
    same_shape,
)
from instep.verdict.judge import (
    BodyEvidence,
    Evidence,
    judge_missing,
    judge_module,
    judge_unproven,
)
from instep.verdict.pairing import AMBIGUOUS, DiskIndex, Pair, pair, settle_by_body

if TYPE_CHECKING:
    from collections.abc import Iterable

    from instep.app.live_view import LiveView
    from instep.app.source_view import SourceView
    from instep.model.code import CanonicalCode
    from instep.model.encoding import Logic
    from instep.process.target import Target

STANDARD_LOADERS = frozenset({
    "SourceFileLoader", "SourcelessFileLoader", "FrozenImporter", "BuiltinImporter",
    "NamespaceLoader", "_NamespaceLoader",
})  # fmt: skip
IMPORTLIB = ("_frozen_importlib", "importlib.")
# Loaders of other runners that compile a source as it is written.
PLAIN_LOADERS = frozenset({"coverage.execfile.DummyLoader"})
# Files that are worth a second process: a fork and its pipe cost what some dozen files do.
WORTH_WORKERS = 100
UNSTEADY = "it changes while it is read"
_FROZEN_NAMES = {
    "importlib._bootstrap": "_frozen_importlib",
    "importlib._bootstrap_external": "_frozen_importlib_external",
}
# Deep-frozen code is of the main interpreter; others load the same module from marshalled data,
# with other constants (frozensets that deep-freezing makes tuples of).
TWICE_FROZEN = (3, 12)
FINE = (Verdict.FRESH, Verdict.MOVED)


class FileSubject(NamedTuple):
    """A file to judge: the module it was loaded as, its loader, and its namespace if known.

    ``imported`` says that nothing but the import system ran it, which is when bytecode files are
    read and written. ``namespaces`` are those of all modules that were made of it.
    """

    file: str
    name: str
    loader: str | None
    namespace: int
    imported: bool = False
    namespaces: frozenset[int] = frozenset()

    @property
    def hook(self) -> str:
        """The import hook that the file went through; empty for the import system's own ways."""
        if self.loader is None or self.loader == "NoneType":
            return ""  # a module that was made by hand: nothing is said of a way
        module, _, name = self.loader.rpartition(".")
        standard = name in STANDARD_LOADERS and (not module or module.startswith(IMPORTLIB))
        return "" if standard or self.loader in PLAIN_LOADERS else name


class OpenFile(NamedTuple):
    """A file whose source compiles, with the code of it that is alive."""

    subject: FileSubject
    source: SourceFile | None
    module: CompiledModule
    disk: DiskIndex
    lives: dict[int, CanonicalCode | None]
    pairs: list[Pair]
    unsteady: int = 0

    def suspects(self) -> list[Suspect]:
        """The code objects that one reading did not show to be fine."""
        bad = {id(one.live) for one in self.pairs if one.verdict not in FINE and not one.reason}
        if not bad and None not in self.lives.values():
            return []
        return [
            Suspect(self.subject.file, address)
            for address, code in self.lives.items()
            if code is None or id(code) in bad
        ]


class FileJudge:
    """Judges all files of one process in two passes: what is fine at once, the rest confirmed."""

    def __init__(
        self,
        target: Target,
        live: LiveView,
        disk: SourceView,
        *,
        everything: bool,
        workers: int = 0,
    ) -> None:
        self._target = target
        self._live = live
        self._disk = disk
        self._everything = everything
        self._workers = workers
        self._body = BodyWitness(target, live, disk)
        self._opcodes = target.interpreter.opcodes.names

    def judge(self, subjects: Iterable[FileSubject]) -> list[ModuleVerdict]:
        """The verdicts on the files, in the order of the subjects."""
        verdicts: dict[FileSubject, ModuleVerdict | None] = {}
        waiting: dict[str, OpenFile] = {}
        missing: dict[str, FileSubject] = {}
        todo = list(subjects)
        workers = 1 if len(todo) < WORTH_WORKERS else self._workers
        for subject, found in zip(todo, map_forked(self._first, todo, workers), strict=True):
            verdicts[subject] = found
            if found is not None:
                continue
            opened = self._open(subject)
            if isinstance(opened, ModuleVerdict):
                verdicts[subject] = opened
            elif opened is None:
                missing[subject.file] = subject
            else:
                waiting[subject.file] = opened
        verdicts |= dict(self._confirm(waiting, missing))
        return [verdict for verdict in verdicts.values() if verdict is not None]

    def _first(self, subject: FileSubject) -> ModuleVerdict | None:
        """The verdict on a file if one reading settles it."""
        opened = self._open(subject)
        if isinstance(opened, OpenFile):
            return None if opened.suspects() else self._try_to_conclude(opened)
        return opened

    def _confirm(
        self, waiting: dict[str, OpenFile], missing: dict[str, FileSubject]
    ) -> Iterable[tuple[FileSubject, ModuleVerdict | None]]:
        suspects = [suspect for opened in waiting.values() for suspect in opened.suspects()]
        suspects += [Suspect(file, code) for file in missing for code in self._live.functions(file)]

        def is_fine(suspect: Suspect, code: CanonicalCode) -> bool:
            opened = waiting.get(suspect.file)
            return opened is not None and pair([code], opened.disk)[0].verdict in FINE

        settled = self._live.confirm(suspects, is_fine) if suspects else {}
        for file, opened in waiting.items():
            yield opened.subject, self._try_to_conclude(_settle(opened, settled[file]))
        for file, subject in missing.items():
            found = settled.get(file, Settled({}, 0))
            names = [(code.qualname, code.first_line) for code in found.codes.values()]
            yield subject, _judge_gone(subject, names, found.unsteady)

    def _open(self, subject: FileSubject) -> OpenFile | ModuleVerdict | None:
        """Read and compile the file; a verdict if that settles it, ``None`` if it is gone."""
        amount = self._live.amount(subject.file)
        try:
            if subject.file.startswith("<frozen "):
                return self._open_frozen(subject)
            found = self._disk.root.read(subject.file)
            if isinstance(found, SourceMissing):
                if found.gone and not subject.hook:
                    return None
                reason = f"import hook {subject.hook}"
                if not subject.hook:
                    reason = f"the source can't be read: {found.reason}"
                return judge_unproven(subject.name, subject.file, reason, amount)
            if found.path.endswith(".pyc"):
                module = self._disk.compiler.pyc(found.data)
            else:
                module = self._disk.compiler.source(found.data, found.digest)
        except HelperFailed as error:
            return judge_unproven(subject.name, subject.file, str(error), amount)
        if module.problem is not None:
            where = f"line {module.problem.line}: " if module.problem.line else ""
            reason = f"the source no longer compiles: {where}{module.problem.message}"
            return judge_unproven(subject.name, subject.file, reason, amount, broken=True)
        return self._with_lives(subject, found, module)

    def _open_frozen(self, subject: FileSubject) -> OpenFile | ModuleVerdict:
        name = subject.file.removeprefix("<frozen ").removesuffix(">")
        module = self._disk.compiler.frozen(_FROZEN_NAMES.get(name, name))
        if module.problem is not None:
            amount = self._live.amount(subject.file)
            return judge_unproven(subject.name, subject.file, "it is no frozen module", amount)
        if self._target.interpreter.build.version[:2] == TWICE_FROZEN:
            other = self._disk.compiler.frozen(_FROZEN_NAMES.get(name, name), unmarshalled=True)
            module = CompiledModule((*other.codes, *module.codes))
        return self._with_lives(subject, None, module)

    def _with_lives(
        self, subject: FileSubject, source: SourceFile | None, module: CompiledModule
    ) -> OpenFile:
        index = DiskIndex(module)
        expected = {code.logic for code in module.codes}
        lives = self._live.codes(subject.file, index.masks(), expected)
        return OpenFile(subject, source, module, index, lives, _pairs(lives, index))

    def _try_to_conclude(self, opened: OpenFile) -> ModuleVerdict:
        try:
            return self._conclude(opened)
        except (HelperFailed, BrokenEncoding) as error:
            subject = opened.subject
            return judge_unproven(subject.name, subject.file, str(error), len(opened.pairs))

    def _conclude(self, opened: OpenFile) -> ModuleVerdict:
        """Judge a file whose living code is settled."""
        subject, source = opened.subject, opened.source
        pairs = opened.pairs
        lied = False
        body = PROVEN
        added: tuple[str, ...] = ()
        if source is not None:
            pairs = [self._unless_lines(one, opened) for one in pairs]
            if subject.hook:
                pairs = [_through_hook(one, subject.hook) for one in pairs]
                body = BodyEvidence(Verdict.UNPROVEN, f"import hook {subject.hook}")
            else:
                pairs, lied = self._consider_bytecode(pairs, opened)
                body = self._body.evidence(subject, source, opened.module, pairs)
                if not body.whole:
                    added = self._body.missing(subject, source)
        pairs = settle_by_body(pairs, body_proven=body.whole)
        if opened.unsteady and body.verdict is Verdict.FRESH:
            body = BodyEvidence(Verdict.UNPROVEN, UNSTEADY)
        evidence = Evidence(
            subject.name,
            subject.file,
            tuple(pairs),
            body,
            added=added,
            causes=(BYTECODE_LIES,) if lied or body.bytecode_lies else (),
            edited=source.facts.st_mtime if source else None,
        )
        return judge_module(
            evidence, lambda one: self._differ(one, opened), everything=self._everything
        )

    def _unless_lines(self, one: Pair, opened: OpenFile) -> Pair:
        """Class bodies keep lines, instructions depend on them: what moved may look different."""
        if one.verdict is not Verdict.STALE:
            return one
        places = {code.logic: place for place, code in enumerate(opened.module.codes)}

        def before(digest: bytes) -> Logic | None:
            inner = self._live.logic.get(digest)
            return None if inner is None else decode_logic(inner)

        def after(digest: bytes) -> Logic | None:
            place = places.get(digest)
            return None if place is None else decode_logic(self._logic(opened, place))

        names = self._target.interpreter.opcodes.names
        try:
            old = decode_logic(one.live.logic_bytes)
            candidates = opened.disk.candidates(one.live.qualname)
            for place in candidates:
                new = decode_logic(self._logic(opened, place))
                if same_but_lines(old, new, (before, after), names):
                    if len(candidates) > 1:  # it may have taken the place of another
                        return one._replace(place=place, verdict=Verdict.UNPROVEN, reason=AMBIGUOUS)
                    return one._replace(place=place, verdict=Verdict.MOVED)
        except (BrokenEncoding, HelperFailed):
            pass
        return one

    def _consider_bytecode(self, pairs: list[Pair], opened: OpenFile) -> tuple[list[Pair], bool]:
        """What a fresh import would load is the bytecode file, if its header matches the source.

        If that equals what is alive and the source compiles to something else, the file lies, or
        another release of the compiler made it. Constants and names tell the two apart.
        """
        source = opened.source
        bad = [one for one in pairs if one.verdict is Verdict.STALE]
        if not bad or source is None or source.path.endswith(".pyc"):
            return pairs, False
        bytecode = self._disk.bytecode(source)
        if bytecode is None or bytecode.state is not PycState.VALID:
            return pairs, False
        kept = self._disk.compiler.pyc(bytecode.data)
        held = {code.logic for code in kept.codes}
        lied = False
        settled = []
        for one in pairs:
            if one.verdict is Verdict.STALE and one.live.logic in held:
                if self._same_shape(one, opened):
                    one = one._replace(verdict=Verdict.UNPROVEN, reason=OTHER_RELEASE)  # noqa: PLW2901
                else:
                    lied = True
            settled.append(one)
        return settled, lied

    def _same_shape(self, one: Pair, opened: OpenFile) -> bool:
        try:
            old = decode_logic(one.live.logic_bytes)
            return same_shape(old, decode_logic(self._logic(opened, one.place)))
        except (BrokenEncoding, HelperFailed):
            return False

    def _logic(self, opened: OpenFile, index: int) -> bytes:
        source = opened.source
        if source is None:
            return b""
        return self._disk.logic(source, index)

    def _differ(self, one: Pair, opened: OpenFile) -> str:
        """What differs between the two sides of a stale pair."""
        try:
            new = decode_logic(self._logic(opened, one.place))
            old = decode_logic(one.live.logic_bytes)
            text = describe_difference(old, new, self._opcodes)
            if text != NESTED:
                return text
            return self._differ_nested(old, new, opened) or text
        except (BrokenEncoding, HelperFailed):
            return ""

    def _differ_nested(self, old: Logic, new: Logic, opened: OpenFile) -> str:
        """The same for the first nested code that differs, where only nested code does."""
        places = {code.logic: place for place, code in enumerate(opened.module.codes)}
        for before, after in nested_pairs(old, new):
            inner = self._live.logic.get(before)
            if inner is None or after not in places:
                continue
            was, now = decode_logic(inner), decode_logic(self._logic(opened, places[after]))
            text = describe_difference(was, now, self._opcodes)
            if text == NESTED:
                return self._differ_nested(was, now, opened)
            return f"in {now.name}: {text}" if text else ""
        return ""


def _settle(opened: OpenFile, settled: Settled) -> OpenFile:
    suspects = {suspect.code for suspect in opened.suspects()}
    lives = {address: code for address, code in opened.lives.items() if address not in suspects}
    lives |= settled.codes
    return opened._replace(lives=lives, pairs=_pairs(lives, opened.disk), unsteady=settled.unsteady)


def _pairs(lives: dict[int, CanonicalCode | None], index: DiskIndex) -> list[Pair]:
    return pair([code for code in lives.values() if code is not None], index)


def _through_hook(one: Pair, hook: str) -> Pair:
    if one.verdict in (Verdict.STALE, Verdict.ORPHANED):
        return one._replace(verdict=Verdict.UNPROVEN, reason=f"import hook {hook}")
    return one


def _judge_gone(
    subject: FileSubject, names: list[tuple[str, int]], unsteady: int
) -> ModuleVerdict | None:
    if not names and unsteady:
        return judge_unproven(subject.name, subject.file, UNSTEADY, unsteady)
    if not names and not subject.namespace:
        return None
    return judge_missing(subject.name, subject.file, sorted(set(names), key=lambda one: one[1]))
