"""Edits that change how a source looks and nothing of what it says."""

from __future__ import annotations

import io
import tokenize
from typing import TYPE_CHECKING

from truth.sites import Site, Source

if TYPE_CHECKING:
    from collections.abc import Iterator


def layout(source: Source) -> Iterator[Site]:
    """Comments, blank lines and white space at the ends of lines and between them."""
    yield Site("moved down", _first_line(source), _first_line(source), b"#\n" * 3)
    yield Site("moved down", _first_line(source), _first_line(source), b"#\n" * 300)
    for token in tokenize.tokenize(io.BytesIO(source.data).readline):
        if token.type not in (tokenize.NEWLINE, tokenize.NL) or not token.string:
            continue
        line = source.line_start(token.start[0])
        following = source.line_start(token.start[0] + 1)
        if token.start[0] >= source.line_count() or following <= line:
            continue
        end = (
            following
            - len(source.data[line:following])
            + len(source.data[line:following].rstrip(b"\r\n"))
        )
        inside = token.type == tokenize.NL and source.data[line:end].strip()
        if not source.data[line:end].strip().startswith(b"#") and inside:
            yield Site("break in statement", following, following, b"\n")
        else:
            yield Site("blank line", following, following, b"\n")
            yield Site("comment", following, following, b"# A comment, (unclosed: 'x\n")
        yield Site("comment", end, end, b"  # more")
        yield Site("trailing space", end, end, b"  ")


def _first_line(source: Source) -> int:
    """Behind a line that says how the source is encoded, or which program runs it."""
    number = 1
    for line in source.data.splitlines()[:2]:
        if not line.startswith((b"#", b"\xef\xbb\xbf")):
            break
        number += 1
    return source.line_start(number)
