"""Two whole modules compared: what ran (a witness) and what is on disk."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from instep.verdict.difference import describe_difference, own_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from instep.model.compiled import CompiledModule
    from instep.model.encoding import Logic


class Tree(NamedTuple):
    """A compiled module and a way to the logic of its code objects by index.

    The second argument of ``logic`` moves all lines: class bodies hold their line number as a
    constant since CPython 3.13 (``__firstlineno__``).
    """

    module: CompiledModule
    logic: Callable[[int, int], Logic]


class BodyDifference(NamedTuple):
    """A body whose own statements differ.

    ``certain`` is false for a function that is no longer alive: whether it had any effect while
    the module was imported can't be told.
    """

    qualname: str
    line: int
    difference: str
    certain: bool = True


CO_OPTIMIZED, CO_NEWLOCALS = 0x1, 0x2
# Code that runs where it stands: part of the statement it is written in.
IMMEDIATE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


def body_differences(old: Tree, new: Tree, alive: Callable[[bytes], bool]) -> list[BodyDifference]:
    """The module and class bodies that differ, outermost first.

    Nested code is paired by qualname and order, so equal trees give nothing, and any change of a
    statement that runs at import is in the own part of exactly one body. Functions that are
    ``alive`` (asked by their logic digest) are left out: they are judged by themselves.
    """
    children = _children(old.module), _children(new.module)
    found: list[BodyDifference] = []

    def visit(before: int, after: int) -> None:
        was = old.module.codes[before]
        code = new.module.codes[after]
        if was.logic == code.logic:
            return
        first = old.logic(before, 0)
        second = new.logic(after, was.first_line - code.first_line)
        function = is_function(second) and second.name not in IMMEDIATE
        if function and alive(was.logic):
            return
        if function or own_part(first) != own_part(second):
            text = describe_difference(first, second)
            found.append(BodyDifference(code.qualname, code.first_line, text, not function))
        for left, right in _pairs(old, new, children[0][before], children[1][after]):
            visit(left, right)

    visit(len(old.module.codes) - 1, len(new.module.codes) - 1)
    return found


def is_function(logic: Logic) -> bool:
    """Whether a code object is a function's and not a module's or class's body."""
    return bool(logic.flags & (CO_OPTIMIZED | CO_NEWLOCALS))


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
