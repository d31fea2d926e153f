"""Runs under the target's own interpreter and writes what sources compile to.

Given to that interpreter as text (``-I -S -B -c``), so it imports nothing of instep and runs on
every CPython that can be read. Reads jobs from standard input and writes answers to standard
output until the input ends; integers are little-endian u32, byte strings carry their length first.

    job      kind (S source, P pyc body, F frozen name, D frozen name as it is
             unmarshalled, R pyc body of which only the digest of the logic is wanted, O outline),
             optimisation level,
             data
    answer   0, codes: children before parents; each: number of children, their indexes,
             first line, line table, logic (instep.model.encoding)
             0, outline (an encoded value), for O
             1, line, message: the source does not compile
             2, 0, message: anything else
"""

from __future__ import annotations

import _imp
import ast
import marshal
import struct
import sys
from hashlib import blake2b
from types import CodeType

TYPE_CHECKING = False  # importing typing costs as much as a small compilation
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Function = ast.FunctionDef | ast.AsyncFunctionDef

HEAD_SIZE = 9
# RESUME, LOAD_CONST, RETURN_VALUE; some of them have inline caches in 3.15.
FOLDED_SIZE = len(compile("''", "<expression>", "eval").co_code)
RUNTIME_FLAGS = 0x100 | 0x2000000
U32 = struct.Struct("<I")


def size_of(data: bytes | tuple[object, ...] | frozenset[object]) -> bytes:
    """How many bytes or items follow."""
    return U32.pack(len(data))


def encode(value: object) -> bytes:
    """One value in the form of ``instep.model.encoding``."""
    encoder = ENCODERS.get(type(value))
    return b"C" + logic_digest(value) if encoder is None else encoder(value)


def encode_int(value: int) -> bytes:
    """The hexadecimal digits, which have no limit as decimal ones do."""
    return b"i%x;" % value if value >= 0 else b"i-%x;" % -value


def encode_text(value: str) -> bytes:
    """UTF-8, with lone surrogates passed through."""
    data = value.encode("utf-8", "surrogatepass")
    return b"s" + size_of(data) + data


ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"N",
    type(Ellipsis): lambda _: b"E",
    bool: lambda value: b"T" if value else b"F",
    int: encode_int,
    float: lambda value: b"f" + struct.pack("<d", value),
    complex: lambda value: b"c" + struct.pack("<2d", value.real, value.imag),
    str: encode_text,
    bytes: lambda value: b"b" + size_of(value) + value,
    tuple: lambda value: b"(" + size_of(value) + b"".join(map(encode, value)),
    frozenset: lambda value: b"<" + size_of(value) + b"".join(sorted(map(encode, value))),
    slice: lambda value: b":" + b"".join(map(encode, (value.start, value.stop, value.step))),
}


digests: dict[int, bytes] = {}


def logic_digest(code: Any) -> bytes:  # noqa: ANN401 - a code object, as encode() knows
    """The digest of a code object's logic, made once."""
    key = id(code)
    if key not in digests:
        digests[key] = blake2b(logic(code), digest_size=16).digest()
    return digests[key]


def logic(code: CodeType) -> bytes:
    """All that decides a code object's behaviour, encoded."""
    raw = code.co_code
    numbers = (
        code.co_flags & ~RUNTIME_FLAGS,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_stacksize,
    )
    fields = (
        code.co_name,
        code.co_qualname,
        raw[::2] + raw[1::2],
        code.co_exceptiontable,
        code.co_varnames,
        code.co_cellvars,
        code.co_freevars,
        code.co_names,
        code.co_consts,
    )
    return struct.pack("<5I", *numbers) + b"".join(map(encode, fields))


def write_codes(top: CodeType) -> bytes:
    """The answer that holds a code object and all that is nested in it."""
    digests.clear()
    codes: list[CodeType] = []
    out: list[bytes] = []

    def visit(code: CodeType) -> int:
        children = [visit(item) for item in code.co_consts if isinstance(item, CodeType)]
        lines = code.co_linetable
        body = logic(code)
        digests[id(code)] = blake2b(body, digest_size=16).digest()
        out.append(
            U32.pack(len(children))
            + b"".join(map(U32.pack, children))
            + U32.pack(code.co_firstlineno)
            + size_of(lines)
            + lines
            + size_of(body)
            + body
        )
        codes.append(code)
        return len(codes) - 1

    visit(top)
    return U32.pack(0) + U32.pack(len(out)) + b"".join(out)


