"""What a source compiles to."""

from __future__ import annotations

from typing import NamedTuple


class CompiledCode(NamedTuple):
    """A code object of a compiled source: digests, and where its instructions lie.

    ``parent`` is the index of the code that encloses it, -1 for the module itself. ``mask`` has
    0xff for each code unit that is an instruction.
    """

    qualname: str
    first_line: int
    logic: bytes
    layout: bytes
    mask: bytes
    parent: int


class SyntaxProblem(NamedTuple):
    """A source that doesn't compile: the line (0 if unknown) and the compiler's message."""

    line: int
    message: str


class CompiledModule(NamedTuple):
    """All code objects of one source, children before parents, the module's own last.

    ``problem`` is set, and ``codes`` empty, for a source that doesn't compile.
    """

    codes: tuple[CompiledCode, ...]
    problem: SyntaxProblem | None = None


class Definition(NamedTuple):
    """A ``def`` or ``class`` statement. ``unique``: unconditional and bound once in its block."""

    qualname: str
    kind: str
    line: int
    unique: bool
    decorated: bool


class ClassHeader(NamedTuple):
    """An undecorated class: its bases as dotted names (``None`` for other expressions)."""

    qualname: str
    line: int
    bases: tuple[str | None, ...]
    keywords: bool


class Constant(NamedTuple):
    """A name bound once to a literal. ``scope`` is a class's qualname, or empty for the module."""

    scope: str
    name: str
    line: int
    value: bytes


class Defaults(NamedTuple):
    """The defaults of a function as encoded literals; ``None`` for other expressions."""

    qualname: str
    line: int
    positional: tuple[bytes | None, ...]
    keyword: tuple[tuple[str, bytes | None], ...]


class Outline(NamedTuple):
    """What the text of a module states and live objects can be compared with.

    ``rebound`` are names of the module and of its classes that it may itself rebind at run time.
    """

    definitions: tuple[Definition, ...]
    classes: tuple[ClassHeader, ...]
    constants: tuple[Constant, ...]
    defaults: tuple[Defaults, ...]
    rebound: frozenset[str]
