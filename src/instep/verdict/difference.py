"""What differs between two code objects, in words for people."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING

from instep.model.encoding import CodeConstant, EllipsisConstant, SliceConstant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from instep.model.encoding import Logic

MAXIMUM_SHOWN = 3
MAXIMUM_TEXT = 120
INSTRUCTIONS = "instructions"
NESTED = "nested code"


def describe_difference(
    old: Logic, new: Logic, opcodes: Mapping[int, str] = MappingProxyType({})
) -> str:
    """Say how ``old`` (in memory) became ``new`` (on disk); empty if nothing differs.

    ``opcodes`` are the names of the target's opcodes, to show instructions by.
    """
    before, after = _instructions(old, opcodes), _instructions(new, opcodes)
    parts = [
        _signature(old, new),
        _values(
            "constants",
            [*_plain(old.constants), *_small_ints(before)],
            [*_plain(new.constants), *_small_ints(after)],
        ),
        _values("names", old.names, new.names),
        _values("variables", _variables(old), _variables(new)),
    ]
    found = [part for part in parts if part]
    if found:
        return "; ".join(found)
    if [one for one in old.constants if isinstance(one, CodeConstant)] != [
        one for one in new.constants if isinstance(one, CodeConstant)
    ]:
        return NESTED
    if (old.code, old.exceptiontable) != (new.code, new.exceptiontable):
        return INSTRUCTIONS + _first_change(before, after)
    if old.flags != new.flags:
        return "flags of the code object"
    return "" if own_part(old) == own_part(new) else "order of constants"


def _instructions(logic: Logic, opcodes: Mapping[int, str]) -> list[tuple[str, int]]:
    units = len(logic.code) // 2
    return [
        (opcodes.get(opcode, str(opcode)), argument)
        for opcode, argument in zip(logic.code[:units], logic.code[units:], strict=True)
        if opcode
    ]


def _small_ints(instructions: list[tuple[str, int]]) -> list[int]:
    """Ints that are no constants any more since CPython 3.14, but arguments."""
    return [argument for name, argument in instructions if name == "LOAD_SMALL_INT"]


def _first_change(old: list[tuple[str, int]], new: list[tuple[str, int]]) -> str:
    for before, after in zip_longest(old, new, fillvalue=("nothing", 0)):
        if before != after:
            return f": {before[0]} {before[1]} -> {after[0]} {after[1]}"
    return ""


def own_part(logic: Logic) -> tuple[object, ...]:
    """All of a code object but the nested code, types of constants included."""
    marked = logic._replace(constants=tuple(map(_typed, logic.constants)))
    return tuple(marked)


def nested_pairs(old: Logic, new: Logic) -> list[tuple[bytes, bytes]]:
    """The digests of nested code objects that differ, paired by their order."""
    before = [one.digest for one in old.constants if isinstance(one, CodeConstant)]
    after = [one.digest for one in new.constants if isinstance(one, CodeConstant)]
    return [pair for pair in zip(before, after, strict=False) if pair[0] != pair[1]]


def same_shape(old: Logic, new: Logic) -> bool:
    """Whether only the instructions differ: as between patch releases of one compiler."""
    fields = ("argcount", "posonlyargcount", "kwonlyargcount", "varnames", "names", "name")
    return all(getattr(old, field) == getattr(new, field) for field in fields) and (
        Counter(map(_typed, _plain(old.constants))) == Counter(map(_typed, _plain(new.constants)))
    )


def show(value: object) -> str:
    """A constant as it is shown to people, cut to a line."""
    if isinstance(value, EllipsisConstant):
        return "..."
    if isinstance(value, SliceConstant):
        return f"slice({show(value.start)}, {show(value.stop)}, {show(value.step)})"
    if isinstance(value, CodeConstant):
        return "<code>"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 400:
        return f"<int of {value.bit_length()} bits>"
    text = _repr(value)
    return text if len(text) <= MAXIMUM_TEXT else text[: MAXIMUM_TEXT - 1] + "…"


def _repr(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python refuses to write ints of thousands of digits
        return f"<{type(value).__name__} with a huge int>"


def _signature(old: Logic, new: Logic) -> str:
    def arguments(logic: Logic) -> tuple[str, ...]:
        count = logic.argcount + logic.kwonlyargcount
        count += bool(logic.flags & 4) + bool(logic.flags & 8)
        return logic.varnames[:count]

    if arguments(old) == arguments(new):
        return ""
    return f"arguments: ({', '.join(arguments(old))}) -> ({', '.join(arguments(new))})"


def _variables(logic: Logic) -> tuple[str, ...]:
    return (*logic.varnames, *logic.cellvars, *logic.freevars)


def _values(label: str, old: Iterable[object], new: Iterable[object]) -> str:
    before, after = _only(old, new), _only(new, old)
    if not before and not after:
        return ""
    return f"{label}: {_list(before)} -> {_list(after)}"


def _only(some: Iterable[object], others: Iterable[object]) -> list[object]:
    left = Counter(map(_typed, others))
    found = []
    for value in some:
        key = _typed(value)
        if left[key]:
            left[key] -= 1
        else:
            found.append(value)
    return found


def _list(values: list[object]) -> str:
    if not values:
        return "nothing"
    shown = ", ".join(show(value) for value in values[:MAXIMUM_SHOWN])
    more = len(values) - MAXIMUM_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _plain(constants: tuple[object, ...]) -> list[object]:
    return [one for one in constants if not isinstance(one, CodeConstant)]


def _typed(value: object) -> tuple[object, ...]:
    """A key in which ``1``, ``1.0``, ``True`` differ, as -0.0 and 0.0; NaN equals itself."""
    if isinstance(value, CodeConstant):
        return ("code",)
    if isinstance(value, SliceConstant):
        return ("slice", _typed(value.start), _typed(value.stop), _typed(value.step))
    if isinstance(value, tuple) and not isinstance(value, EllipsisConstant):
        return ("tuple", *map(_typed, value))
    if isinstance(value, frozenset):
        return ("frozenset", frozenset(map(_typed, value)))
    if isinstance(value, float | complex):
        return (type(value).__name__, repr(value))
    return (type(value).__name__, value)
