"""Processes that are not there, not readable, not Python, or not what they were a moment ago."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.found_interpreters import found_interpreters
from live.own_programs import TEXT, own_program
from live.strangers import WAITS, Strangers, needs_root, shared_python, strangers

if TYPE_CHECKING:
    from collections.abc import Callable

    from live.targets import TargetFactory

    Cli = Callable[..., subprocess.CompletedProcess[str]]

__all__ = ["strangers"]
pytestmark = pytest.mark.live
NO_PID = 2**22 + 1  # the kernel gives out none above 2**22
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


def test_no_such_pid(instep_cli: Cli) -> None:
    """A pid that no process has is told so, with exit code 5 and where to find others."""
    done = instep_cli("check", NO_PID)
    assert done.returncode == 5
    assert f"{NO_PID}: no process has this pid [no-such-process]" in done.stderr
    assert "`instep ps` lists" in done.stderr


@pytest.mark.parametrize("name", ["9" * 30, "²", "-1", ":0", ":99999", ":x", "nothing", ""])
def test_names_that_are_no_targets(instep_cli: Cli, name: str) -> None:
    """What names no process is misuse or matches nothing, and never a traceback."""
    done = instep_cli("check", name)
    assert done.returncode in {2, 5}, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("instep: ")


def test_not_python(instep_cli: Cli) -> None:
    """A process that is no Python is named, with exit code 5."""
    with subprocess.Popen(["sleep", "60"]) as process:
        done = instep_cli("check", process.pid)
        process.kill()
    assert done.returncode == 5
    assert "is not a Python process" in done.stderr


def test_kernel_thread(instep_cli: Cli) -> None:
    """A thread of the kernel, which has no program at all, is answered and not stumbled over."""
    if not Path("/proc/2").exists():
        pytest.skip("kernel threads are not visible here")
    done = instep_cli("check", 2)
    assert done.returncode in {3, 5}
    assert "Traceback" not in done.stderr


def test_zombie(instep_cli: Cli) -> None:
    """A process that ended and was not reaped is said to have ended, with exit code 5."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    done = instep_cli("check", process.pid)
    process.wait()
    assert done.returncode == 5
    assert "has ended; its parent has not asked for its exit status yet" in done.stderr


def test_process_ends_while_it_is_read(
    target: TargetFactory, instep_cli: Cli, tmp_path: Path
) -> None:
    """Whenever a process is killed during a check, the answer is one of the documented ones."""
    program = own_program(tmp_path)
    for delay in range(1, 200, 20):
        running = target(program)
        killer = f"import os, signal, time; time.sleep({delay / 1000}); os.kill({running.pid}, 9)"
        with subprocess.Popen([sys.executable, "-I", "-S", "-c", killer]):
            done = instep_cli("check", running.pid)
        assert done.returncode in {0, 5}, done.stderr
        assert "Traceback" not in done.stderr
        assert running.end() == -9


def test_process_executes_another_program_while_it_is_read(
    target: TargetFactory, instep_cli: Cli, tmp_path: Path
) -> None:
    """A process that becomes another program again and again gives an answer and no traceback."""
    program = own_program(
        tmp_path,
        "import os, sys, time\n"
        "import _ready\n"
        "turn = int(sys.argv[1]) if sys.argv[1:] else 0\n"
        "_ready.ready() if not turn else None\n"
        "def answer(): return 42\n"
        "time.sleep((turn % 7) / 100)\n"
        "os.execv(sys.executable, [sys.executable, sys.argv[0], str(turn + 1)])\n",
    )
    running = target(program)
    for _ in range(10):
        done = instep_cli("check", running.pid)
        assert done.returncode in {0, 3, 5}, done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.10"])
def test_old_python_is_refused_by_name(
    target: TargetFactory, instep_cli: Cli, version: str, tmp_path: Path
) -> None:
    """A Python that instep can't read is refused by its name, with exit code 3."""
    found = sorted(PYENV.glob(f"{version}.*/bin/python{version}"))
    if not found:
        pytest.skip(f"no Python {version}")
    program = tmp_path / "old.py"
    program.write_text(
        "import os, sys\n"
        "fifo = os.open(os.environ['INSTEP_READY_FIFO'], os.O_WRONLY)\n"
        "os.write(fifo, b'ready\\n')\n"
        "sys.stdin.read()\n"
    )
    running = target(program, argv=[str(found[0])])
    done = instep_cli("check", running.pid)
    assert done.returncode == 3
    assert "[unsupported-build]" in done.stderr
    name = {"2.7": "Python 2", "3.6": "Python 3.6,", "3.10": "CPython 3.10 or older"}[version]
    assert name in done.stderr


