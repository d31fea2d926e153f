"""Code that comes and goes while it is read is never called what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truth.project import standard_library
from truth.races import copies, edit, has_monitoring, race

if TYPE_CHECKING:
    from pathlib import Path

    from live.found_interpreters import Interpreter
    from live.targets import TargetFactory

pytestmark = [pytest.mark.live, pytest.mark.slow]

VERDICTS = 10_000


@pytest.mark.parametrize("toggled", [False, True], ids=["plain", "monitored"])
def test_no_verdict_comes_from_a_torn_reading(
    interpreter: Interpreter,
    target: TargetFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    toggled: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """With seven threads that make and drop functions, one edited function is stale, no other."""
    if toggled and not has_monitoring(interpreter):
        pytest.skip("sys.monitoring came with 3.12")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = copies(standard_library(interpreter), tmp_path / "files")
    options = ["--toggle"] if toggled else []
    churning = target("churning.py", *options, *map(str, files))
    edit(files)
    result = race(churning.pid, VERDICTS)
    assert result.wrong == []
