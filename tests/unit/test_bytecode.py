"""Bytecode, line tables and whole code objects, checked against the interpreter that runs this."""

from __future__ import annotations

import argparse
import asyncio.base_events
import importlib.util
import inspect
import json.decoder
import os
import sys
import types
from hashlib import blake2b
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.cpython.registry import describe, supported
from instep.disk import compiler_program
from instep.process.bytecode import generalize, generalize_like, mask_of
from instep.process.code_objects import CodeReader
from instep.process.linetable import line_of
from instep.process.target import Target
from instep.system.processes import ProcessHandle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.cpython.description import Opcodes

DESCRIPTIONS = {version: describe(version) for version in supported()}
MODULES = [argparse, asyncio.base_events, json.decoder, inspect]
CONSTANT = st.one_of(
    st.integers(), st.floats(), st.text(), st.binary(), st.tuples(st.text(), st.integers())
)


def hidden(opcode: int, argument: int, _: int) -> tuple[int, int]:
    """Stand in for instrumentation that hides nothing."""
    return opcode, argument


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and all that is nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def compiled(module: types.ModuleType) -> types.CodeType:
    """The code of a module, compiled anew."""
    source = inspect.getsource(module)
    return compile(source, module.__name__, "exec", dont_inherit=True)


def opcodes_of(version: tuple[int, int]) -> Opcodes:
    """What is known of the opcodes of a version."""
    description = describe(version)
    assert description is not None
    return description.opcodes


@pytest.mark.parametrize("version", supported())
@given(data=st.data())
def test_a_form_that_fits_the_mask_is_the_form(
    version: tuple[int, int], data: st.DataObject
) -> None:
    """The fast way agrees with the walk whenever it gives the form that was expected."""
    opcodes = opcodes_of(version)
    known = [opcode for opcode in sorted(opcodes.names) if opcodes.generic[opcode]]
    units = data.draw(st.lists(st.tuples(st.sampled_from(known), st.integers(0, 255)), max_size=20))
    code = b"".join(bytes(unit) for unit in units)
    other = data.draw(
        st.one_of(st.just(code), st.binary(max_size=40).map(lambda x: x[: len(x) & ~1]))
    )
    expected = generalize(code, opcodes, hidden)
    mask = mask_of(expected)
    if len(other) == len(code) and generalize_like(other, opcodes, mask) == expected:
        hides = {
            opcodes.instrumented_line,
            opcodes.instrumented_instruction,
            opcodes.enter_executor,
        }
        if hides.isdisjoint(other[::2]):
            assert generalize(other, opcodes, hidden) == expected
    assert generalize_like(code, opcodes, mask) == expected


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_lines_are_those_of_the_interpreter(module: types.ModuleType) -> None:
    """The line of every code unit is the one that ``co_lines`` gives."""
    for code in codes(compiled(module)):
        for start, end, line in code.co_lines():
            for unit in range(start // 2, end // 2):
                assert line_of(code.co_linetable, code.co_firstlineno, unit) == line


@pytest.fixture(scope="module")
def own_process() -> Iterator[Target]:
    """This very process, opened as any other."""
    if sys.version_info[:2] not in supported() or sys.platform != "linux":
        pytest.skip("this interpreter can't be read")
    with ProcessHandle(os.getpid()) as handle, Target(handle) as target:
        yield target


def assert_read_back(target: Target, top: types.CodeType) -> None:
    """What memory holds is what the helper makes of the same code object."""
    compiler_program.digests.clear()
    reader = CodeReader(target.fresh_objects())
    for code in codes(top):
        logic = compiler_program.logic(code)
        found = reader.read(id(code), keep=True)
        assert (found.qualname, found.first_line) == (code.co_qualname, code.co_firstlineno)
        assert found.logic_bytes == logic
        assert found.logic == blake2b(logic, digest_size=16).digest()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_library_code_is_read_back(own_process: Target, module: types.ModuleType) -> None:
    """Reading a code object's memory gives what its attributes say, for all of a module."""
    assert_read_back(own_process, compiled(module))


@given(constant=CONSTANT, other=CONSTANT, name=st.from_regex(r"[a-zé]{1,9}", fullmatch=True))
def test_any_constant_is_read_back(
    own_process: Target, constant: object, other: object, name: str
) -> None:
    """Constants of all types and sizes are read as they are."""
    names = {"nan": "float('nan')", "inf": "float('inf')"}
    source = f"def v_{name}(x={names.get(repr(constant), repr(constant))}): return {other!r}, x"
    assert_read_back(own_process, compile(source, "<test>", "exec"))


def test_running_code_is_read_back(own_process: Target) -> None:
    """Code that was specialised while it ran reads as the compiler made it."""
    spec = importlib.util.find_spec("colorsys")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for step in range(300):
        module.rgb_to_hls(step / 300, 0.5, 0.1)
    assert_read_back(own_process, module.rgb_to_hls.__code__)
