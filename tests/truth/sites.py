"""Places of a source where one edit can be made, and the text that goes there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

INDENT = re.compile(rb"[ \t]*")


class Site(NamedTuple):
    """One possible edit: the bytes from ``start`` to ``end`` give way to ``new``."""

    kind: str
    start: int
    end: int
    new: bytes


class Source:
    """A source with its syntax tree, and byte offsets of the nodes of that tree."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.tree = ast.parse(data)
        self._lines = [0]
        for line in data.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def line_start(self, number: int) -> int:
        """Where the line with that number (from 1) begins."""
        return self._lines[number - 1]

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._lines) - 1

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends."""
        start = self._lines[node.lineno - 1] + node.col_offset
        return start, self._lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> bytes:
        """The text of a node."""
        start, end = self.span(node)
        return self.data[start:end]

    def own_lines(self, node: ast.stmt) -> tuple[int, int] | None:
        """The whole lines of a statement with its decorators, if nothing else stands on them."""
        first = min([node.lineno, *[each.lineno for each in getattr(node, "decorator_list", [])]])
        start, end = self._lines[first - 1], self._lines[node.end_lineno]
        head = self.data[start : self._lines[first - 1] + self._column(node, first)]
        tail = self.data[self.span(node)[1] : end].strip()
        if head.strip(b" \t@") or (tail and not tail.startswith(b"#")):
            return None
        return (start, end) if self.data[end - 1 : end] == b"\n" else None

    def _column(self, node: ast.stmt, first: int) -> int:
        if node.lineno == first:
            return node.col_offset
        return min(each.col_offset for each in node.decorator_list if each.lineno == first)

    def indent(self, node: ast.stmt) -> bytes:
        """The white space before a statement that begins its line."""
        match = INDENT.match(self.data, self._lines[node.lineno - 1])
        return match[0] if match else b""

    def blocks(self) -> Iterator[list[ast.stmt]]:
        """All lists of statements."""
        for node in ast.walk(self.tree):
            for field in ("body", "orelse", "finalbody"):
                block = getattr(node, field, None)
                if isinstance(block, list) and block:
                    yield block
