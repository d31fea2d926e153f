"""The byte form of constants: what two writers agree on, and readers can't be misled by."""

from __future__ import annotations

import contextlib
import math
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.disk.compiler_program import encode
from instep.model.encoding import (
    BrokenEncoding,
    EllipsisConstant,
    SliceConstant,
    blob,
    decode,
    decode_logic,
    integer,
    text,
)

if TYPE_CHECKING:
    from typing import Any

SURROGATES = st.text(st.characters(exclude_categories=()))
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.just(...),
    st.integers(),
    st.integers(-(1 << 900), 1 << 900),
    st.floats(),
    st.complex_numbers(),
    SURROGATES,
    st.binary(),
)
CONSTANTS: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.frozensets(PLAIN, max_size=4),
        st.builds(slice, PLAIN, PLAIN, PLAIN),
    ),
    max_leaves=12,
)


def shape(value: object) -> object:  # noqa: PLR0911 - one for each type
    """A value by which two constants are equal only if they are of equal types and bits."""
    match value:
        case EllipsisConstant():
            return ("ellipsis",)
        case SliceConstant() | slice():
            return ("slice", shape(value.start), shape(value.stop), shape(value.step))
        case tuple():
            return ("tuple", *map(shape, value))
        case frozenset():
            return ("frozenset", tuple(sorted(map(repr, map(shape, value)))))
        case float():
            return ("float", struct.pack("<d", value))
        case complex():
            return ("complex", struct.pack("<2d", value.real, value.imag))
        case _ if value is ...:
            return ("ellipsis",)
    return (type(value).__name__, repr(value))


@given(CONSTANTS)
def test_a_constant_comes_back_as_it_was(value: object) -> None:
    """Encoding and decoding keep type and bits of every constant that the compiler makes."""
    assert shape(decode(encode(value))) == shape(value)


@given(CONSTANTS, CONSTANTS)
def test_equal_bytes_mean_equal_constants(one: object, other: object) -> None:
    """No two different constants share an encoded form."""
    assert (encode(one) == encode(other)) == (shape(one) == shape(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0, False), (0.0, -0.0), ("a", b"a"), ((), frozenset()), (None, "None")],
)
def test_constants_that_compare_equal_may_differ(one: object, other: object) -> None:
    """``1``, ``1.0`` and ``True`` are three constants, and so are the zeros of both signs."""
    assert encode(one) != encode(other)


def test_nan_equals_itself() -> None:
    """A NaN is compared by its bits."""
    assert encode(math.nan) == encode(struct.unpack("<d", struct.pack("<d", math.nan))[0])


@given(st.integers(), SURROGATES, st.binary())
def test_both_writers_agree(number: int, string: str, data: bytes) -> None:
    """The reader of memory and the helper write the same bytes."""
    assert (integer(number), text(string), blob(data)) == (
        encode(number),
        encode(string),
        encode(data),
    )


@given(st.binary(max_size=80), st.sampled_from([decode, decode_logic]))
def test_bytes_without_form_are_refused(data: bytes, reader: Any) -> None:
    """Decoding hostile bytes gives a value or ``BrokenEncoding``, nothing else."""
    with contextlib.suppress(BrokenEncoding):
        reader(data)


@given(CONSTANTS, st.data())
def test_a_cut_off_value_is_refused(value: object, data: st.DataObject) -> None:
    """No proper beginning of an encoded value is one."""
    encoded = encode(value)
    size = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(BrokenEncoding):
        decode(encoded[:size])
