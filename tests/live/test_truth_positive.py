"""A process that uses large libraries runs the code that is on disk, and is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live.check_report import check

if TYPE_CHECKING:
    from live.check_report import Cli
    from live.found_interpreters import Interpreter
    from live.targets import TargetFactory

pytestmark = [pytest.mark.live, pytest.mark.slow]

FEWEST_FUNCTIONS = 30_000


@pytest.mark.truth
def test_every_function_of_large_libraries_is_fresh(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """Of a process that uses six large libraries every function with a source file is fresh."""
    if interpreter.packages is None:
        pytest.skip("no libraries: run `make interpreters`")
    # Without site: what is installed on this machine besides is no part of the test.
    running = target("library_user.py", argv=[*interpreter.argv, "-S"], packages=True)
    report = check(instep_cli, running, "--all-code")
    assert report.not_fresh == {}
    assert report.bad == {}
    assert set(report.counts) == {"fresh"}
    assert report.counts["fresh"] > FEWEST_FUNCTIONS
    assert (report.verdict, report.exit_code) == ("fresh", 0)
