"""The replay of the incident: as text while it happens, and as JSON (``instep.demo/1``)."""

from __future__ import annotations

import json
import platform
import shlex
import signal
from typing import TYPE_CHECKING, assert_never

from instep.app.demo import CacheRemoved, Checked, Debugged, Edited, Ended, Migrated, Started
from instep.render.check_json import process
from instep.render.check_text import render_check
from instep.render.words import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from instep.app.demo import Fact, Step
    from instep.model.verdicts import Verdict

# instep.demo/1: first form; reports are processes of instep.check/1.
SCHEMA = "instep.demo/1"
INDENT = " " * 10


def title() -> str:
    """What is going to be shown."""
    version = platform.python_version()
    return (
        f"An incident, replayed with real processes on CPython {version}.\n"
        "Each line is measured as it happens. The seconds are since the start.\n\n"
    )


class DemoText:
    """Puts steps into words. It remembers the last outcome, to say that nothing has changed."""

    def __init__(self, exit_codes: Mapping[Verdict, int], *, colour: bool) -> None:
        self._exit_codes = exit_codes
        self._colour = colour
        self._last_error = ""
        self._removed = False

    def render(self, step: Step) -> str:
        """One step, with its time, and whether it is what the story says."""
        lines = list(self._lines(step.fact, step.folder))
        if not step.as_told:
            lines.append(f"NOT AS TOLD. The story says: {step.expected}.")
        first, *others = lines
        text = [f"{step.seconds:6.2f} s  {first}", *(f"{INDENT}{line}" for line in others)]
        return "\n".join(line.rstrip() for line in text) + "\n"

    def _lines(self, fact: Fact, folder: str) -> Iterator[str]:
        match fact:
            case Started():
                yield f"started pid {fact.pid}: {_shown(fact.command)}"
                yield from _started(fact)
            case Migrated():
                yield from self._migrated(fact)
            case Edited():
                yield f"wrote the fix into {fact.file}"
                yield from fact.lines
            case CacheRemoved():
                self._removed = True
                yield f"removed __pycache__: {', '.join(fact.files)}"
            case Debugged():
                yield from _debugged(fact)
            case Checked():
                code = self._exit_codes[fact.report.verdict]
                yield f"$ instep check {fact.report.pid}"
                yield from render_check(
                    fact.report, folder, colour=self._colour, everything=False
                ).splitlines()
                yield f"exit code {code}"
            case Ended():
                yield f"ended pid {fact.pid}: {_status(fact.status)}"
            case _:
                assert_never(fact)

    def _migrated(self, fact: Migrated) -> Iterator[str]:
        migrated, value, error = fact.outcome
        if not error:
            yield f"told pid {fact.pid} to migrate: {many(migrated, 'comment')} migrated"
            yield f"the last time sent was {value!r}"
            return
        again = "FAILED as before" if error == self._last_error else "FAILED"
        yield f"told pid {fact.pid} to migrate: {again}, it sent {value!r}"
        if error != self._last_error:
            yield error
        if self._removed:
            back = "is back" if fact.bytecode else "did not come back"
            yield f"__pycache__ {back}"
        self._last_error = error


def _started(fact: Started) -> Iterator[str]:
    if fact.problem:
        yield fact.problem
    yield f"bytecode on disk: {', '.join(fact.bytecode) or 'none'}"


def _debugged(fact: Debugged) -> Iterator[str]:
    if fact.outcome.error:
        yield f"ran {_shown(fact.command)}: FAILED, it sent {fact.outcome.value!r}"
        yield fact.outcome.error
    else:
        yield f"ran {_shown(fact.command)}: passed, it sent {fact.outcome.value!r}"
    if fact.bytecode:
        yield f"its import wrote {', '.join(fact.bytecode)}"


def _status(status: int) -> str:
    return f"exit code {status}" if status >= 0 else signal.Signals(-status).name


def _shown(command: Sequence[str]) -> str:
    return shlex.join(command)


def render_end(steps: Sequence[Step], *, as_told: bool) -> str:
    """The last line: whether the replay went as told."""
    seconds = steps[-1].seconds if steps else 0.0
    if as_told:
        return f"\nAs told, in {seconds:.2f} seconds.\n"
    return f"\nThe replay did not go as told. It was stopped after {seconds:.2f} seconds.\n"


def render_json(steps: Iterable[Step], exit_codes: Mapping[Verdict, int], *, as_told: bool) -> str:
    """One JSON object on the whole replay."""
    content = {
        "schema": SCHEMA,
        "as_told": as_told,
        "python": platform.python_version(),
        "steps": [_step(step, exit_codes) for step in steps],
    }
    return json.dumps(content, indent=2) + "\n"


def _step(step: Step, exit_codes: Mapping[Verdict, int]) -> dict[str, object]:
    fact = step.fact
    content: dict[str, object] = {
        "step": type(fact).__name__.lower(),
        "seconds": round(step.seconds, 6),
        "expected": step.expected,
        "as_told": step.as_told,
    }
    if isinstance(fact, Checked):
        code = exit_codes[fact.report.verdict]
        return content | {"exit_code": code, "process": process(fact.report)}
    facts = fact._asdict()
    if isinstance(fact, Migrated | Debugged):
        facts["outcome"] = fact.outcome._asdict()
    return content | facts
