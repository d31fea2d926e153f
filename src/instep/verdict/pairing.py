"""Which code on disk a code object in memory is compared with, and what comes of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from instep.model.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from instep.model.code import CanonicalCode
    from instep.model.compiled import CompiledCode, CompiledModule

AMBIGUOUS = "several definitions share this name and the file changed"


class Pair(NamedTuple):
    """A code object in memory, what it was compared with, and the verdict.

    ``place`` is the index of the code on disk in its module, -1 where the name is gone.
    """

    live: CanonicalCode
    place: int
    verdict: Verdict
    reason: str = ""


class DiskIndex:
    """The code objects of one compiled module by qualname."""

    def __init__(self, module: CompiledModule) -> None:
        self.module = module
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for index, code in enumerate(module.codes):
            self._by_name[code.qualname].append(index)

    def __contains__(self, qualname: object) -> bool:
        """Whether any code on disk has this qualname."""
        return qualname in self._by_name

    def only(self, qualname: str) -> int | None:
        """The index of the one code object with this qualname, if there is exactly one."""
        found = self._by_name.get(qualname)
        return found[0] if found is not None and len(found) == 1 else None

    def candidates(self, qualname: str) -> list[int]:
        """The indexes of the code objects with this qualname, in the order of their lines."""
        found = self._by_name.get(qualname, [])
        return sorted(found, key=lambda index: self.module.codes[index].first_line)

    def masks(self) -> dict[tuple[str, int], bytes]:
        """Where instructions are expected, by qualname and number of code units."""
        return {(code.qualname, len(code.mask)): code.mask for code in self.module.codes}


def pair(lives: Iterable[CanonicalCode], disk: DiskIndex) -> list[Pair]:
    """Pair the code objects of one file that are alive with those it compiles to now."""
    codes = disk.module.codes
    groups: dict[str, list[CanonicalCode]] = {}
    pairs: list[Pair] = []
    for live in lives:
        index = disk.only(live.qualname)
        if index is None:
            groups.setdefault(live.qualname, []).append(live)
        else:
            pairs.append(Pair(live, index, _compare(live, codes[index])))
    for qualname, group in groups.items():
        pairs += _pair_group(group, disk.candidates(qualname), codes)
    return _settle_nested(pairs)


def _compare(live: CanonicalCode, code: CompiledCode) -> Verdict:
    if live.logic != code.logic:
        return Verdict.STALE
    return Verdict.FRESH if live.layout == code.layout else Verdict.MOVED


def _pair_group(
    group: list[CanonicalCode], candidates: list[int], codes: tuple[CompiledCode, ...]
) -> list[Pair]:
    if not candidates:
        return [Pair(live, -1, Verdict.ORPHANED) for live in group]
    exact = {(codes[index].logic, codes[index].layout): index for index in candidates}
    same = {codes[index].logic: index for index in candidates}
    ambiguous = len(same) > 1 and not _in_order(group, candidates, codes)
    pairs = []
    for live in group:
        if (live.logic, live.layout) in exact:
            pairs.append(Pair(live, exact[live.logic, live.layout], Verdict.FRESH))
        elif live.logic in same and not ambiguous:
            pairs.append(Pair(live, same[live.logic], Verdict.MOVED))
        elif live.logic in same:
            pairs.append(Pair(live, same[live.logic], Verdict.UNPROVEN, AMBIGUOUS))
        else:
            pairs.append(Pair(live, _nearest(live, candidates, codes), Verdict.STALE))
    return pairs


def _in_order(
    group: list[CanonicalCode], candidates: list[int], codes: tuple[CompiledCode, ...]
) -> bool:
    """Whether all definitions of a name are alive and follow each other as they do on disk."""
    lives = {(live.first_line, live.logic) for live in group}
    ordered = [logic for _, logic in sorted(lives, key=lambda item: item[0])]
    return ordered == [codes[index].logic for index in candidates]


def _nearest(live: CanonicalCode, candidates: list[int], codes: tuple[CompiledCode, ...]) -> int:
    return min(candidates, key=lambda index: abs(codes[index].first_line - live.first_line))


def _settle_nested(pairs: list[Pair]) -> list[Pair]:
    """Resolve ambiguous nested code: code with equal digests makes equal nested code."""
    if not any(one.reason == AMBIGUOUS for one in pairs):
        return pairs
    agreed: set[bytes] = set()
    for one in pairs:
        if one.verdict in (Verdict.FRESH, Verdict.MOVED):
            agreed.update(one.live.nested)
    return [
        one._replace(verdict=Verdict.MOVED, reason="")
        if one.reason == AMBIGUOUS and one.live.logic in agreed
        else one
        for one in pairs
    ]


def settle_by_body(pairs: list[Pair], *, body_proven: bool) -> list[Pair]:
    """Resolve what was ambiguous once the module's body is proven to be the one on disk."""
    if not body_proven:
        return pairs
    return [
        one._replace(verdict=Verdict.MOVED, reason="") if one.reason == AMBIGUOUS else one
        for one in pairs
    ]


def counts(pairs: Iterable[Pair]) -> Mapping[Verdict, int]:
    """How many pairs got each verdict."""
    found = dict.fromkeys(Verdict, 0)
    for one in pairs:
        found[one.verdict] += 1
    return found
