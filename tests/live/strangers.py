"""Processes of another user: started by root, as only root can."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NOBODY = 65534
CHECKOUT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 60
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be two users")

WAITS = """\
import sys


def answer():
    return 42


print("ready", flush=True)
sys.stdin.read()
"""


def shared_python() -> str:
    """Return an interpreter that every user may run, or skip."""
    for name in ("python3.11", "python3.12", "python3.13", "python3.14", "python3.15"):
        path = shutil.which(name, path="/usr/bin:/usr/local/bin")
        if path is not None:
            return str(Path(path).resolve())
    pytest.skip("no interpreter that every user may run")


@dataclass
class Strangers:
    """A folder that everybody may read, and processes of any user that end with the test."""

    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def write(self, name: str, text: str, owner: int = NOBODY) -> Path:
        """Write a file that belongs to another user."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for one in (path, *path.parents):
            if one == self.folder:
                break
            os.chown(one, owner, owner)
        return path

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        user: int = NOBODY,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        wait: bool = True,
    ) -> int:
        """Start a program as that user, wait until it says `ready`, and return its pid."""
        process = subprocess.Popen(
            list(map(str, argv)),
            user=user,
            group=user,
            extra_groups=[],
            env={"PATH": f"{os.defpath}:/usr/sbin:/sbin", **(env or {})},
            cwd=cwd or self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.started.append(process)
        if wait:
            self.wait_for_line(process)
        return process.pid

    def wait_for_line(self, process: subprocess.Popen[bytes], word: bytes = b"ready\n") -> None:
        """Return when the process has said the word."""
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], DEADLINE_SECONDS)[0], "silent"
        assert process.stdout.readline() == word

    def instep(
        self, *arguments: str | int, user: int = NOBODY, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line as that user."""
        source = self.folder / "instep-source"
        if not source.exists():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(CHECKOUT / "src/instep", source / "instep", ignore=ignore)
        python = sys.executable if user == 0 else shared_python()
        cache = str(self.folder / f"cache-{user}")
        return subprocess.run(
            [python, "-B", "-m", "instep", *map(str, arguments)],
            user=user,
            group=user,
            extra_groups=[],
            env={"PATH": os.defpath, "PYTHONPATH": str(source), "XDG_CACHE_HOME": cache}
            | dict(env or {}),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS * 2,
            check=False,
        )

    def close(self) -> None:
        """End and reap what was started."""
        for process in self.started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


@pytest.fixture
def strangers() -> Iterator[Strangers]:
    """A folder and processes of other users."""
    folder = Path(tempfile.mkdtemp(prefix="instep-strangers-"))
    folder.chmod(0o755)
    found = Strangers(folder)
    try:
        yield found
    finally:
        found.close()
        shutil.rmtree(folder)
