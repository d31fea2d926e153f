"""What the files of the repository may not name."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
VAGUE = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py", "manager.py"}
# Put together here, so that this file doesn't name them either.
REGISTRIES = [
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("debian", "org"),
        ("ubuntu", "com"),
        ("conda", "io"),
        ("ghcr", "io"),
        ("docker", "io"),
    )
]
INDEX_OPTION = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|(?<!no-)-i https?:")


def tracked_files() -> list[Path]:
    """Return the files of the repository, or skip where this is none (an unpacked archive)."""
    if shutil.which("git") is None or not (CHECKOUT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "-C", CHECKOUT, "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [CHECKOUT / name for name in names if name and (CHECKOUT / name).is_file()]


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """Return each line of `files` that matches, with its place."""
    return [
        f"{file.relative_to(CHECKOUT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_registry_is_named() -> None:
    """The tools' own configuration says where packages come from."""
    hosts = re.compile("|".join(map(re.escape, REGISTRIES)), re.IGNORECASE)
    assert lines_with(hosts, tracked_files()) == []


def test_requirements_name_no_index_and_are_pinned_by_hash() -> None:
    """Requirements can be installed from any index, and from each the same files."""
    files = sorted((CHECKOUT / "requirements").glob("*.txt"))
    assert files
    assert lines_with(INDEX_OPTION, files) == []
    for file in files:
        pins = re.findall(r"(?m)^[A-Za-z0-9][^\\\n]*(?:\\\n[^\\\n]*)*", file.read_text())
        assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_no_path_of_this_machine_is_named() -> None:
    """Neither the checkout's folder nor the home folder is written into a file."""
    paths = [str(path) for path in (CHECKOUT, Path.home()) if len(path.parts) > 2]
    # Paths that no reader has: a home or a mounted folder of the machine that wrote the file.
    anywhere = r"""(?:^|[\s"'`=(:])/(?:root/\.|work/(?:main|shared)\b)"""
    pattern = re.compile("|".join([*map(re.escape, paths), anywhere]))
    files = [file for file in tracked_files() if file != Path(__file__).resolve()]
    assert lines_with(pattern, files) == []


def test_file_names_are_nouns_of_the_field() -> None:
    """No file is a drawer for what has no name."""
    assert [str(file) for file in tracked_files() if file.name in VAGUE] == []
