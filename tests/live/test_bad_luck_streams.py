"""Streams, caches and homes that are closed, full, broken or somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.own_programs import TEXT, own_program
from live.strangers import NOBODY, needs_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from live.targets import Target, TargetFactory

    Cli = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.live
INSTEP = f"{sys.executable} -m instep"


@pytest.fixture
def running(target: TargetFactory, tmp_path: Path) -> Target:
    """A process to check."""
    (tmp_path / "own").mkdir()
    return target(own_program(tmp_path / "own"))


def shell(text: str, tmp_path: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell."""
    return subprocess.run(
        ["bash", "-c", text],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_broken_pipe(running: Target, tmp_path: Path) -> None:
    """Nobody reading on is no error to talk about."""
    text = f"{INSTEP} check -v --all-code {running.pid} | head -1; exit ${{PIPESTATUS[0]}}"
    done = shell(text, tmp_path)
    assert done.stderr == b""
    assert done.returncode in {0, 3, 141}
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-", "<&- 2>&-"])
def test_closed_streams(running: Target, tmp_path: Path, closed: str) -> None:
    """Whichever standard streams are closed, the exit code says what was proven."""
    done = shell(f"{INSTEP} check {running.pid} {closed}", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")


def test_full_disk_behind_the_answer(running: Target, tmp_path: Path) -> None:
    """An answer that can't be written is a message and exit code 3, no traceback."""
    done = shell(f"{INSTEP} check {running.pid} > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (3, b"instep: no space left on device\n")


def test_terminal_without_the_characters(running: Target, instep_cli: Cli) -> None:
    """A terminal that knows ASCII only gets escapes for the rest."""
    source = running.program
    source.write_text(TEXT.replace("42", "'äöü'"))
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = instep_cli("check", running.pid, env=environment)
    assert (done.returncode, done.stderr) == (1, "")
    assert "'\\xe4\\xf6\\xfc'" in done.stdout


@pytest.mark.parametrize("home", ["", "/dev/null/home", "relative"])
def test_no_home(running: Target, instep_cli: Cli, tmp_path: Path, home: str) -> None:
    """Without a usable home there is no cache, and the answer is the same."""
    environment = {"XDG_CACHE_HOME": home, "HOME": home or "/dev/null"}
    done = instep_cli("check", running.pid, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name not in {"targets", "own"}] == []


def test_cache_that_is_no_folder(running: Target, instep_cli: Cli, tmp_path: Path) -> None:
    """A file in the place of the cache folder is left alone."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/instep").write_text("mine")
    assert instep_cli("check", running.pid).returncode == 0
    assert (tmp_path / "cache/instep").read_text() == "mine"


def entries(cache: Path) -> list[Path]:
    """Return all entries of the cache."""
    return sorted(path for path in cache.rglob("*") if path.is_file())


def spoil(path: Path, way: str) -> None:
    """Do to an entry what disks, people and attackers do."""
    data = path.read_bytes()
    path.unlink()
    if way == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif way == "empty":
        path.write_bytes(b"")
    elif way == "random":
        path.write_bytes(os.urandom(len(data)))
    elif way == "flipped":
        place = len(data) // 2
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    elif way == "folder":
        path.mkdir()
    elif way == "fifo":
        os.mkfifo(path)
    elif way == "link":
        kept = path.with_name("kept")
        kept.write_bytes(data)
        path.symlink_to(kept)
    else:
        path.write_bytes(data)
        path.chmod(0o666)
        if way == "foreign":
            os.chown(path, NOBODY, NOBODY)


WAYS = ["truncated", "empty", "random", "flipped", "folder", "fifo", "link", "writable"]


@pytest.mark.parametrize("way", [*WAYS, pytest.param("foreign", marks=needs_root)])
def test_spoilt_cache_entries(running: Target, instep_cli: Cli, tmp_path: Path, way: str) -> None:
    """A spoilt entry is not believed, and where it can be, it is written anew."""
    assert instep_cli("check", running.pid).returncode == 0
    found = entries(tmp_path / "cache")
    assert found
    kept = {path: path.read_bytes() for path in found}
    for path in found:
        spoil(path, way)
    assert instep_cli("check", running.pid).returncode == 0
    if way != "folder":
        assert {path: path.read_bytes() for path in found if path.suffix == ".m"} == {
            path: data for path, data in kept.items() if path.suffix == ".m"
        }
        assert not any(path.is_symlink() for path in found if path.suffix == ".m")


def test_swapped_cache_entries(running: Target, instep_cli: Cli, tmp_path: Path) -> None:
    """An entry under another entry's name is not believed: stale code stays stale."""
    source = running.program
    assert instep_cli("check", running.pid).returncode == 0
    old = {path.suffix: path for path in entries(tmp_path / "cache")}
    known = set(entries(tmp_path / "cache"))
    source.write_text(source.read_text() + "\n\ndef added():\n    return 1\n")
    first = instep_cli("check", running.pid)
    for path in set(entries(tmp_path / "cache")) - known:
        if path.suffix in old:
            shutil.copy(old[path.suffix], path)
    second = instep_cli("check", running.pid)
    assert first.returncode == second.returncode != 0


@needs_root
def test_cache_below_a_folder_of_another_user(
    running: Target, instep_cli: Cli, tmp_path: Path
) -> None:
    """A cache folder that another user owns, or a link of theirs, is not used."""
    for number in range(2):
        cache = tmp_path / f"cache-{number}"
        cache.mkdir()
        if number:
            (tmp_path / "elsewhere").mkdir()
            (cache / "instep").symlink_to(tmp_path / "elsewhere")
        else:
            (cache / "instep").mkdir()
            os.chown(cache / "instep", NOBODY, NOBODY)
        assert instep_cli("check", running.pid, env={"XDG_CACHE_HOME": cache}).returncode == 0
        assert entries(tmp_path / "elsewhere") == entries(cache) == []


def test_escape_sequences_are_never_printed(
    target: TargetFactory, instep_cli: Cli, tmp_path: Path
) -> None:
    """Command lines, file names and constants of a target can't act on the terminal."""
    evil = "\x1b]0;owned\x07\x9b31m\u202e"
    folder = tmp_path / f"folder{evil}"
    folder.mkdir()
    text = TEXT.replace("42", repr(evil))
    program = own_program(folder, text, f"evil{evil}.py")
    running = target(program, evil)
    program.write_text(text.replace("owned", "edited"))
    for arguments in (["check", "-v"], ["check", "--json"], ["check"], ["check", "--all-code"]):
        done = instep_cli(*arguments, running.pid)
        assert done.returncode == 1, done.stderr
        written = done.stdout + done.stderr
        assert [one for one in written if one in "\x1b\x07\x9b\u202e\r\0"] == []


def test_names_that_are_no_text(target: TargetFactory, instep_cli: Cli, tmp_path: Path) -> None:
    """File names that are not UTF-8 are read, judged and printed; JSON stays valid."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    folder.mkdir()
    program = own_program(folder, name=os.fsdecode(b"caf\xe9.py"))
    running = target(program)
    assert instep_cli("check", running.pid).returncode == 0
    program.write_text(TEXT.replace("42", "43"))
    done = instep_cli("check", running.pid)
    assert (done.returncode, "42 -> 43" in done.stdout) == (1, True), done.stderr
    found = json.loads(instep_cli("check", "--json", running.pid).stdout)
    assert found["processes"][0]["modules"][0]["file"].endswith("caf\udce9.py")
