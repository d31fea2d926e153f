"""The interpreters that live tests run under, as `make interpreters` has described them."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass, fields
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DESCRIPTION = CHECKOUT / ".cache/interpreters/interpreters.json"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One CPython; the fields are those of scripts/interpreters.py."""

    version: str
    minor: str
    argv: list[str]
    loader_argv: list[str] | None
    chroot_argv: list[str] | None
    root: str | None
    kind: str
    packages: str | None


def found_interpreters() -> list[Interpreter]:
    """Return the described interpreters, oldest first; only the running one if there are none."""
    if not DESCRIPTION.exists():
        return [running_interpreter()]
    known = {field.name for field in fields(Interpreter)}
    described = json.loads(DESCRIPTION.read_text())
    return [
        Interpreter(**{name: value for name, value in each.items() if name in known})
        for each in described
    ]


def running_interpreter() -> Interpreter:
    """Return the interpreter of this test run, without its virtual environment."""
    return Interpreter(
        version=platform.python_version(),
        minor=f"{sys.version_info.major}.{sys.version_info.minor}",
        argv=[str(Path(sys.executable).resolve())],
        loader_argv=None,
        chroot_argv=None,
        root=None,
        kind="system",
        packages=None,
    )
