"""What a helper answered, checked and turned into compiled modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from instep.errors import HelperFailed, Malformed, NotCompiled
from instep.model.compiled import (
    ClassHeader,
    CompiledCode,
    CompiledModule,
    Constant,
    Defaults,
    Definition,
    Outline,
    SyntaxProblem,
)
from instep.model.digests import blake2b
from instep.model.encoding import DIGEST_SIZE, U32, BrokenEncoding, blob, decode, decode_start

if TYPE_CHECKING:
    from instep.disk.compiler_process import AnswerReader

MAXIMUM_CODES = 1 << 20
MAXIMUM_MESSAGE = 1000
OTHER_PROBLEM = 2
_MASK = b"\0" + b"\xff" * 255


class Compiled(NamedTuple):
    """A compiled module and, in the same order, the encoded logic of its code objects."""

    module: CompiledModule
    logic: tuple[bytes, ...]


def read_codes(answer: AnswerReader) -> Compiled:
    """Read the answer to a job that asks for code. Raises ``HelperFailed``."""
    problem = _read_problem(answer)
    if problem is not None:
        return Compiled(CompiledModule((), problem), ())
    count = answer.number()
    if not 0 < count <= MAXIMUM_CODES:
        raise HelperFailed(f"the target's interpreter answered with {count} code objects")
    codes: list[CompiledCode] = []
    logics: list[bytes] = []
    parents = [-1] * count
    try:
        for index in range(count):
            code, logic, children = _read_code(answer, codes)
            for child in children:
                parents[child] = index
            codes.append(code)
            logics.append(logic)
    except BrokenEncoding as error:
        text = f"the target's interpreter answered with broken code: {error}"
        raise HelperFailed(text) from error
    placed = [code._replace(parent=parent) for code, parent in zip(codes, parents, strict=True)]
    return Compiled(CompiledModule(tuple(placed)), tuple(logics))


def _read_code(
    answer: AnswerReader, known: list[CompiledCode]
) -> tuple[CompiledCode, bytes, list[int]]:
    amount = answer.number()
    if amount > len(known):
        raise Malformed("a code object claims more children than there are")
    children = [answer.number() for _ in range(amount)]
    if any(child >= len(known) for child in children):
        raise Malformed("a code object names a child that comes after it")
    first_line = answer.number()
    lines, encoded = answer.data(), answer.data()
    qualname, instructions = decode_start(encoded)
    layout = blake2b(U32.pack(first_line), digest_size=DIGEST_SIZE)
    layout.update(blob(lines))
    for child in children:
        layout.update(known[child].layout)
    code = CompiledCode(
        qualname,
        first_line,
        blake2b(encoded, digest_size=DIGEST_SIZE).digest(),
        layout.digest(),
        instructions[: len(instructions) // 2].translate(_MASK),
        -1,
    )
    return code, encoded, children


def _read_problem(answer: AnswerReader) -> SyntaxProblem | None:
    status = answer.number()
    if status == 0:
        return None
    line, data = answer.number(), answer.data()
    message = data[:MAXIMUM_MESSAGE].decode("utf-8", "replace")
    if status == 1:
        return SyntaxProblem(line, message)
    if status != OTHER_PROBLEM:
        raise HelperFailed(f"the target's interpreter answered with the unknown status {status}")
    raise NotCompiled(f"the target's interpreter could not compile it: {message}")


def read_data(answer: AnswerReader) -> bytes | SyntaxProblem:
    """Read the answer to a job that asks for one byte string."""
    problem = _read_problem(answer)
    return answer.data() if problem is None else problem


def decode_outline(data: bytes) -> Outline:
    """Turn an encoded outline into records. Raises ``BrokenEncoding``."""
    parts = decode(data)
    if not isinstance(parts, tuple) or len(parts) != len(Outline._fields):
        raise Malformed("an outline has an unknown form")
    definitions, classes, constants, defaults, rebound = parts
    outline = Outline(
        tuple(Definition(*item) for item in _records(definitions, Definition)),
        tuple(ClassHeader(*item) for item in _records(classes, ClassHeader)),
        tuple(Constant(*item) for item in _records(constants, Constant)),
        tuple(Defaults(*item) for item in _records(defaults, Defaults)),
        frozenset(_all_of(rebound, str)),
    )
    for header in outline.classes:
        _all_of(header.bases, str, type(None))
    for stated in outline.defaults:
        _all_of(stated.positional, bytes, type(None))
        for pair in stated.keyword:
            _fields_of(pair, (str, (bytes, type(None))))
    return outline


_KINDS: dict[type, tuple[Any, ...]] = {
    Definition: (str, str, int, bool, bool),
    ClassHeader: (str, int, tuple, bool),
    Constant: (str, str, int, bytes),
    Defaults: (str, int, tuple, tuple),
}


def _records(items: object, kind: type) -> list[tuple[Any, ...]]:
    return [_fields_of(item, _KINDS[kind]) for item in _all_of(items, tuple)]


def _fields_of(item: object, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(item, tuple) and len(item) == len(kinds) and all(map(isinstance, item, kinds)):
        return item
    raise Malformed("an outline has a record of an unknown form")


def _all_of(items: object, *kinds: type) -> tuple[Any, ...]:
    if isinstance(items, tuple) and all(isinstance(item, kinds) for item in items):
        return items
    raise Malformed("an outline has a list of an unknown form")
