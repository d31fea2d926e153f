"""Check a process over and over whose functions come and go while they are read."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from instep.app.check import Options, check_process
from instep.model.verdicts import Kind, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from instep.model.verdicts import Report
    from live.found_interpreters import Interpreter

CHURNED = ("textwrap", "shlex", "string", "fnmatch", "sched", "bdb", "queue", "cmd")
EDITED = "textwrap"
EDITED_FUNCTION = "dedent"
BAD = (Verdict.STALE, Verdict.ORPHANED)


class Race(NamedTuple):
    """How many verdicts were given of functions, and those that are not so."""

    verdicts: int
    counts: Counter[Verdict]
    wrong: list[str]
    checks: int
    seconds: float

    def line(self, title: str) -> str:
        """All of it in one line."""
        counts = ", ".join(f"{self.counts[one]} {one}" for one in Verdict)
        return (
            f"{title}: {self.verdicts} verdicts in {self.checks} checks, {self.seconds:.0f} s:"
            f" {counts}; {len(self.wrong)} wrong"
        )


def has_monitoring(interpreter: Interpreter) -> bool:
    """Whether the interpreter has ``sys.monitoring``."""
    return int(interpreter.minor.split(".")[1]) >= 12


def copies(standard_library: Path, folder: Path) -> list[Path]:
    """Real files that may be edited, which is why the target gets copies."""
    folder.mkdir()
    names = [name for name in CHURNED if (standard_library / f"{name}.py").exists()]
    for name in names:
        shutil.copyfile(standard_library / f"{name}.py", folder / f"{name}.py")
    return [folder / f"{name}.py" for name in names]


def edit(files: list[Path]) -> None:
    """Change one function of one file, and move all that come behind it."""
    file = next(each for each in files if each.stem == EDITED)
    text = file.read_text()
    head, found, tail = text.partition(f"def {EDITED_FUNCTION}(text):\n")
    assert found
    file.write_text(f"# moved\n{head}{found}    text = text + 'edited'\n{tail}")


def race(pid: int, verdicts: int) -> Race:
    """Check all code of the process until so many verdicts of functions were given."""
    started = time.monotonic()
    counts: Counter[Verdict] = Counter()
    wrong: list[str] = []
    checks = 0
    while counts.total() < verdicts:
        report = check_process(pid, Options(all_code=True, everything=True))
        checks += 1
        for module in report.modules:
            counts.update(module.counts)
        wrong += _mistakes(report)
    return Race(counts.total(), counts, wrong, checks, time.monotonic() - started)


def _mistakes(report: Report) -> list[str]:
    found = []
    for module in report.modules:
        edited = module.file.endswith(f"/files/{EDITED}.py")
        if module.verdict in BAD and not edited:
            found.append(f"{module.file}: {module.verdict} {module.reason}")
        for one in module.definitions:
            if one.kind is not Kind.FUNCTION:
                continue
            changed = edited and one.qualname == EDITED_FUNCTION
            if (one.verdict in BAD) != changed and one.verdict is not Verdict.UNPROVEN:
                found.append(f"{module.file}: {one.qualname} {one.verdict} {one.difference}")
    return found
