"""The demo replays the incident for real, and says so when anything is not as told."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from instep.app import demo
from instep.cli import demo as command

if TYPE_CHECKING:
    from live.found_interpreters import Interpreter

pytestmark = pytest.mark.live

CHECKOUT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 30
STORY = [
    "started",
    "migrated",
    "edited",
    "migrated",
    "cacheremoved",
    "migrated",
    "debugged",
    "migrated",
    "checked",
    "ended",
    "started",
    "migrated",
    "checked",
]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Return a bare environment whose folders for temporary and cached files are the test's."""
    temporary = tmp_path / "temporary"
    temporary.mkdir(exist_ok=True)
    return {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(CHECKOUT / "src"),
        **more,
    }


def ends(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code and all that was left to read."""
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, output


def replayed(python: list[str], bare: dict[str, str]) -> dict[str, Any]:
    """Replay the incident under `python`, as told and in half a minute; what it said of itself."""
    result = subprocess.run(
        [*python, "-m", "instep", "demo", "--json"],
        env=bare,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (result.stderr, result.returncode) == ("", 0), result.stdout
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_the_replay_goes_as_told(interpreter: Interpreter, tmp_path: Path) -> None:
    """On every interpreter, even where the environment forbids bytecode files."""
    told = replayed(interpreter.argv, environment(tmp_path, PYTHONDONTWRITEBYTECODE="1"))
    assert (told["schema"], told["as_told"]) == ("instep.demo/1", True)
    assert [step["step"] for step in told["steps"]] == STORY
    assert [step["expected"] for step in told["steps"] if not step["as_told"]] == []
    codes = [step["exit_code"] for step in told["steps"] if step["step"] == "checked"]
    assert codes == [1, 0]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_make_demo_needs_only_a_python(tmp_path: Path) -> None:
    """In a copy of what the repository holds, without any environment made before."""
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(CHECKOUT / "Makefile", copy)
    for folder in ("src", "scripts"):
        shutil.copytree(
            CHECKOUT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    bare = environment(tmp_path)
    del bare["PYTHONPATH"]
    result = subprocess.run(
        ["make", "demo", f"PYTHON={sys.executable}"],
        cwd=copy,
        env=bare,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "As told, in" in result.stdout


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C while the program runs ends it and removes the folder."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "instep", "demo"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    pid = 0
    for line in process.stdout:
        if "started pid " in line:
            pid = int(line.partition("started pid ")[2].partition(":")[0])
            break
    pinned = None
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        pinned = os.pidfd_open(pid)
    os.killpg(process.pid, signal.SIGINT)
    code, _ = ends(process)
    assert code == 130
    if pinned is not None:
        with pytest.raises(ProcessLookupError):
            signal.pidfd_send_signal(pinned, 0)
        os.close(pinned)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_is_not_as_told_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fix that doesn't fix anything: the replay stops there, and the exit code says so."""
    monkeypatch.setattr(demo, "FIX", (("import sqlite3\n", "import sqlite3\nimport time\n"),))
    assert command.run([]) == 4
    written = capsys.readouterr().out
    assert "NOT AS TOLD. The story says: a fresh interpreter passes" in written
    assert "instep check" not in written


def test_the_facts_are_those_of_real_processes_and_files(tmp_path: Path) -> None:
    """Two processes, five migrations by them, one edit; each check is of the process before it."""
    steps = replayed([sys.executable], environment(tmp_path))["steps"]
    started, restarted = (step for step in steps if step["step"] == "started")
    assert started["pid"] != restarted["pid"]
    migrated = [step["outcome"]["migrated"] for step in steps if step["step"] == "migrated"]
    assert migrated == [0, 0, 0, 0, 3]
    (edited,) = (step["lines"] for step in steps if step["step"] == "edited")
    assert [line[0] for line in edited] == ["+", "-", "+", "+"]
    (removed,) = (step["files"] for step in steps if step["step"] == "cacheremoved")
    assert removed == started["bytecode"]
    reports = [step["process"] for step in steps if step["step"] == "checked"]
    assert [report["verdict"] for report in reports] == ["stale", "fresh"]
    assert [report["pid"] for report in reports] == [started["pid"], restarted["pid"]]
