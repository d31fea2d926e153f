"""The rows as a table for people, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never

from row import Limit, Missing, RatioLimit, Row, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

# instep.bench/1: first form.
SCHEMA = "instep.bench/1"
HEADING = ("what", "measured", "floor or peer", "ratio", "goal", "met")


def render_table(rows: Sequence[Row | Missing]) -> str:
    """All rows, in columns; a table of Markdown too."""
    lines = [HEADING, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "".join("| " + " | ".join(map(str.ljust, cells, widths)) + " |\n" for cells in lines)


def render_json(rows: Sequence[Row | Missing], machine: str) -> str:
    """One object; values in seconds and bytes."""
    content = {"schema": SCHEMA, "machine": machine, "rows": [_object(row) for row in rows]}
    return json.dumps(content, indent=2) + "\n"


def _cells(row: Row | Missing) -> tuple[str, ...]:
    if isinstance(row, Missing):
        return (row.what, f"not measured: {row.reason}", "", "", "", "")
    peer = f"{_amount(row.peer.value, row.unit)} {row.peer.name}" if row.peer else ""
    ratio = f"{row.ratio:.1f}" if row.ratio is not None else ""
    met = {None: "", True: "yes", False: "no"}[row.met]
    return (row.what, _amount(row.value, row.unit), peer, ratio, _goal(row), met)


def _amount(value: float, unit: Unit) -> str:
    match unit:
        case Unit.SECONDS:
            return f"{value * 1000:,.0f} ms"
        case Unit.BYTES:
            return f"{value / 1e6:,.0f} MB"
        case _:
            assert_never(unit)


def _goal(row: Row) -> str:
    match row.goal:
        case None:
            return ""
        case Limit(limit):
            return f"at most {_amount(limit, row.unit)}"
        case RatioLimit(limit):
            return f"at most {limit:g} x"
        case _:
            assert_never(row.goal)


def _object(row: Row | Missing) -> dict[str, object]:
    if isinstance(row, Missing):
        return {"what": row.what, "missing": row.reason}
    return {
        "what": row.what,
        "value": row.value,
        "unit": row.unit.value,
        "peer": row.peer and {"name": row.peer.name, "value": row.peer.value},
        "ratio": row.ratio,
        "goal": _goal(row) or None,
        "met": row.met,
    }
