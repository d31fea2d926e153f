"""The benchmarks can be run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ROWS = ["instep --help", "check, small", "check, small, peak memory"]


def run(*options: str, folder: Path) -> str:
    """Run the short benchmarks with `folder` for what is temporary; what they print."""
    result = subprocess.run(
        [sys.executable, "-B", CHECKOUT / "benchmarks/run.py", "--quick", *options],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert list(folder.iterdir()) == [], "something temporary was left"
    return result.stdout


def without_counts(title: str) -> str:
    """Return the title of a row without the number of functions."""
    before, _, after = title.partition(" (")
    return before + after.partition(")")[2]


@pytest.mark.live
@pytest.mark.slow
def test_a_quick_run_prints_a_row_for_each_measurement(tmp_path: Path) -> None:
    """A table, and the machine that its numbers are from."""
    heading, _, *rows, empty, machine = run(folder=tmp_path).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in [heading, *rows]]
    assert cells[0] == ["what", "measured", "floor or peer", "ratio", "goal", "met"]
    assert [without_counts(row[0]) for row in cells[1:]] == ROWS
    assert {row[5] for row in cells[1:]} <= {"yes", "no"}
    assert empty == ""
    assert " cores of " in machine


@pytest.mark.live
@pytest.mark.slow
def test_a_quick_run_says_the_same_as_json(tmp_path: Path) -> None:
    """Each value is one that a real process can have."""
    said = json.loads(run("--json", folder=tmp_path))
    assert said["schema"] == "instep.bench/1"
    assert [without_counts(row["what"]) for row in said["rows"]] == ROWS
    for row in said["rows"]:
        assert row["value"] > (0.001 if row["unit"] == "s" else 1e6)
        assert row["met"] in (True, False)
