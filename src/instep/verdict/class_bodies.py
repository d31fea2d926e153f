"""Class bodies without the number of their first line.

Since CPython 3.13 the body of a class stores the line that it begins at, as ``__firstlineno__``. So
a class that only moved has other constants, and so has the function it is in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instep.verdict.difference import nested_pairs, own_part
from instep.verdict.flow import same_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from instep.model.encoding import Logic

CO_OPTIMIZED, CO_NEWLOCALS = 0x1, 0x2
FIRST_LINE = "__firstlineno__"
# Stand for all ways to load and return a constant. The compiler emits no opcode above 250.
LOAD_CONSTANT, RETURN_CONSTANT = 254, 255
_OF_CONSTANT = {"LOAD_CONST": LOAD_CONSTANT, "RETURN_CONST": RETURN_CONSTANT}


def is_function(logic: Logic) -> bool:
    """Whether a code object is a function's and not a module's or class's body."""
    return bool(logic.flags & (CO_OPTIMIZED | CO_NEWLOCALS))


def without_first_line(logic: Logic, names: Mapping[int, str]) -> Logic:
    """A class body's logic as if no line were kept in it; anything else as it is.

    ``names`` are those of the opcodes. The constants come out in the order of their use, as the
    line may have had a place among them, and one that it shared.
    """
    if is_function(logic) or FIRST_LINE not in logic.names:
        return logic
    units = len(logic.code) // 2
    kept: list[tuple[int, int]] = []
    constants: list[object] = []
    extended: list[tuple[int, int]] = []
    argument = 0
    for opcode, low in zip(logic.code[:units], logic.code[units:], strict=True):
        argument = (argument << 8 | low) & 0xFFFFFFFF
        name = names.get(opcode, "")
        if name == "EXTENDED_ARG":
            extended.append((opcode, low))
            continue
        if name in _OF_CONSTANT and argument < len(logic.constants):
            constants.append(logic.constants[argument])
            kept.append((_OF_CONSTANT[name], 0))
        elif name == "LOAD_SMALL_INT":
            constants.append(argument)
            kept.append((LOAD_CONSTANT, 0))
        else:
            stored = logic.names[argument : argument + 1]
            after_constant = kept[-1:] == [(LOAD_CONSTANT, 0)]
            if name == "STORE_NAME" and stored == (FIRST_LINE,) and after_constant:
                del constants[-1], kept[-1]
            kept += [*extended, (opcode, low)]
        extended, argument = [], 0
    code = bytes([unit[0] for unit in kept]) + bytes([unit[1] for unit in kept])
    return logic._replace(code=code, constants=tuple(constants))


def same_own_part(old: Logic, new: Logic, names: Mapping[int, str]) -> bool:
    """Whether two code objects, both ``without_first_line``, do the same apart from nested code."""
    if own_part(old) == own_part(new):
        return True
    # The places in a class body are not those of its instructions any more.
    class_body = FIRST_LINE in new.names and not is_function(new)
    return not class_body and same_flow(old, new, names)


def same_but_lines(
    old: Logic,
    new: Logic,
    find: tuple[Callable[[bytes], Logic | None], Callable[[bytes], Logic | None]],
    names: Mapping[int, str],
) -> bool:
    """Whether two code objects differ only in what depends on lines, nested code included.

    ``find`` looks up nested code by its digest, on the old side and on the new one.
    """
    plain = without_first_line(old, names), without_first_line(new, names)
    if not same_own_part(*plain, names):
        return False
    for before, after in nested_pairs(old, new):
        was, now = find[0](before), find[1](after)
        if was is None or now is None or not same_but_lines(was, now, find, names):
            return False
    return True
