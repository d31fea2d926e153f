"""Instructions are compared without what depends on lines, and with all else."""

from __future__ import annotations

import pytest

from instep.model.encoding import Logic
from instep.verdict.flow import same_flow

NAMES = {
    1: "RESUME",
    2: "LOAD_FAST",
    3: "LOAD_FAST_LOAD_FAST",
    4: "STORE_FAST_LOAD_FAST",
    5: "STORE_FAST",
    6: "NOP",
    7: "POP_JUMP_IF_FALSE",
    8: "JUMP_BACKWARD",
    9: "EXTENDED_ARG",
    10: "RETURN_VALUE",
    11: "LOAD_FAST_BORROW",
}
CACHE = (0, 0)
Units = list[tuple[int, int]]


def logic(units: Units, table: bytes = b"", variables: tuple[str, ...] = ("a", "b")) -> Logic:
    """A code object with these instructions."""
    code = bytes(unit[0] for unit in units) + bytes(unit[1] for unit in units)
    return Logic(3, 2, 0, 0, 2, "f", "f", code, table, variables, (), (), (), (None,))


SAME: list[tuple[Units, Units]] = [
    ([(3, 0x01), (10, 0)], [(2, 0), (2, 1), (10, 0)]),
    ([(3, 0x01), (10, 0)], [(11, 0), (6, 0), (2, 1), (10, 0)]),
    ([(4, 0x10), (10, 0)], [(5, 1), (2, 0), (10, 0)]),
    ([(7, 1), CACHE, (3, 0x01), (10, 0)], [(7, 2), CACHE, (2, 0), (2, 1), (10, 0)]),
    ([(3, 0x01), (8, 3), CACHE, (10, 0)], [(2, 0), (2, 1), (8, 4), CACHE, (10, 0)]),
    ([(9, 0), (2, 1), (10, 0)], [(2, 1), (10, 0)]),
]
OTHER: list[tuple[Units, Units]] = [
    ([(3, 0x01), (10, 0)], [(2, 1), (2, 0), (10, 0)]),
    ([(3, 0x01), (10, 0)], [(2, 0), (10, 0)]),
    ([(4, 0x10), (10, 0)], [(2, 0), (5, 1), (10, 0)]),
    ([(7, 1), CACHE, (3, 0x01), (10, 0)], [(7, 1), CACHE, (2, 0), (2, 1), (10, 0)]),
    ([(3, 0x01), (8, 3), CACHE, (10, 0)], [(2, 0), (2, 1), (8, 3), CACHE, (10, 0)]),
    ([(9, 1), (2, 1), (10, 0)], [(2, 1), (10, 0)]),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_same(old: Units, new: Units) -> None:
    """Joined and single instructions, NOPs and borrowed references make no difference."""
    assert same_flow(logic(old), logic(new), NAMES)
    assert same_flow(logic(new), logic(old), NAMES)


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_other(old: Units, new: Units) -> None:
    """Another order, another variable and another target of a jump do."""
    assert not same_flow(logic(old), logic(new), NAMES)


def test_what_is_protected_is_compared() -> None:
    """The entries of the exception table name the same steps, not the same places."""
    joined = logic([(3, 0x01), (10, 0), (10, 0)], bytes([0x80, 1, 2, 0]))
    single = [(2, 0), (2, 1), (10, 0), (10, 0)]
    assert same_flow(joined, logic(single, bytes([0x80, 2, 3, 0])), NAMES)
    assert not same_flow(joined, logic(single, bytes([0x80, 1, 3, 0])), NAMES)
    assert not same_flow(joined, logic(single, bytes([0x80, 2, 2, 0])), NAMES)


def test_names_are_compared() -> None:
    """The same steps on variables of other names are not the same."""
    units = [(3, 0x01), (10, 0)]
    assert not same_flow(logic(units), logic(units, variables=("a", "c")), NAMES)


def test_versions_that_join_nothing() -> None:
    """Before 3.13 lines had no influence: what differs, differs."""
    older = {opcode: name for opcode, name in NAMES.items() if opcode != 3}
    assert not same_flow(logic([(6, 0), (10, 0)]), logic([(10, 0)]), older)
