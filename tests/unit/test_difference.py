"""What differs, in words; and class bodies without their line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from instep.model.encoding import CodeConstant, Logic
from instep.verdict.class_bodies import same_but_lines, without_first_line
from instep.verdict.difference import describe_difference, own_part, same_shape

CONSTANTS = st.lists(
    st.one_of(st.integers(0, 3), st.booleans(), st.floats(0, 2), st.text(max_size=2)), max_size=4
).map(tuple)
NAMES = st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple)
LOGICS = st.builds(
    Logic,
    st.sampled_from([0, 3]),
    st.just(0),
    st.just(0),
    st.just(0),
    st.integers(0, 2),
    st.sampled_from(["f", "g"]),
    st.sampled_from(["f", "C.f"]),
    st.binary(min_size=2, max_size=4).map(lambda part: part + part),
    st.binary(max_size=2),
    NAMES,
    NAMES,
    NAMES,
    NAMES,
    CONSTANTS,
)
EXTENDED, LOAD, SMALL, STORE, OTHER = 1, 2, 3, 4, 5
OPCODES = {
    EXTENDED: "EXTENDED_ARG",
    LOAD: "LOAD_CONST",
    SMALL: "LOAD_SMALL_INT",
    STORE: "STORE_NAME",
    OTHER: "POP_TOP",
}


@given(LOGICS)
def test_nothing_differs_from_itself(logic: Logic) -> None:
    """Equal code has no difference to tell."""
    assert describe_difference(logic, logic) == ""
    assert same_shape(logic, logic)


@given(LOGICS, LOGICS)
def test_types_of_constants_are_told_apart(one: Logic, other: Logic) -> None:
    """Code whose constants differ by type alone is different, and so described."""
    other = one._replace(constants=other.constants)
    if own_part(one) != own_part(other):
        assert describe_difference(one, other) != ""


def class_body(line: int, values: list[int], *, small: bool) -> Logic:
    """The body of a class of attributes ``x`` that begins at ``line``, as the compiler does it."""
    constants: list[object] = ["C"]
    units = [(LOAD, 0), (STORE, 0)]
    for place, value in enumerate([line, *values]):
        if small and value < 256:
            units.append((SMALL, value))
        else:
            if value not in constants:
                constants.append(value)
            index = constants.index(value)
            units += [(EXTENDED, index >> 8)] * (index > 255) + [(LOAD, index & 255)]
        units.append((STORE, 1 if place == 0 else 2))
    code = bytes([unit[0] for unit in units]) + bytes([unit[1] for unit in units])
    names = ("__qualname__", "__firstlineno__", "x")
    return Logic(0, 0, 0, 0, 1, "C", "C", code, b"", (), (), (), names, tuple(constants))


LINES = st.integers(1, 600)
VALUES = st.lists(st.integers(0, 600), max_size=5)


@given(LINES, LINES, VALUES, VALUES, st.booleans())
def test_a_class_that_moved_is_the_same(
    line: int,
    other_line: int,
    values: list[int],
    others: list[int],
    small: bool,  # noqa: FBT001 - drawn
) -> None:
    """Class bodies are equal but for their line exactly if all else is equal."""
    one = without_first_line(class_body(line, values, small=small), OPCODES)
    other = without_first_line(class_body(other_line, others, small=small), OPCODES)
    assert (own_part(one) == own_part(other)) == (values == others)


@given(LINES, LINES, VALUES, VALUES)
def test_a_function_with_a_class_that_moved_is_the_same(
    line: int, other_line: int, values: list[int], others: list[int]
) -> None:
    """The code that is nested in a function counts, but not the lines of classes in it."""
    function = Logic(3, 0, 0, 0, 1, "f", "f", b"\1\1", b"", (), (), (), (), ())
    old = function._replace(constants=(CodeConstant(b"old"),))
    new = function._replace(constants=(CodeConstant(b"new"),))
    find = (
        {b"old": class_body(line, values, small=False)}.get,
        {b"new": class_body(other_line, others, small=False)}.get,
    )
    assert same_but_lines(old, new, find, OPCODES) == (values == others)


def test_nested_code_that_is_not_known_is_not_the_same() -> None:
    """What can't be looked up is not taken to be equal."""
    function = Logic(3, 0, 0, 0, 1, "f", "f", b"\1\1", b"", (), (), (), (), ())
    old = function._replace(constants=(CodeConstant(b"old"),))
    new = function._replace(constants=(CodeConstant(b"new"),))
    assert not same_but_lines(old, new, ({}.get, {}.get), OPCODES)
