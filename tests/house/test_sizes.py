"""Functions and files stay small enough to be read at once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FUNCTION_LINES = 40
FILE_LINES = 400
GENERATED = "cpython/cp3*.py"


def sources() -> list[Path]:
    """Return the files that people read: all but the generated ones."""
    files = [*CHECKOUT.glob("src/**/*.py"), *CHECKOUT.glob("scripts/**/*.py")]
    return sorted(file for file in files if not file.match(GENERATED))


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_sizes(file: Path) -> None:
    """No function is longer than 40 lines, no file longer than 400, but for generated tables."""
    text = file.read_text()
    lengths = {
        f"{node.name}, line {node.lineno}": node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }
    too_long = {name: length for name, length in lengths.items() if length > FUNCTION_LINES}
    assert too_long == {}
    assert len(text.splitlines()) <= FILE_LINES