def compile_source(data: bytes, level: int) -> CodeType:
    """Compile a source as the import system would."""
    return compile(data, "<source>", "exec", dont_inherit=True, optimize=level)


def folded(node: ast.expr) -> object:
    """The constant that the compiler makes of an expression, or raise ValueError."""
    plain = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.expr_context)
    if not all(isinstance(part, (plain, ast.unaryop, ast.operator)) for part in ast.walk(node)):
        raise ValueError
    code = compile(ast.Expression(node), "<expression>", "eval", optimize=0)
    if len(code.co_code) > FOLDED_SIZE:
        raise ValueError
    return eval(code)  # noqa: S307 - one constant, folded by the compiler


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Outline:
    """What the text of a module states, for comparison with live objects."""

    def __init__(self, tree: ast.Module) -> None:
        self.definitions: list[tuple[object, ...]] = []
        self.classes: list[tuple[object, ...]] = []
        self.constants: list[tuple[object, ...]] = []
        self.defaults: list[tuple[object, ...]] = []
        self.rebound = sorted({name for node in ast.walk(tree) for name in rebound_by(node)})
        self.last_star = max(map(star_line, ast.walk(tree)), default=0)
        self.block(tree.body, "", conditional=uses_globals(tree))

    def block(self, body: list[ast.stmt], prefix: str, *, conditional: bool) -> None:
        """Take what the statements of a block state."""
        bound = bindings(body)

        def is_unique(name: str, line: int) -> bool:
            return not conditional and bound.get(name) == 1 and line > self.last_star

        for node in body:
            if isinstance(node, FUNCTIONS):
                self.function(node, prefix, unique=is_unique(node.name, node.lineno))
            elif isinstance(node, ast.ClassDef):
                self.class_(node, prefix, unique=is_unique(node.name, node.lineno))
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                self.assign(node, prefix, is_unique)
            else:
                for field in ("body", "orelse", "finalbody"):
                    self.block(getattr(node, field, None) or [], prefix, conditional=True)
                for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
                    self.block(part.body, prefix, conditional=True)

    def function(self, node: Function, prefix: str, *, unique: bool) -> None:
        """Take a function's name and the literals among its defaults."""
        qualname = prefix + node.name
        decorated = bool(node.decorator_list)
        self.definitions.append((qualname, "function", node.lineno, unique, decorated))
        positional = tuple(self.literal(item) for item in node.args.defaults)
        keyword = tuple(
            (argument.arg, self.literal(item))
            for argument, item in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if item is not None
        )
        self.defaults.append((qualname, node.lineno, positional, keyword))

    def class_(self, node: ast.ClassDef, prefix: str, *, unique: bool) -> None:
        """Take a class's name, its bases, and what its body states.

        A decorator may make another class of it, so nothing is certain of what it holds.
        """
        qualname = prefix + node.name
        decorated = bool(node.decorator_list)
        self.definitions.append((qualname, "class", node.lineno, unique, decorated))
        if unique and not decorated:
            bases = tuple(map(dotted, node.bases))
            self.classes.append((qualname, node.lineno, bases, bool(node.keywords)))
        certain = unique and not decorated
        self.block(node.body, qualname + ".", conditional=not certain)

    def assign(
        self, node: ast.Assign | ast.AnnAssign, prefix: str, is_unique: Callable[[str, int], bool]
    ) -> None:
        """Take a name that is bound once, and to a literal."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if not isinstance(target, ast.Name) or node.value is None:
                continue
            if not is_unique(target.id, node.lineno):
                continue
            value = self.literal(node.value)
            if value is not None:
                self.constants.append((prefix[:-1], target.id, node.lineno, value))

    def literal(self, node: ast.expr) -> bytes | None:
        """The encoded literal, or None for any other expression."""
        try:
            return encode(folded(node))
        except Exception:  # noqa: BLE001 - whatever folding raises, it is no literal
            return None

    def encoded(self) -> bytes:
        """The outline as one encoded value."""
        parts = (self.definitions, self.classes, self.constants, self.defaults, self.rebound)
        return encode(tuple([tuple(part) for part in parts]))


def dotted(node: ast.expr) -> str | None:
    """A base as a dotted name, or None for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def bindings(body: list[ast.stmt]) -> dict[str, int]:
    """How often each name is bound or deleted in a block, nested statements included."""
    counts: dict[str, int] = {}

    def visit(node: ast.AST) -> None:
        for name in bound_by(node):
            counts[name] = counts.get(name, 0) + 1
        if not isinstance(node, (*DEFINITIONS, ast.Lambda)):
            for child in ast.iter_child_nodes(node):
                visit(child)

    for node in body:
        visit(node)
    return counts


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
CAPTURES = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)


