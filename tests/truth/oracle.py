"""The process that is judged, and the truth that it tells of itself."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from live.found_interpreters import Interpreter
    from truth.project import Project

DEADLINE_SECONDS = 300


class Truth(NamedTuple):
    """What one edit did to the code that is alive in the process.

    ``changed`` and ``kept`` are live definitions (qualname, first line) that the edited file no
    longer has, or still has; ``same`` says that the whole module is the same but for lines and
    columns, ``placed`` that these are the same too, ``bodies`` that module and class bodies are.
    ``idle`` says that at most statements without any effect were added or removed.
    """

    broken: str = ""
    changed: frozenset[tuple[str, int]] = frozenset()
    kept: frozenset[tuple[str, int]] = frozenset()
    same: bool = False
    placed: bool = False
    bodies: bool = False
    idle: bool = False


class Oracle:
    """A running project. Close it, or use it as a context manager."""

    def __init__(self, interpreter: Interpreter, project: Project, *, bytecode: bool) -> None:
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(project.folder)}
        if not bytecode:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        if project.packages is not None:
            environment["PYTHONPATH"] = project.packages
        self._stderr = project.folder.with_suffix(".stderr")
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*interpreter.argv, "-W", "ignore", str(project.main), str(project.folder)],
                env=environment,
                cwd=project.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self.pid = self._process.pid
        told = self._ask(project.names)
        self.loaded: list[tuple[str, str]] = [(name, file) for name, file in told["loaded"]]
        self.failed: dict[str, str] = told["failed"]

    def __enter__(self) -> Self:
        """Hold the process."""
        return self

    def __exit__(self, *details: object) -> None:
        """End the process and reap it."""
        self._process.kill()
        self._process.communicate()

    def truths(self, edited: list[tuple[str, Path]]) -> list[Truth]:
        """The truth on each file, were it the text at the path."""
        answers = self._ask([(file, str(path)) for file, path in edited])
        return [_as_truth(answer) for answer in answers]

    def _ask(self, question: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        line = b""
        deadline = time.monotonic() + DEADLINE_SECONDS
        descriptor = self._process.stdout.fileno()
        while not line.endswith(b"\n"):
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([descriptor], [], [], left)
            part = os.read(descriptor, 1 << 16) if ready else b""
            if not part:
                raise AssertionError(f"the target fell silent\n{self._stderr.read_text()}")
            line += part
        return json.loads(line)


def _as_truth(answer: dict[str, Any]) -> Truth:
    if "broken" in answer:
        return Truth(broken=answer["broken"] or "broken")
    return Truth(
        "",
        frozenset(map(tuple, answer["changed"])),
        frozenset(map(tuple, answer["kept"])),
        answer["same"],
        answer["placed"],
        answer["bodies"],
        answer["idle"],
    )
