"""Edits of statements and definitions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from truth.sites import Site, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete)


def condition(source: Source, node: ast.If | ast.While) -> Iterator[Site]:
    """The condition negated, or settled."""
    start, end = source.span(node.test)
    yield Site("condition", start, end, b"not (%s)" % source.data[start:end])
    yield Site("condition", start, end, b"True" if isinstance(node, ast.If) else b"False")


def returned(source: Source, node: ast.Return) -> Iterator[Site]:
    """Another value."""
    if node.value is not None:
        start, end = source.span(node.value)
        yield Site("return value", start, end, b"None")
        yield Site("return value", start, end, b"(%s, 1)" % source.data[start:end])


def raised(source: Source, node: ast.Raise) -> Iterator[Site]:
    """Another exception; another cause."""
    if isinstance(node.exc, ast.Call):
        start, end = source.span(node.exc.func)
        yield Site("exception type", start, end, b"RuntimeError")
        if node.cause is None:
            end = source.span(node.exc)[1]
            yield Site("exception cause", end, end, b" from None")


def tried(source: Source, node: ast.Try) -> Iterator[Site]:
    """Another exception is caught."""
    for handler in node.handlers:
        if handler.type is not None:
            start, end = source.span(handler.type)
            yield Site("exception caught", start, end, b"(%s, KeyError)" % source.data[start:end])


def loop(source: Source, node: ast.For | ast.AsyncFor) -> Iterator[Site]:
    """Another source of items."""
    start, end = source.span(node.iter)
    yield Site("loop", start, end, b"list(%s)" % source.data[start:end])


def with_(source: Source, node: ast.With | ast.AsyncWith) -> Iterator[Site]:
    """Another context; async or not."""
    start, end = source.span(node.items[0].context_expr)
    yield Site("with", start, end, b"(%s or None)" % source.data[start:end])
    if isinstance(node, ast.AsyncWith):
        start = source.span(node)[0]
        yield Site("async", start, start + len(b"async "), b"")


def augmented(source: Source, node: ast.AugAssign) -> Iterator[Site]:
    """Another operator."""
    start, end = source.span(node.target)[1], source.span(node.value)[0]
    gap = source.data[start:end]
    if b"+=" in gap:
        at = start + gap.index(b"+=")
        yield Site("operator", at, at + 2, b"-=")


def imported(source: Source, node: ast.Import | ast.ImportFrom) -> Iterator[Site]:
    """Another module, another name for it, one name less."""
    first = node.names[0]
    if first.name == "*":
        return
    start, end = source.span(first)
    yield Site("import", start, end, b"%s as x_x" % first.name.encode())
    yield Site("import", start, start + len(first.name), first.name.encode() + b"_x")
    if len(node.names) > 1:
        yield Site("import", start, source.span(node.names[1])[0], b"")
    if isinstance(node, ast.ImportFrom) and node.module:
        start = source.span(node)[0]
        at = source.data.index(node.module.encode(), start)
        yield Site("import", at + len(node.module), at + len(node.module), b"_x")


def matched(source: Source, node: ast.Match) -> Iterator[Site]:
    """Another pattern, another guard."""
    for case in node.cases:
        start, end = source.span(case.pattern)
        if case.guard is None:
            yield Site("match", end, end, b" if __name__")
        yield Site("match", start, end, b"0")


def assigned(source: Source, node: ast.Assign) -> Iterator[Site]:
    """Another value."""
    start, end = source.span(node.value)
    yield Site("assigned value", start, end, b"None")
    start, _ = source.span(node)
    yield Site("assigned name", start, start, b"x_x = ")


def annotated(source: Source, node: ast.AnnAssign) -> Iterator[Site]:
    """Another annotation."""
    start, end = source.span(node.annotation)
    yield Site("annotation", start, end, b"(%s) or 1" % source.data[start:end])


def scoped(source: Source, node: ast.Global | ast.Nonlocal) -> Iterator[Site]:
    """No longer."""
    start, end = source.span(node)
    yield Site("global", start, end, b"pass")


def decorators(source: Source, node: ast.stmt) -> Iterator[Site]:
    """Removed, replaced, given another argument, or added."""
    for each in node.decorator_list:
        start, end = source.span(each)
        yield Site("decorator", start, end, b"(lambda x: x)")
        if isinstance(each, ast.Call) and source.data[end - 1 : end] == b")":
            yield Site("decorator", end - 1, end - 1, b"*()")
        first = source.line_start(each.lineno)
        if each.lineno == each.end_lineno:
            yield Site("decorator", first, source.line_start(each.lineno + 1), b"")
    if not node.decorator_list:
        start = source.line_start(node.lineno)
        new = source.indent(node) + b"@staticmethod\n"
        yield Site("decorator", start, start, new)


def arguments(source: Source, node: ast.FunctionDef) -> Iterator[Site]:
    """Defaults, annotations and names of arguments."""
    stated = node.args
    for default in [*stated.defaults, *filter(None, stated.kw_defaults)]:
        start, end = source.span(default)
        yield Site("default", start, end, b"(%s, 1)" % source.data[start:end])
        yield Site("default", start, end, b"'other'")
    for argument in [*stated.posonlyargs, *stated.args, *stated.kwonlyargs]:
        start, end = source.span(argument)
        if argument.annotation is not None:
            start, end = source.span(argument.annotation)
            yield Site("annotation", start, end, b"(%s) or 1" % source.data[start:end])
        else:
            yield Site("argument renamed", end, end, b"_x")
            yield Site("annotation", end, end, b": 'int'")
    if len(stated.args) > 1 and not stated.defaults and not stated.posonlyargs:
        last = source.span(stated.args[-1])
        yield Site("keyword only", last[0], last[0], b"*, ")
        yield Site("argument default added", last[1], last[1], b"=None")


def function(source: Source, node: ast.FunctionDef) -> Iterator[Site]:
    """Decorators, arguments, name, body; removed, or with a twin before it."""
    yield from decorators(source, node)
    yield from arguments(source, node)
    yield from definition(source, node)
    lines = source.own_lines(node)
    first = node.body[0]
    if lines is None or first.lineno == node.lineno:
        return
    start = source.line_start(first.lineno)
    indent = source.indent(first)
    if not isinstance(first, ast.Expr):
        yield Site("docstring", start, start, indent + b'"""New."""\n')
    head = source.indent(node)
    text = source.data[slice(*lines)]
    if b'"""' not in text and b"'''" not in text and b"\\\n" not in text:
        deeper = b"".join(b"    " + line for line in text.splitlines(keepends=True))
        yield Site("twin", lines[0], lines[0], head + b"if not __name__:\n" + deeper)
    if isinstance(node, ast.FunctionDef):
        yield Site("async", source.span(node)[0], source.span(node)[0], b"async ")


