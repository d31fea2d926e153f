"""Edits of expressions: one for each way the grammar allows a value to be another one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from truth.sites import Site, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPERATORS = {
    ast.Add: (b"+", b"-"),
    ast.Sub: (b"-", b"+"),
    ast.Mult: (b"*", b"+"),
    ast.Div: (b"/", b"//"),
    ast.FloorDiv: (b"//", b"/"),
    ast.Mod: (b"%", b"+"),
    ast.Pow: (b"**", b"*"),
    ast.LShift: (b"<<", b">>"),
    ast.RShift: (b">>", b"<<"),
    ast.BitOr: (b"|", b"&"),
    ast.BitAnd: (b"&", b"|"),
    ast.BitXor: (b"^", b"|"),
    ast.MatMult: (b"@", b"*"),
}
COMPARISONS = {
    ast.Eq: (b"==", b"!="),
    ast.NotEq: (b"!=", b"=="),
    ast.Lt: (b"<", b"<="),
    ast.LtE: (b"<=", b"<"),
    ast.Gt: (b">", b">="),
    ast.GtE: (b">=", b">"),
    ast.Is: (b"is", b"is not"),
    ast.In: (b"in", b"not in"),
}
FSTRING = re.compile(rb"""^[rR]?[fF][rR]?['"]""")


def constant(source: Source, node: ast.Constant) -> Iterator[Site]:
    """Another value, another type of the same value, another spelling."""
    start, end = source.span(node)
    text, value = source.data[start:end], node.value
    if isinstance(value, bool):
        yield Site("bool", start, end, b"False" if value else b"True")
        yield Site("type of constant", start, end, b"1" if value else b"0")
    elif value is None:
        yield Site("None", start, end, b"False")
    elif value is Ellipsis:
        yield Site("ellipsis", start, end, b"None")
    elif isinstance(value, int):
        yield Site("int", start, end, b"%d" % (value + 1) if value.bit_length() < 999 else b"0")
        yield Site("int", start, end, b"%d" % (value ^ 256) if value.bit_length() < 999 else b"1")
        yield Site("spelling", start, end, b"(%s)" % text)
        if value in (0, 1):
            yield Site("type of constant", start, end, b"True" if value else b"False")
        elif value < 1 << 50:
            yield Site("type of constant", start, end, b"%d.0" % value)
    elif isinstance(value, float):
        yield Site("float", start, end, repr(value * 2 + 1.5).encode().replace(b"inf", b"1.5"))
        yield Site("float", start, end, b"-0.0" if value == 0 else b"0.0")
    elif isinstance(value, complex):
        yield Site("complex", start, end, b"9.5j")
    elif isinstance(value, str | bytes) and not FSTRING.match(text):
        yield from string(start, end, text)


def string(start: int, end: int, text: bytes) -> Iterator[Site]:
    """A string or bytes literal; of several that stand together, the last one."""
    kind = "bytes" if text[:2].lower().strip(b"r")[:1] == b"b" else "str"
    quotes = 3 if text.endswith((b'"""', b"'''")) else 1
    yield Site(kind, end - quotes, end - quotes, b"x")
    yield Site(kind, end - quotes, end - quotes, b" ")
    if kind == "str" and b"f" not in text[:3].lower():
        yield Site("type of constant", start, end, b"None")


def fstring(source: Source, node: ast.JoinedStr) -> Iterator[Site]:
    """A constant part, a value and a conversion."""
    start, end = source.span(node)
    text = source.data[start:end]
    if not FSTRING.match(text):
        return
    yield (
        Site("f-string", end - 1, end - 1, b"x")
        if not text.endswith((b'"""', b"'''"))
        else Site("f-string", end - 3, end - 3, b"x")
    )
    for match in re.finditer(rb"(?<!\{)\{([a-z_]+)(![rsa])?[}.:\[]", text):
        yield Site("f-string", start + match.end(1), start + match.end(1), b"_x")
        at = start + match.end(1)
        if match[2] is None and text[match.end(1) : match.end(1) + 1] == b"}":
            yield Site("f-string", at, at, b"!r")


def binary(source: Source, node: ast.BinOp) -> Iterator[Site]:
    """Another operator; sides swapped."""
    yield from between(source, "operator", node.left, node.right, OPERATORS[type(node.op)])
    yield from swapped(source, "operands", node.left, node.right)


def between(
    source: Source, kind: str, left: ast.AST, right: ast.AST, words: tuple[bytes, bytes]
) -> Iterator[Site]:
    """Replace the one operator that stands between two nodes."""
    start, end = source.span(left)[1], source.span(right)[0]
    gap = source.data[start:end]
    if b"#" not in gap and gap.count(words[0]) == 1 and b"not" not in gap:
        at = start + gap.index(words[0])
        yield Site(kind, at, at + len(words[0]), words[1])


def swapped(source: Source, kind: str, first: ast.AST, second: ast.AST) -> Iterator[Site]:
    """Let two nodes change places."""
    (start, middle), (later, end) = source.span(first), source.span(second)
    data = source.data
    if data[start:middle] != data[later:end]:
        new = data[later:end] + data[middle:later] + data[start:middle]
        yield Site(kind, start, end, new)


def comparison(source: Source, node: ast.Compare) -> Iterator[Site]:
    """Another comparison."""
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        words = COMPARISONS.get(type(operator))
        if words is not None:
            yield from between(source, "comparison", left, right, words)
        left = right


def boolean(source: Source, node: ast.BoolOp) -> Iterator[Site]:
    """``and`` for ``or`` and the other way round."""
    words = (b"and", b"or") if isinstance(node.op, ast.And) else (b"or", b"and")
    if len(node.values) == 2:
        yield from between(source, "and/or", node.values[0], node.values[1], words)
        yield from swapped(source, "operands", node.values[0], node.values[1])


def unary(source: Source, node: ast.UnaryOp) -> Iterator[Site]:
    """Without the operator."""
    start, _ = source.span(node)
    yield Site("unary", start, source.span(node.operand)[0], b"")


def name(source: Source, node: ast.Name) -> Iterator[Site]:
    """Another name, and more parentheses."""
    start, end = source.span(node)
    if isinstance(node.ctx, ast.Load):
        yield Site("name", end, end, b"_x")
        yield Site("parentheses", start, end, b"(%s)" % source.data[start:end])
    elif isinstance(node.ctx, ast.Store):
        yield Site("assigned name", end, end, b"_x")


def attribute(source: Source, node: ast.Attribute) -> Iterator[Site]:
    """Another attribute."""
    end = source.span(node)[1]
    yield Site("attribute name", end, end, b"_x")


def call(source: Source, node: ast.Call) -> Iterator[Site]:
    """Arguments added, removed, reordered, renamed; line breaks between them."""
    _, end = source.span(node)
    inside = source.span(node.func)[1]
    arguments = [*node.args, *node.keywords]
    if source.data[inside : inside + 1] != b"(":
        return
    if not arguments:
        yield Site("argument added", end - 1, end - 1, b"1")
        return
    generator = isinstance(node.args[0], ast.GeneratorExp) if node.args else False
    if not generator:
        yield Site("argument added", inside + 1, inside + 1, b"None, ")
        yield Site("argument layout", inside + 1, inside + 1, b"\n    ")
    first = source.span(arguments[0])[0]
    if len(arguments) == 1:
        yield Site("argument removed", inside + 1, end - 1, b"")
    else:
        following = source.span(arguments[1])[0]
        if (
            source.data[first - 1 : first] in (b"(", b" ")
            and b"*" not in source.data[first:following]
        ):
            yield Site("argument removed", first, following, b"")
        if len(node.args) > 1:
            yield from swapped(source, "arguments swapped", node.args[0], node.args[1])
    for keyword in node.keywords:
        if keyword.arg:
            start = source.span(keyword)[0]
            yield Site("keyword renamed", start, start, b"x_")


def conditional(source: Source, node: ast.IfExp) -> Iterator[Site]:
    """The condition negated, the alternatives swapped."""
    start, end = source.span(node.test)
    yield Site("condition", start, end, b"not (%s)" % source.data[start:end])
    yield from swapped(source, "operands", node.body, node.orelse)


def lambda_(source: Source, node: ast.Lambda) -> Iterator[Site]:
    """Another body, another argument."""
    start, end = source.span(node.body)
    yield Site("lambda", start, end, b"(%s, 1)" % source.data[start:end])
    yield Site("lambda", start, end, b"None")


def comprehension(source: Source, node: ast.ListComp | ast.GeneratorExp) -> Iterator[Site]:
    """Another element, source or condition."""
    generator = node.generators[0]
    start, end = source.span(generator.iter)
    yield Site("comprehension", start, end, b"list(%s)" % source.data[start:end])
    last = generator.ifs[-1] if generator.ifs else None
    if last is not None:
        start, end = source.span(last)
        yield Site("comprehension", start, end, b"not (%s)" % source.data[start:end])
    start, end = source.span(node.elt)
    yield Site("comprehension", start, end, b"(%s, 1)" % source.data[start:end])


def subscript(source: Source, node: ast.Subscript) -> Iterator[Site]:
    """Another index."""
    start, end = source.span(node.slice)
    if not isinstance(node.slice, ast.Slice | ast.Tuple):
        yield Site("subscript", start, end, b"(%s) or 0" % source.data[start:end])
        yield Site("subscript", start, end, b"%s:" % source.data[start:end])


def awaited(source: Source, node: ast.Await) -> Iterator[Site]:
    """Not awaited."""
    start, _ = source.span(node)
    yield Site("await", start, source.span(node.value)[0], b"")


def yielded(source: Source, node: ast.Yield | ast.YieldFrom) -> Iterator[Site]:
    """Another value, or none."""
    if node.value is not None:
        start, end = source.span(node.value)
        yield Site("yield", start, end, b"(%s, 1)" % source.data[start:end])


def collection(source: Source, node: ast.List | ast.Tuple | ast.Set) -> Iterator[Site]:
    """Items swapped, an item less."""
    if len(node.elts) > 1 and isinstance(node.ctx if hasattr(node, "ctx") else None, ast.Load):
        yield from swapped(source, "items", node.elts[0], node.elts[1])
        start, end = source.span(node.elts[0])[1], source.span(node.elts[1])[1]
        if len(node.elts) > 2:
            yield Site("items", start, end, b"")


def dictionary(source: Source, node: ast.Dict) -> Iterator[Site]:
    """Values swapped."""
    if len(node.values) > 1:
        yield from swapped(source, "items", node.values[0], node.values[1])


EXPRESSIONS: dict[type, Callable[[Source, ast.AST], Iterator[Site]]] = {
    ast.Constant: constant,
    ast.JoinedStr: fstring,
    ast.BinOp: binary,
    ast.Compare: comparison,
    ast.BoolOp: boolean,
    ast.UnaryOp: unary,
    ast.Name: name,
    ast.Attribute: attribute,
    ast.Call: call,
    ast.IfExp: conditional,
    ast.Lambda: lambda_,
    ast.ListComp: comprehension,
    ast.SetComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.Subscript: subscript,
    ast.Await: awaited,
    ast.Yield: yielded,
    ast.YieldFrom: yielded,
    ast.List: collection,
    ast.Tuple: collection,
    ast.Dict: dictionary,
}
