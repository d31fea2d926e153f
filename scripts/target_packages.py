"""Put the libraries that targets import into one folder for each interpreter.

The pip of this Python does it for all of them, by the tags of the other version: an unpacked
interpreter has no pip, and needs none.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STAMP = ".instep-requirements"
COMMAND_DEADLINE_SECONDS = 300
# pip takes a --platform as it stands, without the older ones that it includes.
GLIBC_VERSIONS = ("2_28", "2_27", "2_17")


class PackagesError(Exception):
    """Not one of the libraries could be put in place."""


def install_packages(requirements_folder: Path, minor: str, folder: Path) -> bool:
    """Fill `folder` with the libraries for `minor`; False if they were there already.

    A library that has no wheel for `minor` is told in one line and left out.
    """
    requirements = requirements_folder / f"targets-{minor}.txt"
    if not requirements.exists():
        requirements = requirements_folder / "targets.txt"
    text = requirements.read_text()
    digest = hashlib.sha256(text.encode()).hexdigest()
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text() == digest:
        return False
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        _fill(staging, minor, text)
        (staging / STAMP).write_text(digest)
        staging.chmod(0o755)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True


def _fill(folder: Path, minor: str, requirements: str) -> None:
    if _pip_install(folder, minor, requirements) is None:
        return
    failures = []
    blocks = _blocks(requirements)
    for block in blocks:
        reason = _pip_install(folder, minor, block)
        if reason is not None:
            failures.append(f"{block.split()[0]} left out for {minor}: {reason}")
    if len(failures) == len(blocks):
        raise PackagesError(failures[0] if failures else "no requirements")
    print("\n".join(failures))


def _blocks(requirements: str) -> list[str]:
    """Split a requirements file into one text for each library, its hashes included."""
    return re.findall(r"(?m)^[A-Za-z0-9][^\\\n]*(?:\\\n[^\\\n]*)*", requirements)


def _pip_install(folder: Path, minor: str, requirements: str) -> str | None:
    """Install into `folder`; return None, or why it failed."""
    machine = platform.machine()
    platforms = [f"--platform=manylinux_{version}_{machine}" for version in GLIBC_VERSIONS]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
            "--only-binary=:all:",
            "--implementation=cp",
            f"--python-version={minor}",
            # The last check of pip compares with the Python that runs pip.
            "--ignore-requires-python",
            # They would be compiled by the Python that runs pip, for that Python.
            "--no-compile",
            f"--platform=manylinux2014_{machine}",
            *platforms,
            f"--target={folder}",
            f"--requirement={file.name}",
        ]
        return _run_pip(["install", *options])


def _run_pip(arguments: list[str]) -> str | None:
    try:
        result = subprocess.run(
            [sys.executable, "-m", "pip", *arguments],
            # Packages that were put into the folder before are no part of this environment.
            env={**os.environ, "PYTHONPATH": "", "PIP_ROOT_USER_ACTION": "ignore"},
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"pip took longer than {COMMAND_DEADLINE_SECONDS} s"
    if result.returncode == 0:
        return None
    errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
    return errors[-1] if errors else (result.stderr.strip() or "no message").splitlines()[-1]
