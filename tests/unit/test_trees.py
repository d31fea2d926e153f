"""Whole modules compared: bodies by their code, and by what live values say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from instep.disk import compiler_program
from instep.disk.answers import decode_outline, read_codes
from instep.disk.compiler_process import AnswerReader
from instep.model.encoding import decode_logic
from instep.model.verdicts import Kind
from instep.verdict.literals import (
    LiveClass,
    LiveDefaults,
    LiveValues,
    compare_values,
    missing_definitions,
)
from instep.verdict.tree import Tree, body_differences

if TYPE_CHECKING:
    from instep.model.compiled import Outline
    from instep.model.encoding import Logic

SOURCE = """
LIMIT = 10
SIZES = [n for n in range(4)]

class Base: pass

class Model(Base):
    name = "m"
    def save(self, force=False):
        def inner(): return 1
        return inner
    class Meta:
        ordering = ("a", "b")

def load(path, mode="r"):
    return path, mode, LIMIT
"""


def tree(source: str) -> Tree:
    """A source, compiled as the helper does it."""
    raw = compiler_program.write_codes(compiler_program.compile_source(source.encode(), 0))
    position = 0

    def take(size: int, _: float) -> bytes:
        nonlocal position
        position += size
        return raw[position - size : position]

    compiled = read_codes(AnswerReader(take, 0.0))

    def logic(index: int) -> Logic:
        return decode_logic(compiled.logic[index])

    return Tree(compiled.module, logic)


def differences(before: str, after: str, *alive: str) -> dict[str, bool]:
    """The bodies that differ, and whether that is certain; ``alive`` names live functions."""
    old = tree(before)
    living = {code.logic for code in old.module.codes if code.qualname in alive}
    found = body_differences(old, tree(after), living.__contains__)
    return {one.qualname: one.certain for one in found}


def test_a_module_is_the_same_as_itself() -> None:
    """No body differs where none does, wherever the lines are."""
    assert differences(SOURCE, SOURCE) == {}
    assert differences(SOURCE, "# moved\n\n" + SOURCE) == {}


@pytest.mark.parametrize(
    ("old", "new", "bodies"),
    [
        ("LIMIT = 10", "LIMIT = 11", {"<module>": True}),
        ("range(4)", "range(5)", {"<module>": True}),
        ('mode="r"', 'mode="w"', {"<module>": True}),
        ("force=False", "force=True", {"Model": True}),
        ('"m"', '"n"', {"Model": True}),
        ('("a", "b")', '("b", "a")', {"Model.Meta": True}),
        ("class Model(Base)", "class Model(object)", {"<module>": True}),
        ("    class Meta", "    @print\n    class Meta", {"Model": True}),
        ("return path, mode", "return mode, path", {"load": False}),
        ("return 1", "return 2", {"Model.save.<locals>.inner": False}),
    ],
)
def test_an_edit_shows_in_the_body_that_it_is_in(
    old: str, new: str, bodies: dict[str, bool]
) -> None:
    """What ran at import differs for certain; a function that is gone may never have run."""
    assert old in SOURCE
    found = differences(SOURCE, SOURCE.replace(old, new))
    assert bodies.items() <= found.items()
    assert {name for name, certain in found.items() if certain} == {
        name for name, certain in bodies.items() if certain
    }


def test_living_functions_are_judged_by_themselves() -> None:
    """A function that is alive adds nothing to the evidence on bodies."""
    after = SOURCE.replace("return path, mode", "return mode, path")
    assert differences(SOURCE, after, "load") == {}


def outline(source: str) -> Outline:
    """What a source states."""
    answer = compiler_program.write_outline(source.encode())
    return decode_outline(answer[8:])


def encoded(**values: object) -> dict[str, bytes | None]:
    """Live values by name; a function or class is ``...`` here and has no encoded form."""
    return {
        name: None if value is ... else compiler_program.encode(value)
        for name, value in values.items()
    }


def live(**module: object) -> LiveValues:
    """A live module that has these names and nothing else."""
    return LiveValues(encoded(**module), {}, {})


def kinds(source: str, values: LiveValues) -> list[tuple[str, Kind]]:
    """What live values contradict."""
    return [(one.qualname, one.kind) for one in compare_values(outline(source), values)]


def test_a_constant_that_differs_is_told() -> None:
    """A literal that a live name contradicts is evidence, one that it equals is none."""
    assert kinds("LIMIT = 10", live(LIMIT=11)) == [("LIMIT", Kind.CONSTANT)]
    assert kinds("LIMIT = 10", live(LIMIT=10)) == []
    assert kinds("LIMIT = 10", live(LIMIT=10.0)) == [("LIMIT", Kind.CONSTANT)]
    assert kinds("LIMIT = 10", live(LIMIT=...)) == []


@pytest.mark.parametrize(
    "source",
    [
        "LIMIT = 10\nLIMIT = 11",
        "LIMIT = 10\ndef f():\n    global LIMIT\n    LIMIT = 12",
        "LIMIT = 10\nfrom x import *",
        "LIMIT = 10\nglobals()['LIMIT'] = 12",
        "if x:\n    LIMIT = 10",
        "for LIMIT in (): pass\nLIMIT = 10",
        "LIMIT = 10\nimport y as LIMIT",
        "LIMIT = 10\nwith x as (y, LIMIT): pass",
    ],
)
def test_a_name_that_the_module_may_rebind_says_nothing(source: str) -> None:
    """Only names that are bound once, and for certain, are compared."""
    assert kinds(source, live(LIMIT=12)) == []


@pytest.mark.parametrize(
    "write", ["C.count += 1", "cls.count = 1", "type(self).count = 1", "del C.count"]
)
def test_an_attribute_that_the_module_may_rebind_says_nothing(write: str) -> None:
    """Counters and caches on classes are no edits."""
    source = f"class C:\n    count = 0\n    def f(self): {write}"
    held = LiveClass((1,), lambda _: None, encoded(count=9), plain=True)
    assert kinds(source, LiveValues({}, {"C": held}, {})) == []


def test_an_attribute_of_instances_hides_nothing() -> None:
    """``self.count = 1`` leaves the class as it was."""
    source = "class C:\n    count = 0\n    def f(self): self.count = 1"
    held = LiveClass((1,), lambda _: None, encoded(count=9), plain=True)
    assert kinds(source, LiveValues({}, {"C": held}, {})) == [("C.count", Kind.ATTRIBUTE)]


def defaults(*positional: object) -> tuple[LiveDefaults, ...]:
    """The defaults of one live function."""
    return (LiveDefaults(1, tuple(map(compiler_program.encode, positional)), {}),)


def test_a_default_that_differs_is_told() -> None:
    """A live default that is not the literal is proof of another source."""
    values = LiveValues({}, {}, {"f": defaults(1)})
    assert kinds("def f(x=2): pass", values) == [("f", Kind.DEFAULT)]
    assert kinds("def f(x=1): pass", values) == []
    assert kinds("def f(x): pass", values) == [("f", Kind.DEFAULT)]


def test_defaults_of_twins_say_nothing() -> None:
    """Which of two definitions of one name is alive is not known."""
    source = "if x:\n    def f(x=2): pass\nelse:\n    def f(x=1): pass"
    assert kinds(source, LiveValues({}, {}, {"f": defaults(1)})) == []


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("def f(): pass", ["f"]),
        ("class C: pass", ["C"]),
        ("if x:\n    def f(): pass", []),
        ("def f(): pass\ndel f", []),
        ("def f(): pass\nfrom x import *", []),
        ("from x import *\ndef f(): pass", ["f"]),
        ("def f(): pass\nglobals().pop('f')", []),
        ("def f(): pass\ndef g():\n    global f\n    del f", ["g"]),
        ("try:\n    def f(): pass\nexcept E: pass", []),
    ],
)
def test_definitions_that_an_import_would_bind(source: str, missing: list[str]) -> None:
    """Only what a fresh import certainly binds can be missing."""
    assert missing_definitions(outline(source), live(x=1)) == missing
