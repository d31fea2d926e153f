"""``instep check``."""

from __future__ import annotations

import sys

from instep.app.check import Options, check_process, failed_report
from instep.app.targets import processes_under, resolve_targets
from instep.cli.options import Parser, add_scope, parser
from instep.cli.streams import complain
from instep.errors import InstepError
from instep.model.verdicts import Report, Verdict, worst
from instep.render.words import here

EXIT_CODES = {
    Verdict.FRESH: 0,
    Verdict.MOVED: 0,
    Verdict.STALE: 1,
    Verdict.ORPHANED: 1,
    Verdict.UNPROVEN: 3,
}
EXAMPLES = """\
  instep check 4242
  instep check --json :8000
"""


def run(arguments: list[str]) -> int:
    """Check the targets; the exit code says the worst that was found."""
    options = _parser().parse_args(arguments)
    pids = resolve_targets(options.target) if options.target else processes_under(here())
    wanted = Options(options.all_code, tuple(options.module), options.verbose)
    reports, failures = _check_all(pids, wanted)
    verdict = worst([report.verdict for report in reports])
    if options.json:
        from instep.render.check_json import render_check as render_json

        sys.stdout.write(render_json(reports, verdict))
    else:
        _write_text(reports, everything=options.verbose)
    if failures and len(failures) == len(reports):
        return max(error.exit_code for error in failures)
    return EXIT_CODES[verdict]


def _parser() -> Parser:
    made = parser("check", "Is the code in memory the code on disk? Proven per function.", EXAMPLES)
    made.add_argument("target", nargs="*", metavar="TARGET", help="a pid, :PORT, or a path")
    add_scope(made)
    return made


def _check_all(pids: list[int], wanted: Options) -> tuple[list[Report], list[InstepError]]:
    reports: list[Report] = []
    failures: list[InstepError] = []
    for pid in pids:
        try:
            reports.append(check_process(pid, wanted))
        except InstepError as error:
            failures.append(error)
            reports.append(failed_report(pid, error))
            complain(error)
    return reports, failures


def _write_text(reports: list[Report], *, everything: bool) -> None:
    from instep.render.check_text import render_check
    from instep.render.colour import wants_colour

    colour = wants_colour(sys.stdout)
    directory = here()
    texts = [
        render_check(report, directory, colour=colour, everything=everything) for report in reports
    ]
    sys.stdout.write("\n".join(texts))
