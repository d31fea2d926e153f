"""``instep demo``."""

from __future__ import annotations

import sys
from contextlib import closing

from instep.app.demo import replay
from instep.cli.check import EXIT_CODES
from instep.cli.options import parser
from instep.render.colour import wants_colour
from instep.render.demo import DemoText, render_end, render_json, title

EXAMPLES = """\
  instep demo
  instep demo --json
"""
NOT_AS_TOLD = 4


def run(arguments: list[str]) -> int:
    """Replay the incident; 0 if it went as told, 4 if it did not."""
    made = parser("demo", "The incident, replayed with real processes.", EXAMPLES)
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return _write_json() if made.parse_args(arguments).json else _write_text()


def _write_json() -> int:
    with closing(replay()) as steps:
        taken = list(steps)
    as_told = all(step.as_told for step in taken)
    sys.stdout.write(render_json(taken, EXIT_CODES, as_told=as_told))
    return 0 if as_told else NOT_AS_TOLD


def _write_text() -> int:
    words = DemoText(EXIT_CODES, colour=wants_colour(sys.stdout))
    sys.stdout.write(title())
    taken = []
    with closing(replay()) as steps:
        for step in steps:
            taken.append(step)
            sys.stdout.write(words.render(step))
            sys.stdout.flush()
    as_told = all(step.as_told for step in taken)
    sys.stdout.write(render_end(taken, as_told=as_told))
    return 0 if as_told else NOT_AS_TOLD
