"""The output for people and machines, held by golden files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from instep.model.verdicts import (
    LOADED_BEFORE_EDIT,
    SOURCE_GONE,
    DefinitionVerdict,
    Kind,
    ModuleVerdict,
    Report,
    StaleFrame,
    Verdict,
)
from instep.render import check_json, check_text, ps

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent.parent / "golden"
STARTED = 1793440440.12  # a day that is not today, so that the date is shown
NONE = dict.fromkeys(Verdict, 0)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Golden files hold times of day: those of UTC."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def module(**fields: object) -> ModuleVerdict:
    """A module verdict with everything fresh but what is given."""
    made = ModuleVerdict(
        "app.views", "/srv/app/views.py", Verdict.FRESH, "", (), (), (), (),
        {**NONE, Verdict.FRESH: 12}, STARTED + 60,
    )  # fmt: skip
    return made._replace(**fields)


def report(verdict: Verdict, *modules: ModuleVerdict, **fields: object) -> Report:
    """A report on a process that serves an application."""
    made = Report(
        4242, STARTED, "3.13.0", ("python", "serve.py", "--port", "8000"), "/srv",
        verdict, "", modules, (), (), 0.0612345,
    )  # fmt: skip
    return made._replace(**fields)


STALE_FUNCTION = DefinitionVerdict(
    "migrate_comment", Kind.FUNCTION, 596, Verdict.STALE, "",
    "constants: '%Y-%m-%d %H:%M:%S' -> '%Y-%m-%dT%H:%M:%SZ'",
)  # fmt: skip
STALE_CONSTANT = DefinitionVerdict(
    "LIMIT", Kind.CONSTANT, 3, Verdict.STALE, "edited, or changed at run time", "value: 3 -> 4"
)
STALE_MODULE = module(
    verdict=Verdict.STALE,
    causes=(LOADED_BEFORE_EDIT,),
    definitions=(STALE_FUNCTION, STALE_CONSTANT),
    added=("helper",),
    counts={**NONE, Verdict.FRESH: 10, Verdict.MOVED: 1, Verdict.STALE: 1},
)
GONE_MODULE = module(
    name="app.old",
    file="/srv/app/old.py",
    verdict=Verdict.ORPHANED,
    reason="the source file is gone",
    causes=(SOURCE_GONE,),
    definitions=(
        DefinitionVerdict("run", Kind.FUNCTION, 7, Verdict.ORPHANED, "the source file is gone"),
    ),
    removed=("run",),
    counts={**NONE, Verdict.ORPHANED: 1},
    edited=None,
)
UNPROVEN_MODULE = module(verdict=Verdict.UNPROVEN, reason="module body discarded after import")
REPORTS = {
    "fresh": report(Verdict.FRESH, module()),
    "stale": report(
        Verdict.STALE,
        STALE_MODULE,
        GONE_MODULE,
        stale_frames=(StaleFrame(4242, "migrate_comment", 601, "/srv/app/views.py"),),
        issues=("the threads could not be read: torn",),
    ),
    "unproven": report(Verdict.UNPROVEN, UNPROVEN_MODULE, reason=UNPROVEN_MODULE.reason),
    "empty": report(Verdict.UNPROVEN, reason="no code of its own is loaded"),
    "hostile": report(
        Verdict.STALE,
        module(
            name="a\x1b[31mb",
            file="/srv/\x1b]0;owned\x07.py",
            verdict=Verdict.STALE,
            definitions=(STALE_FUNCTION._replace(qualname="f\ng", difference="a\x1b[2Jb"),),
        ),
        command=("python", "\x1b[2J\udc80"),
    ),
}


def matches(name: str, text: str) -> None:
    """Compare with a golden file; ``INSTEP_GOLDEN=write`` writes it instead."""
    path = GOLDEN / name
    if os.environ.get("INSTEP_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_text(name: str) -> None:
    """The answer for people is the one in the golden file."""
    text = check_text.render_check(REPORTS[name], "/srv", colour=False, everything=False)
    matches(f"check-{name}.txt", text)


@pytest.mark.parametrize("name", REPORTS)
def test_json(name: str) -> None:
    """The answer for machines is the one in the golden file, and it is JSON."""
    text = check_json.render_check([REPORTS[name]], REPORTS[name].verdict)
    assert json.loads(text)["schema"] == "instep.check/1"
    matches(f"check-{name}.json", text)


@pytest.mark.parametrize("name", REPORTS)
def test_row(name: str) -> None:
    """The row of ps is the one in the golden file."""
    matches(f"ps-{name}.txt", ps.render_row(REPORTS[name], colour=False) + "\n")


@pytest.mark.parametrize("render", [check_text.render_check, check_json.render_check])
def test_nothing_of_a_target_reaches_the_terminal_raw(render: Callable[..., str]) -> None:
    """No escape sequence in a name, path, command or constant is printed as such."""
    if render is check_text.render_check:
        text = render(REPORTS["hostile"], "/srv", colour=False, everything=True)
    else:
        text = render([REPORTS["hostile"]], Verdict.STALE)
    assert [one for one in text if not one.isprintable() and one != "\n"] == []


def test_colour_is_only_around_verdicts() -> None:
    """With colour the same text comes out once the colours are taken away."""
    import re

    for one in REPORTS.values():
        plain = check_text.render_check(one, "/srv", colour=False, everything=True)
        coloured = check_text.render_check(one, "/srv", colour=True, everything=True)
        assert coloured != plain
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
