"""However a process was started: before an edit all is fresh, after it exactly what was edited."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.check_report import check
from live.shop_edits import edit_price, expect_fresh, expect_only_price_stale, prove_edit

if TYPE_CHECKING:
    from live.check_report import Cli
    from live.found_interpreters import Interpreter
    from live.targets import TargetFactory

pytestmark = pytest.mark.live

OPTIONS = [
    ("-O",),
    ("-OO",),
    ("-X", "no_debug_ranges"),
    ("-X", "frozen_modules=off"),
    ("-X", "dev"),
]
ENVIRONMENTS = [
    {"PYTHONMALLOC": "malloc"},
    {"PYTHONNODEBUGRANGES": "1"},
    {"PYTHONOPTIMIZE": "2"},
    {"PYTHONPYCACHEPREFIX": "kept"},
]


@pytest.mark.parametrize("options", OPTIONS, ids="".join)
def test_option(
    options: tuple[str, ...], interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """What is compiled or frozen differently by an option is compared with its like."""
    running = target("odd_state.py", "sleep", argv=[*interpreter.argv, *options])
    expect_fresh(check(instep_cli, running, "--all-code"))
    prove_edit(instep_cli, running, running.program.parent / "shop.py")


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda each: next(iter(each)))
@pytest.mark.usefixtures("interpreter")
def test_environment(environment: dict[str, str], target: TargetFactory, instep_cli: Cli) -> None:
    """The same goes for what the environment sets."""
    running = target("odd_state.py", "sleep", env=environment)
    expect_fresh(check(instep_cli, running, "--all-code"))
    prove_edit(instep_cli, running, running.program.parent / "shop.py")


@pytest.mark.parametrize("core", ["ctrace", "sysmon"])
def test_coverage(
    core: str, interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """Code that coverage measures is read as it was."""
    if interpreter.packages is None:
        pytest.skip("no libraries: run `make interpreters`")
    if core == "sysmon" and interpreter.minor == "3.11":
        pytest.skip("sys.monitoring came with 3.12")
    running = target(
        "odd_state.py",
        "sleep",
        argv=[*interpreter.argv, "-m", "coverage", "run", "--data-file=coverage.data"],
        env={"COVERAGE_CORE": core},
        packages=True,
    )
    prove_edit(instep_cli, running, running.program.parent / "shop.py")


@pytest.mark.parametrize("state", ["debugger", "server"])
def test_under_a_library(
    state: str, interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """What debugpy traces and what uvicorn serves is judged like any other code."""
    if interpreter.packages is None:
        pytest.skip("no libraries: run `make interpreters`")
    running = target("odd_state.py", state, packages=True)
    prove_edit(instep_cli, running, running.program.parent / "shop.py")


def test_rewritten_assertions(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """A test module that pytest has rewritten is unproven by its hook: never fresh, never stale."""
    if interpreter.packages is None:
        pytest.skip("no libraries: run `make interpreters`")
    pytest_run = ["-m", "pytest", "-s", "-q", "-p", "no:cacheprovider"]
    running = target("rewritten.py", argv=[*interpreter.argv, *pytest_run], packages=True)
    own = {"rewritten": ("unproven", "import hook AssertionRewritingHook")}
    report = check(instep_cli, running)
    assert report.not_fresh == own
    assert (report.verdict, report.exit_code) == ("unproven", 3)
    rewritten = running.program
    rewritten.write_text(rewritten.read_text().replace("> 0", "> 1"))
    report = check(instep_cli, running)
    assert report.not_fresh == own
    assert report.exit_code == 3
    edit_price(running.program.parent / "shop.py")
    report = check(instep_cli, running)
    assert report.not_fresh == own | {"shop": ("stale", "")}
    assert report.exit_code == 1


def test_virtual_environment(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli, tmp_path: Path
) -> None:
    """In a virtual environment, whose interpreter is a link, the same is found."""
    place = tmp_path / "environment"
    command = [*interpreter.argv, "-m", "venv", "--without-pip", str(place)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no module venv: {made.stderr}")
    running = target("odd_state.py", "sleep", argv=[str(place / "bin/python")])
    expect_fresh(check(instep_cli, running, "--all-code"))
    prove_edit(instep_cli, running, running.program.parent / "shop.py")


def test_through_the_loader(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """A program that the dynamic loader was told to run is found in the loader's process."""
    if interpreter.loader_argv is None:
        pytest.skip("not unpacked")
    running = target("odd_state.py", "sleep", argv=interpreter.loader_argv)
    expect_fresh(check(instep_cli, running, "--all-code"))
    prove_edit(instep_cli, running, running.program.parent / "shop.py")


def test_deleted_executable(
    interpreter: Interpreter, target: TargetFactory, instep_cli: Cli
) -> None:
    """An interpreter whose file was deleted still compiles for the comparison."""
    original = Path(interpreter.argv[0]).resolve()
    copy = original.with_name(f"{original.name}-{target.folder.parent.name}")
    try:
        shutil.copy2(original, copy)
    except PermissionError:
        pytest.skip("the interpreter's folder may not be written to")
    try:
        running = target("odd_state.py", "sleep", argv=[str(copy)])
    finally:
        copy.unlink()
    expect_fresh(check(instep_cli, running, "--all-code"))
    edit_price(running.program.parent / "shop.py")
    report = check(instep_cli, running, "-v")
    expect_only_price_stale(report, running.program.parent / "shop.py")
