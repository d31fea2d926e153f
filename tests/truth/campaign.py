"""Many edits of a running project, each judged and compared with the truth."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from instep.app.check import Options, check_process
from instep.model.verdicts import Verdict
from truth.edits import Editor
from truth.judging import mistakes, word_for
from truth.oracle import Oracle
from truth.project import Project

if TYPE_CHECKING:
    from typing import Self

    from instep.model.verdicts import ModuleVerdict
    from live.found_interpreters import Interpreter
    from truth.edits import Edit
    from truth.oracle import Truth

BATCH = 96
MOST_FILES = 400  # parsing one for edits takes longer than judging it
COLUMNS = ("edits", "fresh", "moved", "stale", "orphaned", "unproven", "broken", "wrong")
LARGEST_SOURCE = 150_000


class Wrong(NamedTuple):
    """A verdict that is not so, and all that is needed to see it again."""

    kind: str
    file: str
    line: int
    mistakes: list[str]
    edited: Path
    verdict: ModuleVerdict


@dataclass
class Tally:
    """What came of the edits, by kind."""

    rows: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[Wrong] = field(default_factory=list)
    seconds: float = 0.0
    untouched: int = 0

    def add(self, other: Tally) -> None:
        """Take what came of other edits."""
        self.wrong += other.wrong
        self.seconds += other.seconds
        self.untouched += other.untouched
        for kind, row in other.rows.items():
            self.rows[kind].update(row)

    @property
    def edits(self) -> int:
        """How many edits were judged."""
        return sum(row["edits"] for row in self.rows.values())

    def table(self, title: str) -> str:
        """Kinds of edits against verdicts."""
        width = max(map(len, [*self.rows, title]), default=0)
        total: Counter[str] = Counter()
        lines = ["  ".join([title.ljust(width), *[each.rjust(8) for each in COLUMNS]])]
        for kind in sorted(self.rows):
            total.update(self.rows[kind])
            numbers = [str(self.rows[kind][each]).rjust(8) for each in COLUMNS]
            lines.append("  ".join([kind.ljust(width), *numbers]))
        numbers = [str(total[each]).rjust(8) for each in COLUMNS]
        lines.append("  ".join(["all".ljust(width), *numbers]))
        lines.append(f"{self.edits / max(self.seconds, 1e-9):.0f} edits a second")
        return "\n".join(lines)


class Campaign:
    """One running project that is edited again and again. Use it as a context manager."""

    def __init__(
        self, folder: Path, interpreter: Interpreter, *, bytecode: bool, libraries: bool, seed: int
    ) -> None:
        # Chance with a seed, so that what was wrong can be seen again.
        self._random = Random(f"{seed}-{interpreter.version}-{bytecode}")  # noqa: S311 - as said
        self._scratch = folder / "edited"
        self._scratch.mkdir(parents=True)
        self._kept = folder / "wrong"
        self._project = Project(folder / "project", interpreter, libraries=libraries)
        self._oracle = Oracle(interpreter, self._project, bytecode=bytecode)
        self.pid = self._oracle.pid
        self.loaded = self._oracle.loaded
        self.failed = self._oracle.failed
        files = sorted(
            {file for _, file in self.loaded if Path(file).stat().st_size < LARGEST_SOURCE}
        )
        self._files = self._random.sample(files, min(MOST_FILES, len(files)))
        self._editors: dict[str, Editor | None] = {}
        self.tally = Tally()

    def __enter__(self) -> Self:
        """Hold the process."""
        return self

    def __exit__(self, *details: object) -> None:
        """End the process."""
        self._oracle.__exit__()

    def untouched(self) -> list[ModuleVerdict]:
        """The modules that are not proven to be fresh before anything was edited."""
        report = check_process(self.pid, Options())
        found = {one.file for one in report.modules}
        assert {file for _, file in self.loaded} <= found
        return [one for one in report.modules if one.verdict is not Verdict.FRESH]

    def run(self, edits: int) -> None:
        """Make about so many edits, each file once in a batch."""
        started = time.monotonic()
        goal = self.tally.edits + edits
        while self.tally.edits < goal:
            amount = min(BATCH, goal - self.tally.edits, len(self._files))
            self._batch(self._random.sample(self._files, amount))
        self.tally.seconds += time.monotonic() - started

    def _batch(self, files: list[str]) -> None:
        edits = {file: edit for file in files if (edit := self._edit(file)) is not None}
        paths = {file: self._scratch / f"{place}.py" for place, file in enumerate(edits)}
        for file, edit in edits.items():
            paths[file].write_bytes(edit.data)
        truths = self._oracle.truths(list(paths.items()))
        originals = {
            file: (Path(file).read_bytes(), Path(file).stat().st_mtime_ns) for file in edits
        }
        try:
            for file, edit in edits.items():
                Path(file).write_bytes(edit.data)
                # Tools that unpack or copy set this time back; it must prove nothing.
                if self._random.random() < 0.1:
                    os.utime(file, ns=(originals[file][1],) * 2)
            report = check_process(self.pid, Options(modules=tuple(edits), everything=True))
        finally:
            for file, (data, modified) in originals.items():
                Path(file).write_bytes(data)
                os.utime(file, ns=(modified, modified))
        verdicts = {one.file: one for one in report.modules}
        for file, truth in zip(edits, truths, strict=True):
            self._count(file, edits[file], truth, verdicts[file])

    def _edit(self, file: str) -> Edit | None:
        if file not in self._editors:
            try:
                self._editors[file] = Editor(Path(file).read_bytes())
            except (SyntaxError, ValueError, RecursionError):
                self._editors[file] = None  # newer than the Python that runs this
        editor = self._editors[file]
        return editor.edit(self._random) if editor is not None else None

    def _count(self, file: str, edit: Edit, truth: Truth, verdict: ModuleVerdict) -> None:
        row = self.tally.rows[edit.kind]
        row["edits"] += 1
        row[word_for(truth, verdict)] += 1
        found = mistakes(truth, verdict)
        if found:
            row["wrong"] += 1
            self._kept.mkdir(exist_ok=True)
            place = self._kept / f"{len(self.tally.wrong)}-{Path(file).name}"
            place.write_bytes(edit.data)
            shutil.copyfile(file, place.with_suffix(".before"))
            line = edit.data[: edit.at].count(b"\n") + 1
            self.tally.wrong.append(Wrong(edit.kind, file, line, found, place, verdict))
