"""Single edits of a source, chosen at random by kind."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from truth.expressions import EXPRESSIONS
from truth.layout import layout
from truth.sites import Site, Source
from truth.statements import STATEMENTS, block, docstring

if TYPE_CHECKING:
    from random import Random

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Edit(NamedTuple):
    """A source after one edit: what was done, at which byte, and the whole new text."""

    kind: str
    at: int
    data: bytes


class Editor:
    """Makes single edits of one source. Raises ``SyntaxError`` for what our parser doesn't know."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sites = find_sites(Source(data))

    def edit(self, random: Random) -> Edit | None:
        """One edit, each kind as likely as any other; none for a source without any place."""
        if not self._sites:
            return None
        kind = random.choice(sorted(self._sites))
        site = random.choice(self._sites[kind])
        data = self._data[: site.start] + site.new + self._data[site.end :]
        return Edit(kind, site.start, data)


def find_sites(source: Source) -> dict[str, list[Site]]:
    """All places for edits by kind."""
    found: dict[str, list[Site]] = defaultdict(list)
    sites = list(layout(source))
    for node in ast.walk(source.tree):
        for table in (EXPRESSIONS, STATEMENTS):
            if type(node) in table and hasattr(node, "end_lineno"):
                sites += table[type(node)](source, node)
        if isinstance(node, DOCUMENTED):
            sites += docstring(source, node)
    for body in source.blocks():
        sites += block(source, body)
    for site in sites:
        if source.data[site.start : site.end] != site.new:
            found[site.kind].append(site)
    return dict(found)
