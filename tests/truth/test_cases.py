"""Sources that a verdict was once wrong about: tests/cases."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from instep.app.check import Options, check_process
from instep.model.verdicts import Verdict

if TYPE_CHECKING:
    from instep.model.verdicts import ModuleVerdict
    from live.found_interpreters import Interpreter
    from live.targets import TargetFactory

pytestmark = pytest.mark.live

FOLDER = Path(__file__).resolve().parents[1] / "cases"
PAST_SECONDS = 100_000
BAD = (Verdict.STALE, Verdict.ORPHANED)
FORM = re.compile(
    r"# .*?## Before\n\n```python\n(.*?)```\n\n## After\n\n```python\n(.*?)```\n\n"
    r"## Verdict\n\nwith bytecode: (\w+), without: (\w+)\n",
    re.DOTALL,
)


class Case(NamedTuple):
    """One case file."""

    before: str
    after: str
    verdicts: dict[bool, Verdict]


def cases() -> list[str]:
    """The names of all case files."""
    return sorted(file.stem for file in FOLDER.glob("*.md") if file.stem != "README")


def read_case(name: str) -> Case:
    """Parse a case file, which has one form."""
    match = FORM.fullmatch((FOLDER / f"{name}.md").read_text())
    assert match is not None
    return Case(match[1], match[2], {True: Verdict(match[3]), False: Verdict(match[4])})


def judged(target: TargetFactory, folder: Path, case: Case, *, bytecode: bool) -> ModuleVerdict:
    """Load the source, edit it, and check."""
    folder.mkdir()
    file = folder / "case.py"
    file.write_text(case.before)
    moment = file.stat().st_mtime - PAST_SECONDS
    os.utime(file, (moment, moment))
    environment = {"PYTHONPATH": str(folder)}
    if not bytecode:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    running = target("sleeper.py", "case", env=environment)
    file.write_text(case.after)
    report = check_process(running.pid, Options(modules=("case",), everything=True))
    (module,) = report.modules
    return module


@pytest.mark.parametrize("bytecode", [True, False], ids=["bytecode", "no-bytecode"])
@pytest.mark.parametrize("name", cases())
def test_a_case_stays_mended(
    name: str,
    interpreter: Interpreter,  # noqa: ARG001 - the one that the target runs under
    target: TargetFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bytecode: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The verdict is the one that the case file states, and nothing fine is called stale."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    case = read_case(name)
    module = judged(target, tmp_path / "case", case, bytecode=bytecode)
    expected = case.verdicts[bytecode]
    assert (module.verdict, module.added, module.removed) == (expected, (), ())
    if expected not in BAD:
        assert [one for one in module.definitions if one.verdict in BAD] == []
