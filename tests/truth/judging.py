"""Whether a verdict is right, given the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instep.model.verdicts import Kind, Verdict

if TYPE_CHECKING:
    from instep.model.verdicts import DefinitionVerdict, ModuleVerdict
    from truth.oracle import Truth

BAD = (Verdict.STALE, Verdict.ORPHANED)


def mistakes(truth: Truth, verdict: ModuleVerdict) -> list[str]:
    """What is wrong with a verdict; nothing if it claims only what is so."""
    if truth.broken:
        unproven = verdict.verdict is Verdict.UNPROVEN
        return [] if unproven else [f"{verdict.verdict} of a source that does not compile"]
    if truth.idle and not truth.same:
        return []  # whether an instruction that does nothing counts may be said either way
    found = []
    if truth.same and verdict.verdict in BAD:
        found.append(f"{verdict.verdict} although nothing but lines changed")
    if not truth.same and verdict.verdict is Verdict.FRESH:
        found.append("fresh although the module compiles to something else")
    if truth.changed and verdict.verdict is Verdict.FRESH:
        found.append(f"{verdict.verdict} although live code changed")
    found += _of_functions(truth, verdict.definitions)
    if truth.bodies:
        found += [
            f"{one.kind} {one.qualname} {one.verdict} although no body changed: {one.difference}"
            for one in verdict.definitions
            if one.verdict in BAD and one.kind is not Kind.FUNCTION
        ]
        found += [f"{name} added although no body changed" for name in verdict.added]
    return found


def _of_functions(truth: Truth, definitions: tuple[DefinitionVerdict, ...]) -> list[str]:
    functions = [one for one in definitions if one.kind is Kind.FUNCTION]
    bad = {(one.qualname, one.line) for one in functions if one.verdict in BAD}
    fine = {
        (one.qualname, one.line)
        for one in functions
        if one.verdict in (Verdict.FRESH, Verdict.MOVED)
    }
    # Two functions can share a name and a line: then either may be meant.
    called_fresh = fine & (truth.changed - truth.kept)
    called_stale = bad & (truth.kept - truth.changed)
    missed = truth.changed - {(one.qualname, one.line) for one in functions}
    return [
        *[f"{name}:{line} called fresh although it changed" for name, line in called_fresh],
        *[f"{name}:{line} called stale although it did not change" for name, line in called_stale],
        *[f"{name}:{line} changed and is not listed" for name, line in missed],
    ]


def word_for(truth: Truth, verdict: ModuleVerdict) -> str:
    """The column of the table that a verdict belongs to."""
    if truth.broken:
        return "broken"
    if verdict.verdict is Verdict.FRESH and not truth.placed:
        return Verdict.MOVED
    return verdict.verdict