def class_(source: Source, node: ast.ClassDef) -> Iterator[Site]:
    """Decorators, bases, attributes, methods; removed."""
    yield from decorators(source, node)
    yield from definition(source, node)
    if node.bases:
        start, end = source.span(node.bases[0])
        yield Site("class bases", start, start, b"object and ")
        yield Site("class bases", start, end, b"%s_x" % source.data[start:end])
    first = node.body[0]
    if first.lineno != node.lineno and not getattr(first, "decorator_list", []):
        start = source.line_start(first.lineno)
        indent = source.indent(first)
        yield Site("class attribute", start, start, indent + b"x_x = 1\n")
        yield Site("method added", start, start, indent + b"def x_x(self): return 1\n")


def definition(source: Source, node: ast.FunctionDef | ast.ClassDef) -> Iterator[Site]:
    """Renamed or removed."""
    start = source.span(node)[0]
    at = source.data.index(node.name.encode(), start + 3)
    yield Site("renamed", at, at, b"x_")
    lines = source.own_lines(node)
    if lines is not None:
        yield Site("definition removed", *lines, source.indent(node) + b"pass\n")


def block(source: Source, body: list[ast.stmt]) -> Iterator[Site]:
    """Statements deleted, duplicated, or swapped with the next one."""
    for place, node in enumerate(body):
        lines = source.own_lines(node)
        if lines is None:
            continue
        text = source.data[slice(*lines)]
        if isinstance(node, SIMPLE):
            yield Site("statement deleted", *lines, source.indent(node) + b"pass\n")
            yield Site("statement duplicated", lines[1], lines[1], text)
        following = source.own_lines(body[place + 1]) if place + 1 < len(body) else None
        if following is not None and following[0] >= lines[1]:
            between = source.data[lines[1] : following[0]]
            new = source.data[slice(*following)] + between + text
            kind = "definitions" if isinstance(node, DEFINITIONS) else "statements"
            yield Site(f"{kind} swapped", lines[0], following[1], new)


def docstring(source: Source, node: ast.AST) -> Iterator[Site]:
    """Another docstring."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        end = source.span(first)[1]
        text = source.text(first)
        if isinstance(first.value.value, str):
            quotes = 3 if text.endswith((b'"""', b"'''")) else 1
            yield Site("docstring", end - quotes, end - quotes, b"x")


STATEMENTS: dict[type, Callable[[Source, ast.AST], Iterator[Site]]] = {
    ast.If: condition,
    ast.While: condition,
    ast.Return: returned,
    ast.Raise: raised,
    ast.Try: tried,
    ast.For: loop,
    ast.AsyncFor: loop,
    ast.With: with_,
    ast.AsyncWith: with_,
    ast.AugAssign: augmented,
    ast.Import: imported,
    ast.ImportFrom: imported,
    ast.Match: matched,
    ast.Assign: assigned,
    ast.AnnAssign: annotated,
    ast.Global: scoped,
    ast.Nonlocal: scoped,
    ast.FunctionDef: function,
    ast.AsyncFunctionDef: function,
    ast.ClassDef: class_,
}
