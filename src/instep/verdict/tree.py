"""Two whole modules compared: what ran (a witness) and what is on disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from instep.verdict.class_bodies import is_function, same_own_part
from instep.verdict.difference import describe_difference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from instep.model.compiled import CompiledModule
    from instep.model.encoding import Logic


class Tree(NamedTuple):
    """A compiled module and a way to the logic of its code objects by index.

    ``logic`` gives class bodies without the line that they begin at (``verdict.class_bodies``).
    """

    module: CompiledModule
    logic: Callable[[int], Logic]


class BodyDifference(NamedTuple):
    """A body whose own statements differ.

    ``certain`` is false for a function that is no longer alive, and for what is in it: whether it
    had any effect while the module was imported can't be told. ``shared`` is a function that
    lives, but of a name that several have: which of them it is can't be told.
    """

    qualname: str
    line: int
    difference: str
    certain: bool = True
    shared: bool = False


# Code that runs where it stands: part of the statement it is written in.
IMMEDIATE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


def body_differences(
    old: Tree,
    new: Tree,
    alive: Callable[[bytes], bool],
    opcodes: Mapping[int, str] = MappingProxyType({}),
) -> list[BodyDifference]:
    """The module and class bodies that differ, outermost first.

    Nested code is paired by qualname and order, so equal trees give nothing, and any change of a
    statement that runs at import is in the own part of exactly one body. Functions that are
    ``alive`` (asked by their logic digest) are left out: they are judged by themselves, unless
    they share their name. Such could have changed places in what refers to them.
    """
    children = _children(old.module), _children(new.module)
    named = Counter(code.qualname for code in old.module.codes)
    found: list[BodyDifference] = []

    def visit(before: int, after: int, *, certain: bool) -> None:
        was = old.module.codes[before]
        code = new.module.codes[after]
        if was.logic == code.logic:
            return
        first = old.logic(before)
        second = new.logic(after)
        function = is_function(second) and second.name not in IMMEDIATE
        lives = function and alive(was.logic)
        if lives and named[was.qualname] == 1:
            return
        certain = certain and not function
        if not same_own_part(first, second, opcodes):
            text = describe_difference(first, second, opcodes)
            place = code.qualname, code.first_line
            found.append(BodyDifference(*place, text, certain=certain, shared=lives))
        for left, right in _pairs(old, new, children[0][before], children[1][after]):
            visit(left, right, certain=certain)

    visit(len(old.module.codes) - 1, len(new.module.codes) - 1, certain=True)
    return found


def _children(module: CompiledModule) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for index, code in enumerate(module.codes):
        found[code.parent].append(index)
    return found


def _pairs(old: Tree, new: Tree, before: list[int], after: list[int]) -> list[tuple[int, int]]:
    """Children with the same qualname, in order; what has no partner shows in the parent."""
    waiting: dict[str, list[int]] = defaultdict(list)
    for index in before:
        waiting[old.module.codes[index].qualname].append(index)
    pairs = []
    for index in after:
        partners = waiting[new.module.codes[index].qualname]
        if partners:
            pairs.append((partners.pop(0), index))
    return pairs
