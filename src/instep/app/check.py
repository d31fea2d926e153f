"""Check a process: compare the code in its memory with the code on disk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from instep.app.files import IMPORTLIB, FileJudge, FileSubject
from instep.app.live_view import LiveView
from instep.app.native import EXTENSIONS, judge_extension
from instep.app.scope import Scope
from instep.app.source_view import SourceView
from instep.errors import InstepError, ProcessEnded, TookTooLong
from instep.model.verdicts import SEVERITY, Report, StaleFrame, Verdict, worst
from instep.process.frames import line_number
from instep.process.maps import parse_maps
from instep.process.target import Target
from instep.system.deadline import time_limit
from instep.system.processes import ProcessHandle
from instep.verdict.judge import judge_unproven

if TYPE_CHECKING:
    from instep.model.identity import ProcessFacts
    from instep.model.verdicts import ModuleVerdict
    from instep.process.modules import InterpreterState, LoadedModule
    from instep.process.target import Snapshot

NOTHING_IN_SCOPE = "no code of its own is loaded"
NOTEBOOK = "/ipykernel_"  # a folder of names for cells, which are never written there
RELATIVE = "it was run under a relative name; its folder is not known"
MAIN = "__main__"
SCRIPTS = (MAIN, "__mp_main__")
# The largest honest process that was measured takes 5 s.
LIMIT_SECONDS = 50


class Options(NamedTuple):
    """What of a process is judged, and whether what is fine is listed too.

    ``workers`` is how many processes share the work on a big target; 0 for one on each processor.
    """

    all_code: bool = False
    modules: tuple[str, ...] = ()
    everything: bool = False
    workers: int = 0


def check_process(pid: int, options: Options) -> Report:
    """Judge one process. Raises an ``InstepError`` if it can't be read at all."""
    started = time.perf_counter()
    with time_limit(LIMIT_SECONDS, TookTooLong(pid, LIMIT_SECONDS)), ProcessHandle(pid) as handle:
        try:
            report = _read(handle, options)
        except (InstepError, OSError) as error:
            if handle.alive():
                raise
            raise ProcessEnded(pid) from error  # whatever could not be read then
    return report._replace(elapsed_seconds=time.perf_counter() - started)


def _read(handle: ProcessHandle, options: Options) -> Report:
    facts = handle.facts()
    with Target(handle) as target:
        report = _check(handle, facts, target, options)
        if not (handle.alive() and target.is_the_same()):
            raise ProcessEnded(handle.pid)
    return report


def failed_report(pid: int, error: InstepError) -> Report:
    """The report on a process that can't be read: unproven, with the reason."""
    return Report(pid, 0.0, "", (), "", Verdict.UNPROVEN, str(error), (), (), (), 0.0, error.slug)


def _check(handle: ProcessHandle, facts: ProcessFacts, target: Target, options: Options) -> Report:
    states = target.states()
    if not states:
        raise ProcessEnded(handle.pid)
    main = states[-1]
    scope = Scope(options.all_code, options.modules, main.standard_library)
    sourceless = _sourceless(states)
    # Code of a module that was loaded from bytecode alone names a source anywhere.
    everywhere = options.all_code or bool(sourceless)
    snapshot = target.capture(states, None if everywhere else scope.holds_file)
    live = LiveView(target, snapshot)
    live.attribute(sourceless)
    disk = SourceView(handle, facts, target.interpreter, main)
    try:
        subjects = _subjects(live, snapshot, scope)
        judge = FileJudge(
            target, live, disk, everything=options.everything, workers=options.workers
        )
        modules = judge.judge(subjects)
        modules += _judge_unplaced(target, live, snapshot, scope)
        modules += _judge_extensions(handle, snapshot, scope, disk)
        stale_frames = _stale_frames(target, snapshot, modules)
    finally:
        disk.close()
    verdict, reason = _overall(modules, snapshot)
    return Report(
        pid=handle.pid,
        started=facts.started,
        python=target.interpreter.build.name,
        command=facts.command,
        directory=facts.directory,
        verdict=verdict,
        reason=reason,
        modules=tuple(sorted(modules, key=lambda one: (-SEVERITY[one.verdict], one.name))),
        stale_frames=tuple(stale_frames),
        issues=snapshot.issues,
        elapsed_seconds=0.0,
    )


def _judge_extensions(
    handle: ProcessHandle, snapshot: Snapshot, scope: Scope, disk: SourceView
) -> list[ModuleVerdict]:
    mappings = parse_maps(handle.read("maps"))
    return [
        judge_extension(module.name, module.file, mappings, disk.root)
        for module in _extensions(snapshot, scope)
        if module.file is not None
    ]


