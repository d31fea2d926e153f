"""Runs under the target's own interpreter and writes what sources compile to.

Given to that interpreter as text (``-I -S -B -c``), so it imports nothing of instep and runs on
every CPython that can be read. Reads jobs from standard input and writes answers to standard
output until the input ends; integers are little-endian u32, byte strings carry their length first.

    job      kind (S source, P pyc body, F frozen name, O outline), optimisation level,
             line shift, data
    answer   0, codes: children before parents; each: number of children, their indexes,
             first line, line table, logic (instep.model.encoding)
             0, outline (an encoded value), for O
             1, line, message: the source does not compile
             2, 0, message: anything else
"""

import ast
import marshal
import struct
import sys
from hashlib import blake2b

RUNTIME_FLAGS = 0x100 | 0x2000000
U32 = struct.Struct("<I")


def size_of(data):
    return U32.pack(len(data))


def encode(value):
    kind = type(value)
    if value is None:
        return b"N"
    if kind is bool:
        return b"T" if value else b"F"
    if value is Ellipsis:
        return b"E"
    if kind is int:
        return b"i%x;" % value if value >= 0 else b"i-%x;" % -value
    if kind is float:
        return b"f" + struct.pack("<d", value)
    if kind is complex:
        return b"c" + struct.pack("<2d", value.real, value.imag)
    if kind is str:
        data = value.encode("utf-8", "surrogatepass")
        return b"s" + size_of(data) + data
    if kind is bytes:
        return b"b" + size_of(value) + value
    if kind is tuple:
        return b"(" + size_of(value) + b"".join(map(encode, value))
    if kind is frozenset:
        return b"<" + size_of(value) + b"".join(sorted(map(encode, value)))
    if kind is slice:
        return b":" + b"".join(map(encode, (value.start, value.stop, value.step)))
    return b"C" + logic_digest(value)


digests = {}


def logic_digest(code):
    key = id(code)
    if key not in digests:
        digests[key] = blake2b(logic(code), digest_size=16).digest()
    return digests[key]


def logic(code):
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


def write_codes(top):
    digests.clear()
    codes = []
    out = []

    def visit(code):
        children = [visit(item) for item in code.co_consts if type(item) is type(code)]
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


def compile_source(data, level, shift):
    if shift:
        tree = ast.parse(data, "<source>")
        for node in ast.walk(tree):
            for field in ("lineno", "end_lineno"):
                if getattr(node, field, None) is not None:
                    setattr(node, field, max(1, getattr(node, field) + shift))
        return compile(tree, "<source>", "exec", dont_inherit=True, optimize=level)
    return compile(data, "<source>", "exec", dont_inherit=True, optimize=level)


def folded(node):
    """The constant that the compiler makes of an expression, or raise ValueError."""
    plain = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.expr_context)
    if not all(isinstance(part, (plain, ast.unaryop, ast.operator)) for part in ast.walk(node)):
        raise ValueError
    code = compile(ast.Expression(node), "<expression>", "eval", optimize=0)
    if len(code.co_code) > 6 or not isinstance(node, (ast.Constant, ast.Tuple)) and code.co_names:
        raise ValueError
    return eval(code)


class Outline:
    """What the text of a module states, for comparison with live objects."""

    def __init__(self, tree):
        self.definitions = []
        self.classes = []
        self.constants = []
        self.defaults = []
        self.rebound = sorted(
            {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
        )
        self.block(tree.body, "", False)

    def block(self, body, prefix, conditional):
        bound = bindings(body)
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.function(node, prefix, conditional, bound)
            elif isinstance(node, ast.ClassDef):
                self.class_(node, prefix, conditional, bound)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                self.assign(node, prefix, conditional, bound)
            else:
                for field in ("body", "orelse", "finalbody"):
                    self.block(getattr(node, field, None) or [], prefix, True)
                for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
                    self.block(part.body, prefix, True)

    def function(self, node, prefix, conditional, bound):
        unique = not conditional and bound.get(node.name) == 1
        qualname = prefix + node.name
        decorated = bool(node.decorator_list)
        self.definitions.append((qualname, "function", node.lineno, unique, decorated))
        positional = tuple(self.literal(item) for item in node.args.defaults)
        keyword = tuple(
            (argument.arg, self.literal(item))
            for argument, item in zip(node.args.kwonlyargs, node.args.kw_defaults)
            if item is not None
        )
        self.defaults.append((qualname, node.lineno, positional, keyword))

    def class_(self, node, prefix, conditional, bound):
        unique = not conditional and bound.get(node.name) == 1
        qualname = prefix + node.name
        decorated = bool(node.decorator_list)
        self.definitions.append((qualname, "class", node.lineno, unique, decorated))
        if unique and not decorated:
            bases = tuple(map(dotted, node.bases))
            self.classes.append((qualname, node.lineno, bases, bool(node.keywords)))
        self.block(node.body, qualname + ".", conditional or not unique)

    def assign(self, node, prefix, conditional, bound):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if not isinstance(target, ast.Name) or node.value is None:
                continue
            if conditional or bound.get(target.id) != 1:
                continue
            value = self.literal(node.value)
            if value is not None:
                self.constants.append((prefix[:-1], target.id, node.lineno, value))

    def literal(self, node):
        try:
            return encode(folded(node))
        except Exception:
            return None

    def encoded(self):
        parts = (self.definitions, self.classes, self.constants, self.defaults, self.rebound)
        return encode(tuple(map(tuple, parts)))


def dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def bindings(body):
    """How often each name is bound or deleted in a block, nested statements included."""
    counts = {}

    def count(name):
        counts[name] = counts.get(name, 0) + 1

    def visit(node):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            count(node.name)
            return
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            count(node.id)
        if isinstance(node, ast.alias):
            count((node.asname or node.name).split(".")[0])
        if isinstance(node, ast.ExceptHandler) and node.name:
            count(node.name)
        if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            count(node.name)
        if isinstance(node, ast.AugAssign):
            count("")
        if not isinstance(node, ast.Lambda):
            for child in ast.iter_child_nodes(node):
                visit(child)

    for node in body:
        visit(node)
    return counts


def frozen(name):
    import _imp

    return _imp.get_frozen_object(name)


def answer(kind, level, shift, data):
    try:
        if kind == b"O":
            outline = Outline(ast.parse(data, "<source>")).encoded()
            return U32.pack(0) + size_of(outline) + outline
        if kind == b"S":
            return write_codes(compile_source(data, level, shift))
        if kind == b"P":
            return write_codes(marshal.loads(data))
        return write_codes(frozen(data.decode()))
    except SyntaxError as error:
        return problem(1, error.lineno or 0, str(error.msg))
    except ValueError as error:
        return problem(1, 0, str(error))
    except BaseException as error:
        return problem(2, 0, type(error).__name__ + ": " + str(error))


def problem(code, line, message):
    data = message.encode("utf-8", "replace")[:1000]
    return U32.pack(code) + U32.pack(line) + size_of(data) + data


def main():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.setrecursionlimit(5000)
    sink.write(b"instep1\n")
    sink.flush()
    while True:
        head = source.read(13)
        if len(head) < 13:
            return
        kind, level, shift, size = struct.unpack("<cIiI", head)
        sink.write(answer(kind, level, shift, source.read(size)))
        sink.flush()


if __name__ == "__main__":
    main()
