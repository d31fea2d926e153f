"""Whatever a process is doing: before an edit all is fresh, after it exactly what was edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live.check_report import check
from live.shop_edits import edit_price, expect_fresh, expect_only_price_stale, prove_edit

if TYPE_CHECKING:
    from pathlib import Path

    from live.check_report import Cli
    from live.found_interpreters import Interpreter
    from live.targets import Target, TargetFactory

pytestmark = pytest.mark.live

STATES = [
    "sleep",
    "busy",
    "holding",
    "threads",
    "tracing",
    "profiling",
    "recursion",
    "class_body",
]
HIDDEN = {
    "make_closure.<locals>.in_closure",
    "partial_of",
    "Attribute.method",
    "Getter.value",
    "Static.run",
    "generate",
    "suspended",
    "decorated",
    "cached",
    "registered",
    "on_death",
    "<lambda>",
}


def file_of(running: Target, name: str = "shop.py") -> Path:
    """The copy of a program's module that this target has loaded."""
    return running.program.parent / name


@pytest.mark.parametrize("state", STATES)
@pytest.mark.usefixtures("interpreter")
def test_state(state: str, target: TargetFactory, instep_cli: Cli) -> None:
    """What its threads do, trace and call has no influence on the verdict."""
    running = target("odd_state.py", state)
    prove_edit(instep_cli, running, file_of(running))


def test_monitoring(interpreter: Interpreter, target: TargetFactory, instep_cli: Cli) -> None:
    """Code that sys.monitoring has instrumented for all events at once is read as it was."""
    if interpreter.minor == "3.11":
        pytest.skip("sys.monitoring came with 3.12")
    running = target("odd_state.py", "monitoring")
    prove_edit(instep_cli, running, file_of(running))


def test_jit(interpreter: Interpreter, target: TargetFactory, instep_cli: Cli) -> None:
    """Code whose loops the JIT has taken over is read as it was."""
    if interpreter.minor not in ("3.14", "3.15") or interpreter.kind != "unpacked":
        pytest.skip("no build with the JIT")
    running = target("odd_state.py", "jit", env={"PYTHON_JIT": "1"})
    prove_edit(instep_cli, running, file_of(running))


@pytest.mark.usefixtures("interpreter")
def test_subinterpreters(target: TargetFactory, instep_cli: Cli) -> None:
    """Functions that only subinterpreters have loaded are found and judged too."""
    running = target("odd_state.py", "subinterpreters")
    file = file_of(running, "annex.py")
    expect_fresh(check(instep_cli, running, "--all-code"))
    prove_edit(instep_cli, running, file)
    assert check(instep_cli, running).counts["stale"] == 2


@pytest.mark.usefixtures("interpreter")
def test_forked_child(target: TargetFactory, instep_cli: Cli) -> None:
    """A child runs its parent's code: stale even if it was forked after the edit."""
    running = target("odd_state.py", "forks")
    file = file_of(running)
    place = running.stderr_file.parent / "child"
    running.tell("fork")
    running.wait_for()
    older = int(place.read_text())
    expect_fresh(check(instep_cli, older))
    edit_price(file)
    place.unlink()
    running.tell("fork")
    running.wait_for()
    younger = int(place.read_text())
    for pid in (older, younger, running.pid):
        expect_only_price_stale(check(instep_cli, pid, "-v"), file)


@pytest.mark.usefixtures("interpreter")
def test_hidden_functions(target: TargetFactory, instep_cli: Cli) -> None:
    """Functions that no module holds any more are found wherever they are held."""
    running = target("hiding.py")
    file = file_of(running, "hidden.py")
    expect_fresh(check(instep_cli, running))
    file.write_text(file.read_text().replace("111", "222"))
    report = check(instep_cli, running)
    assert report.bad == dict.fromkeys(HIDDEN, "stale")
    assert (report.verdict, report.exit_code) == ("stale", 1)