def test_deleted_interpreter(target: TargetFactory, instep_cli: Cli, tmp_path: Path) -> None:
    """A process whose interpreter was deleted is still proven: the file lives while it runs."""
    base = Path(sys.executable).resolve()
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / base.name
    shutil.copy(base, python)
    running = target(own_program(tmp_path), argv=[str(python)])
    python.unlink()
    done = instep_cli("check", running.pid)
    assert done.returncode == 0, done.stdout + done.stderr


def test_interpreter_replaced_by_another_build(
    target: TargetFactory, instep_cli: Cli, tmp_path: Path
) -> None:
    """If the library of the interpreter on disk is another build than runs, that is unproven."""
    found = [one for one in found_interpreters() if one.kind == "pyenv"]
    libraries = (
        [*Path(found[0].argv[0]).parents[1].glob("lib/libpython3.*.so.1.0")] if found else []
    )
    if not libraries:
        pytest.skip("needs an interpreter with a library of its own")
    data = bytearray(libraries[0].read_bytes())
    data[48] = 1  # e_flags of the ELF header, which means nothing on this machine
    (tmp_path / libraries[0].name).write_bytes(data)
    program = own_program(tmp_path)
    running = target(program, argv=found[0].argv, env={"LD_LIBRARY_PATH": str(tmp_path)})
    assert str(tmp_path / libraries[0].name) in Path(f"/proc/{running.pid}/maps").read_text()
    done = instep_cli("check", running.pid)
    assert (done.returncode, "it was replaced" in done.stdout) == (3, True), done.stdout


@needs_root
@pytest.mark.parametrize("flags", [["-m"], ["-p", "-f"], ["-p", "-f", "--mount-proc"]])
def test_other_namespaces(strangers: Strangers, instep_cli: Cli, flags: list[str]) -> None:
    """A process in another mount or pid namespace is proven like any other."""
    program = strangers.write("program.py", WAITS)
    parent = strangers.start(["unshare", *flags, shared_python(), program], user=0)
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    done = instep_cli("check", children[0] if "-f" in flags else parent)
    for child in map(int, children):
        os.kill(child, 9)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_root
@pytest.mark.parametrize("version", ["3.13.18", "3.14.10", "3.15.2"])
def test_chroot(strangers: Strangers, instep_cli: Cli, version: str) -> None:
    """In another root, absolute links lead to files of that root, and an edit there is found."""
    found = [one for one in found_interpreters() if one.version == version and one.chroot_argv]
    if not found:
        pytest.skip("not unpacked")
    root, argv = found[0].root, found[0].chroot_argv
    assert root is not None
    assert argv is not None
    folder = Path(root, "tmp", f"bad-luck-{os.getpid()}-{version}")
    folder.mkdir(parents=True)
    try:
        inside = Path("/", folder.relative_to(root))
        (folder / "real.py").write_text(WAITS)
        (folder / "program.py").symlink_to(inside / "real.py")
        pid = strangers.start([*argv, inside / "program.py"], user=0)
        first = instep_cli("check", pid)
        (folder / "real.py").write_text(WAITS.replace("42", "43"))
        second = instep_cli("check", pid)
    finally:
        shutil.rmtree(folder)
    assert (first.returncode, second.returncode) == (0, 1), first.stdout + second.stdout
    assert "42 -> 43" in second.stdout


def test_port_of_nothing_and_of_a_server(
    target: TargetFactory, instep_cli: Cli, tmp_path: Path
) -> None:
    """`:PORT` finds the process that listens there, and says so if there is none."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = instep_cli("check", f":{port}")
    assert done.returncode == 5
    assert f"listens on port {port}" in done.stderr
    listen = f"import socket\n\nserver = socket.create_server(('127.0.0.1', {port}))\n"
    running = target(own_program(tmp_path, listen + TEXT))
    done = instep_cli("check", f":{port}")
    assert done.returncode == 0, done.stderr
    assert f"pid {running.pid} " in done.stdout


def test_script_path_of_several_processes(
    target: TargetFactory, instep_cli: Cli, tmp_path: Path
) -> None:
    """A script's path means every process that runs it, wherever that was started from."""
    program = own_program(tmp_path, name="script.py")
    (tmp_path / "own").mkdir()
    pids = {target(program).pid, target(Path("own/../script.py"), cwd=tmp_path).pid}
    for name, folder in (("script.py", tmp_path), (str(program), Path("/"))):
        done = instep_cli("check", name, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {pid for pid in pids if f"pid {pid} " in done.stdout} == pids


def test_path_that_nothing_runs(instep_cli: Cli, tmp_path: Path) -> None:
    """The path of a script that no process runs matches nothing: exit code 5."""
    (tmp_path / "idle.py").write_text("")
    done = instep_cli("check", tmp_path / "idle.py")
    assert done.returncode == 5
    assert "no process that may be read runs" in done.stderr
