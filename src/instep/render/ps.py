"""The list of Python processes, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instep.model.verdicts import Verdict
from instep.render.colour import paint
from instep.render.words import clock, many, printable, shown_command

if TYPE_CHECKING:
    from instep.model.verdicts import Report

HEADING = f"{'PID':>7}  {'STARTED':<19}  {'PYTHON':<8}  {'VERDICT':<8}  COMMAND"
MAXIMUM_NAMES = 3


def render_row(report: Report, *, colour: bool) -> str:
    """One process in a line, and under it what of it is not fresh."""
    started = clock(report.started) if report.started else "-"
    verdict = paint(report.verdict, f"{report.verdict.value:<8}", colour=colour)
    row = (
        f"{report.pid:>7}  {started:<19}  {report.python or '-':<8}  {verdict}"
        f"  {shown_command(report.command)}"
    )
    detail = _detail(report)
    return f"{row}\n         {detail}" if detail else row


def _detail(report: Report) -> str:
    if report.verdict is Verdict.UNPROVEN:
        return printable(report.reason)
    bad = [
        module for module in report.modules if module.verdict not in (Verdict.FRESH, Verdict.MOVED)
    ]
    if report.verdict is Verdict.FRESH or not bad:
        return ""
    names = ", ".join(printable(module.name) for module in bad[:MAXIMUM_NAMES])
    more = f" and {len(bad) - MAXIMUM_NAMES} more" if len(bad) > MAXIMUM_NAMES else ""
    return f"{many(len(bad), 'module')} not as on disk: {names}{more}"