def _judge_unplaced(
    target: Target, live: LiveView, snapshot: Snapshot, scope: Scope
) -> list[ModuleVerdict]:
    """What was run under a relative name: from which folder that was, nothing tells."""
    named = {module.file or "": module.name for module in _all_modules(snapshot.interpreters)}
    owned = {
        file: sum(any(map(target.owns, functions)) for functions in live.functions(file).values())
        for file in live.files()
        if _is_relative(file)
    }
    found = {file: named.get(file, file) for file, amount in owned.items() if amount}
    found |= {file: name for file, name in named.items() if _is_relative(file)}
    return [
        judge_unproven(name, file, RELATIVE, owned.get(file, 0))
        for file, name in found.items()
        if scope.holds_file(file) and scope.holds_name(name, file)
    ]


def _is_relative(file: str) -> bool:
    return file.endswith(".py") and not file.startswith(("/", "<"))


def _overall(modules: list[ModuleVerdict], snapshot: Snapshot) -> tuple[Verdict, str]:
    if not modules:
        return Verdict.UNPROVEN, NOTHING_IN_SCOPE
    verdict = worst([module.verdict for module in modules])
    if verdict is Verdict.FRESH and snapshot.issues:
        return Verdict.UNPROVEN, snapshot.issues[0]
    reasons = [module.reason for module in modules if module.verdict is verdict]
    return verdict, reasons[0] if verdict is Verdict.UNPROVEN else ""


def _all_modules(states: tuple[InterpreterState, ...]) -> list[LoadedModule]:
    return [module for state in reversed(states) for module in state.modules]


def _sourceless(states: tuple[InterpreterState, ...]) -> dict[int, str]:
    return {
        module.namespace: module.file
        for module in _all_modules(states)
        if module.file is not None and module.file.endswith(".pyc")
    }


def _extensions(snapshot: Snapshot, scope: Scope) -> list[LoadedModule]:
    found: dict[str, LoadedModule] = {}
    for module in _all_modules(snapshot.interpreters):
        file = module.file
        if file is None or not file.endswith(EXTENSIONS):
            continue
        if scope.holds_file(file) and scope.holds_name(module.name, file):
            found.setdefault(file, module)
    return list(found.values())


def _subjects(live: LiveView, snapshot: Snapshot, scope: Scope) -> list[FileSubject]:
    """All files in scope that modules or live code came from."""
    subjects: dict[str, FileSubject] = {}
    for file, modules in _by_file(snapshot).items():
        named = next((module for module in modules if module.name != MAIN), modules[0])
        subjects[file] = FileSubject(
            file,
            named.name,
            named.loader,
            named.namespace,
            imported=all(map(_is_imported, modules)),
            namespaces=frozenset(module.namespace for module in modules),
        )
    for file in live.files():
        if file not in subjects and _is_source(file):
            name = file.removeprefix("<frozen ").removesuffix(">")
            subjects[file] = FileSubject(file, name, None, 0)
    return [
        subject
        for file, subject in subjects.items()
        if scope.holds_file(file) and scope.holds_name(subject.name, file)
    ]


def _by_file(snapshot: Snapshot) -> dict[str, list[LoadedModule]]:
    """The modules that were made of a source or bytecode file."""
    found: dict[str, list[LoadedModule]] = {}
    for module in _all_modules(snapshot.interpreters):
        file = module.file
        if file is None or file.endswith(EXTENSIONS) or not file.startswith("/"):
            continue
        loader = (module.loader or "").rpartition(".")[2]
        if loader != "FrozenImporter":
            found.setdefault(file, []).append(module)
    return found


def _is_imported(module: LoadedModule) -> bool:
    """Whether the import system ran it; a script has the same loader, which was never asked."""
    path, _, name = (module.loader or "").rpartition(".")
    return name == "SourceFileLoader" and path.startswith(IMPORTLIB) and module.name not in SCRIPTS


def _is_source(file: str) -> bool:
    """Whether a ``co_filename`` that belongs to no module names a source of Python code.

    Templates and generated code are compiled under other names; they have no file to compare with.
    """
    if file.startswith("<frozen "):
        return True
    return file.startswith("/") and file.endswith(".py") and NOTEBOOK not in file


def _stale_frames(
    target: Target, snapshot: Snapshot, modules: list[ModuleVerdict]
) -> list[StaleFrame]:
    bad: dict[str, set[tuple[str, int]]] = {}
    for module in modules:
        for one in module.definitions:
            if one.verdict in (Verdict.STALE, Verdict.ORPHANED):
                bad.setdefault(module.file, set()).add((one.qualname, one.line))
    found: list[StaleFrame] = []
    for frame in snapshot.frames if bad else ():
        file = target.file_of(frame.code)
        if file not in bad:
            continue
        try:
            code = target.walker.read(frame.code)
        except InstepError:
            continue
        if (code.qualname, code.first_line) in bad[file]:
            line = line_number(target.objects, frame)
            found.append(StaleFrame(frame.thread, code.qualname, line, file))
    return found
