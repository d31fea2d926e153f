"""``instep ps``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from instep.app.check import Options
from instep.app.processes import list_processes
from instep.cli.check import EXIT_CODES
from instep.cli.options import add_scope, parser
from instep.model.verdicts import worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instep.app.processes import ListedProcess
    from instep.model.verdicts import Verdict

EXAMPLES = """\
  instep ps
  instep ps --json
"""
# instep.ps/1: first form; the processes are those of instep.check/1.
SCHEMA = "instep.ps/1"


def run(arguments: list[str]) -> int:
    """List every Python process; the exit code says the worst that was found."""
    made = parser("ps", "One row for every Python process: what runs, and its verdict.", EXAMPLES)
    add_scope(made)
    options = made.parse_args(arguments)
    wanted = Options(options.all_code, tuple(options.module), options.verbose)
    listed = list_processes(wanted)
    if options.json:
        from instep.render.check_json import render_check

        reports = [one.report for one in listed]
        verdict = worst([report.verdict for report in reports])
        sys.stdout.write(render_check(reports, verdict, SCHEMA))
        return EXIT_CODES[verdict] if reports else 5
    return _write_rows(listed)


def _write_rows(listed: Iterator[ListedProcess]) -> int:
    from instep.render.colour import wants_colour
    from instep.render.ps import HEADING, render_row

    colour = wants_colour(sys.stdout)
    verdicts: list[Verdict] = []
    for one in listed:
        if not verdicts:
            sys.stdout.write(HEADING + "\n")
        verdicts.append(one.report.verdict)
        sys.stdout.write(render_row(one.report, colour=colour) + "\n")
        sys.stdout.flush()
    if not verdicts:
        sys.stderr.write("instep: no Python process but this one is running\n")
        return 5
    return EXIT_CODES[worst(verdicts)]
