"""What a process of another user has chosen is never executed with our rights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.strangers import NOBODY, WAITS, Strangers, needs_root, shared_python, strangers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["strangers"]
pytestmark = [pytest.mark.live, needs_root]

# Leaves a folder named after the user that runs it: files it may not write. Plain enough for any
# module, even those that are imported first.
WITNESS = """\
import posix
try:
    posix.mkdir({folder!r} + "/%d" % posix.geteuid())
except OSError:
    pass
"""


def witness(strangers: Strangers) -> tuple[Path, str]:
    """Return a folder that everybody may write, and code that leaves its user's number there."""
    folder = strangers.folder / "witness"
    folder.mkdir()
    folder.chmod(0o777)
    return folder, WITNESS.format(folder=str(folder))


def seen_by(folder: Path) -> set[int]:
    """Return the users who have run the code."""
    return {int(path.name) for path in folder.iterdir()}


def copied_interpreter(strangers: Strangers) -> Path:
    """Copy an interpreter into a folder of the other user, with a home that it would take."""
    home = strangers.folder / "home"
    (home / "bin").mkdir(parents=True)
    python = home / "bin/python3"
    shutil.copy(shared_python(), python)
    version = subprocess.run(
        [python, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    library = subprocess.run(
        [shared_python(), "-I", "-S", "-c", "import os; print(os.path.dirname(os.__file__))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    ignore = shutil.ignore_patterns("__pycache__", "test", "dist-packages", "site-packages")
    shutil.copytree(library, home / f"lib/python{version}", ignore=ignore, symlinks=True)
    for path in (home, *home.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return python


def plant(python: Path, code: str) -> None:
    """Put code into what the interpreter imports when it starts."""
    for module in ("encodings/__init__.py", "ast.py"):
        path = next((python.parents[1] / "lib").glob("python3.*")) / module
        path.write_text(code + path.read_text().replace("from __future__", "# from __future__"))


def test_environment_and_folder_of_a_target_choose_nothing(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """No PYTHONPATH, PYTHONHOME, LD_PRELOAD or planted module of another user's process is used."""
    path, code = witness(strangers)
    program = strangers.write("planted/program.py", WAITS)
    for name in ("encodings/__init__.py", "ast.py", "sitecustomize.py", "marshal.py", "hashlib.py"):
        strangers.write(f"planted/{name}", code)
    pid = strangers.start(
        [shared_python(), "-I", program],
        cwd=program.parent,
        env={
            "PYTHONPATH": str(program.parent),
            "PYTHONHOME": str(program.parent),
            "PYTHONSTARTUP": str(program.parent / "ast.py"),
            "PYTHONINSPECT": "1",
            "LD_LIBRARY_PATH": str(program.parent),
        },
    )
    done = instep_cli("check", pid, cwd=program.parent)
    assert (done.returncode, seen_by(path)) == (0, set()), done.stdout + done.stderr


def test_interpreter_of_another_user_never_runs_as_root(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A copied interpreter whose standard library was changed runs, but as its own user."""
    path, code = witness(strangers)
    python = copied_interpreter(strangers)
    pid = strangers.start([python, strangers.write("program.py", WAITS)])
    plant(python, code)
    instep_cli("check", pid)
    assert seen_by(path) == {NOBODY}


def test_interpreter_of_another_user_in_a_process_of_root(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """If root itself runs another user's interpreter, it is still run again as that user only."""
    path, code = witness(strangers)
    python = copied_interpreter(strangers)
    pid = strangers.start([python, strangers.write("program.py", WAITS)], user=0)
    plant(python, code)
    instep_cli("check", pid)
    assert seen_by(path) == {NOBODY}


def test_changed_root_of_another_user(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """In another root even a process of user 0 gets no rights of ours for its interpreter."""
    image = strangers.folder / "image"
    for folder in ("lib", "lib64", "usr/lib", "witness"):
        (image / folder).mkdir(parents=True)
    (image / "witness").chmod(0o777)
    copied_interpreter(strangers).parents[1].rename(image / "usr/local")
    plant(image / "usr/local/bin/python3", WITNESS.format(folder="/witness"))
    (image / "program.py").write_text(WAITS)
    folders = [folder for folder in ("lib", "lib64", "usr/lib") if Path("/", folder).exists()]
    mounts = [f"mount --bind /{folder} {image}/{folder}" for folder in folders]
    last = f"exec chroot {image} /usr/local/bin/python3 /program.py"
    pid = strangers.start(["unshare", "-m", "sh", "-c", " && ".join([*mounts, last])], user=0)
    for path in (image / "witness").iterdir():
        path.rmdir()
    done = instep_cli("check", pid)
    users = seen_by(image / "witness")
    assert (done.returncode, len(users), min(users) > NOBODY) == (0, 1, True), done.stdout


def test_unreadable_files_are_not_handed_to_the_target(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A target that names a secret file as its source isn't read for it."""
    secret = strangers.write("secret.py", "KEY = 'hidden'\n", owner=0)
    secret.chmod(0o600)
    code = (
        "import sys, types\n"
        f"lie = types.ModuleType('lie'); del lie.__loader__; lie.__file__ = {str(secret)!r}\n"
        "sys.modules['lie'] = lie\n" + WAITS
    )
    pid = strangers.start([shared_python(), strangers.write("program.py", code)])
    done = instep_cli("check", "--json", pid)
    modules = {one["name"]: one for one in json.loads(done.stdout)["processes"][0]["modules"]}
    assert modules["lie"]["reason"] == "the source can't be read: it may not be read"


def test_links_of_proc_are_not_followed_for_a_target(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """`/proc/self` in a path of another user's process doesn't lead to what is ours."""
    private = strangers.folder / "private"
    private.mkdir(mode=0o700)
    (private / "own.py").write_text("KEY = 1\n")
    code = (
        "import sys, types\n"
        "lie = types.ModuleType('lie'); del lie.__loader__\n"
        "lie.__file__ = '/proc/self/cwd/own.py'\n"
        "sys.modules['lie'] = lie\n" + WAITS
    )
    pid = strangers.start([shared_python(), strangers.write("program.py", code)])
    done = instep_cli("check", "--json", pid, cwd=private)
    modules = {one["name"]: one for one in json.loads(done.stdout)["processes"][0]["modules"]}
    assert modules["lie"]["reason"] == "the source can't be read: it may not be read"


def test_answers_of_another_user_are_cached_apart(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """What another user's interpreter answered is not found when our own process is checked."""
    program = strangers.write("program.py", WAITS)
    python = shared_python()
    theirs = strangers.start([python, program])
    ours = strangers.start([python, program], user=0)
    cache = strangers.folder / "cache"
    environment = {"XDG_CACHE_HOME": str(cache)}
    builds = []
    for pid in (theirs, ours):
        assert instep_cli("check", pid, env=environment).returncode == 0
        builds.append({path.name for path in cache.glob("instep/code-*/*")})
    assert [name.endswith(f"-user{NOBODY}") for name in builds[0]] == [True]
    assert len(builds[1] - builds[0]) == 1


def test_process_of_another_user_is_refused_by_name(strangers: Strangers) -> None:
    """Who may not read a process is told whose it is and what to do, with exit code 3."""
    pid = strangers.start([shared_python(), strangers.write("program.py", WAITS)], user=0)
    done = strangers.instep("check", pid)
    assert done.returncode == 3
    assert "it belongs to user 0" in done.stderr
    assert "run instep as the user who owns the process, or as root" in done.stderr


def test_user_checks_own_process(strangers: Strangers) -> None:
    """An ordinary user needs no rights to check a process of its own."""
    pid = strangers.start([shared_python(), strangers.write("program.py", WAITS)])
    done = strangers.instep("check", pid)
    assert done.returncode == 0, done.stdout + done.stderr


def test_unreadable_source_of_an_ordinary_user(strangers: Strangers) -> None:
    """A source that the user may not read any more is unproven, and the reason says so."""
    program = strangers.write("program.py", WAITS)
    pid = strangers.start([shared_python(), program])
    program.chmod(0)
    done = strangers.instep("check", pid)
    assert done.returncode == 3
    assert "the source can't be read: it may not be read" in done.stdout


def test_program_switches_while_it_is_read(
    strangers: Strangers, instep_cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A process that executes one program after the other never has code of its own run as root."""
    path, code = witness(strangers)
    python = copied_interpreter(strangers)
    plant(python, code)
    program = strangers.write(
        "switch.py",
        "import os, sys, time\n"
        f"programs = [{str(python)!r}, {shared_python()!r}]\n"
        "turn = int(sys.argv[1]) if len(sys.argv) > 1 else 0\n"
        "if not turn: print('ready', flush=True)\n"
        "def answer(): return 42\n"
        "end = time.monotonic() + (turn % 5) / 100\n"
        "while time.monotonic() < end: pass\n"
        "os.execv(programs[turn % 2], ['python3', sys.argv[0], str(turn + 1)])\n",
    )
    pid = strangers.start([shared_python(), program])
    codes = {instep_cli("check", pid).returncode for _ in range(8)}
    assert 0 not in seen_by(path)
    assert codes <= {0, 3, 5}