def bound_by(node: ast.AST) -> list[str]:
    """The names that a node itself binds or deletes."""
    if isinstance(node, (*DEFINITIONS, *CAPTURES)):
        return [node.name] if node.name else []
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).split(".")[0]]
    return []


def rebound_by(node: ast.AST) -> list[str]:
    """The names of a module or of a class that a node may give other values at run time.

    ``Model.counter += 1`` and ``cls.counter = 0`` change a class; ``self.counter`` only hides it.
    """
    if isinstance(node, ast.Global):
        return node.names
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        return [] if own else [node.attr]
    return []


def star_line(node: ast.AST) -> int:
    """The line of an import that may bind any name, over what was bound before; or 0."""
    star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    return getattr(node, "lineno", 0) if star else 0


def uses_globals(tree: ast.Module) -> bool:
    """Whether the module takes its namespace as a dict, to change it as it likes."""
    return any(isinstance(node, ast.Name) and node.id == "globals" for node in ast.walk(tree))


def write_outline(data: bytes) -> bytes:
    """The answer that holds an outline."""
    return write_data(Outline(ast.parse(data, "<source>")).encoded())


def write_data(data: bytes) -> bytes:
    """The answer that holds one byte string."""
    return U32.pack(0) + size_of(data) + data


def write_digest(top: CodeType) -> bytes:
    """The answer that holds the digest of all that a code object does."""
    digests.clear()  # another code object may have had this one's address
    return write_data(logic_digest(top))


def unmarshal_frozen(name: str) -> CodeType:
    """A frozen module as subinterpreters of 3.12 load it: not deep-frozen, but unmarshalled."""
    found = _imp.find_frozen(name, withdata=True)
    if found is None or found[0] is None:
        return _imp.get_frozen_object(name)
    code: CodeType = marshal.loads(found[0])  # noqa: S302 - from the interpreter's own image
    return code


def answer(kind: bytes, level: int, data: bytes) -> bytes:
    """The answer to one job, whatever comes of it."""
    jobs = {
        b"O": lambda: write_outline(data),
        b"S": lambda: write_codes(compile_source(data, level)),
        # What the import system of this interpreter would load, under its owner's rights.
        b"P": lambda: write_codes(marshal.loads(data)),  # noqa: S302
        b"F": lambda: write_codes(_imp.get_frozen_object(data.decode())),
        b"R": lambda: write_digest(marshal.loads(data)),  # noqa: S302 - as above
        b"D": lambda: write_codes(unmarshal_frozen(data.decode())),
    }
    try:
        return jobs[kind]()
    except SyntaxError as error:
        return problem(1, error.lineno or 0, str(error.msg))
    except ValueError as error:
        return problem(1, 0, str(error))
    except BaseException as error:  # noqa: BLE001 - RecursionError and MemoryError too
        return problem(2, 0, type(error).__name__ + ": " + str(error))


def problem(code: int, line: int, message: str) -> bytes:
    """The answer that holds no code but what is wrong."""
    data = message.encode("utf-8", "replace")[:1000]
    return U32.pack(code) + U32.pack(line) + size_of(data) + data


def main() -> None:
    """Answer jobs until the input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.setrecursionlimit(5000)
    sink.write(b"instep1\n")
    sink.flush()
    while True:
        head = source.read(HEAD_SIZE)
        if len(head) < HEAD_SIZE:
            return
        kind, level, size = struct.unpack("<cII", head)
        sink.write(answer(kind, level, source.read(size)))
        sink.flush()


if __name__ == "__main__":
    main()
