"""The machine that the numbers come from, and how busy it is."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path


def describe_machine(targets: str) -> str:
    """One line: processor, system, Pythons, load."""
    usable = len(os.sched_getaffinity(0))
    return (
        f"{usable} cores of {_processor()}, Linux {os.uname().release}; "
        f"instep under CPython {platform.python_version()}{_environment()}, "
        f"targets under {targets}"
    )


def load() -> str:
    """How many processes wanted to run in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _environment() -> str:
    return " (virtual environment)" if sys.prefix != sys.base_prefix else ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()
