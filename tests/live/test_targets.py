"""The fixtures of live tests do what the tests rely on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.targets import TargetFactory, TargetFailedError

if TYPE_CHECKING:
    from live.found_interpreters import Interpreter

pytestmark = pytest.mark.live


def test_target_runs_the_interpreter_itself(
    interpreter: Interpreter, target: TargetFactory
) -> None:
    """A ready target has the interpreter as its executable, like any other process."""
    running = target("sleeper.py", "json")
    executable = Path(f"/proc/{running.pid}/exe").readlink()
    assert executable == Path(interpreter.argv[0]).resolve()


def test_targets_are_reaped(interpreter: Interpreter, tmp_path: Path) -> None:
    """Closing the factory ends and reaps every target."""
    factory = TargetFactory(tmp_path, interpreter)
    pids = [factory("sleeper.py").pid for _ in range(2)]
    factory.close()
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_target_through_the_loader(interpreter: Interpreter, target: TargetFactory) -> None:
    """An unpacked interpreter also starts through its loader, which then is the executable."""
    if interpreter.loader_argv is None:
        pytest.skip("not unpacked")
    running = target("sleeper.py", argv=interpreter.loader_argv)
    executable = Path(f"/proc/{running.pid}/exe").readlink()
    assert executable == Path(interpreter.loader_argv[0]).resolve()


def test_packages_are_importable(interpreter: Interpreter, target: TargetFactory) -> None:
    """The libraries of `make interpreters` can be imported into a target."""
    if interpreter.packages is None:
        pytest.skip("no libraries: run `make interpreters`")
    target("sleeper.py", "numpy", "sqlalchemy", packages=True)


def test_failed_target_shows_its_error(target: TargetFactory) -> None:
    """A target that ends before it is ready fails the test with its standard error."""
    with pytest.raises(TargetFailedError, match="No module named 'no_such_module'"):
        target("sleeper.py", "no_such_module")


def test_silent_target_fails_at_the_deadline(target: TargetFactory) -> None:
    """A target that never gets ready fails the test when its time is over."""
    running = target("sleeper.py")
    with pytest.raises(TargetFailedError, match="did not get ready in time"):
        running.wait_for("another word", within_seconds=0.05)
