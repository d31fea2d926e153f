"""From pairs and evidence to the verdict on a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from instep.model.verdicts import (
    LOADED_BEFORE_EDIT,
    SOURCE_BROKEN,
    SOURCE_GONE,
    Cause,
    DefinitionVerdict,
    Kind,
    ModuleVerdict,
    Verdict,
    worst,
)
from instep.verdict.pairing import Pair, counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DISCARDED = "module body discarded after import"


class BodyEvidence(NamedTuple):
    """What was shown of the statements that ran when the module was imported.

    ``verdict`` is fresh, stale or unproven; ``definitions`` are the bodies, constants, defaults
    and attributes that differ; ``whole`` says that nothing at all of the file changed;
    ``bytecode_lies`` that what ran came from bytecode that is not its source's.
    """

    verdict: Verdict
    reason: str = ""
    definitions: tuple[DefinitionVerdict, ...] = ()
    whole: bool = False
    bytecode_lies: bool = False


class Evidence(NamedTuple):
    """Everything known of one file of one process."""

    name: str
    file: str
    pairs: tuple[Pair, ...]
    body: BodyEvidence
    added: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    edited: float | None = None


def judge_module(
    evidence: Evidence, difference: Callable[[Pair], str], *, everything: bool = False
) -> ModuleVerdict:
    """Judge one file whose source was found and compiles.

    ``difference`` says what differs between the two sides of a stale pair.
    """
    definitions = _definitions(evidence.pairs, difference, everything=everything)
    functions = [one.verdict for one in evidence.pairs]
    added = [Verdict.STALE] if evidence.added else []
    verdict = worst([*functions, *added, evidence.body.verdict])
    causes = evidence.causes
    if verdict is Verdict.STALE and not causes:
        causes = (LOADED_BEFORE_EDIT,)
    if everything:
        definitions.append(_body_definition(evidence.body))
    return ModuleVerdict(
        name=evidence.name,
        file=evidence.file,
        verdict=verdict,
        reason=_reason(verdict, evidence),
        causes=causes,
        definitions=tuple(definitions) + evidence.body.definitions,
        added=evidence.added,
        removed=tuple(
            sorted({one.live.qualname for one in evidence.pairs if one.verdict is Verdict.ORPHANED})
        ),
        counts=dict(counts(evidence.pairs)),
        edited=evidence.edited,
    )


def judge_missing(name: str, file: str, qualnames: Iterable[tuple[str, int]]) -> ModuleVerdict:
    """Judge a file that is no longer there: all that it made is orphaned."""
    reason = "the source file is gone"
    definitions = tuple(
        DefinitionVerdict(qualname, Kind.FUNCTION, line, Verdict.ORPHANED, reason)
        for qualname, line in qualnames
    )
    found = dict.fromkeys(Verdict, 0) | {Verdict.ORPHANED: len(definitions)}
    removed = tuple(sorted({one.qualname for one in definitions}))
    return ModuleVerdict(
        name, file, Verdict.ORPHANED, reason, (SOURCE_GONE,), definitions, (), removed, found
    )


def judge_unproven(
    name: str,
    file: str,
    reason: str,
    functions: int,
    *,
    broken: bool = False,
    verdict: Verdict = Verdict.UNPROVEN,
) -> ModuleVerdict:
    """Judge a file that can't be compared, with the reason."""
    found = dict.fromkeys(Verdict, 0) | {verdict: functions}
    causes = (SOURCE_BROKEN,) if broken else ()
    return ModuleVerdict(name, file, verdict, reason, causes, (), (), (), found)


def _definitions(
    pairs: Iterable[Pair], difference: Callable[[Pair], str], *, everything: bool
) -> list[DefinitionVerdict]:
    found: dict[tuple[str, int, Verdict, bytes], DefinitionVerdict] = {}
    for one in pairs:
        fine = one.verdict in (Verdict.FRESH, Verdict.MOVED)
        key = (one.live.qualname, one.live.first_line, one.verdict, one.live.logic)
        if (fine and not everything) or key in found:
            continue
        text = difference(one) if one.verdict is Verdict.STALE else ""
        reason = one.reason
        if one.verdict is Verdict.ORPHANED:
            reason = "no definition of this name is on disk"
        found[key] = DefinitionVerdict(
            one.live.qualname, Kind.FUNCTION, one.live.first_line, one.verdict, reason, text
        )
    return sorted(found.values(), key=lambda one: one.line)


def _body_definition(body: BodyEvidence) -> DefinitionVerdict:
    return DefinitionVerdict("<module>", Kind.BODY, 1, body.verdict, body.reason)


def _reason(verdict: Verdict, evidence: Evidence) -> str:
    if verdict is not Verdict.UNPROVEN:
        return ""
    for one in evidence.pairs:
        if one.verdict is Verdict.UNPROVEN:
            return one.reason
    return evidence.body.reason
