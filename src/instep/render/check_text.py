"""A check, for people: the verdict in a line, then what differs, then the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instep.model.verdicts import BYTECODE_LIES, BYTECODE_REASONS, Verdict
from instep.render.colour import paint
from instep.render.words import clock, many, printable, shown_command, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.model.verdicts import DefinitionVerdict, ModuleVerdict, Report

MAXIMUM_FRAMES = 10
FINE = (Verdict.FRESH, Verdict.MOVED)


def render_check(report: Report, directory: str, *, colour: bool, everything: bool) -> str:
    """The whole answer on one process. Paths are shown relative to ``directory``."""
    lines = [_headline(report, colour=colour)]
    for module in report.modules:
        if module.verdict is not Verdict.FRESH or everything:
            lines += _module(module, directory, report, colour=colour)
    lines += _frames(report, directory)
    lines += [f"  note: {printable(issue)}" for issue in report.issues]
    remedy = remedy_of(report)
    if remedy:
        lines += ["", remedy]
    return "\n".join(lines) + "\n"


def _headline(report: Report, *, colour: bool) -> str:
    verdict = paint(report.verdict, report.verdict.value.upper(), colour=colour)
    who = f"pid {report.pid}"
    if report.command:
        who += f" ({shown_command(report.command)})"
    if report.error:
        reason = report.reason.removeprefix(f"{report.pid}: ").removeprefix(f"{report.pid} ")
        return f"{verdict}  {who}: {printable(reason)}"
    functions = sum(sum(module.counts.values()) for module in report.modules)
    whole = f"{many(functions, 'function')} in {many(len(report.modules), 'module')}"
    about = f"CPython {report.python}, started {clock(report.started)}"
    if report.verdict is Verdict.FRESH:
        moved = _count(report, Verdict.MOVED)
        extra = f", {moved} only moved" if moved else ""
        return f"{verdict}  {who} runs the code on disk: {whole}{extra}; {about}"
    if report.verdict is Verdict.UNPROVEN:
        return f"{verdict}  {who}: {printable(report.reason)}; {whole}; {about}"
    bad = sum(_count(report, one) for one in (Verdict.STALE, Verdict.ORPHANED))
    what = f"{bad} of {whole}" if bad else f"code of {many(_bad_modules(report), 'module')}"
    return f"{verdict}  {who} does not run the code on disk: {what}; {about}"


def _count(report: Report, verdict: Verdict) -> int:
    return sum(module.counts[verdict] for module in report.modules)


def _bad_modules(report: Report) -> int:
    return sum(module.verdict in (Verdict.STALE, Verdict.ORPHANED) for module in report.modules)


def _module(
    module: ModuleVerdict, directory: str, report: Report, *, colour: bool
) -> Iterator[str]:
    path = printable(shown_path(module.file, directory))
    about = "; ".join(f"{cause.text} [{cause.code}]" for cause in module.causes)
    if module.edited is not None and module.causes and module.edited > report.started:
        about += f": edited {clock(module.edited)}, process started {clock(report.started)}"
    reason = module.reason or about
    verdict = paint(module.verdict, f"{module.verdict.value:<8}", colour=colour)
    why = f": {printable(reason)}" if reason else ""
    yield f"  {verdict}  {path} ({printable(module.name)}){why}"
    for one in module.definitions:
        yield from _definition(one, path, colour=colour)
    for name in module.added:
        yield f"    added     {printable(name)}: on disk, not in memory"


def _definition(one: DefinitionVerdict, path: str, *, colour: bool) -> Iterator[str]:
    verdict = paint(one.verdict, f"{one.verdict.value:<8}", colour=colour)
    kind = "" if one.kind.value == "function" else f"{one.kind.value} "
    yield f"    {verdict}  {path}:{one.line}  {kind}{printable(one.qualname)}"
    detail = "; ".join(part for part in (one.difference, one.reason) if part)
    if detail:
        yield f"              {printable(detail)}"


def _frames(report: Report, directory: str) -> Iterator[str]:
    for frame in report.stale_frames[:MAXIMUM_FRAMES]:
        path = printable(shown_path(frame.file, directory))
        line = f":{frame.line}" if frame.line else ""
        where = f"{printable(frame.qualname)} at {path}{line}"
        yield f"  thread {frame.thread} is running old code: {where}"
    more = len(report.stale_frames) - MAXIMUM_FRAMES
    if more > 0:
        yield f"  and {more} more frames of old code"


def remedy_of(report: Report) -> str:
    """The command that mends it, to paste; empty where none is known."""
    if report.error or report.verdict in FINE:
        return ""
    restart = f"kill {report.pid}"
    if report.command:
        restart += f" && cd {_quoted(report.directory)} && {shown_command(report.command, 2000)}"
    restart = "".join(map(_removal, report.modules)) + restart
    if report.verdict is Verdict.UNPROVEN:
        if not report.modules:
            return f"to judge libraries too:  instep check --all-code {report.pid}"
        return f"to be certain, start it again:  {restart}"
    return f"to run the code on disk, start it again:  {restart}"


def _removal(module: ModuleVerdict) -> str:
    """The command that removes bytecode which a restart would load again."""
    if BYTECODE_LIES not in module.causes and module.reason not in BYTECODE_REASONS:
        return ""
    folder, _, name = module.file.rpartition("/")
    stem = _quoted(f"{folder}/__pycache__/{name.removesuffix('.py')}")
    return f"rm -f {stem}.*.pyc && "


def _quoted(path: str) -> str:
    import shlex

    return printable(shlex.quote(path))
