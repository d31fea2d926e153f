"""What all tests share: interpreters, targets, runs of the command line, settings of hypothesis."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import hypothesis
import pytest

from live.found_interpreters import (
    DESCRIPTION,
    Interpreter,
    found_interpreters,
    running_interpreter,
)
from live.targets import TargetFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CLI_DEADLINE_SECONDS = 120
TARGETS = pytest.StashKey[TargetFactory]()

# The same examples on every run, and no limit of time for one: machines differ.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person run the live tests under some interpreters only."""
    parser.addoption(
        "--interpreters",
        default="",
        metavar="VERSIONS",
        help="only these, as in 3.11,3.14.10; all of `make interpreters` by default",
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say which interpreters the live tests run under, and where they came from."""
    versions = ", ".join(interpreter.version for interpreter in _chosen(config))
    origin = "" if DESCRIPTION.exists() else " (the running one; `make interpreters` gets others)"
    return f"interpreters: {versions}{origin}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that takes `interpreter` under every interpreter found."""
    if "interpreter" in metafunc.fixturenames:
        chosen = _chosen(metafunc.config)
        versions = [interpreter.version for interpreter in chosen]
        metafunc.parametrize("interpreter", chosen, ids=versions)


def _chosen(config: pytest.Config) -> list[Interpreter]:
    wanted = [version for version in config.getoption("--interpreters").split(",") if version]
    return [
        interpreter
        for interpreter in found_interpreters()
        if not wanted or interpreter.minor in wanted or interpreter.version in wanted
    ]


@pytest.fixture(scope="session")
def interpreters() -> list[Interpreter]:
    """Every interpreter found, oldest first."""
    return found_interpreters()


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetFactory]:
    """Start programs for this test to read; they run under `interpreter` if the test takes it."""
    folder = tmp_path / "targets"
    folder.mkdir()
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    factory = TargetFactory(folder, parameters.get("interpreter") or running_interpreter())
    request.node.stash[TARGETS] = factory
    try:
        yield factory
    finally:
        factory.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Show what targets wrote to standard error when their test fails."""
    report = yield
    factory = item.stash.get(TARGETS, None)
    if factory is not None and call.when == "call" and report.failed:
        for each in factory.started:
            title = f"standard error of {each.program.name} (pid {each.pid})"
            report.sections.append((title, each.stderr))
    return report


@pytest.fixture
def instep_cli(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m instep` as a person would, with a cache folder of the test's own."""

    def run(
        *arguments: str | int, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "instep", *map(str, arguments)],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CLI_DEADLINE_SECONDS,
            check=False,
        )

    return run
